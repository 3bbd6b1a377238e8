/* matmul_threaded.c: the last step of the ladder: all cores.
 *
 * C is cut into one strip per thread, along its longer side, and each thread computes its strip with
 * the best one-thread kernel (op "matmul_block") and a scratch of its own. No element of C is shared
 * and each is summed in the same order whatever the cut, so the bits do not depend on the threads. */
#include "layer2_kernels.h"

typedef struct {
    char *scratch;
    float *c;
    const float *a, *b;
    int64_t m, n, k;
} Product;

//@ begin matmul-threads
static void strip_of_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Product *p = ctx;
    matmul_block(p->scratch + thread * matmul_block_bytes(),
                 p->c + begin * p->n, p->n, p->a + begin * p->k, p->k,
                 p->b, p->n, end - begin, p->n, p->k);
}

static void strip_of_columns(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Product *p = ctx;
    matmul_block(p->scratch + thread * matmul_block_bytes(),
                 p->c + begin, p->n, p->a, p->k,
                 p->b + begin, p->n, p->m, end - begin, p->k);
}
//@ end matmul-threads

void matmul_threaded(Pool *pool, void *scratch, float *c, const float *a, const float *b, int64_t m,
                     int64_t n, int64_t k)
{
    /* Strips narrower than a tile or two would waste most of it. */
    enum { FEWEST_ROWS = 28, FEWEST_COLUMNS = 64 };
    Product p = {scratch, c, a, b, m, n, k};
    if (m >= n) pool_for(pool, m, FEWEST_ROWS, strip_of_rows, &p);
    else pool_for(pool, n, FEWEST_COLUMNS, strip_of_columns, &p);
}
