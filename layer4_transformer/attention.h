/* attention.h: each query collects values, weighted by how well their keys match.
 *
 *   s_tj  = scale * (q_t . k_j)   for the keys j that t may see (causal: j <= pos_t; window w:
 *                                 j > pos_t - w)
 *   out_t = sum_j softmax(s_t)_j v_j
 *
 * Query head h uses kv head h / (n_head / n_kv_head) (grouped queries). Some families change the
 * scores: a soft cap, a penalty for distance (ALiBi), a sink that takes a share of each row.
 *
 * Variants of op "attention", same signature:
 *   naive   the whole T x T score matrix of the call, masked, softmax by rows, then times V
 *   cached  one query at a time against the keys stored so far: the same work per token, no matrix
 *   flash   tiles of queries and keys with the online softmax: every key and value is read once per
 *           tile and for all heads of the group; scalar and SIMD twins (flash, avx2, avx512, neon)
 *
 * Interface: the call computes kv head g and queries [t0, t1) and writes out for the heads of that
 * group. Query t of the call is at position pos0 + t; its key and value are already in the cache.
 * scratch: attention_scratch_bytes(), 64-byte aligned, one per thread. attention_all splits the work
 * over heads and fixed tiles of tokens, so results do not depend on the number of threads.
 * In the SIMD twins a query's bits are also the same in every chunk of more than 2 rows (tokens times
 * group); with fewer rows keys are summed in another order.
 * A NaN or infinity gives NaN in the rows that see it (and, as 0 * NaN is NaN, perhaps in rows nearby
 * in the same tile); it never crashes.
 * Source: Vaswani et al. 2017, 3.2.1; Ainslie et al. 2023 (grouped queries); Dao et al. 2022; Press et
 * al. 2021 (ALiBi); Gemma Team 2024 (soft cap); Xiao et al. 2023 (sinks). */
#ifndef SIXFOLD_ATTENTION_H
#define SIXFOLD_ATTENTION_H

#include "kvview.h"
#include "pool.h"

typedef struct {
    const float *q;      /* [n_tok, q_stride]: heads of d_k, after RoPE */
    float *out;          /* [n_tok, out_stride]: heads of d_v */
    int64_t q_stride, out_stride;
    const KvView *kv;
    int64_t pos0;        /* position of query 0 */
    int64_t n_tok;
    int n_head;
    float scale;         /* usually 1 / sqrt(d_k) */
    int64_t window;      /* 0: all earlier keys */
    bool both_ways;      /* also later keys of the call (encoders); a window reaches half to each side */
    float soft_cap;      /* c: s becomes c tanh(s / c); 0: off */
    const float *slopes; /* ALiBi [n_head]: s loses slope * |distance|; NULL: off */
    const float *sinks;  /* [n_head]: one more score per row, whose value is zero; NULL: off */
} AttentionArgs;

typedef void attention_fn(const AttentionArgs *a, int g, int64_t t0, int64_t t1, void *scratch);
extern attention_fn *attention;

/* A score after scaling becomes what the softmax sees: soft cap, then ALiBi. distance >= 0 is query
 * position - key position, its absolute value where both_ways. */
float attention_adjust(const AttentionArgs *a, int h, float score, int64_t distance);

/* ALiBi's slopes [n_head] for this greatest bias (Press et al. 2021, section 3). */
void attention_slopes(float *slopes, int n_head, float max_bias);

/* Keys [*first, *end) that query t of the call may see. */
void attention_visible(const AttentionArgs *a, int64_t t, int64_t *first, int64_t *end);

/* The kv head that serves query head h. */
int attention_kv_head(int h, int n_head, int n_kv_head);

/* Joins two partial attentions of one query over different keys into the first: m is the maximum
 * score, l the sum of exp(s - m), o [d] the sum of exp(s - m) v. An empty part has m = -FLT_MAX,
 * l = 0, o = 0. The attention over both sets of keys is then o / l. */
void attention_merge(float *m, float *l, float *o, float m2, float l2, const float *o2, int64_t d);

/* For any variant and any call with n_tok <= max_tok, keys <= n_ctx and these head shapes; a multiple
 * of 64. The naive twin's score matrix is counted up to 4 MB: longer calls are cut into bands. */
int64_t attention_scratch_bytes(int64_t max_tok, int64_t n_ctx, int n_head, int n_kv_head, int d_k,
                                int d_v);

/* All heads and queries; scratch holds pool_threads(pool) * attention_scratch_bytes() bytes. */
void attention_all(Pool *pool, const AttentionArgs *a, void *scratch, int64_t scratch_bytes_each);

/* The probabilities of one query against keys 0 .. n_keys-1, for pictures: p [n_keys]. */
void attention_weights(const AttentionArgs *a, int h, int64_t t, float *p, int64_t n_keys);

#endif
