/* attention_naive.c: attention as the formula says it, with the whole score matrix in memory.
 *
 *   S = scale Q K^T    mask    P = softmax by rows    O = P V        for each head; S is [T, keys]
 *
 * Half of S lies above the diagonal and is computed only to be thrown away, and S grows with the
 * square of the length: that is what the other twins avoid. A call whose matrix would exceed 4 MB is
 * cut into bands of queries. Source: Vaswani et al. 2017, equation 1. */
#include "attention_impl.h"
#include "layer4_kernels.h"
#include "softmax.h"

#include <math.h>
#include <string.h>

/* One head h for queries [t0, t1): s [t1 - t0, n_keys], row: space for one key or value. */
static void naive_band_of_head(const AttentionArgs *a, int g, int64_t h, int64_t t0, int64_t t1,
                               float *s, float *row)
{
    const KvView *kv = a->kv;
    int64_t n_keys = a->pos0 + (a->both_ways ? a->n_tok : t1), d_k = kv->d_k, d_v = kv->d_v;
    //@ begin attention-naive
    /* 1. S = scale Q K^T, every query against every key. */
    for (int64_t j = 0; j < n_keys; j++) {
        kv_load_k(row, kv, g, j);
        for (int64_t t = t0; t < t1; t++) {
            const float *q = a->q + t * a->q_stride + h * d_k;
            float dot = 0;
            for (int64_t i = 0; i < d_k; i++) dot += q[i] * row[i];
            s[(t - t0) * n_keys + j] =
                attention_adjust(a, (int)h, a->scale * dot, a->pos0 + t - j);
        }
    }
    /* 2. Mask what a query may not see; 3. each row to probabilities. */
    for (int64_t t = t0; t < t1; t++) {
        float *s_t = s + (t - t0) * n_keys;
        int64_t first, end;
        attention_visible(a, t, &first, &end);
        for (int64_t j = 0; j < n_keys; j++)
            if (j < first || j >= end) s_t[j] = -INFINITY;
        attention_softmax(a, h, s_t, n_keys);
    }
    //@ end attention-naive
    /* 4. O = P V. */
    for (int64_t t = t0; t < t1; t++)
        memset(a->out + t * a->out_stride + h * d_v, 0, (size_t)d_v * sizeof(float));
    for (int64_t j = 0; j < n_keys; j++) {
        kv_load_v(row, kv, g, j);
        for (int64_t t = t0; t < t1; t++) {
            float *out = a->out + t * a->out_stride + h * d_v, p = s[(t - t0) * n_keys + j];
            for (int64_t i = 0; i < d_v; i++) out[i] += p * row[i];
        }
    }
}

void attention_naive(const AttentionArgs *a, int g, int64_t t0, int64_t t1, void *scratch)
{
    int64_t group = a->n_head / a->kv->n_kv_head;
    int64_t n_keys = a->pos0 + (a->both_ways ? a->n_tok : t1);
    int64_t band = naive_band(t1 - t0, n_keys);
    float *s = scratch, *row = s + (band * n_keys + 15) / 16 * 16;
    for (int64_t h = g * group; h < (g + 1) * group; h++)
        for (int64_t t = t0; t < t1; t += band)
            naive_band_of_head(a, g, h, t, t + band < t1 ? t + band : t1, s, row);
}
