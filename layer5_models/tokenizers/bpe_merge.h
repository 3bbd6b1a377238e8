/* bpe_merge.h: the loop that both families of tokenizers share: merge the best pair of neighbours,
 * again and again, until no pair is in the vocabulary.
 *
 * Interface:
 * - A piece of text is an array of symbols, at first one per character. A pair function says whether
 *   two neighbours may become one symbol, how urgent that is (a smaller number comes first), and
 *   what the result is called. SPM derives the number from the score of the joined text, byte-level
 *   BPE takes the rank of the merge.
 * - bpe_merge works in place and returns how many symbols are left. Of equal priorities the leftmost
 *   pair wins. Both variants give the same symbols for any pair function.
 * - Kernels do not allocate: work has room for what bpe_merge_work_bytes() says.
 * Source: Sennrich et al. 2016, algorithm 1; Kudo and Richardson 2018, section 3.1 (the queue). */
#ifndef SIXFOLD_BPE_MERGE_H
#define SIXFOLD_BPE_MERGE_H

#include "layer4.h"

typedef struct {
    uint32_t start, len; /* bytes of the text that it covers */
    int32_t id;          /* name of the symbol, for the pair function; -1 if it has none */
} BpeSymbol;

#define BPE_NO_MERGE UINT32_MAX

typedef struct BpeRules BpeRules;

/* Priority of joining neighbours a and b, or BPE_NO_MERGE; *id gets the name of the result. It must
 * depend on nothing but the two symbols. */
typedef uint32_t bpe_pair_fn(const BpeRules *r, const BpeSymbol *a, const BpeSymbol *b, int32_t *id);

struct BpeRules {
    bpe_pair_fn *pair;
    const void *ctx;  /* the vocabulary */
    const char *text; /* what start and len refer to */
};

typedef int64_t bpe_merge_fn(const BpeRules *r, BpeSymbol *symbols, int64_t n, void *work);

extern bpe_merge_fn *bpe_merge;

/* Bytes of work (8-byte aligned) that any variant needs for n symbols; n < 2^32 - 1. */
size_t bpe_merge_work_bytes(int64_t n);

#endif
