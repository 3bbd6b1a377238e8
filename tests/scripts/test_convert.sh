#!/bin/bash
# sixfold convert from outside: a trained model from its llama2.c files says what its GGUF says.
cd "$(dirname "$0")/../.." || exit 1
s=${ROOTBIN:-.}/sixfold
data=../shared/data/stories260K
[ -x "$s" ] || { echo "[  SKIPPED ] convert"; exit 0; }
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
unset SIXFOLD_KERNELS "${!SIXFOLD_ARG_@}"
failed=0
verdict() { # NAME: runs the function of that name; 77 means skipped
    "$1" >"$tmp/say" 2>&1; local rc=$?
    case $rc in
        0) echo "[       OK ] $1" ;;
        77) echo "[  SKIPPED ] $1" ;;
        *) echo "[  FAILED  ] $1"; cat "$tmp/say" >&2; failed=1 ;;
    esac
}
refused() { # CODE TEXT ARGS...
    local code=$1 text=$2; shift 2
    "$s" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    [ $? = "$code" ] || { echo "exit code: sixfold $*"; cat "$tmp/err"; return 1; }
    grep -q "^error: .*$text.*HINT: " "$tmp/err" || { cat "$tmp/err"; return 1; }
}
story() { "$s" run -m "$1" -p "" -n 199 --temp 0 -q; }
the_story_is_the_same_from_v0_v1_and_gguf() {
    [ -e $data/stories260K.bin ] || return 77
    story $data/stories260K.gguf >"$tmp/want"
    for v in stories260K stories260K.v1; do
        "$s" convert $data/$v.bin --tokenizer $data/tok512.bin -o "$tmp/$v.gguf" -q || return 1
        story "$tmp/$v.gguf" | cmp - "$tmp/want" || return 1
    done
    [ ! -e "$tmp/stories260K.gguf.partial" ]
}
perplexity_is_the_known_one() {
    [ -e "$tmp/stories260K.gguf" ] && [ -e ../shared/data/text/tinystories ] || return 77
    head -c 60000 ../shared/data/text/tinystories/tinystories-niklas.txt >"$tmp/text"
    for q in bennyz ruhai; do
        "$s" convert $data/stories260K-q8.$q.bin --tokenizer $data/tok512.bin -o "$tmp/$q.gguf" -q || return 1
    done
    for m in $data/stories260K.gguf "$tmp"/{stories260K,stories260K.v1,bennyz,ruhai}.gguf; do
        "$s" perplexity -m "$m" -f "$tmp/text" -c 512 -q | sed -n 's/.*PPL = \([0-9.]*\).*/\1/p'
    done | awk 'NR == 1 { want = $1 } { d = $1 / want - 1; if (d * d > 0.005 * 0.005) bad = 1; n++ }
                END { exit bad || n != 5 }'
}
types_are_chosen_by_name() {
    [ -e $data/stories260K.bin ] || return 77
    for t in f32 f16 bf16 q8_0 auto; do
        "$s" convert $data/stories260K.bin --tokenizer $data/tok512.bin --outtype $t -o "$tmp/$t.gguf" -q &&
        story "$tmp/$t.gguf" | grep -q '^Once upon a time' || return 1
    done
    cmp "$tmp/auto.gguf" "$tmp/f32.gguf"
}
a_directory_converts_in_all_types_whatever_the_threads() {
    for t in f32 f16 bf16 q8_0 auto; do
        for n in 1 3; do
            "$s" convert tests/fixtures/hf_llama3 --outtype $t -t $n -o "$tmp/hf.$t.$n.gguf" -q || return 1
        done
        cmp "$tmp/hf.$t.1.gguf" "$tmp/hf.$t.3.gguf" || return 1
        "$s" logits -m "$tmp/hf.$t.1.gguf" --tokens 1,2,3 --greedy 2 -o "$tmp/f" -q >"$tmp/ids" || return 1
    done
    cmp "$tmp/hf.auto.1.gguf" "$tmp/hf.bf16.1.gguf" # as it is: BF16
}
a_directory_runs_as_the_file_that_it_would_be() {
    local d=tests/fixtures/hf_llama3 m
    cp -r $d "$tmp/dir" && "$s" convert "$tmp/dir" -o "$tmp/dir.gguf" -q || return 1
    for m in dir dir.gguf; do
        "$s" logits -m "$tmp/$m" --tokens 5,6,7 --greedy 9 -o "$tmp/$m.f32" -q >"$tmp/$m.ids" || return 1
        "$s" logits -m "$tmp/$m" -lm none --weights f32 --tokens 5,6,7 -o "$tmp/$m.w" -q >/dev/null || return 1
        "$s" embed -m "$tmp/$m" --tokens 5,6,7 -o "$tmp/$m.emb" -q >/dev/null || return 1
        "$s" inspect "$tmp/$m" | sed 1d >"$tmp/$m.keys" || return 1
        "$s" inspect "$tmp/$m" --tensor blk.0.attn_k.weight --f32 "$tmp/$m.t" >"$tmp/$m.moments" || return 1
    done
    for m in f32 ids w emb keys t moments; do cmp "$tmp/dir.$m" "$tmp/dir.gguf.$m" || return 1; done
    "$s" bench -m "$tmp/dir" -p 4 -n 2 -r 1 -o json -q | grep -q pp4 || return 1
    "$s" inspect --quality "$tmp/dir" "$tmp/dir.gguf" -q >"$tmp/say.q" || return 1
    refused 3 'has no config.json' run -m tests/fixtures -p x &&
    refused 2 'is a directory, quantize' quantize "$tmp/dir" "$tmp/x.gguf" Q8_0 &&
    refused 3 'is not a GGUF file' run -m $d/model-00001-of-00002.safetensors -p x &&
    rm "$tmp/dir/model-00002-of-00002.safetensors" &&
    refused 3 'model-00002-of-00002' logits -m "$tmp/dir" --tokens 1 -o "$tmp/x"
}
an_older_file_survives_a_conversion_that_fails() {
    rm -rf "$tmp/short" && cp -r tests/fixtures/hf_llama3 "$tmp/short" && echo older >"$tmp/kept.gguf" &&
    sed -i 's/"num_hidden_layers": 2/"num_hidden_layers": 3/' "$tmp/short/config.json" &&
    refused 3 'blk.2.*is missing' convert "$tmp/short" -o "$tmp/kept.gguf" &&
    [ "$(cat "$tmp/kept.gguf")" = older ] && [ ! -e "$tmp/kept.gguf.partial" ] &&
    "$s" convert tests/fixtures/hf_llama3 -o "$tmp/kept.gguf" -q && [ "$(head -c 4 "$tmp/kept.gguf")" = GGUF ]
}
wrong_calls_are_refused_and_leave_nothing() {
    refused 2 'expected are a checkpoint' convert &&
    refused 2 'no vocabulary of its own' convert models/wired.gguf -o "$tmp/x.gguf" &&
    refused 2 'is the checkpoint itself' convert models/wired.gguf -o models/wired.gguf &&
    refused 2 '--outtype' convert models/wired.gguf --outtype q4_0 -o "$tmp/x.gguf" &&
    refused 1 'config.json' convert tests/fixtures -o "$tmp/x.gguf" &&
    refused 3 'dim is 1179993927' convert models/wired.gguf --tokenizer README.md -o "$tmp/x.gguf" &&
    [ ! -e "$tmp/x.gguf" ] && [ ! -e "$tmp/x.gguf.partial" ]
}
verdict the_story_is_the_same_from_v0_v1_and_gguf
verdict perplexity_is_the_known_one
verdict types_are_chosen_by_name
verdict a_directory_converts_in_all_types_whatever_the_threads
verdict a_directory_runs_as_the_file_that_it_would_be
verdict an_older_file_survives_a_conversion_that_fails
verdict wrong_calls_are_refused_and_leave_nothing
exit $failed
