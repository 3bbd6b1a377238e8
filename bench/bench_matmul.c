/* bench_matmul.c: the ladder from three loops to the speed of the machine, and the rival. */
#include "bench.h"
#include "layer2_kernels.h"

#include <float.h>
#include <math.h>

typedef struct {
    Pool *pool;
    void *scratch;
    float *a, *b, *c;
    int64_t m, n, k;
} MatmulState;

static void matmul_run(BenchCase *c)
{
    MatmulState *s = c->state;
    matmul(s->pool, s->scratch, s->c, s->a, s->b, s->m, s->n, s->k);
}

static void block_run(BenchCase *c)
{
    MatmulState *s = c->state;
    matmul_block(s->scratch, s->c, s->n, s->a, s->k, s->b, s->n, s->m, s->n, s->k);
}

static Status matmul_setup(BenchCase *c, Bench *b, Err *err)
{
    MatmulState *s = BENCH_NEW(c, MatmulState, 1, err);
    if (!s) return E_MEMORY;
    int64_t m = c->n[0], n = c->n[1], k = c->n[2];
    bool whole = c->n[3] == 0;
    *s = (MatmulState){.pool = b->pool, .m = m, .n = n, .k = k,
                       .a = bench_normals(c, 1, m * k, err), .b = bench_normals(c, 2, k * n, err),
                       .c = BENCH_NEW(c, float, m * n, err)};
    s->scratch = bench_alloc(c, matmul_scratch_bytes(m, n, k, b->n_threads), 1, err);
    if (!s->a || !s->b || !s->c || !s->scratch) return E_MEMORY;
    bench_size(c, "%lldx%lldx%lld", (long long)m, (long long)n, (long long)k);
    c->state = s;
    c->run = whole ? matmul_run : block_run;
    c->threaded = whole;
    c->threaded_only = "threaded blas";
    c->out = s->c, c->n_out = m * n;
    /* k products of normal numbers; their sum has a spread of sqrt(k), each rounding u of that. */
    c->tol = 8 * (double)k * FLT_EPSILON;
    c->flops = 2.0 * (double)m * (double)n * (double)k;
    c->bytes = c->set_bytes = 4.0 * (double)(m * k + k * n + m * n);
    return OK;
}

void bench_add_matmul(Bench *b)
{
    matmul_blas_open(); /* if it is not installed its row is unusable, and the table says so */
    bench_add(b, (BenchCase){.op = "matmul", .n = {512, 512, 512}, .setup = matmul_setup});
    bench_add(b, (BenchCase){.op = "matmul", .n = {32, 1024, 1024}, .setup = matmul_setup});
    bench_add(b, (BenchCase){.op = "matmul_block", .n = {84, 512, 512, 1}, .setup = matmul_setup});
}
