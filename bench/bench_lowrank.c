/* bench_lowrank.c: what an adapter of rank 16 adds to one product of 2048 x 2048, for one token and many. */
#include "bench.h"

enum { N = 2048, RANK = 16 };

typedef struct {
    LowRank l;
    LowRankCall call;
    Pool *pool;
    float *y, *before;
    int64_t n;
} LowRankState;

static void lowrank_reset(BenchCase *c)
{
    LowRankState *s = c->state;
    for (int64_t i = 0; i < s->n; i++) s->y[i] = s->before[i];
}

static void lowrank_run(BenchCase *c)
{
    LowRankState *s = c->state;
    lowrank(s->pool, &s->call);
}

static Status lowrank_setup(BenchCase *c, Bench *b, Err *err)
{
    LowRankState *s = BENCH_NEW(c, LowRankState, 1, err);
    int64_t n_tok = c->n[0], n_scratch = lowrank_scratch_floats(N, n_tok, RANK);
    float *x = bench_normals(c, 51, n_tok * N, err), *before = bench_normals(c, 52, n_tok * N, err);
    float *a = bench_normals(c, 53, RANK * N, err), *w = bench_normals(c, 54, RANK * N, err);
    float *y = BENCH_NEW(c, float, n_tok * N, err), *scratch = BENCH_NEW(c, float, n_scratch, err);
    void *lin = bench_alloc(c, linear_scratch_bytes(N, n_tok, pool_threads(b->pool)), 1, err);
    if (!s || !x || !before || !a || !w || !y || !scratch || !lin) return E_MEMORY;
    *s = (LowRankState){.pool = b->pool, .y = y, .before = before, .n = n_tok * N};
    s->l = (LowRank){.rank = RANK, .n_in = N, .n_out = N, .a = a, .b = w, .b_stride = N, .scale = 1.0f / 64};
    s->call = (LowRankCall){&s->l, y, N, x, N, n_tok, scratch, lin};
    bench_size(c, "%d x %d,rank=%d,tokens=%lld", N, N, RANK, (long long)n_tok);
    c->state = s;
    c->reset = lowrank_reset;
    c->run = lowrank_run;
    c->threaded_only = "factored";
    c->out = y, c->n_out = n_tok * N;
    /* Sums of 16 times 2048 products, in two orders: results are of size 3, the order costs some 1e-5. */
    c->tol = 1e-3;
    c->flops = 2.0 * (double)n_tok * RANK * 2 * N;
    c->bytes = c->set_bytes = 4.0 * RANK * 2 * N;
    return OK;
}

void bench_add_lowrank(Bench *b)
{
    bench_add(b, (BenchCase){.op = "lowrank", .n = {1}, .setup = lowrank_setup});
    bench_add(b, (BenchCase){.op = "lowrank", .n = {64}, .setup = lowrank_setup});
}
