#!/bin/bash
# Runs test programs (cmocka binaries, fuzz replays, shell tests) one after another and ends with
# the sum on one line: "N passed, N failed, N skipped". A program that crashes counts as one failure.
# RUN may hold an emulator. Exit status 1 if anything failed or nothing ran.
passed=0 failed=0 skipped=0
log=$(mktemp); trap 'rm -f "$log"' EXIT
for t in "$@"; do
    case $t in *.sh) bash "$t" >"$log" 2>&1 ;; *) $RUN "$t" >"$log" 2>&1 ;; esac
    rc=$?
    p=$(grep -cE '^\[ +OK \]' "$log")
    # cmocka names each failure twice: when it happens and in its summary.
    f=$(grep -E '^\[  FAILED  \] [A-Za-z0-9_]+$' "$log" | sort -u | wc -l)
    s=$(grep -E '^\[  SKIPPED ?\] [A-Za-z0-9_]+$' "$log" | sort -u | wc -l)
    if [ $rc -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    if [ "$f" -gt 0 ]; then echo "FAILED  $t"; cat "$log"; else echo "ok      $t ($p)"; fi
    passed=$((passed + p)); failed=$((failed + f)); skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
