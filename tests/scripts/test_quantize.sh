#!/bin/bash
# Other types for a model's weights, from the command line: quantize, imatrix, inspect --quality, --weights; what is
# refused, and that half a file never looks whole.
cd "$(dirname "$0")/../.." || exit 1
s=${ROOTBIN:-.}/sixfold
[ -x "$s" ] || { echo "[  SKIPPED ] quantize"; exit 0; }
s=$(realpath "$s")
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
llama3=tests/golden/llama3.gguf
story=models/storyteller.gguf # its rows are whole superblocks
unset SIXFOLD_KERNELS NO_COLOR "${!SIXFOLD_ARG_@}"
failed=0
why() { echo "    $*" >&2; return 1; }
verdict() { # NAME: runs the function of that name; 77 means skipped
    "$1" >"$tmp/say" 2>&1; local rc=$?
    case $rc in
        0) echo "[       OK ] $1" ;;
        77) echo "[  SKIPPED ] $1" ;;
        *) echo "[  FAILED  ] $1"; cat "$tmp/say" >&2; failed=1 ;;
    esac
}
# run CODE ARGS...: runs sixfold with an empty stdin; stdout in $tmp/out, stderr in $tmp/err.
run() {
    local want=$1; shift
    timeout 60 "$s" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null; local rc=$?
    [ $rc = "$want" ] || { why "exit code $rc instead of $want: sixfold $*"; cat "$tmp/err" >&2; return 1; }
}
# refused CODE TEXT ARGS...: empty stdout, one line "error: ..." with TEXT and a hint.
refused() {
    local code=$1 text=$2; shift 2
    run "$code" "$@" || return 1
    [ ! -s "$tmp/out" ] || why "stdout is not empty: sixfold $*" || return 1
    [ "$(grep -c '^error: ' "$tmp/err")" = 1 ] || why "not one error line: sixfold $*: $(cat "$tmp/err")" || return 1
    grep -q "^error: .*$text" "$tmp/err" || why "no '$text': $(cat "$tmp/err")" || return 1
    grep -q '^error: .*HINT: ' "$tmp/err" || why "no hint: $(cat "$tmp/err")"
}

valid_json() { python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$1"; }
quantize_writes_a_smaller_model_that_runs() {
    run 0 quantize $llama3 "$tmp/q8.gguf" Q8_0 && [ ! -s "$tmp/out" ] &&
    [ "$(stat -c %s "$tmp/q8.gguf")" -lt "$(stat -c %s $llama3)" ] || why "size" || return 1
    run 0 quantize "$tmp/q8.gguf" "$tmp/q4.gguf" q4_0 2 -q && [ ! -s "$tmp/err" ] &&
    run 0 logits -m "$tmp/q4.gguf" --tokens 1,2 --greedy 1 && [ ! -e "$tmp/q4.gguf.partial" ] || return 1
    cp "$tmp/q8.gguf" "$tmp/x.gguf.partial"
    refused 2 overwrite quantize $llama3 ./tests/../$llama3 Q8_0 &&
    refused 2 overwrite quantize "$tmp/x.gguf.partial" "$tmp/x.gguf" Q4_0 &&
    cmp "$tmp/q8.gguf" "$tmp/x.gguf.partial" &&
    refused 2 Q8_0 quantize $llama3 "$tmp/y.gguf" Q8_1 && refused 2 words quantize $llama3 &&
    refused 2 threads quantize $llama3 "$tmp/y.gguf" Q8_0 0 && refused 1 no/such quantize $llama3 "$tmp/no/such" F16 &&
    [ ! -e "$tmp/y.gguf" ]
}
quantize_shows_its_plan_and_obeys_its_flags() {
    run 0 quantize --dry-run $llama3 Q4_0 && grep -q '^blk.0.attn_q.weight  *F32 *-> Q4_0  *[0-9]* bytes$' "$tmp/out" &&
    grep -q '^token_embd.weight .*-> Q8_0 .*rows do not fit' "$tmp/out" && grep -q 'tensors change, .* MB -> .* MB$' "$tmp/out" || why "plan" || return 1
    run 0 quantize --dry-run $llama3 "$tmp/d.gguf" Q4_0 --pure --tensor-type 'attn_(q|k)=q8_0' --tensor-type attn=f16 --token-embedding-type bf16 --output-tensor-type q5_0 &&
    [ ! -e "$tmp/d.gguf" ] && grep -q '^blk.0.attn_q.weight .*-> Q8_0 ' "$tmp/out" && grep -q '^blk.0.attn_v.weight .*-> F16 ' "$tmp/out" &&
    grep -q '^blk.0.ffn_up.weight .*-> Q4_0 ' "$tmp/out" && grep -q '^token_embd.weight .*-> BF16 ' "$tmp/out" || why "flags" || return 1
    cp "$tmp/out" "$tmp/plan"
    run 0 quantize $llama3 "$tmp/d.gguf" Q4_0 --pure --tensor-type 'attn_(q|k)=q8_0' --tensor-type attn=f16 --token-embedding-type bf16 --output-tensor-type q5_0 -q &&
    run 0 inspect "$tmp/d.gguf" || return 1
    while read -r name from arrow to bytes rest; do
        [ "$arrow" != '->' ] || grep -qE "^$name +$to +$bytes bytes" "$tmp/out" || why "$name is no $to of $bytes bytes" || return 1
    done <"$tmp/plan"
    run 0 quantize --dry-run $llama3 Q4_0 --output-tensor-type q5_0 && grep -q '^token_embd.weight .*-> Q5_0 ' "$tmp/out" || why "tied" || return 1
    refused 2 'PATTERN=TYPE' quantize --dry-run $llama3 Q4_0 --tensor-type attn && refused 2 'regular' quantize --dry-run $llama3 Q4_0 --tensor-type '(=q8_0' &&
    refused 2 "'q99'" quantize --dry-run $llama3 Q4_0 --tensor-type 'a=q99' && refused 2 'type .q7. cannot' quantize $llama3 "$tmp/e" q7 &&
    refused 1 no/such quantize --dry-run $llama3 Q4_0 --imatrix no/such || return 1
    run 0 quantize --help && grep -q '^  Q8_0 ' "$tmp/out" || return 1
    run 0 quantize "$tmp/d.gguf" "$tmp/e.gguf" Q4_0 && grep -q 'warning: .*quantised already' "$tmp/err" &&
    run 0 quantize --allow-requantize "$tmp/d.gguf" "$tmp/e.gguf" Q4_0 && ! grep -q already "$tmp/err"
}
# A file that takes long enough to be interrupted.
a_half_written_file_never_looks_whole() {
    command -v python3 >/dev/null || return 77
    python3 - "$tmp/big.gguf" <<'P'
import struct, sys
def s(t): return struct.pack("<Q", len(t)) + t.encode()
n, w, rows = 24, 256, 4096
head = b"GGUF" + struct.pack("<IQQ", 3, n, 1) + s("general.architecture") + struct.pack("<I", 8) + s("toy")
for i in range(n): head += s("blk.%d.ffn_up.weight" % i) + struct.pack("<IQQIQ", 2, w, rows, 1, i * w * rows * 2)
head += bytes(-len(head) % 32)
with open(sys.argv[1], "wb") as f:
    f.write(head)
    row = b"".join(struct.pack("<H", 0x2c00 + (i * 7919) % 4096) for i in range(w))
    for i in range(n): f.write(row * rows)
P
    local i pid rc
    run 0 quantize "$tmp/big.gguf" "$tmp/whole.gguf" Q8_0 -q || return 1
    for i in 0 1 2 3 4 5 6 7 8 9; do
        rm -f "$tmp/o.gguf" "$tmp/o.gguf.partial"
        "$s" quantize "$tmp/big.gguf" "$tmp/o.gguf" Q8_0 -q & pid=$!
        sleep 0.0$((i * i / 2 + i))
        kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
        [ ! -e "$tmp/o.gguf" ] || run 0 inspect "$tmp/o.gguf" || why "a whole name, not a whole file" || return 1
        # Between the last byte and the new name it is whole; before, it is refused.
        [ ! -s "$tmp/o.gguf.partial" ] || cmp -s "$tmp/o.gguf.partial" "$tmp/whole.gguf" ||
            refused 3 HINT inspect "$tmp/o.gguf.partial" || return 1
    done
    # What was left behind does not stand in the way.
    run 0 quantize "$tmp/big.gguf" "$tmp/o.gguf" Q8_0 -q && [ ! -e "$tmp/o.gguf.partial" ] && run 0 inspect "$tmp/o.gguf" || return 1
    rm "$tmp/o.gguf"
    ( trap '' XFSZ; ulimit -f 2000; "$s" quantize "$tmp/big.gguf" "$tmp/o.gguf" Q8_0 -q 2>"$tmp/err" ); rc=$?
    [ $rc = 1 ] && grep -q 'cannot write .*HINT' "$tmp/err" && [ ! -e "$tmp/o.gguf" ] && [ ! -e "$tmp/o.gguf.partial" ] || why "limit: $rc $(cat "$tmp/err")"
}
imatrix_collects_stops_and_goes_on() {
    [ -r LICENSE ] || return 77
    run 0 imatrix -m $llama3 -f LICENSE -o "$tmp/im.gguf" -c 16 --chunks 6 -q && [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ] &&
    run 0 inspect "$tmp/im.gguf" && grep -q '^general.type .*"imatrix"' "$tmp/out" && grep -q '^imatrix.chunk_count .* 6$' "$tmp/out" &&
    grep -q '^blk.0.attn_q.weight.in_sum2  *F32 .*\[64, 1\]' "$tmp/out" || why "file" || return 1
    run 0 imatrix -m $llama3 -f LICENSE -o "$tmp/im2.gguf" -c 16 --chunks 4 -t 2 -q && run 0 imatrix -m $llama3 -f LICENSE -o "$tmp/im2.gguf" -c 16 --chunks 6 --resume -q &&
    cmp "$tmp/im.gguf" "$tmp/im2.gguf" || why "resumed, other bits" || return 1
    run 0 quantize $llama3 "$tmp/qi.gguf" Q4_0 --imatrix "$tmp/im.gguf" -q && run 0 inspect "$tmp/qi.gguf" &&
    grep -q '^quantize.imatrix.chunks_count .* 6$' "$tmp/out" || why "quantize" || return 1
    refused 2 -o imatrix -m $llama3 -f LICENSE && refused 2 -f imatrix -o "$tmp/x" && refused 2 'one chunk' imatrix -f LICENSE -o "$tmp/x" -c 100000 &&
    refused 2 'the model itself' imatrix -m "$tmp/im.gguf" -f LICENSE -o "$tmp/im.gguf" &&
    refused 3 'no importance matrix' quantize $llama3 "$tmp/x" Q8_0 --imatrix LICENSE && refused 3 'no importance matrix' quantize $llama3 "$tmp/x" Q8_0 --imatrix $llama3 && [ ! -e "$tmp/x" ]
}
inspect_quality_compares_two_files() {
    run 0 quantize $llama3 "$tmp/qa.gguf" Q8_0 -q && run 0 inspect --quality $llama3 "$tmp/qa.gguf" -q -f LICENSE -c 32 &&
    grep -q '^blk.0.attn_q.weight  *F32  *Q8_0  *1.0625 ' "$tmp/out" && grep -q '^total ' "$tmp/out" && grep -q '^mean KL divergence  0.00' "$tmp/out" &&
    grep -q '^same top token  *[0-9]' "$tmp/out" && grep -q '^perplexity .* -> ' "$tmp/out" || why "table" || return 1
    refused 2 'two models' inspect --quality $llama3 && refused 3 no/such inspect --quality $llama3 "$tmp/no/such" && refused 2 unexpected inspect $llama3 $llama3 || return 1
    command -v python3 >/dev/null || return 0
    run 0 inspect --quality $llama3 "$tmp/qa.gguf" -q --json && valid_json "$tmp/out" && run 0 inspect --quality $llama3 $llama3 -q --json -f LICENSE -c 32 && python3 - "$tmp/out" <<'P'
import json, sys
q = json.load(open(sys.argv[1]))
assert q["total"]["rmse"] == 0 and q["total"]["max_error"] == 0 and q["text"]["mean_kl"] == 0 and q["text"]["same_top"] == 1, q
assert q["text"]["ppl_a"] == q["text"]["ppl_b"] and abs(q["total"]["bytes_per_weight"] - 4) < 1e-9
P
}
weights_are_repacked_on_request() {
    local t
    run 0 quantize $llama3 "$tmp/w.gguf" Q8_0 -q && run 0 logits -m "$tmp/w.gguf" --tokens 1,2,3 --greedy 3 -q && cp "$tmp/out" "$tmp/asis" || return 1
    for t in f32 f16 bf16 q8_0 q4_0 asis; do
        run 0 logits -m "$tmp/w.gguf" --tokens 1,2,3 --greedy 3 --weights $t || return 1
        case $t in f32) cmp "$tmp/asis" "$tmp/out" && grep -q '^weights: .* MiB repacked as F32' "$tmp/err" || why "f32" || return 1 ;; esac
    done
    refused 2 'asis, f32' run -p x --weights q6_k
}
every_type_that_needs_importance_asks_for_it() {
    local t
    for t in IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ2_M IQ3_XXS IQ3_XS Q2_K_S; do
        refused 2 'without an importance matrix.*sixfold imatrix' quantize $story "$tmp/n.gguf" $t --allow-requantize && [ ! -e "$tmp/n.gguf" ] || return 1
    done
    run 0 imatrix -m $story -f LICENSE -o "$tmp/si.gguf" -c 64 --chunks 4 -q &&
    run 0 quantize $story "$tmp/n.gguf" IQ2_XXS --imatrix "$tmp/si.gguf" --allow-requantize -q && run 0 run -m "$tmp/n.gguf" -p Once -n 3 --temp 0 -q && [ -s "$tmp/out" ]
}
two_bits_and_one_go_from_the_file_to_the_text() {
    local t
    for t in Q2_0:0.2812:0.7 Q1_0:0.1406:0.6; do # type, bytes per weight, first digit of the relative error
        run 0 quantize $story "$tmp/few.gguf" ${t%%:*} --allow-requantize -q &&
        run 0 run -m "$tmp/few.gguf" -p 'Once upon a' -n 8 --temp 0 -q && [ "$(wc -c <"$tmp/out")" -gt 12 ] || return 1
        run 0 inspect --quality $story "$tmp/few.gguf" -q -f LICENSE -c 64 &&
        awk -v t=$t 'BEGIN { split(t, w, ":") } $3 == w[1] { n++; ok += $4 == w[2] && int($6 * 10 + 0.5) / 10 == w[3] }
            /^mean KL divergence / { kl = $4 } END { exit !(n >= 20 && ok >= n * 0.9 && kl > 0 && kl < 20) }' "$tmp/out" || why "$(cat "$tmp/out")" || return 1
    done
}
experts_have_an_importance_of_their_own() {
    local m=../shared/golden/models/mixtral.gguf
    [ -r $m ] || return 77
    run 0 imatrix -m $m -f LICENSE -o "$tmp/xi.gguf" -c 64 --chunks 4 -q && run 0 inspect "$tmp/xi.gguf" &&
    grep -q '^blk.0.ffn_up_exps.weight.in_sum2  *F32 .*\[64, 4\]' "$tmp/out" && grep -q '^blk.0.ffn_up_exps.weight.counts  *F32 .*\[1, 4\]' "$tmp/out" &&
    run 0 quantize $m "$tmp/x.gguf" IQ4_NL --imatrix "$tmp/xi.gguf" && ! grep -q "which no token" "$tmp/err" || why "$(cat "$tmp/err")" || return 1
    run 0 imatrix -m $m -f LICENSE -o "$tmp/xi.gguf" -c 2 --chunks 1 -q &&
    run 0 quantize $m "$tmp/x.gguf" Q4_0 --imatrix "$tmp/xi.gguf" && grep -q 'warning: .*matrices of experts, which no token' "$tmp/err" || why "no warning: $(cat "$tmp/err")"
}

for name in quantize_writes_a_smaller_model_that_runs \
    quantize_shows_its_plan_and_obeys_its_flags \
    a_half_written_file_never_looks_whole \
    imatrix_collects_stops_and_goes_on \
    every_type_that_needs_importance_asks_for_it \
    two_bits_and_one_go_from_the_file_to_the_text \
    experts_have_an_importance_of_their_own \
    inspect_quality_compares_two_files \
    weights_are_repacked_on_request; do
    verdict $name
done
exit $failed
