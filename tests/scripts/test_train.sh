#!/bin/bash
# The trainer as a user meets it: one-line errors with a hint, a run that is killed and resumed, and a
# model that the other program runs.
cd "$(dirname "$0")/../.." || exit 1
s=${ROOTBIN:-.}/sixfold-train
[ -x "$s" ] || { echo "[  SKIPPED ] training"; exit 0; }
s=$(realpath "$s")
engine=$(realpath "${ROOTBIN:-.}/sixfold" 2>/dev/null)
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
unset SIXFOLD_KERNELS
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
refused() { # CODE TEXT ARGS...: one line "error: ..." with TEXT and a hint
    local code=$1 text=$2; shift 2
    timeout 60 "$s" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null; local rc=$?
    [ $rc = "$code" ] || why "exit code $rc instead of $code: $*: $(cat "$tmp/err")" || return 1
    [ "$(grep -c '^error: ' "$tmp/err")" = 1 ] || why "not one error line: $*" || return 1
    grep -q "^error: .*$text.*HINT: " "$tmp/err" || why "no '$text' or no hint: $(cat "$tmp/err")"
}
for i in {1..400}; do echo "The $((i % 7)) cats see $((i * 37 % 101)) birds, and dog $((i % 5)) sleeps."; done >"$tmp/text"
toy=(--text "$tmp/text" --width 32 --ff 64 --layers 1 --heads 2 --kv-heads 1 --ctx 32 --vocab 290
     --batch 4 --pass 2 --warmup 2 --eval 10 --save 7 --threads 1 --quiet)

bad_flags_are_refused() {
    refused 2 "is no flag" --stepz 3 && refused 2 "wants a value" --steps &&
    refused 2 "'many'" --steps many && refused 2 "'0'" --batch 0 && refused 2 "split into 7 heads" --heads 7
}
bad_texts_are_refused() {
    : >"$tmp/empty"; printf 'ab\377cd' >"$tmp/bytes"; echo hi >"$tmp/short"
    refused 1 "empty" --text "$tmp/empty" --out "$tmp/no" && refused 1 "not UTF-8" --text "$tmp/bytes" --out "$tmp/no" &&
    refused 2 "tokens" --text "$tmp/short" --out "$tmp/no" && refused 1 "nowhere" --text "$tmp/nowhere" --out "$tmp/no" &&
    refused 1 "cannot make" "${toy[@]}" --out "$tmp/a/b/c" &&
    { [ ! -e "$tmp/no/checkpoint.gguf" ] || why "something was written"; }
}
a_killed_run_ends_like_one_that_was_not() {
    "$s" "${toy[@]}" --steps 1500 --out "$tmp/whole" || return 1
    local i
    for i in {1..20}; do
        "$s" "${toy[@]}" --steps 1500 --out "$tmp/parts" --resume & local pid=$!
        sleep "0.0$((RANDOM % 90 + 10))"; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
    done
    "$s" "${toy[@]}" --steps 1500 --out "$tmp/parts" --resume || return 1
    cmp "$tmp/whole/loss.tsv" "$tmp/parts/loss.tsv" && cmp "$tmp/whole/model.gguf" "$tmp/parts/model.gguf" || return 1
    refused 2 "is there already" "${toy[@]}" --steps 1500 --out "$tmp/whole" &&
    refused 2 "steps 1500, this run has 1501" "${toy[@]}" --steps 1501 --out "$tmp/whole" --resume
}
the_engine_runs_what_was_trained() {
    [ -x "$engine" ] || return 77
    [ -e "$tmp/whole/model.gguf" ] || return 1
    "$engine" run -m "$tmp/whole/model.gguf" --temp 0 -n 8 -p "The 3 cats" >"$tmp/out" 2>/dev/null || return 1
    grep -q "^The 3 cats see" "$tmp/out" || why "it wrote: $(cat "$tmp/out")" || return 1
    "$engine" quantize "$tmp/whole/model.gguf" "$tmp/q8.gguf" q8_0 >/dev/null 2>&1 &&
    "$engine" run -m "$tmp/q8.gguf" --temp 0 -n 4 -p "The" >/dev/null 2>&1
}
the_checker_says_yes_or_no_and_where() {
    printf 'Two words: Bufug and Zilim. Backwards: Zilim and Bufug.' >"$tmp/yes"
    printf '2 + 2 = 4\n2 + 2 = 5\n' >"$tmp/no"
    [ "$("$s" --check "$tmp/yes")" = accepted ] && [ "$("$s" --check - <"$tmp/yes")" = accepted ] || why "not accepted" || return 1
    "$s" --check "$tmp/no" >"$tmp/out"; [ $? = 3 ] || why "exit code" || return 1
    grep -q '^refused: byte 1[0-9]: ' "$tmp/out" || why "no place: $(cat "$tmp/out")" || return 1
    head -c 20000 /dev/zero | tr '\0' a >"$tmp/long"; mkdir -p "$tmp/dir"
    refused 1 nowhere --check "$tmp/nowhere" && refused 2 "longer than 16384" --check "$tmp/long" && refused 1 dir --check "$tmp/dir"
}
verdict bad_flags_are_refused
verdict the_checker_says_yes_or_no_and_where
verdict bad_texts_are_refused
verdict a_killed_run_ends_like_one_that_was_not
verdict the_engine_runs_what_was_trained
exit $failed
