#!/bin/bash
# asm.sh NAME: the machine code of one kernel, as compiled for each instruction set, and what to count in
# it. NAME is an op of a kernels.def, for example dot_q4_0; a kernel that calls functions of its own file
# is followed by their names, and NAME:PART shows one. Reads the objects in $B; QUIET=1 prints the table alone.
#
#   instr      instructions in all                 loop       those in its innermost loops
#   fma        multiply-adds of floats             int8       byte dot products (vpdpbusd, vpmaddubsw, sdot)
#   prefetch   in loops                            st.load, st.store   in loops, of the stack: a register
#                                                             that did not suffice, or an array of its own
cd "$(dirname "$0")/.." || exit 2
B=${B:-build} OBJDUMP=${OBJDUMP:-objdump} NM=${NM:-nm}
[ $# -eq 1 ] || { echo "usage: make asm FN=dot_q4_0" >&2; exit 2; }

name=${1%%:*} part=${1#"$name"}; part=${part#:}
# Lines "object symbol": the scalar twin first, then NAME_avx2 and so on, in the order of the widths.
found=$(for isa in scalar avx2 avxvnni avx512 neon dotprod; do
    case $isa in scalar) pattern='*.o' ;; *) pattern="*_simd.$isa.o" ;; esac
    find "$B" -path "$B/tests" -prune -o -name "$pattern" -print | LC_ALL=C sort | xargs -r "$NM" -A --defined-only 2>/dev/null |
        awk -F'[: ]' -v symbol="${name}_$isa" '$NF == symbol { print $1, $NF; exit }'
done)
if [ -z "$found" ]; then
    echo "$B has no kernel '$name'. HINT: the first column of the kernels.def files, for example dot_q4_0; build with make lib" >&2
    exit 1
fi

table=$(mktemp); trap 'rm -f "$table"' EXIT
# Functions of the file's own; not what the compiler cuts off (.cold) or adds (the sanitizers' _sub_I_).
parts() { "$NM" "$1" | awk '$2 == "t" && $3 !~ /\.cold$|^_sub_[DI]_/ { print $3 }' | LC_ALL=C sort; }
while read -r object symbol; do
    label=$symbol
    if [ -n "$part" ]; then
        parts "$object" | grep -qxF "$part" || continue
        label="$part ${symbol##*_}" symbol=$part
    fi
    "$OBJDUMP" -d --no-show-raw-insn --disassemble="$symbol" "$object" | awk -v symbol="$label" -v quiet="${QUIET:-}" -v table="$table" '
        BEGIN { fma_op = "^(vfn?m(add|sub)|fml[as]|fn?m(add|sub))"; byte_op = "^(vpdpbusd|vpmaddubsw|[su]dot|smull|smlal)" }
        $1 ~ /^[0-9a-f]+:$/ {
            n++; address = $1; sub(/:/, "", address)
            at[address] = n; op[n] = $2 ~ /^{/ ? $3 : $2; text[n] = $0; rest[n] = $0
            sub(/^[^\t]*\t/, "", text[n]); sub(/[ \t]*(#|<).*$/, "", rest[n]); sub(/^.*[ \t]/, "", rest[n])
            if ($2 ~ /^(j|b\.|cbn?z|tbn?z)/ && $2 != "jmp") { to = $3; if ($2 ~ /^cb/) to = $4; if ($2 ~ /^tb/) to = $5; jump[n] = to }
        }
        END {
            # The innermost loops, of those that multiply if there are any. A loop ends in a condition: a
            # plain jump back comes from a side path.
            for (i = 1; i <= n; i++) sum[i] = sum[i - 1] + (op[i] ~ fma_op || op[i] ~ byte_op)
            for (i in jump) if (jump[i] in at && at[jump[i]] <= i + 0) {
                from[i] = at[jump[i]]
                multiplies[i] = sum[i] > sum[from[i] - 1]
                any += multiplies[i]
            }
            for (i in from) if (any && !multiplies[i]) delete from[i]
            for (i in from) {
                inner = 1
                for (j in from) if (from[j] >= from[i] && j + 0 <= i + 0 && (from[j] > from[i] || j + 0 < i + 0)) inner = 0
                for (j = from[i]; inner && j <= i + 0; j++) loop[j] = 1
            }
            if (!quiet) printf "%s:\n", symbol
            for (i = 1; i <= n; i++) {
                if (!quiet) printf "%s %s\n", loop[i] ? "|" : " ", text[i]
                loops += loop[i]
                fma += op[i] ~ fma_op
                bytes += op[i] ~ byte_op
                if (!loop[i]) continue
                if (op[i] ~ /^(prefetch|prfm)/) ahead++
                if (op[i] ~ /^lea/ || rest[i] !~ /\(%rsp[,)]|-0x[0-9a-f]+\(%rbp[,)]|\[sp/) continue
                # The last operand is where the result goes; comparisons have none.
                if (op[i] ~ /^st/ || (rest[i] ~ /\)$/ && op[i] ~ /mov/)) stores++
                else loads++
            }
            if (!quiet) print ""
            printf "%-22s %6d %6d %6d %6d %9d %8d %9d\n", symbol, n, loops, fma, bytes, ahead, loads, stores >> table
        }'
done <<<"$found"
own=$(while read -r object symbol; do case $symbol in *_scalar) ;; *) parts "$object" ;; esac; done <<<"$found" | LC_ALL=C sort -u | tr '\n' ' ')
[ -s "$table" ] || { echo "'$name' has no part '$part'. HINT: its parts are: ${own:-none}" >&2; exit 1; }
printf '%-22s %6s %6s %6s %6s %9s %8s %9s\n' kernel instr loop fma int8 prefetch st.load st.store
cat "$table"
[ -n "$part" ] || [ -z "$own" ] || fold -s -w 96 <<<"functions of the same file, NAME:PART shows one: $own"
