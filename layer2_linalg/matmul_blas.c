/* matmul_blas.c: a rival: OpenBLAS, opened at run time if it is installed, never needed.
 *
 * Loading the library costs milliseconds and starts threads, so nothing happens until someone asks
 * by matmul_blas_open(). Its choice of kernels can be steered by OPENBLAS_CORETYPE=SkylakeX where it
 * does not know the processor. */
#include "layer2_kernels.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

typedef void SgemmFn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                     const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void SetThreadsFn(int n);

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111 };

static SgemmFn *sgemm;
static SetThreadsFn *set_threads;

bool matmul_blas_open(void)
{
    if (sgemm) return true;
    void *lib = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib) return false;
    void *symbol = dlsym(lib, "cblas_sgemm"), *threads = dlsym(lib, "openblas_set_num_threads");
    if (!symbol || !threads) {
        dlclose(lib);
        return false;
    }
    /* POSIX allows it, C has no cast for it. */
    memcpy(&sgemm, &symbol, sizeof sgemm);
    memcpy(&set_threads, &threads, sizeof set_threads);
    matmul_blas_usable();
    return true;
}

void matmul_blas(Pool *pool, void *scratch, float *c, const float *a, const float *b, int64_t m,
                 int64_t n, int64_t k)
{
    (void)scratch;
    CHECK(sgemm, "matmul:blas was called before matmul_blas_open() succeeded");
    CHECK(m <= INT_MAX && n <= INT_MAX && k <= INT_MAX, "OpenBLAS counts in int: %lld x %lld x %lld",
          (long long)m, (long long)n, (long long)k);
    if (m == 0 || n == 0) return;
    if (k == 0) {
        memset(c, 0, (size_t)(m * n) * sizeof *c);
        return;
    }
    set_threads(pool_threads(pool));
    sgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, (int)m, (int)n, (int)k, 1.0f, a, (int)k, b, (int)n,
          0.0f, c, (int)n);
}
