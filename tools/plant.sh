#!/bin/bash
# plant.sh [WORD...]: is every twin really tested? Each line of tests/plants.txt plants one error in a
# copy of the tree, rebuilds one test program, and that program must fail. With words, only the lines
# that contain one of them. Prints one verdict per line, in the form that tools/run_tests.sh counts,
# and fails if a planted error went unnoticed, a line no longer changes its file, or a SIMD file has
# no line at all.
cd "$(dirname "$0")/.." || exit 2
export B=${B:-build}
case $B in /*) echo "plant.sh: B must be relative, not $B" >&2; exit 2 ;; esac
unset MAKEFLAGS MFLAGS MAKELEVEL
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT

# The lines to do: number, file, sed expression, test.
awk -v words="$*" 'BEGIN { n = split(words, w, " ") } /^#/ || !/ :: / { next }
    { use = !n; for (i = 1; i <= n; i++) if (index($0, w[i])) use = 1; if (use) print NR " :: " $0 }' tests/plants.txt >"$tmp/lines"

plant() { # NUMBER FILE EXPRESSION TEST, in the copy
    local name="plant_$1_$(basename "$2" .c | tr -c 'A-Za-z0-9_\n' _)" why
    [ -e "$2" ] || { case $2 in layer* | training/*) [ -d "${2%%/*}" ] || { echo "[  SKIPPED ] $name"; return; } ;; esac; }
    case $2 in *_simd.c) if [ "$(uname -m)" = x86_64 ] && ! grep -qw avx2 /proc/cpuinfo; then echo "[  SKIPPED ] $name"; return; fi ;; esac
    cp -p "$2" "$tmp/before.$1" 2>/dev/null || { echo "$2 is not there"; echo "[  FAILED  ] $name"; return; }
    sed -i -E "$3" "$2"
    if cmp -s "$2" "$tmp/before.$1"; then why="'$3' changes nothing in $2"
    elif ! make -s "B=$B" "$B/$4" >"$tmp/log.$1" 2>&1; then why="does not build with '$3' in $2: $(grep -m 1 error "$tmp/log.$1")"
    elif timeout 120 "$B/$4" >"$tmp/log.$1" 2>&1; then why="$4 did not notice '$3' in $2"
    fi
    cp "$tmp/before.$1" "$2" && touch "$2"
    if [ -n "$why" ]; then echo "tests/plants.txt:$1: $why"; echo "[  FAILED  ] $name"; else echo "[       OK ] $name"; fi
}
worker() { # FIRST STEP: its own copy, every STEP-th line; lines of one file follow each other
    cd "$tmp/tree$1" || exit 2
    awk -v first="$1" -v step="$2" 'NR % step == first' "$tmp/lines" >"$tmp/lines.$1"
    while IFS= read -r line; do
        plant "${line%% :: *}" "$(cut -d' ' -f3 <<<"$line")" "$(sed 's/^[0-9]* :: [^ ]* :: \(.*\) :: [^ ]*$/\1/' <<<"$line")" "${line##* :: }"
    done <"$tmp/lines.$1" >"$tmp/verdicts.$1"
}

workers=$(nproc); [ "$workers" -gt 4 ] && workers=4
# The tests pass without plants, else their failing says nothing.
sed 's/.* :: //' "$tmp/lines" | sort -u >"$tmp/tests"
while read -r t; do
    case $t in
        tests/layer7/*) [ -e training/layer7.h ] || continue ;;
        tests/layer*) d=${t#tests/}; compgen -G "${d%%/*}_*/layer*.h" >/dev/null || continue ;;
    esac
    make -s "B=$B" "$B/$t" >"$tmp/log" 2>&1 && timeout 120 "$B/$t" >"$tmp/log" 2>&1 || { echo "$t fails without any plant: $(tail -n 1 "$tmp/log")"; echo "[  FAILED  ] baseline_$(basename "$t")"; }
done <"$tmp/tests" >"$tmp/verdicts.base"
for ((i = 0; i < workers; i++)); do tools/copy_tree.sh "$tmp/tree$i" || exit 2; done
for ((i = 0; i < workers; i++)); do worker $i $workers & done
wait
if [ $# -eq 0 ]; then
    missing=$(find layer[1-6]_* $(ls -d training 2>/dev/null) -name '*_simd.c' | while read -r f; do grep -q "^$f :: " tests/plants.txt || echo "$f:1: no line in tests/plants.txt plants an error here"; done)
    if [ -n "$missing" ]; then echo "$missing"; echo "[  FAILED  ] every_simd_file_has_a_plant"; else echo "[       OK ] every_simd_file_has_a_plant"; fi >"$tmp/verdicts.cover"
fi
cat "$tmp"/verdicts.*
failed=$(cat "$tmp"/verdicts.* | grep -c '^\[  FAILED'); ok=$(cat "$tmp"/verdicts.* | grep -c '^\[       OK'); skipped=$(cat "$tmp"/verdicts.* | grep -c '^\[  SKIPPED')
echo "$ok passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$ok" -gt 0 ]
