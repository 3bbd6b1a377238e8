#!/bin/bash
# A family's page cannot stay behind its descriptor: tools/cards.sh notices a changed, a missing and a
# left-over page, and refreshing twice changes nothing. With a small program in the place of ./lesson5_cards.
cd "$(dirname "$0")/../.." || exit 1
unset ROOTBIN # the program is beside the pages below
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
failed=0
verdict() { # NAME CONDITION...
    local name=$1; shift
    if "$@"; then echo "[       OK ] $name"; else echo "[  FAILED  ] $name"; failed=1; cat "$tmp/out" >&2; fi
}
cards() { (cd "$tmp" && tools/cards.sh "$@") >"$tmp/out" 2>&1; }
says() { ! cards check && grep -qx "lessons/families/$1" "$tmp/out" && [ "$(wc -l <"$tmp/out")" -eq 1 ]; }

mkdir -p "$tmp/tools" "$tmp/lessons" "$tmp/layer5_models"
cp tools/cards.sh "$tmp/tools/"
touch "$tmp/layer5_models/layer5.h"
program() { # WORD
    cat >"$tmp/lesson5_cards" <<P
#!/bin/bash
case \$1 in --names) echo cat; echo dog ;; '') echo "# all" ;; *) echo "# \$1 $1" ;; esac
P
    chmod +x "$tmp/lesson5_cards"
}
program walks

missing() { ! cards check && [ "$(grep -c ': not there; run make cards$' "$tmp/out")" -eq 3 ]; }
verdict missing_pages_are_reported missing
written() { cards refresh && cards check && [ "$(cat "$tmp/lessons/families/dog.md")" = "# dog walks" ]; }
verdict a_refresh_writes_all_pages written
again() { cards refresh && [ ! -s "$tmp/out" ]; }
verdict a_second_refresh_changes_nothing again
echo more >>"$tmp/lessons/families/cat.md"
verdict a_page_changed_by_hand_is_reported says "cat.md:1: stale; run make cards and read what changed"
cards refresh
touch "$tmp/lessons/families/cow.md"
verdict a_page_of_no_family_is_reported says "cow.md:1: no family of this name; run make cards"
gone() { cards refresh && cards check && [ ! -e "$tmp/lessons/families/cow.md" ]; }
verdict and_removed gone
program runs
stale() { ! cards check && [ "$(grep -c ': stale' "$tmp/out")" -eq 2 ]; }
verdict a_changed_family_makes_its_page_stale stale
rm "$tmp/lesson5_cards"
unbuilt() { ! cards check && grep -q 'not built' "$tmp/out"; }
verdict a_program_that_is_not_built_is_no_success unbuilt
rm "$tmp/layer5_models/layer5.h"
verdict without_layer_5_there_is_nothing_to_do cards check
exit $failed
