#!/bin/bash
# The story that the README tells: the model inside the binary ends it by itself, the world that it was
# learned from accepts it, and every set of kernels tells it, as far as it goes letter by letter. Drawn
# at random, about a third of the stories are accepted (lesson 7 says why not more): here one in eight must be.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
sixfold=${ROOTBIN:-.}/sixfold trainer=${ROOTBIN:-.}/sixfold-train
names="the_makefile_tells_the_story_of_the_readme the_world_accepts_the_story every_kernel_tells_the_same_story
the_first_twins_tell_a_story_too some_random_stories_are_accepted"
if [ ! -x "$trainer" ] || [ ! -x "$sixfold" ]; then
    for n in $names; do echo "[  SKIPPED ] $n"; done
    exit 0
fi
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
unset SIXFOLD_KERNELS "${!SIXFOLD_ARG_@}"
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
slow() { case $SANITIZE$(basename "$B") in *asan*|*tsan*|1*|thread*) true ;; *) false ;; esac; }
# The flags of the first story on the page, between "./sixfold" and the end of the comment.
eval "story=($(sed -n 's/^<!-- run \.\/sixfold \(run .*"\)\( | fold .*\)\? -->$/\1/p' README.md | head -n 1))"
tell() { "$sixfold" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || why "sixfold $*: $(cat "$tmp/err")"; }
accepted() { "$trainer" --check "$tmp/out" >"$tmp/verdict" || { cat "$tmp/verdict" "$tmp/out" >&2; return 1; }; }

the_makefile_tells_the_story_of_the_readme() {
    [ ${#story[@]} -gt 2 ] || why "no story in README.md" || return 1
    grep -qF "STORY := ${story[-1]}" Makefile || why "Makefile tells another story than README.md: ${story[-1]}"
}
the_world_accepts_the_story() {
    tell "${story[@]}" && accepted && ! grep -q 'is full' "$tmp/err" && [ "$(wc -w <"$tmp/out")" -gt 40 ] &&
    cp "$tmp/out" "$tmp/story"
}
every_kernel_tells_the_same_story() {
    local k used=0
    for k in scalar avx2 avxvnni avx512 neon dotprod; do
        SIXFOLD_KERNELS=$k "$sixfold" --version >/dev/null 2>&1 || continue
        SIXFOLD_KERNELS=$k tell "${story[@]}" && accepted || why "SIXFOLD_KERNELS=$k" || return 1
        cmp "$tmp/out" "$tmp/story" || why "SIXFOLD_KERNELS=$k tells another story: two words are nearly equally
likely somewhere. HINT: another hero or trait in README.md, lessons/0_start.md and STORY of the Makefile" || return 1
        used=$((used + 1))
    done
    [ $used -ge 3 ]
}
# The first twin of everything computes the whole text again for each token, so it only begins the story;
# with a cache it tells it to the end.
the_first_twins_tell_a_story_too() {
    SIXFOLD_KERNELS=naive,generate:cached tell "${story[@]}" && accepted || return 1
    SIXFOLD_KERNELS=naive tell "${story[@]}" -n 8 || return 1
    local n; n=$(($(wc -c <"$tmp/out") - 1))
    [ $n -gt 60 ] && cmp -n $n "$tmp/out" "$tmp/story"
}
some_random_stories_are_accepted() {
    local seed good=0 n=16
    slow && n=8
    for ((seed = 1; seed <= n; seed++)); do
        tell run -q -p "Once upon a time" -s $seed || return 1
        if accepted 2>"$tmp/complaint"; then good=$((good + 1)); else echo "seed $seed: $(head -n 1 "$tmp/complaint")" >&2; fi
    done
    echo "$good of $n accepted" >&2
    [ $((8 * good)) -ge $n ]
}
for n in $names; do verdict "$n"; done
exit $failed
