#!/bin/bash
# peers.sh: this engine and others, in turns, on the same files: tokens per second and their ratios.
#
#   bench/peers.sh [-t THREADS] [-p N] [-n N] [-r ROUNDS] [-k KERNELS] --peer NAME=LLAMA_BENCH ... MODEL.gguf ...
#
# A peer is a program that takes the flags of llama.cpp's llama-bench (-m -p -n -r -t -o json): that of llama.cpp,
# of ik_llama.cpp ... In each round every engine runs both tests once (each warms up by itself), then comes the next
# engine, and after all the read test of sixfold's --roof; what is printed are medians over the rounds. So a
# disturbance costs everybody alike, and a machine whose bandwidth changes does so for all.
# Columns of the output (tab-separated): model, threads, test, tokens/s of sixfold, its share of what the machine
# can do (reading for tgN, multiplying for ppN), then for each peer its tokens/s and sixfold's over them.
# -k limits sixfold's kernels as SIXFOLD_KERNELS does; compare with peers that were built alike.
cd "$(dirname "$0")/.." || exit 2
threads=2 prompt=512 gen=64 rounds=3 kernels= names=() benches=() models=()
die() { echo "error: $1 HINT: $2" >&2; exit 2; }
while [ $# -gt 0 ]; do
    case $1 in
        -t) threads=$2; shift 2 ;;
        -p) prompt=$2; shift 2 ;;
        -n) gen=$2; shift 2 ;;
        -r) rounds=$2; shift 2 ;;
        -k) kernels=$2; shift 2 ;;
        --peer) case $2 in *=*) ;; *) die "--peer is '$2', expected is NAME=PROGRAM." "--peer llama.cpp=/path/to/llama-bench" ;; esac
                names+=("${2%%=*}"); benches+=("${2#*=}"); shift 2 ;;
        -h|--help) sed -n '2,/^cd/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        -*) die "'$1' is no flag." "bench/peers.sh --help" ;;
        *) models+=("$1"); shift ;;
    esac
done
[ ${#models[@]} -gt 0 ] || die "no model is named." "bench/peers.sh --help"
sixfold=${ROOTBIN:-.}/sixfold
for b in "$sixfold" "${benches[@]}"; do [ -x "$b" ] || die "'$b' is no program." "build it first"; done
for m in "${models[@]}"; do [ -r "$m" ] || die "'$m' cannot be read." "check the path"; done
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT

# JSON of either kind on stdin: "TEST RATE" for each test, then what the machine can do, if it is said.
rates() {
    tr ',{}' '\n\n\n' | awk -F'"?: *' '{ gsub(/[" \t\[\]]/, "", $1); gsub(/[" \t\]]/, "", $2) }
        $1 == "n_prompt" { p = $2 } $1 == "n_gen" { g = $2 }
        $1 == "avg_ts" || $1 == "median_ts" { print (p > 0 ? "pp" p : "tg" g), $2 }
        $1 == "share" { print (p > 0 ? "share_pp" p : "share_tg" g), $2 }'
}
one() { # ENGINE MODEL: appends to $tmp/ENGINE.TEST
    local e=$1 m=$2
    if [ "$e" = sixfold ]; then
        SIXFOLD_KERNELS=$kernels "$sixfold" bench -q -m "$m" -t "$threads" -p "$prompt" -n "$gen" -r 1 --roof -o json
    else
        "$e" -m "$m" -t "$threads" -p "$prompt" -n "$gen" -r 1 -o json 2>"$tmp/say"
    fi | rates >"$tmp/now"
    [ -s "$tmp/now" ] || { echo "warning: no figures from $e for $m: $(tail -n 1 "$tmp/say" 2>/dev/null)" >&2; return; }
    while read -r test rate; do echo "$rate" >>"$tmp/${e//\//_}.$test"; done <"$tmp/now"
}
median() { [ -s "$1" ] && sort -g "$1" | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }' || echo nan; }

printf 'model\tthreads\ttest\tsixfold\tshare %%'
for n in "${names[@]}"; do printf '\t%s\tx %s' "$n" "$n"; done; echo
for m in "${models[@]}"; do
    rm -f "$tmp"/*.pp* "$tmp"/*.tg*
    for ((r = 1; r <= rounds; r++)); do
        [ -t 2 ] && printf '\r%s: round %d of %d ' "${m##*/}" "$r" "$rounds" >&2
        for e in sixfold "${benches[@]}"; do one "$e" "$m"; done
    done
    [ -t 2 ] && printf '\r\033[K' >&2
    for test in pp$prompt tg$gen; do
        [ "${test#??}" = 0 ] && continue
        ours=$(median "$tmp/sixfold.$test")
        printf '%s\t%d\t%s\t%.4g\t%.0f' "${m##*/}" "$threads" "$test" "$ours" "$(median "$tmp/sixfold.share_$test" | awk '{ print 100 * $1 }')"
        for b in "${benches[@]}"; do
            theirs=$(median "$tmp/${b//\//_}.$test")
            printf '\t%.4g\t%s' "$theirs" "$(echo "$ours $theirs" | awk '{ if ($2 > 0) printf "%.2f", $1 / $2; else printf "nan" }')"
        done
        echo
    done
done
