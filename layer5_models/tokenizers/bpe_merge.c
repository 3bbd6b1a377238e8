/* bpe_merge.c: the naive twin: look at every pair, merge the best one, start again.
 *
 *   n symbols, at most n - 1 rounds, at most n - 1 pairs in each: O(n^2)
 *
 * For a word that is nothing. For a line of a million equal characters it is hours. */
#include "bpe_merge.h"

#include "layer5_kernels.h"

#include <string.h>

//@ begin bpe-merge-scan
int64_t bpe_merge_scan(const BpeRules *r, BpeSymbol *symbols,
                       int64_t n, void *work)
{
    (void)work;
    for (;;) {
        /* 1. Ask for the priority of every pair of neighbours. */
        /* 2. Choose the smallest, of equal ones the leftmost. */
        uint32_t best = BPE_NO_MERGE;
        int32_t best_id = -1;
        int64_t at = -1;
        for (int64_t i = 0; i + 1 < n; i++) {
            int32_t id;
            uint32_t p = r->pair(r, &symbols[i], &symbols[i + 1], &id);
            if (p < best) best = p, best_id = id, at = i;
        }
        if (at < 0) return n;

        /* 3. Merge: the left symbol grows over the right one, which goes. */
        symbols[at].len += symbols[at + 1].len;
        symbols[at].id = best_id;
        n--;
        memmove(&symbols[at + 1], &symbols[at + 2],
                (size_t)(n - at - 1) * sizeof *symbols);
        /* 4. Two pairs have changed; the next round asks for all. */
    }
}
//@ end bpe-merge-scan
