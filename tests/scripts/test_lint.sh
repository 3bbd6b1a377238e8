#!/bin/bash
# A check that cannot fail is no check: in a copy of the tree each rule of tools/lint.sh is broken once,
# and lint must name the line. The copy as it is must pass.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
export B
unset MAKEFLAGS MFLAGS MAKELEVEL CHECKS
if [ -n "$SANITIZE$CROSS" ] || [ ! -e layer2_linalg/layer2.h ]; then
    echo "[  SKIPPED ] lint_notices_each_broken_rule"
    exit 0
fi
case $B in /*) echo "[  SKIPPED ] lint_notices_each_broken_rule"; exit 0 ;; esac
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
tools/copy_tree.sh "$tmp/tree" || exit 1
cd "$tmp/tree" || exit 1
failed=0
low=layer1_foundation/rng.c high=layer2_linalg/layer2.c
lint() { make -s "B=$B" ROOTBIN=. CHECKS="$1" lint >"$tmp/out" 2>&1; }

# broken NAME CHECKS MESSAGE FILE TEXT: appends TEXT to FILE, expects a failure that says MESSAGE.
broken() {
    local existed=0
    [ -e "$4" ] && { existed=1; cp -p "$4" "$tmp/before"; }
    printf '%b\n' "$5" >>"$4"
    if ! lint "$2" && grep -q -- "^$4:.*$3" "$tmp/out"; then echo "[       OK ] $1"; else
        echo "[  FAILED  ] $1"; failed=1; tail -n 5 "$tmp/out" >&2
    fi
    if [ $existed = 1 ]; then cp "$tmp/before" "$4"; touch "$4"; else rm "$4"; fi
}

if make -s "B=$B" ROOTBIN=. lint >"$tmp/out" 2>&1; then echo "[       OK ] tree_is_clean"; else
    echo "[  FAILED  ] tree_is_clean"; failed=1; grep -v '^note:' "$tmp/out" >&2
fi

broken upward_include text 'layer 1 includes layer2.h of layer 2' $low '#include "layer2.h"'
broken upward_include_in_a_test text 'layer 1 includes layer2.h of layer 2' tests/layer1/test_rng.c '#include "layer2.h"'
broken include_through_parent text 'through \.\./' $high '#include "../layer1_foundation/rng.h"'
broken two_headers_of_one_name text 'second header named rng.h' layer2_linalg/rng.h ''
broken memory_outside_arena text 'memory comes from arena.h' $low 'void *rng_get(void) { return malloc(1); }'
broken exit_outside_main text 'exit outside main' $low 'void rng_leave(void) { exit(1); }'
broken alloca_call text alloca $low 'int rng_a(int n) { return *(int *)alloca(n); }'
broken banned_word text 'banned word' $low '/* A place''holder. */'
broken open_work_without_number text 'issue number' README.md 'TO''DO: write this'
broken path_of_one_machine text 'path of one machine' $low '/* see /ro''ot/notes */'
broken file_beside_the_project text 'only tests may' $low 'static const char *rng_data = "../sha''red/x";'
broken instruction_set_in_a_body text 'instruction set' $low 'int rng_i(void)\n{\n#ifdef __AVX2__\n    return 1;\n#endif\n    return 0;\n}'
broken marker_without_end text 'has no end' $low '//@ begin rng-step'
broken long_function text 'the limit is 100' $low "int rng_long(int x)\n{\n$(yes '    x++;\n' | head -n 101 | tr -d '\n')    return x;\n}"
broken long_file text 'the limit is 500' layer1_foundation/long.h "$(yes '\n' | head -n 501 | tr -d '\n')"
broken dead_link links 'not there' README.md 'See [the lesson](lessons/no_such_lesson.md).'
broken demo_without_lesson links 'no lesson mentions' layer1_foundation/demos/lesson1_secret.c 'int main(void) { return 0; }'
broken header_that_needs_another headers 'unknown type' layer1_foundation/orphan.h 'Tensor orphan(void);'
broken array_of_unknown_length arrays 'variable length' $low 'int rng_v(int n);\nint rng_v(int n) { int a[n]; a[0] = n; return a[0]; }'
broken upward_symbol closure "layer 1 needs 'layer2_init', which is in layer 2" $low \
    'void layer2_init(void);\nvoid rng_up(void);\nvoid rng_up(void) { layer2_init(); }'
broken symbol_of_nobody closure 'nothing up to here defines' $low \
    'void rng_nobody(void);\nvoid rng_up(void);\nvoid rng_up(void) { rng_nobody(); }'
broken name_without_prefix names 'exports sixpence_count, no word of layer1' $low 'int sixpence_count;'
simd=$(find layer2_linalg -name '*_simd.c' | sort | head -n 1)
[ -z "$simd" ] || broken shared_function_in_simd_file names 'exports dot_shared, which does not end in' "$simd" 'int dot_shared;'
exit $failed
