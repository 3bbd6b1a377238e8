/* bench_moe.c: a layer of 8 experts of which each token meets 2: token by token against grouped by expert.
 * Weights are Q8_0, so that one token at a time pays for memory, as in a real mixture. */
#include "bench.h"

#include <float.h>
#include <string.h>

enum { D = 512, F = 1024, X = 8, USED = 2 };

typedef struct {
    BlockSpec s;
    BlockWeights w;
    MoeCall call;
} MoeState;

static void moe_run(BenchCase *c)
{
    MoeState *s = c->state;
    moe(&s->call);
}

/* Random experts [n_in, n_out, X] as Q8_0. */
static Status random_experts(BenchCase *c, uint64_t seed, int64_t n_in, int64_t n_out, Experts *to, Err *err)
{
    int64_t rows = n_out * X, bytes = dtype_row_bytes(DT_Q8_0, n_in);
    float *x = bench_normals(c, seed, rows * n_in, err);
    char *blocks = bench_alloc(c, rows * bytes, 1, err);
    if (!x || !blocks) return E_MEMORY;
    vec_scale(x, 0.05f, rows * n_in);
    for (int64_t r = 0; r < rows; r++)
        row_from_f32(blocks + r * bytes, DT_Q8_0, x + r * n_in, NULL, n_in);
    to->w = tensor_matrix(DT_Q8_0, blocks, n_in, n_out);
    to->w.ne[2] = X;
    to->w.nb[3] = to->w.nb[2] * X;
    return OK;
}

static Status moe_setup(BenchCase *c, Bench *b, Err *err)
{
    MoeState *s = BENCH_NEW(c, MoeState, 1, err);
    int64_t n_tok = c->n[0];
    if (!s) return E_MEMORY;
    s->s = (BlockSpec){.d_model = D, .d_ff = F, .gated = true, .act = ACT_SILU,
                       .moe = {.n_expert = X, .n_used = USED, .normalise = true, .d_ff = F}};
    float *router = bench_normals(c, 31, D * X, err), *x = bench_normals(c, 32, n_tok * D, err);
    float *y = BENCH_NEW(c, float, n_tok * D, err);
    void *scratch = bench_alloc(c, moe_scratch_bytes(&s->s, n_tok, pool_threads(b->pool)), 1, err);
    if (!router || !x || !y || !scratch) return E_MEMORY;
    s->w.moe.router.w = tensor_matrix(DT_F32, router, D, X);
    TRY(random_experts(c, 33, D, F, &s->w.moe.gate, err));
    TRY(random_experts(c, 34, D, F, &s->w.moe.up, err));
    TRY(random_experts(c, 35, F, D, &s->w.moe.down, err));
    s->call = (MoeCall){.s = &s->s, .w = &s->w, .pool = b->pool, .scratch = scratch, .y = y, .x = x,
                        .n_tok = n_tok};
    bench_size(c, "%d of %d,tokens=%lld", USED, X, (long long)n_tok);
    c->state = s;
    c->run = moe_run;
    c->threaded = true;
    c->out = y, c->n_out = n_tok * D;
    /* Few tokens and many go different ways through linear: activations are rounded to 8 bits in both,
     * and sums of some hundred products of size one differ by their order. */
    c->tol = 0.02;
    c->flops = 2.0 * (double)n_tok * USED * 3 * D * F;
    c->int8 = true;
    double all = 3.0 * X * D * F * 34 / 32;
    c->bytes = n_tok == 1 ? all * USED / X : all;
    c->set_bytes = all;
    return OK;
}

void bench_add_moe(Bench *b)
{
    bench_add(b, (BenchCase){.op = "moe", .n = {1}, .setup = moe_setup});
    bench_add(b, (BenchCase){.op = "moe", .n = {128}, .setup = moe_setup});
}
