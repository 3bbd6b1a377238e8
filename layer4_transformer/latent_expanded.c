/* latent_expanded.c: keys and values of each head made from the memory, then attention as always.
 *
 *   k_hj = [K_h c_j | p_j]    v_hj = V_h c_j        for every key j of the run, head after head
 *
 * What the memory saves is paid in work: each call expands all keys again. Source: DeepSeek-AI 2024,
 * equations 10 to 12. */
#include "latent_impl.h"
#include "layer4_kernels.h"

#include <string.h>

/* Keys [from, from + n) of head h, at their places in kv. */
static void expand(const LatentRun *r, const LatentScratch *l, int64_t h, int64_t from, int64_t n,
                   const KvView *kv)
{
    const BlockSpec *s = r->call->s;
    const LatentWeights *w = &r->call->w->latent;
    int64_t rank = s->latent.rank, kept = rank + s->n_rot, d_q = kv->d_k, d_v = kv->d_v;
    float *k = (float *)(void *)kv->k + from * d_q, *v = (float *)(void *)kv->v + from * d_v;
    Tensor k_b = latent_matrix(&w->k_b, h), v_b = latent_matrix(&w->v_b, h);
    //@ begin latent-expanded
    /* 1. What is kept of these keys. */
    for (int64_t j = 0; j < n; j++)
        kv_load_k(l->loaded + j * kept, r->run->kv, 0, from + j);
    /* 2. This head's keys: the files have K_h^T, or K_h (turned). */
    latent_product(r->call->pool, l->linear, &k_b, !w->k_turned, l->rows,
                   k, d_q, l->loaded, kept, n);
    for (int64_t j = 0; j < n; j++)
        memcpy(k + j * d_q + s->latent.d_nope, l->loaded + j * kept + rank,
               (size_t)s->n_rot * sizeof *k);
    /* 3. Its values. */
    latent_product(r->call->pool, l->linear, &v_b, false, l->rows,
                   v, d_v, l->loaded, kept, n);
    //@ end latent-expanded
}

void latent_expanded(const LatentRun *r)
{
    const LatentCall *c = r->call;
    const BlockSpec *s = c->s;
    LatentScratch l = latent_scratch_of(c);
    int64_t n_keys = r->run->pos0 + r->run->n, d_q = latent_d_q(s), d_v = s->latent.d_v;
    KvView kv = kv_flat(l.head_kv, DT_F32, DT_F32, n_keys, 1, (int)d_q, (int)d_v);
    for (int64_t h = 0; h < s->n_head; h++) {
        for (int64_t from = 0; from < n_keys; from += LATENT_KEYS)
            expand(r, &l, h, from, n_keys - from < LATENT_KEYS ? n_keys - from : LATENT_KEYS, &kv);
        /* 4. Attention of one head. */
        AttentionArgs a = {.q = r->q + h * d_q, .out = r->heads + h * d_v, .q_stride = s->n_head * d_q,
                           .out_stride = s->n_head * d_v, .kv = &kv, .pos0 = r->run->pos0,
                           .n_tok = r->run->n, .n_head = 1, .scale = s->attn_scale};
        attention_all(c->pool, &a, l.attention, l.attention_bytes_each);
    }
}
