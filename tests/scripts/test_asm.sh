#!/bin/bash
# tools/asm.sh finds a kernel in every instruction set and counts what it says it counts.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
if [ -n "$CROSS" ] || [ "$(uname -m)" != x86_64 ] || ! command -v objdump >/dev/null; then
    echo "[  SKIPPED ] asm_counts_a_kernel"
    exit 0
fi
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
failed=0
verdict() { # NAME COMMAND...
    local name=$1; shift
    if "$@"; then echo "[       OK ] $name"; else echo "[  FAILED  ] $name"; failed=1; cat "$tmp/out" >&2; fi
}
make -s "B=$B" "$B/liblayer2_linalg.a" >"$tmp/out" 2>&1 || { cat "$tmp/out"; exit 1; }
cell() { awk -v v="$1" -v col="$2" '$1 == v { print $col }' "$tmp/out"; }

QUIET=1 B=$B tools/asm.sh dot_q4_0 >"$tmp/out"
verdict asm_finds_four_variants [ "$(awk '/^dot_/ { printf "%s ", $1 }' "$tmp/out")" = \
    "dot_q4_0_scalar dot_q4_0_avx2 dot_q4_0_avxvnni dot_q4_0_avx512 " ]
verdict asm_counts_byte_products [ "$(cell dot_q4_0_avx512 5)" -gt 0 -a "$(cell dot_q4_0_avxvnni 5)" -gt 0 ]
verdict asm_counts_none_in_the_naive_twin [ "$(cell dot_q4_0_scalar 5)" = 0 ]
verdict asm_sees_fewer_instructions_in_loops_than_in_all [ "$(cell dot_q4_0_avx512 3)" -gt 0 -a \
    "$(cell dot_q4_0_avx512 3)" -lt "$(cell dot_q4_0_avx512 2)" ]
B=$B tools/asm.sh dot_q4_0 >"$tmp/out"
verdict asm_prints_the_loop grep -q '^| .*vpdpbusd' "$tmp/out"

# A function that is known: two loads and one store of the stack in its loop, one FMA, none outside.
cat >"$tmp/known_simd.s" <<'S'
.globl known_avx2
known_avx2:
    vmovups (%rdi),%ymm0
1:  vmovups 32(%rsp),%ymm1
    vfmadd231ps 64(%rsp),%ymm1,%ymm0
    vmovups %ymm0,96(%rsp)
    dec %rsi
    jne 1b
    vmovups %ymm0,-32(%rsp)
    ret
S
mkdir "$tmp/b" && as "$tmp/known_simd.s" -o "$tmp/b/known_simd.avx2.o" && QUIET=1 B=$tmp/b tools/asm.sh known >"$tmp/out"
verdict asm_counts_what_is_in_the_loop [ "$(tail -n 1 "$tmp/out" | tr -s ' ')" = "known_avx2 8 5 1 0 0 2 1" ]

# A kernel that is a call of a part: the part is named, and counted on request.
printf '.globl shell_avx2\nshell_avx2: call part\n ret\npart: vfmadd231ps %%ymm2,%%ymm1,%%ymm0\n dec %%rsi\n jne part\n ret\n' >"$tmp/shell_simd.s"
as "$tmp/shell_simd.s" -o "$tmp/b/shell_simd.avx2.o" && QUIET=1 B=$tmp/b tools/asm.sh shell >"$tmp/out"
verdict asm_names_the_parts_of_a_kernel [ "$(tail -n 1 "$tmp/out")" = "functions of the same file, NAME:PART shows one: part " ]
QUIET=1 B=$tmp/b tools/asm.sh shell:part >"$tmp/out"
verdict asm_counts_a_part [ "$(tail -n 1 "$tmp/out" | tr -s ' ')" = "part avx2 4 3 1 0 0 0 0" ]
B=$tmp/b tools/asm.sh shell:whole >"$tmp/out" 2>&1
verdict asm_names_the_parts_if_there_is_no_such_part [ $? = 1 -a -n "$(grep 'HINT.* part ' "$tmp/out")" ]

B=$B tools/asm.sh dot_q4_7 >"$tmp/out" 2>&1
verdict asm_names_no_kernel_with_a_hint [ $? = 1 -a -n "$(grep HINT "$tmp/out")" ]
exit $failed
