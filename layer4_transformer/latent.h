/* latent.h: latent attention: what is remembered of a token is one short vector for all heads.
 *
 *   c = norm(first r of W_a x)      p = RoPE(the rest of W_a x)           kept: [c | p], r + R numbers
 *   k_h = [K_h c | p]               v_h = V_h c                           what it stands for
 *   q_h = [n_h | RoPE(m_h)]         s = scale q_h . k_h,  out_h = sum softmax(s)_j v_hj
 *
 * Variants of op "latent", same signature:
 *   expanded   makes keys and values of each head from the memory, for every key and every call, and
 *              then it is attention as always
 *   absorbed   n_h . K_h c = (K_h^T n_h) . c and sum_j p_j V_h c_j = V_h sum_j p_j c_j: queries are
 *              turned into the memory's own space, and only what comes out is turned back. All heads
 *              read the same memory: one kv head, of which the values are a part of the keys
 *
 * Interface: the block calls latent_forward in place of its own q, k, v. Memory: a KvView of one head of
 * r + n_rot (BlockSpec.d_k), values r wide (d_v) that are the beginnings of the keys (kv_flat_shared).
 * The block's tap is not called. Source: DeepSeek-AI 2024, arXiv:2405.04434, section 2.1. */
#ifndef SIXFOLD_LATENT_H
#define SIXFOLD_LATENT_H

#include "block.h"

typedef struct {
    const BlockSpec *s;
    const BlockWeights *w;
    Pool *pool;
    void *scratch;       /* latent_scratch_bytes, 64-byte aligned */
    const float *angles; /* [n_tok, n_rot] */
    BlockWatcher watcher;
    const LowRankSet *adapters; /* of all matrices but k_b and v_b; NULL for none */
    const float *x;      /* [n_tok, d_model] */
    float *heads;        /* [n_tok, n_head * latent.d_v] the result */
    int64_t n_tok;
    const BlockRun *runs;
    int n_runs;
} LatentCall;

/* The queries of one run, whose keys are stored. */
typedef struct {
    const LatentCall *call;
    const BlockRun *run;
    const float *q; /* [run->n, n_head * (d_nope + n_rot)] */
    float *heads;
} LatentRun;

typedef void latent_fn(const LatentRun *r);
extern latent_fn *latent;

/* For up to max_tok tokens against up to n_ctx positions; 0 where latent.rank is. */
int64_t latent_scratch_bytes(const BlockSpec *s, int64_t max_tok, int64_t n_ctx, int n_threads);

void latent_forward(const LatentCall *c);

#endif
