#!/bin/bash
# cards.sh: the pages of lessons/families, which ./lesson5_cards writes from the descriptors.
#
#   tools/cards.sh refresh     writes them, removes pages of families that are gone
#   tools/cards.sh check       fails and names each page that is stale, missing or of no family
#
# ROOTBIN says where the programs are (default: here). In a checkout without layer 5 there is nothing to do.
cd "$(dirname "$0")/.." || exit 2
mode=$1 pages=lessons/families cards=${ROOTBIN:-.}/lesson5_cards
case $mode in refresh | check) ;; *) echo "usage: tools/cards.sh refresh | check" >&2; exit 2 ;; esac
[ -e layer5_models/layer5.h ] || exit 0
[ -x "$cards" ] || { echo "$cards is not built; run make" >&2; exit 1; }
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
names=$("$cards" --names) || exit 1
"$cards" >"$tmp/README.md" || exit 1
for name in $names; do "$cards" "$name" >"$tmp/$name.md" || exit 1; done
if [ "$mode" = refresh ]; then mkdir -p "$pages"; fi
for page in "$tmp"/*.md "$pages"/*.md; do
    name=${page##*/}
    if [ ! -e "$page" ] || cmp -s "$tmp/$name" "$pages/$name"; then continue; fi
    if [ "$mode" = check ]; then
        if [ ! -e "$tmp/$name" ]; then echo "$pages/$name:1: no family of this name; run make cards"
        elif [ ! -e "$pages/$name" ]; then echo "$pages/$name:1: not there; run make cards"
        else echo "$pages/$name:1: stale; run make cards and read what changed"; fi
    elif [ -e "$tmp/$name" ]; then cat "$tmp/$name" >"$pages/$name"; echo "refreshed $pages/$name"
    else rm "$pages/$name"; echo "removed $pages/$name"; fi
done | sort -u >"$tmp/said"
cat "$tmp/said"
[ "$mode" = refresh ] || [ ! -s "$tmp/said" ]
