#!/bin/bash
# The bench refuses to time what is wrong (its own self-test plants wrong twins), and its pictures come
# from the table, or a hint does.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
if [ -n "$CROSS" ] || [ ! -e layer6_inference/layer6.h ]; then
    echo "[  SKIPPED ] bench_refuses_wrong_twin"
    exit 0
fi
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
failed=0
verdict() { # NAME COMMAND...
    local name=$1; shift
    if "$@"; then echo "[       OK ] $name"; else echo "[  FAILED  ] $name"; failed=1; cat "$tmp/out" >&2; fi
}
make -s "B=$B" "ROOTBIN=${ROOTBIN:-.}" "$B/bench_compare" >"$tmp/out" 2>&1 || { cat "$tmp/out"; exit 1; }

# Its lines have the form that the runner counts.
"$B/bench_compare" --self-test --out "$tmp/table" 2>"$tmp/out" || failed=1
cell() { awk -F'\t' -v v="$1" -v col="$2" '$4 == v { print $col }' "$tmp/table/bench.tsv"; }
verdict wrong_twin_is_in_the_table_without_a_time \
    [ "$(cell wrong 5) $(cell wrong 10) $(cell wrong 17)" = "wrong 0.0 0.000" ]
verdict table_says_which_element_is_wrong grep -q 'element 999: ' "$tmp/table/bench.tsv"

"$B/bench_compare" --samples 3 --out "$tmp/table" >"$tmp/out" 2>&1
verdict fewer_than_nine_samples_are_refused [ $? = 2 ]
"$B/bench_compare" --op sofmax --out "$tmp/table" >"$tmp/out" 2>&1
verdict unknown_op_is_refused_with_a_hint grep -q HINT "$tmp/out"
"$B/bench_compare" --op act_q8 --size 9x9 --out "$tmp/table" >"$tmp/out" 2>&1
verdict unknown_size_is_refused [ $? = 2 ]

# Without gnuplot: a hint, no failure. bash and the tools of the script are found, gnuplot is not.
mkdir "$tmp/bin"
for tool in bash awk mktemp rm cat grep; do ln -s "$(command -v $tool)" "$tmp/bin/"; done
PATH="$tmp/bin" bash tools/draw_bench.sh "$tmp/table" >"$tmp/out" 2>&1
verdict no_gnuplot_is_a_hint_not_a_failure [ $? = 0 -a -n "$(grep HINT "$tmp/out")" ]
if command -v gnuplot >/dev/null; then
    tools/draw_bench.sh "$tmp/table" >"$tmp/out" 2>&1
    verdict pictures_come_from_the_table [ -s "$tmp/table/speedup_rest.svg" -a -s "$tmp/table/speedup_rest.png" ]
else
    echo "[  SKIPPED ] pictures_come_from_the_table"
fi
exit $failed
