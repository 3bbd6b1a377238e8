/* attention_flash.c: attention in tiles, with a softmax that never sees its whole row.
 *
 * Keys come in blocks. For each query three things are kept: m, the largest score so far; l, the sum
 * of exp(s - m); o, the sum of exp(s - m) v. A new block has its own m2, l2, o2, and two such parts
 * are joined by rescaling both to the common maximum M = max(m, m2):
 *
 *   l = l e^(m - M) + l2 e^(m2 - M)      o = o e^(m - M) + o2 e^(m2 - M)      finally out = o / l
 *
 * So no score matrix exists, and a block of K and V is converted once for a whole tile of queries and
 * for every head of the group. Source: Dao et al. 2022, algorithm 1; Milakov and Gimelshein 2018. */
#include "attention_impl.h"
#include "layer1.h"
#include "layer4_kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

//@ exercise 4.3 join two partial softmaxes
//@ begin attention-merge
EXERCISE void attention_merge(float *m, float *l, float *o,
                              float m2, float l2, const float *o2, int64_t d)
{
    float top = *m > m2 ? *m : m2;
    float keep = expf(*m - top), add = expf(m2 - top);
    *m = top;
    *l = *l * keep + l2 * add;
    for (int64_t i = 0; i < d; i++) o[i] = o[i] * keep + o2[i] * add;
}
//@ end attention-merge
//@ end exercise

/* 1. The tile's queries, scaled; every row starts empty. */
static void start_rows(const FlashScratch *f, const AttentionArgs *a, int g, int64_t t0, int64_t t1)
{
    const KvView *kv = a->kv;
    int64_t group = a->n_head / kv->n_kv_head, r = 0;
    for (int64_t t = t0; t < t1; t++)
        for (int64_t h = g * group; h < (g + 1) * group; h++, r++) {
            const float *q = a->q + t * a->q_stride + h * kv->d_k;
            for (int64_t i = 0; i < kv->d_k; i++) f->q[r * f->wk + i] = a->scale * q[i];
            memset(f->o + r * f->wv, 0, (size_t)kv->d_v * sizeof(float));
            f->m[r] = -FLT_MAX;
            f->l[r * 16] = 0;
        }
}

/* 2. Keys and values [j0, j1) to f32, once for all rows of the tile. */
static void load_block(const FlashScratch *f, const KvView *kv, int g, int64_t j0, int64_t j1)
{
    for (int64_t j = j0; j < j1; j++) {
        kv_load_k(f->k + (j - j0) * f->wk, kv, g, j);
        kv_load_v(f->v + (j - j0) * f->wv, kv, g, j);
    }
}

/* Row r, head h of the query at position pos, against the block of keys at j0, of which it sees
 * [first, end). */
static void row_block(const FlashScratch *f, const AttentionArgs *a, int64_t r, int h, int64_t pos,
                      int64_t j0, int64_t first, int64_t end)
{
    const KvView *kv = a->kv;
    float *s = f->s, *o2 = f->s + FLASH_KEYS, l2 = 0, m2 = -FLT_MAX;
    //@ begin attention-flash
    /* 3. Scores; 4. only of the visible keys. */
    for (int64_t j = first; j < end; j++) {
        const float *q = f->q + r * f->wk, *k = f->k + j * f->wk;
        s[j] = 0;
        for (int64_t i = 0; i < kv->d_k; i++) s[j] += q[i] * k[i];
        s[j] = attention_adjust(a, h, s[j], pos - j0 - j);
        if (s[j] > m2) m2 = s[j];
    }
    /* 5. Exponentials relative to the block's own maximum. */
    for (int64_t j = first; j < end; j++) l2 += s[j] = expf(s[j] - m2);
    /* 6. The block's weighted sum, a stretch at a time, and the merge. */
    float m = f->m[r], l = f->l[r * 16];
    for (int64_t i0 = 0; i0 < kv->d_v; i0 += FLASH_KEYS) {
        int64_t n = kv->d_v - i0 < FLASH_KEYS ? kv->d_v - i0 : FLASH_KEYS;
        memset(o2, 0, (size_t)n * sizeof *o2);
        for (int64_t j = first; j < end; j++)
            for (int64_t i = 0; i < n; i++)
                o2[i] += s[j] * f->v[j * f->wv + i0 + i];
        m = f->m[r], l = f->l[r * 16];
        attention_merge(&m, &l, f->o + r * f->wv + i0, m2, l2, o2, n);
    }
    //@ end attention-flash
    f->m[r] = m;
    f->l[r * 16] = l;
}

/* 7. out = o / l; a sink is one more part, whose value is zero. */
static void finish_rows(const FlashScratch *f, const AttentionArgs *a, int g, int64_t t0, int64_t t1)
{
    int64_t group = a->n_head / a->kv->n_kv_head, d_v = a->kv->d_v, r = 0;
    for (int64_t t = t0; t < t1; t++)
        for (int64_t h = g * group; h < (g + 1) * group; h++, r++) {
            float *out = a->out + t * a->out_stride + h * d_v, l = f->l[r * 16];
            float share = a->sinks ? attention_sink(a->sinks[h], f->m[r], &l) : 1;
            for (int64_t i = 0; i < d_v; i++)
                out[i] = l == 0 ? 0 : f->o[r * f->wv + i] * share / l;
        }
}

static void flash_tile(const FlashScratch *f, const AttentionArgs *a, int g, int64_t t0, int64_t t1)
{
    int group = a->n_head / a->kv->n_kv_head;
    int64_t tile_first, tile_end, first, end;
    attention_visible(a, t0, &tile_first, &end);
    attention_visible(a, t1 - 1, &first, &tile_end);
    start_rows(f, a, g, t0, t1);
    for (int64_t j0 = tile_first / FLASH_KEYS * FLASH_KEYS; j0 < tile_end; j0 += FLASH_KEYS) {
        int64_t j1 = j0 + FLASH_KEYS < tile_end ? j0 + FLASH_KEYS : tile_end;
        load_block(f, a->kv, g, j0, j1);
        for (int64_t r = 0; r < (t1 - t0) * group; r++) {
            attention_visible(a, t0 + r / group, &first, &end);
            if (first < j0) first = j0;
            if (end > j1) end = j1;
            if (first < end)
                row_block(f, a, r, g * group + (int)(r % group), a->pos0 + t0 + r / group, j0,
                          first - j0, end - j0);
        }
    }
    finish_rows(f, a, g, t0, t1);
}

void attention_flash(const AttentionArgs *a, int g, int64_t t0, int64_t t1, void *scratch)
{
    int group = a->n_head / a->kv->n_kv_head;
    int64_t tile = flash_tile_tokens(group);
    FlashScratch f = flash_scratch(scratch, group, a->kv->d_k, a->kv->d_v);
    for (int64_t t = t0; t < t1; t += tile)
        flash_tile(&f, a, g, t, t + tile < t1 ? t + tile : t1);
}
