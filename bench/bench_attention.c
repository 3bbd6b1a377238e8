/* bench_attention.c: one new token against a long cache (decode), and a prompt against itself. */
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

void bench_add_attention(Bench *b)
{
    bench_add(b, (BenchCase){.op = "attention", .n = {2048, 1}, .setup = attention_setup});
    bench_add(b, (BenchCase){.op = "attention", .n = {512, 512}, .setup = attention_setup});
}
