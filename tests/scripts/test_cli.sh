#!/bin/bash
# The command line as scripts see it: what goes to stdout, what to stderr, exit codes, one-line errors
# with a hint, and that nothing a user can type or feed ends the program by a signal.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
s=${ROOTBIN:-.}/sixfold
[ -x "$s" ] || { echo "[  SKIPPED ] command_line"; exit 0; }
s=$(realpath "$s")
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
llama3=tests/golden/llama3.gguf
wired=models/wired.gguf # completes patterns: what it says is known
models=../shared/golden/models
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
out_is() { printf "$1" | cmp - "$tmp/out" || why "stdout differs"; }
# refused CODE TEXT ARGS...: empty stdout, one line "error: ..." with TEXT and a hint.
refused() {
    local code=$1 text=$2; shift 2
    run "$code" "$@" || return 1
    [ ! -s "$tmp/out" ] || why "stdout is not empty: sixfold $*" || return 1
    [ "$(grep -c '^error: ' "$tmp/err")" = 1 ] || why "not one error line: sixfold $*: $(cat "$tmp/err")" || return 1
    grep -q "^error: .*$text" "$tmp/err" || why "no '$text': $(cat "$tmp/err")" || return 1
    grep -q '^error: .*HINT: ' "$tmp/err" || why "no hint: $(cat "$tmp/err")"
}

# ------------------------------------------------------------------ run
the_prompt_is_echoed_and_one_newline_ends_the_answer() {
    run 0 run -m $wired -p "the cat saw the" -n 3 --temp 0 && out_is 'the cat saw the cat saw the\n' &&
    run 0 run -m $wired -p "the cat saw the" -n 3 --temp 0 --no-display-prompt && out_is ' cat saw the\n' &&
    run 0 run -m $wired -p "the cat" -n 0 && out_is 'the cat\n' &&
    run 0 run -m $wired -p "the cat" -n 9 --temp 0 && out_is 'the cat\n' && # the text ends at once
    run 0 run -m $wired -p "" -n 1 --temp 0 && out_is '\n' &&
    run 0 run -m $wired -p "the cat saw the" -n 9 --temp 0 -r nothing -r ' the' && out_is 'the cat saw the cat saw\n' &&
    run 0 run -e -p 'a\x20b\x61\ta \\\\' -n 0 && out_is 'a ba\ta \\\\\n'
}
the_prompt_comes_from_a_flag_a_file_or_a_pipe() {
    printf 'the cat saw the' >"$tmp/prompt"
    run 0 run -m $wired -f "$tmp/prompt" -n 1 --temp 0 && out_is 'the cat saw the cat\n' || return 1
    "$s" run -m $wired -n 1 --temp 0 <"$tmp/prompt" >"$tmp/out" 2>/dev/null && out_is 'the cat saw the cat\n' || return 1
    printf 'the cat saw the' | "$s" run -m $wired -n 1 --temp 0 >"$tmp/out" 2>/dev/null && out_is 'the cat saw the cat\n' || return 1
    echo other | "$s" run -m $wired -p 'the cat saw the' -n 1 --temp 0 >"$tmp/out" 2>/dev/null && out_is 'the cat saw the cat\n'
}
threads_go_where_they_are_told_and_the_answer_stays() {
    local cpu; cpu=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//') # the first of ours
    local mask; mask=$(printf '%x' $((1 << (cpu % 60))))
    for flags in "-C $mask" "--cpu-range $cpu-$cpu --cpu-strict 1" "--pin" "--numa distribute" "--numa isolate -t 3"; do
        [ "$cpu" -lt 60 ] || [ "$flags" != "-C $mask" ] || continue
        run 0 run -m $wired -p "the cat saw the" -n 3 --temp 0 -v $flags && out_is 'the cat saw the cat saw the\n' || return 1
        grep -q '^machine: [0-9]* core' "$tmp/err" || why "machine: $(cat "$tmp/err")" || return 1
    done
    run 0 run -m $wired -p "the cat" -n 1 -v --cpu-range "$cpu-$cpu" && grep -q '^machine: 1 core (1 CPU), 1 node' "$tmp/err" &&
    refused 2 'hexadecimal' run -p a --cpu-mask xyz && refused 2 'no CPU is named' run -p a --cpu-mask 0 &&
    refused 2 'does not read lo-hi' run -p a -Cr 3 && refused 2 'CPU 1023 does not' run -p a -Cr 1023-1023 &&
    refused 2 'from 0 to 1' run -p a --cpu-strict 2 && refused 2 'distribute, isolate or numactl' run -p a --numa all &&
    run 0 --version && grep -q '^this process may use: [0-9]* core.* node.* huge pages' "$tmp/out"
}
the_answer_is_on_stdout_and_timings_on_stderr() {
    run 0 run -m $wired -p "the cat saw the" -n 5 --temp 0 || return 1
    grep -q 'prompt eval time = .* ms / .* tokens (.* ms per token, .* tokens per second)' "$tmp/err" &&
    grep -q 'eval time = .* ms / .* runs' "$tmp/err" && grep -q 'total time = ' "$tmp/err" &&
    grep -q 'load time = ' "$tmp/err" || why "timings" || return 1
    run 0 run -m $wired -p "the cat saw the" -n 5 --temp 0 -q && [ ! -s "$tmp/err" ] || why "-q is not quiet" || return 1
    run 0 run -m $wired -p "the cat saw the" -n 5 --temp 0 -v && grep -q '^memory: ' "$tmp/err" && grep -q 'seed' "$tmp/err" || return 1
    run 0 run -m $wired -p "the cat saw the" -n 5 --temp 0 --profile=json && out_is 'the cat saw the cat saw the cat saw\n'
}
a_seed_repeats_a_text() {
    local a b
    a=$("$s" run -m $llama3 -p "x" -n 20 -s 7 -c 64 --ignore-eos -q </dev/null | cksum)
    b=$("$s" run -m $llama3 -p "x" -n 20 -s 7 -c 64 --ignore-eos -q -t 2 </dev/null | cksum)
    [ "$a" = "$b" ] || why "same seed, other text" || return 1
    b=$("$s" run -m $llama3 -p "x" -n 20 -s 8 -c 64 --ignore-eos -q </dev/null | cksum)
    [ "$a" != "$b" ] || why "other seed, same text"
}
a_full_context_ends_or_fails() {
    run 0 run -m $wired -p "the the" -c 20 --temp 0 && grep -q 'context of 20 tokens is full' "$tmp/err" || return 1
    run 4 run -m $wired -p "the the" -c 20 -n 100 --temp 0 && grep -q 'error: .*HINT: ' "$tmp/err" || return 1
    run 4 run -m $wired -p "the the" -c 20 -n 100 --temp 0 -q # quiet changes no exit code
}
a_context_beyond_the_training_is_noted() {
    run 0 run -p x -n 0 -c 300 && grep -q '^note: .*300 tokens.*trained with 256' "$tmp/err" || why "no note" || return 1
    run 0 run -p x -n 0 -c 300 -q && [ ! -s "$tmp/err" ] || why "-q is not quiet" || return 1
    run 0 run -p x -n 0 && ! grep -q '^note: ' "$tmp/err"
}
without_a_model_every_verb_opens_the_storyteller() {
    run 0 --version && grep -q '^embedded model: storyteller, [0-9.]* MB$' "$tmp/out" || why "version" || return 1
    run 0 inspect && grep -q '^(embedded model): ' "$tmp/out" && grep -q '^general.name .* "storyteller"$' "$tmp/out" &&
    grep -q '^tokenizer.chat_template ' "$tmp/out" && grep -q '^training.recipe ' "$tmp/out" || why "inspect" || return 1
    printf 'Once upon a time' | "$s" tokenize >"$tmp/ids" && [ "$(wc -w <"$tmp/ids")" = 5 ] || why "tokenize: $(cat "$tmp/ids")" || return 1
    run 0 detokenize "$(cat "$tmp/ids")" && printf 'Once upon a time' | cmp - "$tmp/out" || why "detokenize" || return 1
    run 0 logits --tokens "$(cat "$tmp/ids")" -o "$tmp/l" && [ "$(stat -c %s "$tmp/l")" = $((5 * 2048 * 4)) ] || why "logits" || return 1
    run 0 run -p 'Once upon a' -n 1 --temp 0 && out_is 'Once upon a time\n' || return 1
    run 0 bench -p 8 -n 2 -r 1 && grep -q embedded "$tmp/out" || return 1
    run 0 perplexity -f LICENSE -c 64 -q && grep -q '^Final estimate: PPL = ' "$tmp/out"
}
the_environment_sets_flags() {
    SIXFOLD_ARG_PREDICT=x SIXFOLD_ARG_N_PREDICT=2 run 0 run -m $wired -p "the cat saw the" --temp 0 && out_is 'the cat saw the cat saw\n' &&
    SIXFOLD_ARG_CTX_SIZE=none refused 2 SIXFOLD_ARG_CTX_SIZE run -p x &&
    SIXFOLD_KERNELS=warp9 refused 2 warp9 run -p x
}

# ------------------------------------------------------------------ chat
a_conversation_comes_through_a_pipe() {
    printf 'Hello!\nTell me\\\nmore.\n' | "$s" chat --temp 0 -n 9 >"$tmp/out" 2>"$tmp/err" || why "pipe" || return 1
    [ "$(wc -l <"$tmp/out")" -ge 2 ] && [ ! -s "$tmp/err" ] || why "stderr: $(cat "$tmp/err")" || return 1
    run 0 chat --temp 0 -n 9 -p 'Hello!' -st -q && [ ! -s "$tmp/err" ] && [ "$(cat "$tmp/out")" = "$(run 0 chat --temp 0 -n 9 -p 'Hello!' -q && cat "$tmp/out")" ] || why "-st" || return 1
    printf 'Hello!\n' | "$s" chat -st --temp 0 -n 9 | cmp - "$tmp/out" || return 1
    printf 'Hello!\n/save %s\n' "$tmp/talk" | "$s" chat --temp 0 -n 9 -sys 'Be <|im_end|> kind.' -q >"$tmp/out" &&
    grep -q '^{"messages": \[{"role": "system", "content": "Be <|im_end|> kind."}, {"role": "user", "content": "Hello!"}, {"role": "assistant", ' "$tmp/talk" || why "save" || return 1
    printf '/load %s\n/regen\n' "$tmp/talk" | "$s" chat --temp 0 -n 9 -q | cmp - "$tmp/out" || why "load" || return 1
    run 0 chat -p x -st -n 2 -m $wired && grep -q '^note: this file has no chat template; ChatML is used' "$tmp/err" &&
    run 0 chat -p x -st -n 2 -m $wired --chat-template '{{ messages[0].content }}' && ! grep -q note "$tmp/err" || why "templates" || return 1
    printf '[{{ messages[0].content }}]' >"$tmp/template" && run 0 chat -p x -st -n 2 -m $wired --chat-template-file "$tmp/template" &&
    run 0 chat -p "the cat saw the" -st --temp 0 -m $wired -n 3 --chat-template '{{ messages[0].content }}' && out_is ' cat saw the\n' &&
    run 0 chat -p "the cat saw the" -st --temp 0 -m $wired -n 9 -r ' the' --chat-template '{{ messages[0].content }}' && out_is ' cat saw\n' || return 1
    refused 2 'chatml, llama3' chat -p x -st --chat-template nobody && refused 3 'line 1' chat -p x -st --chat-template '{% if %}' &&
    refused 2 'holds no template' chat -p x -st --chat-template-file LICENSE && refused 4 'context holds 16' chat -p "$(printf 'x%.0s' {1..99})" -st -c 16 &&
    run 0 chat -p /statz -st -n 1 &&
    printf '/statz\n' | "$s" chat >"$tmp/out" 2>"$tmp/err"; [ $? = 2 ] && grep -q 'did you mean /stats?' "$tmp/err" &&
    refused 2 'auto, on or off' chat -p x --color maybe && refused 2 'from -1 to 0' chat -p x --reasoning-budget 5 &&
    refused 2 'expected is auto, deepseek' chat -p x --reasoning-format maybe && refused 3 'does not show tools' chat -p x --tools LICENSE &&
    refused 3 'LICENSE: JSON byte' chat -p x --tools LICENSE --chat-template '{% for t in tools %}{{ t.function.name }}{% endfor %}{% for m in messages %}{{ m.content }}{% endfor %}' || return 1
    printf 'a\377\n' | "$s" chat -q >"$tmp/out" 2>"$tmp/err"; [ $? = 2 ] && grep -q 'not UTF-8.*HINT' "$tmp/err"
}

# ------------------------------------------------------------------ tokens and logits
texts_become_vectors() {
    local nomic=tests/golden/families/nomic-bert.gguf rank=tests/golden/families/bert-rank.gguf
    # As they are unless asked; raw floats; a line of numbers per text; what the file says about pooling.
    run 0 embed -m $nomic --tokens 5,6,7 -o "$tmp/v" && [ ! -s "$tmp/out" ] && [ "$(stat -c %s "$tmp/v")" = 128 ] &&
    grep -q '^1 vector of 32 numbers, pooling mean$' "$tmp/err" || why "raw" || return 1
    run 0 embed -m $nomic --tokens 5,6,7 --pooling none -q && [ "$(wc -lw <"$tmp/out" | xargs)" = "3 96" ] && [ ! -s "$tmp/err" ] || why "none" || return 1
    run 0 embed -m $nomic --tokens 5,6,7 --normalize -q &&
    awk '{ for (i = 1; i <= NF; i++) s += $i * $i } END { exit !(NF == 32 && s > 0.99999 && s < 1.00001) }' "$tmp/out" || why "length" || return 1
    cp "$tmp/out" "$tmp/two" && run 0 embed -m $nomic --tokens 5,6,7 --embd-normalize 2 -q && cmp "$tmp/two" "$tmp/out" || return 1
    run 0 embed -m $rank --tokens 5,6,7 -q && [ "$(wc -lw <"$tmp/out" | xargs)" = "1 1" ] || why "rank" || return 1
    # A text per line, wherever it comes from; decoders have vectors too.
    run 0 embed -m $wired -p $'the cat\nthe dog' -q && [ "$(wc -l <"$tmp/out")" = 2 ] && cp "$tmp/out" "$tmp/two" || return 1
    printf 'the cat\nthe dog\n' >"$tmp/texts"
    run 0 embed -m $wired -f "$tmp/texts" -q && cmp "$tmp/two" "$tmp/out" || return 1
    "$s" embed -m $wired -q <"$tmp/texts" >"$tmp/out" && cmp "$tmp/two" "$tmp/out" || return 1
    run 0 embed -m $wired -p 'the cat||the dog' --embd-separator '||' -q && cmp "$tmp/two" "$tmp/out" || return 1
    run 0 embed -m $wired -f "$tmp/texts" --embd-separator '' -q && [ "$(wc -l <"$tmp/out")" = 1 ] || return 1
    run 0 embed -m $wired -f "$tmp/texts" -q -ub 1 --embd-output-format array && head -c 2 "$tmp/out" | grep -q '^\[\[' || return 1
    run 0 embed -m $wired -f "$tmp/texts" -q --embd-output-format json+ || return 1
    ! command -v python3 >/dev/null || python3 - "$tmp/out" <<'PY' || why "json+"
import json, sys
o = json.load(open(sys.argv[1]))
c = o["cosineSimilarity"]
assert o["object"] == "list" and [d["index"] for d in o["data"]] == [0, 1] and len(o["data"][0]["embedding"]) == 64
assert abs(c[0][0] - 1) < 1e-6 and c[0][1] == c[1][0] and 0 < c[0][1] < 1
PY
}
wrong_requests_for_vectors_are_explained() {
    local nomic=tests/golden/families/nomic-bert.gguf
    refused 2 "--pooling is 'max'" embed -p a --pooling max &&
    refused 2 "--embd-output-format is 'xml'" embed -p a --embd-output-format xml &&
    refused 2 'text 2 has no tokens' embed -m $wired --no-bos -p $'the\n\ncat' &&
    refused 2 'is no token id' embed -m $nomic --tokens 96 &&
    refused 2 'holds no id' embed -m $nomic --tokens ' ' &&
    refused 3 'cls.output.weight' embed -p a --pooling rank &&
    refused 3 'no tokenizer' embed -m $nomic -p a &&
    refused 4 '3 tokens does not fit into a context of 2' embed -m $nomic --tokens 1,2,3 -c 2 &&
    refused 4 'this model has positions for 64' embed -m tests/golden/families/bert-rank.gguf --tokens "$(seq -s, 0 64)"
}
logits_have_one_row_per_token() {
    run 0 logits -m $llama3 --tokens 1,2,3 --greedy 4 -o "$tmp/l" -ctk f32 -ctv f32 || return 1
    [ "$(stat -c %s "$tmp/l")" = $(((3 + 4) * 320 * 4)) ] || why "size" || return 1
    grep -qE '^[0-9]+ [0-9]+ [0-9]+ [0-9]+$' "$tmp/out" && [ "$(wc -l <"$tmp/out")" = 1 ] || why "ids" || return 1
    cp "$tmp/out" "$tmp/ids"
    run 0 logits -m $llama3 --tokens "1 2 3 $(cut -d' ' -f1-3 "$tmp/ids")" --greedy 1 -o "$tmp/l2" -ub 1 -ctk f32 -ctv f32 || return 1
    [ "$(cat "$tmp/out")" = "$(cut -d' ' -f4 "$tmp/ids")" ] || why "fed by hand, other id" || return 1
    run 0 logits -m $llama3 --tokens 1 -o "$tmp/l" && [ ! -s "$tmp/out" ] && [ "$(stat -c %s "$tmp/l")" = 1280 ]
}
tokenize_and_detokenize_are_inverse() {
    local text
    for text in 'hello world' ' two  spaces ' $'tab\tnewline\n' 'ä€😀' $'\xff\xfe' "it's 12345 o'clock"; do
        printf '%s' "$text" | "$s" tokenize -m $llama3 --no-bos >"$tmp/ids" || return 1
        [ "$(wc -l <"$tmp/ids")" = 1 ] && grep -qE '^[0-9 ]*$' "$tmp/ids" || why "ids: $(cat "$tmp/ids")" || return 1
        "$s" detokenize -m $llama3 "$(cat "$tmp/ids")" >"$tmp/out" </dev/null || return 1
        printf '%s' "$text" | cmp - "$tmp/out" || why "'$text' became '$(cat "$tmp/out")'" || return 1
        "$s" detokenize -m $llama3 <"$tmp/ids" | cmp - "$tmp/out" || return 1
    done
    printf '' | "$s" tokenize -m $llama3 --no-bos >"$tmp/out" && out_is '\n' || return 1
    printf 'the cat' | "$s" tokenize -m $wired >"$tmp/out" && [ "$(cut -d' ' -f1 "$tmp/out")" = 1 ] &&
    printf 'the cat' | "$s" tokenize -m $wired --no-bos >"$tmp/ids" && [ "1 $(cat "$tmp/ids")" = "$(cat "$tmp/out")" ] || why "bos" || return 1
    printf '</s>' | "$s" tokenize -m $wired --no-bos --parse-special >"$tmp/out" && out_is '2\n' || why "special" || return 1
    printf '</s>' | "$s" tokenize -m $wired --no-bos >"$tmp/out" && ! out_is '2\n' 2>/dev/null
}

# ------------------------------------------------------------------ inspect, bench
valid_json() { python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$1"; }
inspect_shows_keys_and_tensors() {
    run 0 inspect $llama3 && grep -q '^general.architecture .*"llama"' "$tmp/out" &&
    grep -q '^token_embd.weight  *F32 .*\[64, 320\]' "$tmp/out" || why "report" || return 1
    run 0 inspect && grep -q 'embedded' "$tmp/out" || return 1
    run 0 inspect $llama3 --tensor output_norm.weight --f32 "$tmp/f" && [ "$(stat -c %s "$tmp/f")" = 256 ] &&
    grep -q '^output_norm.weight F32 \[64\] min ' "$tmp/out"
}
inspect_works_on_architectures_we_cannot_run() {
    [ -d $models ] || return 77
    local f
    for f in $models/*.gguf ../shared/golden/quantised/*.gguf; do run 0 inspect "$f" && [ -s "$tmp/out" ] || return 1; done
}
inspect_json_is_json() {
    command -v python3 >/dev/null || return 77
    local f
    run 0 inspect --json && valid_json "$tmp/out" || return 1
    for f in $llama3 $models/bert.gguf $models/mamba.gguf $models/gpt2.gguf; do
        [ -r "$f" ] || continue
        run 0 inspect "$f" --json && valid_json "$tmp/out" || why "$f" || return 1
    done
}
bench_json_has_the_promised_shape() {
    command -v python3 >/dev/null || return 77
    run 0 bench -m $llama3 -p 16 -n 4 -t 2 -r 3 -o json && python3 - "$tmp/out" <<'P' || return 1
import json, sys
a = json.load(open(sys.argv[1]))
assert [x["test"] for x in a] == ["pp16", "tg4"], a
for x in a:
    assert set(x) >= {"test", "n_prompt", "n_gen", "n_threads", "median_ts", "min_ts", "max_ts", "samples_ts"}
    assert len(x["samples_ts"]) == 3 and x["n_threads"] == 2
    assert 0 < x["min_ts"] <= x["median_ts"] <= x["max_ts"]
assert (a[0]["n_prompt"], a[0]["n_gen"], a[1]["n_prompt"], a[1]["n_gen"]) == (16, 0, 0, 4)
P
    run 0 bench -m $llama3 -p 8 -n 2 -r 1 -o json --roof && python3 - "$tmp/out" <<'P' || return 1
import json, sys
for x in json.load(open(sys.argv[1])):
    assert x["read_gbs"] > 0 and x["fma_gflops"] > 0 and x["int8_gops"] >= 0 and x["share"] > 0, x
P
    run 0 bench -m $llama3 -p 8 -n 2 -r 1 --roof && [ "$(grep -c 'of the machine |$\| GB/s |$\| int8 |$' "$tmp/out")" = 3 ] || return 1
    run 0 bench -m $llama3 -p 0 -n 2 -r 1 -o json && valid_json "$tmp/out" || return 1
    run 0 bench -m $llama3 -p 0 -n 0 -o json && valid_json "$tmp/out" && [ "$(tr -d ' \n' <"$tmp/out")" = '[]' ] || return 1
    run 0 bench -m $llama3 -p 4 -n 0 -r 1 -o csv && [ "$(wc -l <"$tmp/out")" = 2 ] &&
    run 0 bench -m $llama3 -p 4 -n 0 -r 1 && grep -q '^| tests/golden/llama3.gguf .* pp4 ' "$tmp/out"
}
an_output_never_overwrites_the_model() {
    cp $llama3 "$tmp/m.gguf"; ln -s m.gguf "$tmp/link"
    refused 2 'the model itself' logits -m "$tmp/m.gguf" --tokens 1 -o "$tmp/link" &&
    refused 2 'the model itself' inspect "$tmp/m.gguf" --tensor token_embd.weight --f32 "$tmp/m.gguf" &&
    cmp $llama3 "$tmp/m.gguf"
}
the_wired_model_can_be_made_again() {
    make -s "B=$B" "$B/mkwired" >/dev/null && "$B/mkwired" "$tmp/wired.gguf" && cmp "$tmp/wired.gguf" models/wired.gguf
}

# ------------------------------------------------------------------ what goes wrong
usage_errors_are_2() {
    refused 2 "did you mean '--temp'" run --tmep 1 && refused 2 'unknown flag' run --no-such-flag &&
    refused 2 "did you mean 'run'" rnu && refused 2 'unknown verb' paint && refused 2 'unexpected word' run hello &&
    refused 2 '-n is' run -p x -n many && refused 2 '-c is' run -p x -c -5 && refused 2 'temp is' run -p x --temp nan &&
    refused 2 '-t is' run -p x -t 0 && refused 2 'needs a value' run -p && refused 2 "'x'" logits --tokens 1,x -o "$tmp/l" &&
    refused 2 "'-1'" logits --tokens 1,-1 -o "$tmp/l" && refused 2 "'99999'" logits --tokens 99999 -o "$tmp/l" &&
    refused 2 missing logits && refused 2 'nothing to do' logits --tokens 1 && refused 2 'no id' logits --tokens , -o "$tmp/l" &&
    refused 2 -f perplexity && refused 2 f16 run -p x -ctk q8_0 && refused 2 'load-mode' run -p x -lm maybe &&
    refused 2 'md, json' bench -o xml && refused 2 profile run -p x --profile=xml && refused 2 "'7x'" detokenize "1 7x" &&
    refused 2 'no tensor' inspect $llama3 --tensor none &&
    refused 2 'not UTF-8: byte 0xFF at offset 3' run -p $'abc\xff' && refused 2 'one window' perplexity -f LICENSE -c 100000
}
rejected_models_are_3() {
    : >"$tmp/empty"; cp README.md "$tmp/text" 2>/dev/null || cp Makefile "$tmp/text"; mkfifo "$tmp/fifo"
    head -c 5000 $llama3 >"$tmp/cut"
    local verb
    for verb in "run -p x" "logits --tokens 1 --greedy 1" "tokenize" "detokenize 1" "bench -r 1" inspect; do
        refused 3 no/file $verb -m "$tmp/no/file" && refused 3 "$tmp" $verb -m "$tmp" &&
        refused 3 empty $verb -m "$tmp/empty" && refused 3 text $verb -m "$tmp/text" &&
        refused 3 fifo $verb -m "$tmp/fifo" && refused 3 cut $verb -m "$tmp/cut" || return 1
    done
    refused 3 "$tmp/empty" quantize "$tmp/empty" "$tmp/o" Q8_0
}
what_we_cannot_run_is_3() {
    refused 3 'is an encoder.*sixfold embed' logits -m tests/golden/families/nomic-bert.gguf --tokens 1 --greedy 1 &&
    LC_ALL=C sed 's/llama/lxama/g' "$wired" >"$tmp/lxama.gguf" && refused 3 "unknown architecture 'lxama'.*'llama'" run -m "$tmp/lxama.gguf" -p x
}
limits_are_4() {
    refused 4 'context holds 4' run -m $wired --no-display-prompt -p "the cat saw the dog and the fish" -c 4 &&
    refused 4 'context of 3' logits --tokens 1,2,3,4 -c 3 -o "$tmp/l" &&
    refused 4 'context of 8' bench -p 16 -n 0 -c 8 && refused 4 'MiB' run -p x -c 2147483647 -t 256
}
a_missing_text_is_1() {
    refused 1 no/text run -f "$tmp/no/text" && refused 1 no/text perplexity -f "$tmp/no/text" &&
    refused 1 "$tmp" run -f "$tmp" && refused 1 no/dir logits --tokens 1 -o "$tmp/no/dir"
}
a_full_disk_is_1() {
    [ -w /dev/full ] || return 77
    local rc
    for args in "run -p the -n 1" "run -p the -n 0 --no-display-prompt" "inspect" "tokenize" "--version" "logits --tokens 1,2 --greedy 1"; do
        timeout 60 "$s" $args >/dev/full 2>"$tmp/err" </dev/null; rc=$?
        [ $rc = 1 ] && grep -q '^error: cannot write' "$tmp/err" || why "$args: $rc $(cat "$tmp/err")" || return 1
    done
    refused 1 'cannot write' logits --tokens 1,2 -o /dev/full
}
closed_streams_do_no_harm() {
    "$s" quantize $llama3 "$tmp/a.gguf" Q8_0 2>/dev/null && "$s" quantize $llama3 "$tmp/b.gguf" Q8_0 2>&- &&
    cmp "$tmp/a.gguf" "$tmp/b.gguf" || why "messages went into the model" || return 1
    "$s" run -m $wired -p the -n 1 >&- 2>"$tmp/err"; [ $? = 1 ] && grep -q '^error: cannot write' "$tmp/err" || why stdout || return 1
    "$s" run -m $wired -n 1 --temp 0 -q <&- >"$tmp/out" 2>&- && out_is '\n'
}
a_closed_pipe_ends_quietly() {
    "$s" run -m $wired -p "the the" -n 100 --temp 0 -q 2>"$tmp/err" </dev/null | head -c 10 >"$tmp/out"
    local rc=${PIPESTATUS[0]}
    [ "$rc" = 0 ] && [ "$(wc -c <"$tmp/out")" = 10 ] && [ ! -s "$tmp/err" ] || why "run: $rc $(cat "$tmp/err")" || return 1
    "$s" inspect $llama3 2>"$tmp/err" </dev/null | true; rc=${PIPESTATUS[0]}
    [ "$rc" = 0 ] && [ ! -s "$tmp/err" ] || why "inspect: $rc"
}
ctrl_c_stops_with_a_newline_and_timings() {
    local pid rc i
    "$s" run -m $llama3 -p "x" -n 1000000 -c 1000001 --ignore-eos >"$tmp/out" 2>"$tmp/err" </dev/null & pid=$!
    for i in $(seq 1200); do [ "$(wc -c <"$tmp/out")" -gt 20 ] && break; sleep 0.05; done
    kill -INT $pid; wait $pid; rc=$?
    [ $rc = 130 ] || why "exit code $rc: $(cat "$tmp/err")" || return 1
    [ "$(tail -c 1 "$tmp/out" | od -An -c | tr -d ' ')" = '\n' ] && [ "$(wc -c <"$tmp/out")" -gt 20 ] || why "no newline" || return 1
    grep -q 'total time' "$tmp/err" && ! grep -q error "$tmp/err"
}
a_file_cut_short_while_mapped_is_3() {
    local pid rc i
    cp models/wired.gguf "$tmp/cut.gguf"
    "$s" run -m "$tmp/cut.gguf" -p "the cat" -n 1000000 -c 1000001 --ignore-eos -q >"$tmp/out" 2>"$tmp/err" </dev/null & pid=$!
    for i in $(seq 1200); do [ "$(wc -c <"$tmp/out")" -gt 20 ] && break; kill -0 $pid 2>/dev/null || break; sleep 0.05; done
    truncate -s 0 "$tmp/cut.gguf"; wait $pid; rc=$?
    [ $rc = 3 ] && grep -q 'cut short.*HINT' "$tmp/err" || why "exit code $rc: $(cat "$tmp/err")"
}
memory_stays_below_the_file_and_64_mib() {
    case $SANITIZE$(basename "$B") in *asan*|*tsan*|1*|thread*) return 77 ;; esac
    [ -x /usr/bin/time ] || return 77
    local file size kib args
    for file in $llama3 $models/mixtral.gguf $models/llama.gguf; do
        [ -r "$file" ] || continue
        size=$(stat -c %s "$file")
        cp "$file" "$tmp/f"; truncate -s $((size - 4000)) "$tmp/f"
        for args in "logits --tokens 1,2 --greedy 1 -c 16 -m $file" "inspect $file" "inspect $tmp/f" "run -p x -n 1 -c 16 -m $tmp/f"; do
            /usr/bin/time -f %M -o "$tmp/kib" "$s" $args >/dev/null 2>&1 </dev/null
            kib=$(tail -n 1 "$tmp/kib")
            [ "$kib" -lt $((size / 1024 + 65536)) ] || why "$args: $kib KiB for $size bytes" || return 1
        done
    done
}
help_and_version_are_answers() {
    run 0 && grep -q 'sixfold run\|  run ' "$tmp/out" && run 0 --version && grep -q '^kernel attention ' "$tmp/out" || return 1
    local verb
    for verb in run chat bench perplexity quantize imatrix inspect tokenize detokenize logits embed; do
        run 0 $verb --help && grep -q "^usage: sixfold $verb" "$tmp/out" && [ ! -s "$tmp/err" ] || why "$verb" || return 1
    done
    run 0 run -ngl 99 -fa on -p the -n 0 -q && [ "$(grep -c warning "$tmp/err")" = 1 ]
}

for name in the_prompt_is_echoed_and_one_newline_ends_the_answer the_prompt_comes_from_a_flag_a_file_or_a_pipe \
    threads_go_where_they_are_told_and_the_answer_stays \
    the_answer_is_on_stdout_and_timings_on_stderr a_seed_repeats_a_text a_full_context_ends_or_fails a_context_beyond_the_training_is_noted \
    without_a_model_every_verb_opens_the_storyteller the_environment_sets_flags a_conversation_comes_through_a_pipe \
    texts_become_vectors wrong_requests_for_vectors_are_explained \
    logits_have_one_row_per_token tokenize_and_detokenize_are_inverse inspect_shows_keys_and_tensors \
    inspect_works_on_architectures_we_cannot_run inspect_json_is_json bench_json_has_the_promised_shape \
    an_output_never_overwrites_the_model the_wired_model_can_be_made_again \
    usage_errors_are_2 rejected_models_are_3 what_we_cannot_run_is_3 limits_are_4 a_missing_text_is_1 a_full_disk_is_1 closed_streams_do_no_harm \
    a_closed_pipe_ends_quietly ctrl_c_stops_with_a_newline_and_timings a_file_cut_short_while_mapped_is_3 memory_stays_below_the_file_and_64_mib \
    help_and_version_are_answers; do
    verdict $name
done
exit $failed
