/* bench_latent.c: latent attention in the shape of DeepSeek-V2-Lite: one new token against what is kept of
 * earlier ones, and a prompt against itself. Matrices are F16, the memory too. */
#include "bench.h"

#include <float.h>
#include <math.h>

enum { HEADS = 16, RANK = 512, ROT = 64, NOPE = 128, D_V = 128, KEPT = RANK + ROT, D_Q = NOPE + ROT };

typedef struct {
    BlockSpec s;
    BlockWeights w;
    KvView kv;
    BlockRun run;
    LatentCall call;
    LatentRun latent;
} LatentState;

static void latent_bench(BenchCase *c)
{
    LatentState *s = c->state;
    latent(&s->latent);
}

/* Random matrices [n_in, n_out, HEADS] as F16. */
static Status random_matrices(BenchCase *c, uint64_t seed, int64_t n_in, int64_t n_out, Tensor *to, Err *err)
{
    int64_t n = n_in * n_out * HEADS;
    float *x = bench_normals(c, seed, n, err);
    uint16_t *half = BENCH_NEW(c, uint16_t, n, err);
    if (!x || !half) return E_MEMORY;
    vec_scale(x, 1 / sqrtf((float)RANK), n);
    row_to_f16(half, x, n);
    *to = tensor_matrix(DT_F16, half, n_in, n_out);
    to->ne[2] = HEADS;
    to->nb[3] = to->nb[2] * HEADS;
    return OK;
}

static Status latent_setup(BenchCase *c, Bench *b, Err *err)
{
    LatentState *s = BENCH_NEW(c, LatentState, 1, err);
    int64_t n_ctx = c->n[0], n_tok = c->n[1];
    if (!s) return E_MEMORY;
    s->s = (BlockSpec){.n_head = HEADS, .n_kv_head = 1, .d_k = KEPT, .d_v = RANK, .n_rot = ROT,
                       .attn_scale = 1 / sqrtf(D_Q),
                       .latent = {.rank = RANK, .d_nope = NOPE, .d_v = D_V}};
    TRY(random_matrices(c, 41, NOPE, RANK, &s->w.latent.k_b, err));
    TRY(random_matrices(c, 42, RANK, D_V, &s->w.latent.v_b, err));
    void *memory = bench_alloc(c, block_kv_bytes(&s->s, DT_F16, DT_F16, n_ctx), 1, err);
    float *rows = bench_normals(c, 43, n_ctx * KEPT, err), *q = bench_normals(c, 44, n_tok * HEADS * D_Q, err);
    float *heads = BENCH_NEW(c, float, n_tok * HEADS * D_V, err);
    int64_t scratch = latent_scratch_bytes(&s->s, n_tok, n_ctx, pool_threads(b->pool));
    s->call = (LatentCall){.s = &s->s, .w = &s->w, .pool = b->pool,
                           .scratch = bench_alloc(c, scratch, 1, err), .n_tok = n_tok, .runs = &s->run,
                           .n_runs = 1};
    if (!memory || !rows || !q || !heads || !s->call.scratch) return E_MEMORY;
    s->kv = block_kv(&s->s, memory, DT_F16, DT_F16, n_ctx);
    for (int64_t j = 0; j < n_ctx; j++) kv_store(&s->kv, j, rows + j * KEPT, rows + j * KEPT);
    s->run = (BlockRun){0, n_tok, n_ctx - n_tok, &s->kv, NULL};
    s->latent = (LatentRun){&s->call, &s->run, q, heads};
    bench_size(c, "ctx=%lld,tokens=%lld", (long long)n_ctx, (long long)n_tok);
    c->state = s;
    c->run = latent_bench;
    c->threaded = true;
    c->out = heads, c->n_out = n_tok * HEADS * D_V;
    /* Scores of size 10 from sums of 576 products of numbers with 11 bits: a weight is off by a few 1e-3. */
    c->tol = 0.02;
    return OK;
}

void bench_add_latent(Bench *b)
{
    bench_add(b, (BenchCase){.op = "latent", .n = {512, 1}, .setup = latent_setup});
    bench_add(b, (BenchCase){.op = "latent", .n = {256, 256}, .setup = latent_setup});
}
