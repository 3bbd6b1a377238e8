/* moe.h: a feed-forward layer made of experts, of which each token meets a few.
 *
 *   y = sum over the chosen e of w_e FFN_e(x)   (+ FFN_shared(x), times a sigmoid if it has a router)
 *
 * Variants of op "moe", same signature:
 *   by_token   one token after the other: its experts' matrices are read for it alone
 *   grouped    tokens are sorted by expert first: each expert's matrices are read once for all tokens
 *              that chose it, which makes many-token passes matrix products again
 * Both add a token's experts up in the same order.
 *
 * Interface: x [n_tok, d_model], y [n_tok, d_model], apart; scratch of moe_scratch_bytes, 64-byte
 * aligned. Source: Shazeer et al. 2017. */
#ifndef SIXFOLD_MOE_H
#define SIXFOLD_MOE_H

#include "block.h"

typedef struct {
    const BlockSpec *s;
    const BlockWeights *w;
    Pool *pool;
    void *scratch;
    const LowRankSet *adapters; /* NULL for none */
    BlockWatcher watcher;       /* sees each expert's part of a matrix as a matrix of its own */
    float *y;
    const float *x;
    int64_t n_tok;
} MoeCall;

typedef void moe_fn(const MoeCall *c);
extern moe_fn *moe;

int64_t moe_scratch_bytes(const BlockSpec *s, int64_t max_tok, int n_threads);

#endif
