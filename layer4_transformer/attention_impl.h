/* attention_impl.h: what the attention twins agree on: block sizes and the scratch each carves up.
 * Private to attention. */
#ifndef SIXFOLD_ATTENTION_IMPL_H
#define SIXFOLD_ATTENTION_IMPL_H

#include "attention.h"

enum {
    /* Keys per block of the flash twins: K and V of a block, widened to f32, fit in an L1 or L2
     * cache (d = 64: 32 KB). Blocks begin at multiples of this in the sequence, whatever the call. */
    FLASH_KEYS = 64,
    /* Query rows (tokens times heads of the group) that share one conversion of a block. */
    FLASH_ROWS = 256,
    /* Rows that a register tile may hold at most; the last tile is filled up with zero rows. */
    FLASH_TILE = 8,
    /* Floats of the naive twin's score matrix before it is cut into bands of queries. */
    NAIVE_SCORES = 1 << 20
};

/* Tokens per tile for a group of this size: at least one. */
int64_t flash_tile_tokens(int group);

/* Everything one call of a flash twin keeps, with widths rounded up to whole registers. */
typedef struct {
    int64_t n_rows; /* rows there is room for, a multiple of FLASH_TILE plus slack */
    int64_t wk, wv; /* floats from row to row: d_k and d_v rounded up to 16 */
    float *k;       /* [FLASH_KEYS, wk] or, transposed, [wk, FLASH_KEYS] */
    float *v;       /* [FLASH_KEYS, wv] */
    float *q;       /* [n_rows, wk] queries times scale, token by token, the group's heads together */
    float *o;       /* [n_rows, wv] sum of exp(s - m) v so far */
    float *m;       /* [n_rows] maximum score so far */
    float *l;       /* [n_rows, 16] sum of exp(s - m) so far, in as many lanes as the twin likes */
    float *s;       /* [FLASH_TILE, FLASH_KEYS] scores of one register tile */
    int64_t bytes;
} FlashScratch;

/* memory may be NULL to learn the bytes. */
FlashScratch flash_scratch(void *memory, int group, int d_k, int d_v);

/* Row of n adjusted scores of head h to probabilities; with a sink they add up to less than 1. */
void attention_softmax(const AttentionArgs *a, int64_t h, float *s, int64_t n);

/* Joins a sink to a part with maximum m and sum *l, which becomes the sum of both relative to the new
 * maximum; returns what the part's o is multiplied with. */
float attention_sink(float sink, float m, float *l);

/* Whether scores need attention_adjust. */
static inline bool attention_adjusts(const AttentionArgs *a) { return a->soft_cap > 0 || a->slopes; }

/* Queries per band of the naive twin. */
int64_t naive_band(int64_t n_tok, int64_t n_keys);

#endif
