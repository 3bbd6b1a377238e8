#!/bin/bash
# excerpts.sh: keeps the book true. Lessons show code and output; both come from the live source.
#
#   tools/excerpts.sh refresh            rewrites the blocks of all lessons in place
#   tools/excerpts.sh check [--snips]    fails and names each block that is stale, missing or unknown;
#                                        --snips leaves out the commands, which need built programs
#
# What a block looks like: tools/excerpts.awk. ROOTBIN says where the programs are (default: here).
cd "$(dirname "$0")/.." || exit 2
mode=$1 snips=0 bad=0
[ "$2" = --snips ] && snips=1
case $mode in refresh | check) ;; *) echo "usage: tools/excerpts.sh refresh | check [--snips]" >&2; exit 2 ;; esac
tmp=$(mktemp); trap 'rm -f "$tmp"' EXIT
for page in README.md CONTRIBUTING.md models/README.md lessons/*.md layer[1-6]_*/README.md training/README.md; do
    grep -qsE '^<!-- (snip|run)' "$page" || continue
    if [ "$mode" = check ]; then
        awk -v check=1 -v snips_only=$snips -v bin="${ROOTBIN:-.}" -f tools/excerpts.awk "$page" || bad=1
    else
        awk -v check=0 -v snips_only=$snips -v bin="${ROOTBIN:-.}" -f tools/excerpts.awk "$page" >"$tmp" || bad=1
        cmp -s "$tmp" "$page" || { cat "$tmp" >"$page"; echo "refreshed $page"; }
    fi
done
exit $bad
