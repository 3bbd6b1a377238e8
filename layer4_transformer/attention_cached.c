/* attention_cached.c: one query at a time against the keys that are stored.
 *
 *   s_j = scale q . k_j   for the visible j;   p = softmax(s);   out = sum_j p_j v_j
 *
 * The same arithmetic as the naive twin without the half that is masked, and one row of scores
 * instead of a matrix. This is the shape of text generation: one new query per step. Each head reads
 * all keys and values anew, also those it shares with the other heads of its group. */
#include "attention_impl.h"
#include "layer4_kernels.h"
#include "softmax.h"
#include "vec.h"

#include <string.h>

void attention_cached(const AttentionArgs *a, int g, int64_t t0, int64_t t1, void *scratch)
{
    const KvView *kv = a->kv;
    int64_t group = a->n_head / kv->n_kv_head, d_k = kv->d_k, d_v = kv->d_v;
    int64_t n_keys = a->pos0 + (a->both_ways ? a->n_tok : t1);
    float *p = scratch, *row = p + (n_keys + 15) / 16 * 16;
    for (int64_t t = t0; t < t1; t++) {
        int64_t first, end;
        attention_visible(a, t, &first, &end);
        for (int64_t h = g * group; h < (g + 1) * group; h++) {
            const float *q = a->q + t * a->q_stride + h * d_k;
            float *out = a->out + t * a->out_stride + h * d_v;
            //@ begin attention-cached
            /* 1. Scores of the visible keys; 2. nothing is left to mask. */
            for (int64_t j = first; j < end; j++) {
                kv_load_k(row, kv, g, j);
                float s = a->scale * dot_f32(row, q, d_k);
                p[j - first] = attention_adjust(a, (int)h, s, a->pos0 + t - j);
            }
            /* 3. To probabilities. */
            attention_softmax(a, h, p, end - first);
            /* 4. The weighted sum of the values. */
            memset(out, 0, (size_t)d_v * sizeof *out);
            for (int64_t j = first; j < end; j++) {
                kv_load_v(row, kv, g, j);
                vec_axpy(out, p[j - first], row, d_v);
            }
            //@ end attention-cached
        }
    }
}
