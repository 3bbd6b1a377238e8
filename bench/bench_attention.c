/* bench_attention.c: one new token against a long cache (decode), a prompt against itself, and what a sliding
 * window saves. */
#include "bench.h"

#include <float.h>
#include <math.h>

enum { HEADS = 8, KV_HEADS = 2, WIDTH = 64 };

typedef struct {
    KvView kv;
    AttentionArgs a;
    void *scratch;
    int64_t scratch_bytes;
} AttentionState;

static void attention_run(BenchCase *c)
{
    AttentionState *s = c->state;
    attention_all(NULL, &s->a, s->scratch, s->scratch_bytes);
}

static Status fill_cache(BenchCase *c, KvView *kv, int64_t n_ctx, Err *err)
{
    char *memory =
        bench_alloc(c, kv_flat_bytes(DT_F16, DT_F16, n_ctx, KV_HEADS, WIDTH, WIDTH), 1, err);
    float *rows = bench_normals(c, 16, 2 * n_ctx * KV_HEADS * WIDTH, err);
    if (!memory || !rows) return E_MEMORY;
    *kv = kv_flat(memory, DT_F16, DT_F16, n_ctx, KV_HEADS, WIDTH, WIDTH);
    for (int64_t pos = 0; pos < n_ctx; pos++)
        kv_store(kv, pos, rows + 2 * pos * KV_HEADS * WIDTH,
                 rows + (2 * pos + 1) * KV_HEADS * WIDTH);
    return OK;
}

static Status attention_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    AttentionState *s = BENCH_NEW(c, AttentionState, 1, err);
    if (!s) return E_MEMORY;
    int64_t n_ctx = c->n[0], n_tok = c->n[1];
    TRY(fill_cache(c, &s->kv, n_ctx, err));
    s->scratch_bytes = attention_scratch_bytes(n_tok, n_ctx, HEADS, KV_HEADS, WIDTH, WIDTH);
    s->scratch = bench_alloc(c, s->scratch_bytes, 1, err);
    float *q = bench_normals(c, 17, n_tok * HEADS * WIDTH, err);
    float *out = BENCH_NEW(c, float, n_tok * HEADS * WIDTH, err);
    if (!s->scratch || !q || !out) return E_MEMORY;
    s->a = (AttentionArgs){.q = q,
                           .out = out,
                           .q_stride = HEADS * WIDTH,
                           .out_stride = HEADS * WIDTH,
                           .kv = &s->kv,
                           .pos0 = n_ctx - n_tok,
                           .n_tok = n_tok,
                           .n_head = HEADS,
                           .scale = 1.0f / sqrtf((float)WIDTH)};
    bench_size(c, "ctx=%lld,tokens=%lld", (long long)n_ctx, (long long)n_tok);
    c->state = s;
    c->run = attention_run;
    c->out = out, c->n_out = n_tok * HEADS * WIDTH;
    /* A score of size <= 40 is off by about d eps, a weight by as much; values are <= 5. */
    c->tol = 4 * (WIDTH + 40) * (double)FLT_EPSILON * 5;
    /* Each query meets the keys up to its own: scores and weighted values, 2 operations each. */
    double pairs = (double)n_tok * ((double)n_ctx - (double)(n_tok - 1) / 2);
    c->flops = pairs * HEADS * 4 * WIDTH;
    c->bytes = 4.0 * (double)n_ctx * KV_HEADS * WIDTH + 8.0 * (double)n_tok * HEADS * WIDTH;
    c->set_bytes = c->bytes;
    return OK;
}

/* Pairs of a query and a key that it sees, in a prompt of T tokens with a window of W (0: none). */
static double pairs_of(int64_t T, int64_t W)
{
    double n = (double)T, w = W && W < T ? (double)W : n;
    return w * (w + 1) / 2 + (n - w) * w;
}

static void window_run_with(BenchCase *c, int64_t window)
{
    AttentionState *s = c->state;
    s->a.window = window;
    c->flops = pairs_of(c->n[0], window) * s->a.n_head * 4 * WIDTH;
    attention_run(c);
}

static void full_run(BenchCase *c) { window_run_with(c, 0); }
static void sliding_run(BenchCase *c) { window_run_with(c, c->n[2]); }

/* Twins must agree, so keys lose weight with their distance (ALiBi): the nearest key outside the window has a
 * score 0.08 * 512 = 41 lower, which is nothing beside what is inside. */
static Status window_setup(BenchCase *c, Bench *b, Err *err)
{
    TRY(attention_setup(c, b, err));
    AttentionState *s = c->state;
    float *slopes = BENCH_NEW(c, float, HEADS, err);
    if (!slopes) return E_MEMORY;
    for (int h = 0; h < HEADS; h++) slopes[h] = 41.0f / (float)c->n[2];
    s->a.slopes = slopes;
    s->a.n_head = HEADS / 2;
    s->a.out_stride = s->a.n_head * WIDTH;
    c->n_out = s->a.n_tok * s->a.out_stride;
    c->first_run = full_run;
    c->run = sliding_run;
    bench_size(c, "tokens=%lld,window=%lld", (long long)c->n[0], (long long)c->n[2]);
    return OK;
}

void bench_add_attention(Bench *b)
{
    static const BenchPick reach[] = {{"full", ""}, {"sliding", ""}, {NULL, NULL}};
    bench_add(b, (BenchCase){.op = "attention", .n = {2048, 1}, .setup = attention_setup});
    bench_add(b, (BenchCase){.op = "attention", .n = {512, 512}, .setup = attention_setup});
    bench_add(b, (BenchCase){.op = "window", .n = {4096, 4096, 512}, .setup = window_setup, .picks = reach});
}
