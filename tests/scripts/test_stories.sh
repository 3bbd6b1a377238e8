#!/bin/bash
# A trained model of 260,000 parameters tells the story that its makers published, letter by letter,
# under every set of kernels, with and without caches, for any number of threads and micro-batch; its
# perplexity is that of a reference engine. Skipped where the model is not at hand.
cd "$(dirname "$0")/../.." || exit 1
sixfold=${ROOTBIN:-.}/sixfold
data=../shared/data
model=$data/stories260K/stories260K.gguf
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
names="the_published_story_is_told_by_every_kernel threads_and_micro_batches_change_no_letter
the_512_token_story_is_told perplexity_is_that_of_the_reference"
if [ ! -r "$model" ] || [ ! -x "$sixfold" ]; then
    for n in $names; do echo "[  SKIPPED ] $n"; done
    exit 0
fi
unset SIXFOLD_KERNELS "${!SIXFOLD_ARG_@}"
failed=0
verdict() { # NAME COMMAND...
    local name=$1; shift
    if "$@"; then echo "[       OK ] $name"; else echo "[  FAILED  ] $name"; failed=1; fi
}
usable() { SIXFOLD_KERNELS=$1 "$sixfold" --version >/dev/null 2>&1; }
tell() { # FLAGS... : the story, followed by one newline
    "$sixfold" run -m "$model" -p "" -n 200 --temp 0 -ctk f32 -ctv f32 "$@" >"$tmp/out" 2>"$tmp/err" &&
        cmp "$tmp/out" "$tmp/want" >&2
}
{ cat "$data/stories260K/expected-greedy-200.txt"; echo; } >"$tmp/want"

every_kernel() {
    local used=0 k
    for k in naive scalar avx2 avxvnni avx512 neon dotprod generate:uncached attention:naive \
             attention:cached attention:flash load:read bpe_merge:scan; do
        usable "$k" || continue
        SIXFOLD_KERNELS=$k tell -t 2 || { echo "SIXFOLD_KERNELS=$k" >&2; return 1; }
        used=$((used + 1))
    done
    [ $used -ge 7 ]
}
every_cut() {
    local t ub
    for t in 1 2 3; do for ub in 1 7 512; do
        tell -t $t -ub $ub || { echo "-t $t -ub $ub" >&2; return 1; }
    done; done
    tell --no-mmap && tell -ctk f16 -ctv f16 && tell -c 201
}
# The other program stops at the first bos; up to there the letters are the same.
long_story() {
    "$sixfold" run -m "$model" -p "" -n 400 --temp 0 -ctk f32 -ctv f32 -c 512 >"$tmp/out" 2>/dev/null || return 1
    head -c $(($(wc -c <"$data/reference-outputs/stories260K.greedy512.txt") - 1)) \
        "$data/reference-outputs/stories260K.greedy512.txt" >"$tmp/long"
    local n; n=$(($(wc -c <"$tmp/out") - 1)); [ $n -gt 750 ] || return 1
    [ $n -le "$(wc -c <"$tmp/long")" ] || n=$(wc -c <"$tmp/long")
    cmp -n "$n" "$tmp/out" "$tmp/long" >&2
}
perplexity() {
    "$sixfold" perplexity -m "$model" -f "$data/text/tinystories/tinystories-niklas.txt" -c 512 -q >"$tmp/out" || return 1
    awk '/^Final estimate: PPL = / { p = $5; told = $6 == "+/-" && $7 > 0 }
         END { exit !(told && p > 6.3036 * 0.995 && p < 6.3036 * 1.005) }' "$tmp/out" || { cat "$tmp/out" >&2; return 1; }
}
verdict the_published_story_is_told_by_every_kernel every_kernel
verdict threads_and_micro_batches_change_no_letter every_cut
verdict the_512_token_story_is_told long_story
verdict perplexity_is_that_of_the_reference perplexity
exit $failed
