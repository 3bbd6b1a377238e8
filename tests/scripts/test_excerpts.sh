#!/bin/bash
# The book cannot lie for long: tools/excerpts.sh notices a changed source, a changed output, a missing
# excerpt, and refreshing twice changes nothing. Works on a small lesson of its own.
cd "$(dirname "$0")/../.." || exit 1
unset ROOTBIN # the lesson below has its program beside it
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
failed=0
verdict() { # NAME CONDITION...
    local name=$1; shift
    if "$@"; then echo "[       OK ] $name"; else echo "[  FAILED  ] $name"; failed=1; cat "$tmp/out" >&2; fi
}
check() { (cd "$tmp" && tools/excerpts.sh check "$@") >"$tmp/out" 2>&1; }
refresh() { (cd "$tmp" && tools/excerpts.sh refresh) >"$tmp/out" 2>&1; }
says() { ! check && grep -q "$1" "$tmp/out"; }

mkdir -p "$tmp/tools" "$tmp/lessons" "$tmp/layer1_foundation"
cp tools/excerpts.sh tools/excerpts.awk "$tmp/tools/"
touch "$tmp/layer1_foundation/layer1.h"
cat >"$tmp/layer1_foundation/sum.c" <<'C'
int sum(const int *x, int n)
{
    int s = 0;
    //@ begin sum-loop
    for (int i = 0; i < n; i++) {
        s += x[i];
    }
    //@ end sum-loop
    return s;
}
C
cat >"$tmp/lesson1_sum" <<'P'
#!/bin/bash
echo "sum of $1: 6  "
echo "it's a \"sum\" of \$3 \\"
echo
P
chmod +x "$tmp/lesson1_sum"
cat >"$tmp/lessons/1_sum.md" <<'M'
# Sums

<!-- snip layer1_foundation/sum.c sum-loop -->
```c
old text
```
<!-- run ./lesson1_sum '1 2 3' -->
```text
```
An example, not a block of ours:
```html
<!-- snip no/such.c file -->
```
<!-- snip layer2_linalg/dot.c of-a-layer-that-is-not-here -->
```c
kept
```
The end.
M

verdict old_text_is_reported says "lessons/1_sum.md:3: excerpt 'sum-loop' of 'layer1_foundation/sum.c' is stale"
verdict old_output_is_reported says "lessons/1_sum.md:7: output of './lesson1_sum '1 2 3'' is stale"
verdict refresh_succeeds refresh
cat >"$tmp/expected" <<'M'
# Sums

<!-- snip layer1_foundation/sum.c sum-loop -->
```c
for (int i = 0; i < n; i++) {
    s += x[i];
}
```
<!-- run ./lesson1_sum '1 2 3' -->
```text
sum of 1 2 3: 6
it's a "sum" of $3 \
```
An example, not a block of ours:
```html
<!-- snip no/such.c file -->
```
<!-- snip layer2_linalg/dot.c of-a-layer-that-is-not-here -->
```c
kept
```
The end.
M
verdict excerpt_is_dedented_and_output_trimmed diff "$tmp/expected" "$tmp/lessons/1_sum.md"
verdict fresh_lesson_passes check
refresh
verdict refresh_is_idempotent diff "$tmp/expected" "$tmp/lessons/1_sum.md"

sed -i 's/s += x/s -= x/' "$tmp/layer1_foundation/sum.c"
verdict changed_source_is_reported says "excerpt 'sum-loop' .* is stale"
snips_says() { ! check --snips && grep -q "sum-loop" "$tmp/out"; }
verdict changed_source_is_reported_without_programs snips_says
refresh
sed -i 's/: 6/: 7/' "$tmp/lesson1_sum"
verdict changed_output_is_reported says "output of .* is stale"
verdict snips_alone_do_not_run_programs check --snips
refresh
sed -i 's/sum-loop/total/' "$tmp/layer1_foundation/sum.c"
verdict unknown_excerpt_is_reported says "no excerpt 'sum-loop' in layer1_foundation/sum.c"
sed -i 's/total/sum-loop/; /end sum-loop/d' "$tmp/layer1_foundation/sum.c"
verdict excerpt_without_end_is_reported says "has no end"
cp "$tmp/lessons/1_sum.md" "$tmp/before"
refresh
verdict failed_refresh_keeps_what_it_cannot_replace cmp "$tmp/before" "$tmp/lessons/1_sum.md"
rm "$tmp/layer1_foundation/sum.c"
verdict missing_file_is_reported says "a file that is not there"
sed -i 's|run ./lesson1_sum|run rm -rf|' "$tmp/lessons/1_sum.md"
verdict foreign_command_is_not_run says "may not run 'rm -rf"
sed -i "s|run rm -rf.* -->|run ./lesson1_sum x; touch here -->|" "$tmp/lessons/1_sum.md"
verdict second_command_is_not_run says "may not run"
verdict nothing_was_touched test ! -e "$tmp/here"
exit $failed
