#!/bin/bash
# A student can stop at any floor: for k = 5 down to 1 the layers above k are deleted, and what is left
# must build, `make lessonK` must pass layer k's tests, its demos must run and lint must agree. (The
# tests of layers below k run when their own turn comes, in a smaller house.) Objects come from the
# build directory; libraries, tests and demos are linked anew.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
export B
unset MAKEFLAGS MFLAGS MAKELEVEL CHECKS
case $B$SANITIZE$CROSS in
    "$B") ;; *) echo "[  SKIPPED ] layers_stand_alone"; exit 0 ;;
esac
case $B in /*) echo "[  SKIPPED ] layers_stand_alone"; exit 0 ;; esac
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
tools/copy_tree.sh "$tmp/tree" || exit 1
cd "$tmp/tree" || exit 1
failed=0
verdict() { # NAME COMMAND...
    local name=$1; shift
    if "$@" >"$tmp/out" 2>&1; then echo "[       OK ] $name"; else
        echo "[  FAILED  ] $name"; failed=1; tail -n 15 "$tmp/out" >&2
    fi
}
lesson() { # K: the line that ends its test run says that something passed and nothing failed
    make -s -j "$(nproc)" "B=$B" ROOTBIN=. "lesson$1" >"$tmp/lesson" || { cat "$tmp/lesson"; return 1; }
    cat "$tmp/lesson"
    grep -qE '^[1-9][0-9]* passed, 0 failed' "$tmp/lesson"
}
demos_run() { # K
    local source program
    for source in layer"$1"_*/demos/lesson*.c; do
        [ -e "$source" ] || continue
        program=./$(basename "$source" .c)
        timeout 30 "$program" </dev/null >"$tmp/demo" || { echo "$program failed"; return 1; }
        [ -s "$tmp/demo" ] || { echo "$program printed nothing"; return 1; }
    done
}

rm -rf "$B"/lib*.a training "$B"/training tests/layer7 "$B"/tests/layer7
for k in 5 4 3 2 1; do
    compgen -G "layer${k}_*/layer$k.h" >/dev/null || continue
    rm -rf layer$((k + 1))_* "$B"/layer$((k + 1))_* "$B"/lib*.a ./lesson"$k"_* "$B/tests/layer$k"
    verdict "layers_1_to_${k}_build" make -s -j "$(nproc)" "B=$B" ROOTBIN=. all
    verdict "layers_1_to_${k}_pass_lesson" lesson "$k"
    verdict "layers_1_to_${k}_demos_run" demos_run "$k"
    verdict "layers_1_to_${k}_lint" make -s "B=$B" ROOTBIN=. CHECKS="text links closure" lint
done
exit $failed
