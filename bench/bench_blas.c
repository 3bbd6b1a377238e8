/* bench_blas.c: F32 matrices of a model's shapes against OpenBLAS, if it is installed.
 *
 *   y[t][o] = sum_i W[o][i] x[t][i]      one token: a matrix times a vector; many: times a matrix
 *
 * W is stored as files store it, row after row, which OpenBLAS calls transposed. It is opened when the
 * bench begins and nowhere else; where it is missing its rows say "unusable". It counts threads as we do.
 * Of itself it may take kernels for an older processor, so it is told to use AVX-512 where we do
 * (OPENBLAS_CORETYPE, unless it is set). Its threads wait busily for 2^26 cycles after a product, which would be in
 * our turn; here for 2^20 (OPENBLAS_THREAD_TIMEOUT), half a millisecond. */
#include "bench.h"

#include <dlfcn.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

typedef void SgemmFn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                     const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void SgemvFn(int order, int trans, int m, int n, float alpha, const float *a, int lda,
                     const float *x, int step_x, float beta, float *y, int step_y);
typedef void SetThreadsFn(int n);

enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };

static SgemmFn *sgemm;
static SgemvFn *sgemv;
static SetThreadsFn *set_threads;

void bench_blas_prepare(void)
{
    if (cpu_features() & CPU_AVX512) setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
    setenv("OPENBLAS_THREAD_TIMEOUT", "20", 0);
}

static bool blas_open(void)
{
    if (sgemm) return true;
    void *lib = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib) return false;
    void *found[] = {dlsym(lib, "cblas_sgemm"), dlsym(lib, "cblas_sgemv"),
                     dlsym(lib, "openblas_set_num_threads")};
    if (!found[0] || !found[1] || !found[2]) {
        dlclose(lib);
        return false;
    }
    /* POSIX allows it, C has no cast for it. */
    memcpy(&sgemm, &found[0], sizeof sgemm);
    memcpy(&sgemv, &found[1], sizeof sgemv);
    memcpy(&set_threads, &found[2], sizeof set_threads);
    return true;
}

typedef struct {
    Pool *pool;
    Tensor w;
    float *x, *y;
    int64_t n_tok;
    void *scratch;
} FloatState;

static void ours_run(BenchCase *c)
{
    FloatState *s = c->state;
    linear(s->pool, s->scratch, s->y, &s->w, NULL, s->x, s->n_tok);
}

static void blas_run(BenchCase *c)
{
    FloatState *s = c->state;
    int n_in = (int)s->w.ne[0], n_out = (int)s->w.ne[1];
    set_threads(pool_threads(s->pool));
    if (s->n_tok == 1)
        sgemv(ROW_MAJOR, AS_IT_IS, n_out, n_in, 1, s->w.data, n_in, s->x, 1, 0, s->y, 1);
    else
        sgemm(ROW_MAJOR, AS_IT_IS, TRANSPOSED, (int)s->n_tok, n_out, n_in, 1, s->x, n_in, s->w.data, n_in,
              0, s->y, n_out);
}

static Status float_setup(BenchCase *c, Bench *b, Err *err)
{
    FloatState *s = BENCH_NEW(c, FloatState, 1, err);
    if (!s) return E_MEMORY;
    int64_t n_in = c->n[0], n_out = c->n[1], n_tok = c->n[2];
    float *w = bench_normals(c, 11, n_in * n_out, err);
    *s = (FloatState){.pool = b->pool, .w = tensor_matrix(DT_F32, w, n_in, n_out), .n_tok = n_tok,
                      .x = bench_normals(c, 12, n_tok * n_in, err),
                      .y = BENCH_NEW(c, float, n_tok * n_out, err)};
    s->scratch = bench_alloc(c, linear_scratch_bytes(n_in, n_tok, b->n_threads), 1, err);
    if (!w || !s->x || !s->y || !s->scratch) return E_MEMORY;
    bench_size(c, "%lldx%lldx%lld", (long long)n_out, (long long)n_in, (long long)n_tok);
    c->state = s;
    c->run = ours_run;
    c->peer = "openblas";
    c->peer_run = blas_open() ? blas_run : NULL;
    c->threaded = true;
    c->out = s->y, c->n_out = n_tok * n_out;
    /* As for matmul: the spread of a sum is sqrt(n_in), each rounding u of that; 8 is room. */
    c->tol = 8 * (double)n_in * FLT_EPSILON;
    c->flops = 2.0 * (double)(n_tok * n_in * n_out);
    c->set_bytes = c->bytes = (double)tensor_bytes(&s->w) + 4.0 * (double)(n_tok * (n_in + n_out));
    return OK;
}

void bench_add_blas(Bench *b)
{
    static const BenchPick ours[] = {{"sixfold", ""}, {NULL, NULL}};
    static const int64_t n_outs[] = {2048, 5632, 32000}, n_toks[] = {1, 32, 128, 512};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++)
            bench_add(b, (BenchCase){.op = "linear_f32", .n = {2048, n_outs[i], n_toks[k]},
                                     .setup = float_setup, .picks = ours});
}
