#!/bin/bash
# Adapters from the command line: convert, --lora, --lora-scaled, merge, and what is refused.
cd "$(dirname "$0")/../.." || exit 1
s=${ROOTBIN:-.}/sixfold
[ -x "$s" ] || { echo "[  SKIPPED ] lora"; exit 0; }
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
unset SIXFOLD_KERNELS "${!SIXFOLD_ARG_@}"
failed=0
f=tests/fixtures/lora base=tests/fixtures/hf_llama3
verdict() {
    "$1" >"$tmp/say" 2>&1 && echo "[       OK ] $1" && return
    echo "[  FAILED  ] $1"; cat "$tmp/say" >&2; failed=1
}
refused() { # CODE TEXT ARGS...
    local code=$1 text=$2; shift 2
    "$s" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    [ $? = "$code" ] || { echo "exit code: sixfold $*"; cat "$tmp/err"; return 1; }
    grep -q "^error: .*$text.*HINT: " "$tmp/err" || { cat "$tmp/err"; return 1; }
}
logits() { # OUT ARGS...
    local out=$1; shift
    "$s" logits --tokens 5,6,7,8 -o "$tmp/$out" -ctk f32 -ctv f32 -q "$@"
}
near() { # A B: the largest difference is at most 1e-4 of the largest number
    od -An -v -w4 -tf4 "$tmp/$1" >"$tmp/left"; od -An -v -w4 -tf4 "$tmp/$2" >"$tmp/right"
    paste "$tmp/left" "$tmp/right" | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > w) w = d; v = $1 < 0 ? -$1 : $1
                                     if (v > m) m = v } END { exit !(NR == 4 * 96 && w <= 1e-4 * m) }'
}
adapters_convert_and_change_the_answer() {
    "$s" convert $base -o "$tmp/m.gguf" --outtype f32 -q &&
    "$s" convert $f/wide --base $base -o "$tmp/wide.gguf" -q &&
    "$s" convert $f/ends --base "$tmp/m.gguf" -o "$tmp/ends.gguf" -q &&
    "$s" inspect "$tmp/wide.gguf" | grep -q 'adapter.lora.alpha' || return 1
    logits plain -m "$tmp/m.gguf" && logits wide -m "$tmp/m.gguf" --lora "$tmp/wide.gguf" && ! near plain wide
}
all_spellings_mean_the_same() {
    local m="-m $tmp/m.gguf" a=$tmp/wide.gguf b=$tmp/ends.gguf
    logits 1 $m --lora "$a" --lora-scaled "$b:0.5" && logits 2 $m --lora-scaled "$a:1,$b:0.5" && cmp "$tmp"/[12] &&
    logits 2 $m --lora-scaled "$a:1" --lora-scaled "$b" 0.5 && cmp "$tmp"/[12] &&
    logits 1 $m --lora "$a,$b" && logits 2 $m --lora "$a" --lora "$b" && cmp "$tmp"/[12] &&
    SIXFOLD_ARG_LORA="$a,$b" logits 2 $m && cmp "$tmp"/[12] &&
    logits 2 $m --lora-scaled "$a:0" && cmp "$tmp/2" "$tmp/plain" &&
    logits 2 -m $base --weights f32 --lora "$a,$b" && near 1 2 &&
    logits 1 $m --lora "$a" -t 1 && logits 2 $m --lora "$a" -t 3 && cmp "$tmp"/[12]
}
merged_is_the_same() {
    logits 1 -m "$tmp/m.gguf" --lora "$tmp/wide.gguf" --lora-scaled "$tmp/ends.gguf:-0.5" &&
    "$s" merge "$tmp/m.gguf" --lora "$tmp/wide.gguf" --lora-scaled "$tmp/ends.gguf:-0.5" -o "$tmp/both.gguf" -q &&
    logits 2 -m "$tmp/both.gguf" && near 1 2 || return 1
    # A directory is a base too; threads change no byte; a quantised matrix that changes becomes F16.
    "$s" merge -m $base --lora "$tmp/wide.gguf" --outtype f32 -t 3 -o "$tmp/d3.gguf" -q &&
    "$s" merge -m $base --lora "$tmp/wide.gguf" --outtype f32 -t 1 -o "$tmp/d1.gguf" -q && cmp "$tmp"/d[13].gguf &&
    logits 2 -m "$tmp/d1.gguf" && near wide 2 &&
    "$s" quantize "$tmp/m.gguf" "$tmp/q.gguf" Q8_0 -q && "$s" merge "$tmp/q.gguf" --lora "$tmp/wide.gguf" -o "$tmp/qm.gguf" -q &&
    "$s" inspect "$tmp/qm.gguf" | grep 'blk.0.attn_q.weight' | grep -q F16 && ! ls "$tmp"/*.partial 2>/dev/null
}
every_verb_takes_adapters() {
    local l="--lora $tmp/wide.gguf"
    "$s" bench -m "$tmp/m.gguf" $l -p 4 -n 2 -r 1 -o json -q | grep -q pp4 &&
    "$s" embed -m "$tmp/m.gguf" --tokens 5,6 -o "$tmp/e1" -q && "$s" embed -m "$tmp/m.gguf" $l --tokens 5,6 -o "$tmp/e2" -q &&
    ! cmp -s "$tmp"/e[12] && "$s" run --help | grep -q -- --lora-scaled && "$s" chat --help | grep -q -- --lora
}
what_does_not_fit_is_refused() {
    refused 3 "is 'model', expected is 'adapter'" logits -m "$tmp/m.gguf" --tokens 1 --lora "$tmp/m.gguf" -o "$tmp/x" &&
    refused 3 'nothing.gguf' logits -m "$tmp/m.gguf" --tokens 1 --lora "$tmp/nothing.gguf" -o "$tmp/x" &&
    refused 2 'expected is FILE:SCALE' run -m "$tmp/m.gguf" -p x --lora-scaled "$tmp/wide.gguf" &&
    refused 2 "the scale is 'much'" run -m "$tmp/m.gguf" -p x --lora-scaled "$tmp/wide.gguf:much" &&
    refused 2 "the scale is 'inf'" run -m "$tmp/m.gguf" -p x --lora-scaled "$tmp/wide.gguf:inf" &&
    refused 3 'that of the model is' run -p x --lora "$tmp/conv.gguf" &&
    refused 2 'lora is missing' merge "$tmp/m.gguf" -o "$tmp/x.gguf" &&
    refused 2 'would overwrite' merge "$tmp/m.gguf" --lora "$tmp/wide.gguf" -o "$tmp/m.gguf" &&
    refused 2 'needs the model that it is of' convert $f/wide -o "$tmp/x.gguf" && [ ! -e "$tmp/x.gguf" ]
}
# One line of adapter_config.json is another.
spoiled() { # SED CODE TEXT
    rm -rf "$tmp/bad"; cp -r $f/wide "$tmp/bad"
    sed -i "$1" "$tmp/bad/adapter_config.json"
    cmp -s $f/wide/adapter_config.json "$tmp/bad/adapter_config.json" && { echo "nothing changed: $1"; return 1; }
    refused "$2" "$3" convert "$tmp/bad" --base $base -o "$tmp/x.gguf" && [ ! -e "$tmp/x.gguf" ]
}
what_peft_can_say_and_gguf_cannot_is_refused() {
    spoiled 's/"use_dora": false/"use_dora": true/' 3 'use_dora on' &&
    spoiled 's/"modules_to_save": null/"modules_to_save": ["lm_head"]/' 3 'modules_to_save' &&
    spoiled 's/"bias": "none"/"bias": "all"/' 3 'trained biases' &&
    spoiled 's/"peft_type": "LORA"/"peft_type": "IA3"/' 3 'peft_type is' &&
    spoiled 's/"init_lora_weights": true/"init_lora_weights": "pissa"/' 3 'init_lora_weights' &&
    spoiled 's/"lora_alpha": 3/"lora_alpha": 0/' 3 'lora_alpha' &&
    spoiled 's/"target_parameters": null/"target_parameters": ["experts.down_proj"]/' 3 'target_parameters' &&
    spoiled 's/"layers.1.self_attn.q_proj": 5/"(": 5/' 3 'alpha_pattern' &&
    spoiled 's/"r": 4/"r": 0/' 3 "no rank 'r'" || return 1
    # A tensor that no family's module has, and a base of another family.
    rm -rf "$tmp/bad"; cp -r $f/wide "$tmp/bad"
    sed -i 's/q_proj.lora_A/q_prij.lora_A/g' "$tmp/bad/adapter_model.safetensors"
    refused 3 'has no other half' convert "$tmp/bad" --base $base -o "$tmp/x.gguf" &&
    sed -i 's/q_proj.lora_B/q_prij.lora_B/g' "$tmp/bad/adapter_model.safetensors" &&
    refused 3 'q_prij.*has no place' convert "$tmp/bad" --base $base -o "$tmp/x.gguf" &&
    refused 3 'has no place' convert $f/wide --base $f/gpt2 -o "$tmp/x.gguf"
}
"$s" convert $f/conv --base $f/gpt2 -o "$tmp/conv.gguf" -q
for t in adapters_convert_and_change_the_answer all_spellings_mean_the_same merged_is_the_same every_verb_takes_adapters \
    what_does_not_fit_is_refused what_peft_can_say_and_gguf_cannot_is_refused; do verdict $t; done
exit $failed
