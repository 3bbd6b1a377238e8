/* latent_absorbed.c: the matrices of keys and values move to the queries' side, where there is less to do.
 *
 *   n . (K c) = (K^T n) . c          sum_j p_j V c_j = V sum_j p_j c_j
 *
 * A query of d_nope + n_rot numbers becomes one of rank + n_rot, attention runs on the memory as it is,
 * and its result of rank numbers becomes one of d_v. All heads read the same keys, and the values are the
 * first part of the keys: for one new token the memory is read once per group of heads, and nothing is
 * expanded. Source: DeepSeek-AI 2024, arXiv:2405.04434, section 2.1.2, last paragraph. */
#include "latent_impl.h"
#include "layer4_kernels.h"

#include <string.h>

typedef struct {
    const LatentRun *r;
    LatentScratch l;
} Absorb;

/* Queries of heads [begin, end) into the memory's space. */
static void queries_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Absorb *a = ctx;
    const BlockSpec *s = a->r->call->s;
    const LatentWeights *w = &a->r->call->w->latent;
    int64_t n = a->r->run->n, n_head = s->n_head, d_q = latent_d_q(s), rank = s->latent.rank;
    int64_t kept = rank + s->n_rot, narrow = rank > s->latent.d_nope ? rank : s->latent.d_nope;
    for (int64_t h = begin; h < end; h++) {
        const float *q = a->r->q + h * d_q;
        float *wide = a->l.q_wide + h * kept;
        Tensor k_b = latent_matrix(&w->k_b, h);
        //@ begin latent-absorbed
        /* 1. The part without positions: K_h^T n. */
        latent_product(NULL, a->l.head_linear + thread * a->l.head_linear_bytes,
                       &k_b, w->k_turned, a->l.rows + thread * narrow, wide,
                       n_head * kept, q, n_head * d_q, n);
        /* 2. The part that turns stays as it is. */
        for (int64_t t = 0; t < n; t++)
            memcpy(wide + t * n_head * kept + rank,
                   q + t * n_head * d_q + s->latent.d_nope,
                   (size_t)s->n_rot * sizeof *wide);
        //@ end latent-absorbed
    }
}

/* What heads [begin, end) collected, as values. */
static void values_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Absorb *a = ctx;
    const BlockSpec *s = a->r->call->s;
    int64_t n_head = s->n_head, rank = s->latent.rank, d_v = s->latent.d_v;
    for (int64_t h = begin; h < end; h++) {
        Tensor v_b = latent_matrix(&a->r->call->w->latent.v_b, h);
        latent_product(NULL, a->l.head_linear + thread * a->l.head_linear_bytes, &v_b, false, NULL,
                       a->r->heads + h * d_v, n_head * d_v, a->l.o_wide + h * rank, n_head * rank,
                       a->r->run->n);
    }
}

void latent_absorbed(const LatentRun *r)
{
    const LatentCall *c = r->call;
    const BlockSpec *s = c->s;
    Absorb a = {r, latent_scratch_of(c)};
    int64_t kept = s->latent.rank + s->n_rot;
    pool_for(c->pool, s->n_head, 1, queries_part, &a);
    /* 3. All heads read the same memory; it is presented once for each group, so that groups can be
     * computed side by side. */
    KvView kv = *r->run->kv;
    kv.n_kv_head = s->n_head / latent_heads_together(s->n_head);
    kv.k_head = kv.v_head = 0;
    AttentionArgs args = {.q = a.l.q_wide, .out = a.l.o_wide, .q_stride = s->n_head * kept,
                          .out_stride = s->n_head * s->latent.rank, .kv = &kv, .pos0 = r->run->pos0,
                          .n_tok = r->run->n, .n_head = s->n_head, .scale = s->attn_scale};
    attention_all(c->pool, &args, a.l.attention, a.l.attention_bytes_each);
    /* 4. Back to the width of values. */
    pool_for(c->pool, s->n_head, 1, values_part, &a);
}
