/* ssm.h: the state-space block: a scan instead of attention and feed-forward network.
 *
 *   Mamba    (x, z) = in(norm(u));  x = silu(conv(x));  (r, B, C) = W_x x;  dt = softplus(W_dt r + bias)
 *            y = scan(x, dt, B, C);  u += out(y silu(z))
 *   Mamba-2  (z, xBC, dt) = in(norm(u));  (x, B, C) = silu(conv(xBC));  dt = softplus(dt + bias)
 *            y = scan(x, dt, B, C);  u += out(norm2(y silu(z)))       norm2 by groups of channels
 *
 * Weights, I = d_inner, S = d_state, K = d_conv, R = dt_rank, n heads in g groups:
 *            in                 conv            x            dt      a        d    norm
 *   Mamba    [d_model, 2 I]     [K, I]          [I, R + 2S]  [R, I]  [S, I]   [I]
 *   Mamba-2  [d_model, 2 I + 2 g S + n]  [K, I + 2 g S]              [n]      [n]  [I]
 * and out [I, d_model] in both. In a matrix the first number counts inputs, as in files; conv and a of
 * Mamba are the other way round than in files, channels innermost.
 *
 * Interface: block_forward calls this for a BlockSpec with ssm.kind; runs need a ScanState.
 * Source: Gu and Dao 2023, section 3.4; Dao and Gu 2024, section 7. */
#ifndef SIXFOLD_SSM_H
#define SIXFOLD_SSM_H

#include "block.h"

/* Outputs of the first matrix. */
int64_t ssm_in_width(const SsmSpec *s);

int64_t ssm_scratch_bytes(const BlockSpec *s, int64_t max_tok, int n_threads);

void ssm_forward(const BlockSpec *s, const BlockWeights *w, const BlockContext *c, float *x,
                 int64_t n_tok, const BlockRun *runs, int n_runs);

#endif
