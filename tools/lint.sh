#!/bin/bash
# lint.sh: proves the rules of the house. Every finding is one line, "file:line: what; what to do".
#
#   tools/lint.sh [CHECK...]     all checks, or some of:
#     text       includes go down, memory, exit, words, lengths, markers  (tools/lint_text.awk)
#     links      every relative link of the book leads somewhere, every demo is in a lesson, and that in the index
#     snips      no excerpt in lessons/ is stale
#     headers    each header compiles on its own, with the headers of its layer and below
#     arrays     no array whose length is only known at run time
#     closure    layers 1..N link whole without layer N + 1
#     names      each external symbol starts with a prefix of its layer; SIMD objects export twins only
#     format     clang-format's opinion (advice)
#
# CC, B (build directory with the libraries) and EMBED come from make. It also works in a checkout
# where upper layers are deleted. Exit status 1 if there are findings.
cd "$(dirname "$0")/.." || exit 2
CC=${CC:-gcc} B=${B:-build}
checks=${*:-text links snips headers arrays closure names format}
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
findings=0
finding() { echo "$*"; findings=$((findings + 1)); }
collect() { # FILE: findings that a check wrote, one per line
    if [ -s "$1" ]; then cat "$1"; findings=$((findings + $(grep -vc '^note:' "$1"))); fi
}

layers=(); for h in layer[1-6]_*/layer[1-6].h training/layer7.h; do [ -e "$h" ] && layers+=("${h%/*}"); done
number() { local n=${1#layer}; case $1 in training*) echo 7 ;; *) echo "${n%%_*}" ;; esac; }
includes() { # -I of layers 1..N
    local l
    for l in "${layers[@]}"; do
        [ "$(number "$l")" -le "$1" ] && find "$l" -type d ! -name demos -printf '-I%p '
    done
}
sources() { # every text file that is ours: not what was built, not a student's work/
    find . \( -name .git -o -name 'build*' -o -path ./work -o -path ./bench/out \) -prune -o -type f \
        \( -name '*.[chS]' -o -name '*.inc' -o -name '*.def' -o -name '*.md' -o -name '*.sh' -o -name '*.awk' \
        -o -name Makefile -o -name run \) -printf '%P\n' | sort
}
case $($CC -dumpmachine) in
    x86_64*) isa='-DSIMD_ISA_avx2 -mavx2 -mfma -mf16c' ;;
    *) isa='-DSIMD_ISA_neon' ;;
esac
simd_flags() { case $1 in *simd*) echo "$isa" ;; *) grep -qE '^#include "simd.*\.h"' "$1" && echo "$isa" ;; esac; }

check_text() {
    find "${layers[@]}" -name '*.h' -o -name '*.inc' | while read -r h; do
        echo "${h##*/} $(number "${h%%/*}") $h"
    done >"$tmp/map"
    sources | xargs awk -v headers="$tmp/map" -f tools/lint_text.awk >"$tmp/text"
    collect "$tmp/text"
}

# Links into a layer that is not in this checkout are left alone.
present() { case $1 in layer[1-6]_* | training/*) [ -d "${1%%/*}" ] ;; esac; }
check_links() {
    local demo page name
    sources | grep '\.md$' | xargs awk -f tools/links.awk | while IFS=$'\t' read -r where target; do
        present "$target" && [ ! -e "$target" ] && echo "$where: link to $target, which is not there; correct the path"
    done >"$tmp/links"
    collect "$tmp/links"
    for page in lessons/[0-9]_*.md; do
        [ ! -e "$page" ] || grep -qs "(${page#lessons/})" lessons/README.md || finding "$page:1: not in the index; add a line to lessons/README.md"
    done
    for demo in layer[1-6]_*/demos/lesson*.c training/demos/lesson*.c; do
        [ -e "$demo" ] || continue
        name=$(basename "$demo" .c)
        grep -qs "$name" lessons/"${name:6:1}"_*.md || finding "$demo:1: no lesson mentions ./$name; cite it in lessons/${name:6:1}_*.md"
    done
}

check_snips() {
    tools/excerpts.sh check --snips >"$tmp/snips" || [ -s "$tmp/snips" ] || echo "tools/excerpts.sh:1: failed" >"$tmp/snips"
    collect "$tmp/snips"
}

compile_only() { # FLAGS FILE, in parallel; the first error of each file
    xargs -P "$(nproc)" -d '\n' -n 1 sh -c '$0 -std=c11 -D_GNU_SOURCE -fsyntax-only $1 2>&1 | grep -m 1 -E "error|warning: .pragma" | sed "s/: \(fatal \)\?error//"' "$CC"
}
check_headers() {
    local h
    for h in $(find "${layers[@]}" -name '*.h' ! -name 'simd_*.h'); do
        echo "$(simd_flags "$h") $(includes "$(number "${h%%/*}")") -x c $h"
    done | compile_only | sed 's/$/; a header includes what it needs, from its own layer or below/' >"$tmp/headers"
    collect "$tmp/headers"
}
check_arrays() {
    local c
    for c in $(find "${layers[@]}" -name '*.c'); do
        echo "-Werror=vla $(simd_flags "$c") $(includes "$(number "${c%%/*}")") -Imodels -DSIXFOLD_VERSION=\"lint\" $c"
    done | compile_only >"$tmp/arrays"
    collect "$tmp/arrays"
}

library() { echo "$B/lib$1.a"; }
check_closure() {
    local l n lower='' lib sym extra
    echo 'int main(void) { return 0; }' >"$tmp/stub.c"
    for l in "${layers[@]}"; do
        n=$(number "$l"); lib=$(library "$l"); extra=''
        if [ ! -e "$lib" ]; then finding "$lib:1: not built; run make lib"; return; fi
        [ "$n" -ge 4 ] && [ -n "$EMBED" ] && extra=$EMBED
        [ "$n" -ge 5 ] && extra="$extra -lpcre2-8"
        [ "$n" -ge 6 ] && extra="$extra -ljansson"
        # Every object of layers 1..N, and nothing else: what is missing lies above, or nowhere.
        $CC "$tmp/stub.c" -Wl,--whole-archive "$lib" $lower -Wl,--no-whole-archive $extra -lm -lpthread -ldl -o "$tmp/stub" 2>&1 |
        grep -E 'undefined reference|multiple definition' |
        sed -E 's!.*[ /]((layer[1-6]_|training/)[^:]*:[0-9]+)!\1!; s!.*lib(layer[1-6]_[a-z]+|training)\.a\(([^)]*)\.o\):[^:]*!\1/\2.c:1!' | sort -u |
        grep "^$l/" | while IFS= read -r line; do
            sym=$(sed -E "s/.*(reference to|definition of) .([A-Za-z0-9_]+).*/\2/" <<<"$line")
            case $line in
                *multiple*) echo "${line%%: *}: second definition of '$sym'; make one of them static or rename it" ;;
                *) echo "${line%%: *}: layer $n needs '$sym', $(where "$sym" "$n")" ;;
            esac
        done >"$tmp/closure"
        collect "$tmp/closure"
        lower="$lib $lower"
    done
}
where() { # SYMBOL N: which layer above N defines it
    local l
    for l in "${layers[@]}"; do
        [ "$(number "$l")" -gt "$2" ] && nm -g --defined-only "$(library "$l")" 2>/dev/null | grep -q " $1\$" && echo "which is in layer $(number "$l"); call downwards only" && return
    done
    echo "which nothing up to here defines; write it or drop the call"
}

check_names() {
    local l n
    sort tools/prefixes.txt | awk '!/^#/ && NF >= 2 { for (i = 2; i <= NF; i++) { if ($i in of) printf "tools/prefixes.txt:1: word %s belongs to %s and %s; a word has one layer\n", $i, of[$i], $1; of[$i] = $1 } }' >"$tmp/twice"
    collect "$tmp/twice"
    for l in "${layers[@]}"; do
        n=$(number "$l")
        nm -A -g --defined-only "$(library "$l")" 2>/dev/null | awk -v layer="layer$n" -v room="$l" '
            FILENAME == ARGV[1] { if ($1 == layer) for (i = 2; i <= NF; i++) prefix[$i] = 1; next }
            { sym = $NF; object = $1; sub(/^[^:]*:/, "", object); sub(/:.*/, "", object)
              if (match(object, /_simd\.[a-z0-9]+\.o$/)) {
                  split(object, part, "."); isa = part[2]
                  if (sym !~ ("_" isa "$")) { printf "%s/%s.c:1: exports %s, which does not end in _%s; make it static\n", room, part[1], sym, isa; next }
              }
              for (p in prefix) if (sym == p || index(sym, p "_") == 1) next
              sub(/\.o$/, ".c", object)
              printf "%s/%s:1: exports %s, no word of %s; make it static, rename it, or add its first word to tools/prefixes.txt\n", room, object, sym, layer
            }' tools/prefixes.txt - >"$tmp/names"
        collect "$tmp/names"
    done
}

check_format() {
    command -v clang-format >/dev/null || return
    local n
    n=$(find "${layers[@]}" -name '*.[ch]' -print0 | xargs -0 -P "$(nproc)" -n 8 sh -c 'for f; do clang-format --dry-run -Werror "$f" >/dev/null 2>&1 || echo "$f"; done' sh | wc -l)
    [ "$n" -gt 0 ] && echo "note: clang-format would change $n files (tables are formatted by hand)"
}

for c in $checks; do
    type "check_$c" >/dev/null 2>&1 || { echo "lint: no check named '$c' (HINT: see the top of tools/lint.sh)"; exit 2; }
    "check_$c"
done
if [ "$findings" -gt 0 ]; then echo "lint: $findings findings"; exit 1; fi
echo "lint: clean ($checks)"
