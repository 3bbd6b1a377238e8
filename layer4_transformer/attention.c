/* attention.c: what all variants of attention share: who sees whom, which head serves whom, how the
 * work is cut, and how much scratch it needs.
 *
 * The work of a call is a grid: kv heads x tiles of tokens. A tile is a fixed number of tokens for a
 * given shape, so the grid, and with it every result, is the same for any number of threads. Later
 * tiles see more keys and take longer: they are handed out first. */
#include "attention.h"

#include "attention_impl.h"
#include "layer1.h"
#include "softmax.h"
#include "vec.h"

#include <math.h>
#include <string.h>

//@ exercise 4.1 who may look at whom
EXERCISE void attention_visible(const AttentionArgs *a, int64_t t,
                                int64_t *first, int64_t *end)
{
    int64_t pos = a->pos0 + t, n_keys = a->pos0 + a->n_tok, before = a->window - 1;
    if (a->both_ways) before = a->window / 2;
    /* A query sees itself and what came before, or everything... */
    *first = 0;
    *end = a->both_ways ? n_keys : pos + 1;
    /* ...but with a window no more than that many keys. */
    if (a->window > 0 && pos > before) *first = pos - before;
    if (a->window > 0 && pos + before + 1 < *end) *end = pos + before + 1;
}
//@ end exercise

float attention_adjust(const AttentionArgs *a, int h, float score, int64_t distance)
{
    if (a->soft_cap > 0) score = a->soft_cap * tanhf(score / a->soft_cap);
    if (a->slopes) score -= a->slopes[h] * (float)(distance < 0 ? -distance : distance);
    return score;
}

//@ begin alibi-slopes
void attention_slopes(float *slopes, int n_head, float max_bias)
{
    int n = 1; /* the largest power of two <= n_head */
    while (2 * n <= n_head) n *= 2;
    for (int h = 0; h < n_head; h++) {
        float power = h < n ? (float)(h + 1) / (float)n
                            : (float)(2 * (h - n) + 1) / (float)(2 * n);
        slopes[h] = exp2f(-max_bias * power);
    }
}
//@ end alibi-slopes

//@ exercise 4.2 grouped queries: which kv head serves a query head
EXERCISE int attention_kv_head(int h, int n_head, int n_kv_head)
{
    return h / (n_head / n_kv_head);
}
//@ end exercise

static int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t flash_tile_tokens(int group) { return max64(FLASH_ROWS / group, 1); }

int64_t naive_band(int64_t n_tok, int64_t n_keys)
{
    return max64(min64(n_tok, NAIVE_SCORES / n_keys), 1);
}

/* The next n floats of the scratch, 64-byte aligned. */
static float *take(FlashScratch *f, void *memory, int64_t n)
{
    float *p = memory ? (float *)memory + f->bytes / 4 : NULL;
    f->bytes += round_up(n * 4, 64);
    return p;
}

FlashScratch flash_scratch(void *memory, int group, int d_k, int d_v)
{
    FlashScratch f = {.wk = round_up(d_k, 16), .wv = round_up(d_v, 16)};
    f.n_rows = round_up(flash_tile_tokens(group) * group, FLASH_TILE) + FLASH_TILE;
    f.k = take(&f, memory, FLASH_KEYS * f.wk);
    f.v = take(&f, memory, FLASH_KEYS * f.wv);
    f.q = take(&f, memory, f.n_rows * f.wk);
    f.o = take(&f, memory, f.n_rows * f.wv);
    f.m = take(&f, memory, f.n_rows);
    f.l = take(&f, memory, f.n_rows * 16);
    f.s = take(&f, memory, FLASH_TILE * FLASH_KEYS);
    return f;
}

int64_t attention_scratch_bytes(int64_t max_tok, int64_t n_ctx, int n_head, int n_kv_head, int d_k,
                                int d_v)
{
    /* naive: a band of scores; cached: one row of them; both: one key or value. */
    int64_t band = max64(min64(max_tok * n_ctx, NAIVE_SCORES), n_ctx);
    int64_t naive = round_up(4 * band, 64) + round_up(4 * max64(d_k, d_v), 64);
    return max64(naive, flash_scratch(NULL, n_head / n_kv_head, d_k, d_v).bytes);
}

typedef struct {
    const AttentionArgs *a;
    char *scratch;
    int64_t scratch_bytes_each, tile, n_tiles;
} Grid;

static void grid_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Grid *g = ctx;
    int64_t n_kv_head = g->a->kv->n_kv_head;
    for (int64_t i = begin; i < end; i++) {
        int64_t t0 = (g->n_tiles - 1 - i / n_kv_head) * g->tile;
        attention(g->a, (int)(i % n_kv_head), t0, min64(t0 + g->tile, g->a->n_tok),
                  g->scratch + thread * g->scratch_bytes_each);
    }
}

void attention_all(Pool *pool, const AttentionArgs *a, void *scratch, int64_t scratch_bytes_each)
{
    const KvView *kv = a->kv;
    CHECK(a->n_head % kv->n_kv_head == 0, "%d query heads do not share %d kv heads", a->n_head,
          kv->n_kv_head);
    CHECK(a->n_tok == 0 || (a->pos0 >= 0 && a->pos0 + a->n_tok <= kv->n_ctx),
          "queries at %lld .. %lld of a context of %lld", (long long)a->pos0,
          (long long)(a->pos0 + a->n_tok), (long long)kv->n_ctx);
    CHECK(scratch_bytes_each % 64 == 0 &&
              scratch_bytes_each >= attention_scratch_bytes(a->n_tok, a->pos0 + a->n_tok, a->n_head,
                                                            kv->n_kv_head, kv->d_k, kv->d_v),
          "attention scratch of %lld bytes", (long long)scratch_bytes_each);
    Grid g = {a, scratch, scratch_bytes_each, flash_tile_tokens(a->n_head / kv->n_kv_head), 0};
    g.n_tiles = (a->n_tok + g.tile - 1) / g.tile;
    pool_for_dynamic(pool, g.n_tiles * kv->n_kv_head, 1, grid_part, &g);
}

void attention_weights(const AttentionArgs *a, int h, int64_t t, float *p, int64_t n_keys)
{
    const KvView *kv = a->kv;
    const float *q = a->q + t * a->q_stride + (int64_t)h * kv->d_k;
    int g = attention_kv_head(h, a->n_head, kv->n_kv_head);
    int64_t first, end;
    attention_visible(a, t, &first, &end);
    for (int64_t j = 0; j < n_keys; j++) {
        if (j < first || j >= end) {
            p[j] = -INFINITY;
            continue;
        }
        const char *k = kv->k + j * kv->k_pos + g * kv->k_head;
        float s = a->scale * (kv->type_k == DT_F16 ? dot_f16((const void *)k, q, kv->d_k)
                                                   : dot_f32((const void *)k, q, kv->d_k));
        p[j] = attention_adjust(a, h, s, a->pos0 + t - j);
    }
    if (n_keys > 0) attention_softmax(a, h, p, n_keys);
}

float attention_sink(float sink, float m, float *l)
{
    float top = sink > m ? sink : m, share = expf(m - top);
    *l = *l * share + expf(sink - top);
    return share;
}

void attention_softmax(const AttentionArgs *a, int64_t h, float *s, int64_t n)
{
    if (!a->sinks) {
        softmax(s, n);
        return;
    }
    float top = a->sinks[h], sum;
    for (int64_t j = 0; j < n; j++) top = s[j] > top ? s[j] : top;
    sum = expf(a->sinks[h] - top);
    for (int64_t j = 0; j < n; j++) sum += s[j] = expf(s[j] - top);
    for (int64_t j = 0; j < n; j++) s[j] /= sum;
}
