/* ffn.h: the feed-forward half of a block: widen, bend, narrow.
 *
 *   gated   y = down(act(gate(x)) * up(x))        plain   y = down(act(up(x)))
 *
 * Interface: x [n_tok, d_model], y [n_tok, d_model], hidden: scratch of 2 * n_tok * d_ff floats. What
 * down was multiplied with [n_tok, d_ff] is left in it: in the second half if gated, else in the first.
 * Source: Vaswani et al. 2017, 3.3; Shazeer 2020. */
#ifndef SIXFOLD_FFN_H
#define SIXFOLD_FFN_H

#include "block.h"

/* The non-linear middle of n numbers: gate = act(gate) * up, or, without gate, up = act(up). */
void ffn_bend(const BlockSpec *s, Pool *pool, float *gate, float *up, int64_t n);

void ffn_forward(const BlockSpec *s, const BlockWeights *w, const LowRankSet *adapters, Pool *pool,
                 void *linear_scratch, float *hidden, float *y, const float *x, int64_t n_tok);

#endif
