/* matmul.c: the scalar steps of the matmul ladder: same multiplications, better order.
 *
 *   c[i][j] = sum_k a[i][k] b[k][j]      A [m, k], B [k, n], C [m, n], row-major
 *
 *   ijk      the definition; the inner loop walks down a column of B, a new cache line each time
 *   ikj      the inner loop walks along rows of B and C: every byte of a line is used
 *   tiled    ikj on tiles that fit the cache, so B is not fetched again for every row of A
 *   packed   tiles copied into reading order, a small tile of C kept in registers (GEBP)
 *
 * What follows: matmul_simd.c (vectors), matmul_threaded.c (cores), matmul_blas.c (a rival). */
#include "layer2_kernels.h"

#include <string.h>

//@ exercise 2.3 matrix product
/* C = A B: c[i][j] is the dot product of row i of A and column j of B. */
//@ begin matmul-ijk
EXERCISE void matmul_ijk(Pool *pool, void *scratch, float *c, const float *a,
                         const float *b, int64_t m, int64_t n, int64_t k)
{
    (void)pool, (void)scratch;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0.0f;
            for (int64_t p = 0; p < k; p++) sum += a[i * k + p] * b[p * n + j];
            c[i * n + j] = sum;
        }
}
//@ end matmul-ijk
//@ end exercise

//@ begin matmul-ikj
/* Two loops exchanged: row i of C gathers multiples of the rows of B. */
void matmul_ikj(Pool *pool, void *scratch, float *c, const float *a,
                const float *b, int64_t m, int64_t n, int64_t k)
{
    (void)pool, (void)scratch;
    memset(c, 0, (size_t)(m * n) * sizeof *c);
    for (int64_t i = 0; i < m; i++)
        for (int64_t p = 0; p < k; p++) {
            float aip = a[i * k + p];
            for (int64_t j = 0; j < n; j++) c[i * n + j] += aip * b[p * n + j];
        }
}
//@ end matmul-ikj

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

//@ begin matmul-tiled
/* ikj within tiles of B that stay in the cache for all rows of A: 64 x 128
 * floats are 32 KB. */
void matmul_tiled(Pool *pool, void *scratch, float *c, const float *a,
                  const float *b, int64_t m, int64_t n, int64_t k)
{
    enum { TILE_K = 64, TILE_N = 128 };
    (void)pool, (void)scratch;
    memset(c, 0, (size_t)(m * n) * sizeof *c);
    for (int64_t p0 = 0; p0 < k; p0 += TILE_K)
        for (int64_t j0 = 0; j0 < n; j0 += TILE_N) {
            int64_t p1 = smaller(p0 + TILE_K, k), j1 = smaller(j0 + TILE_N, n);
            for (int64_t i = 0; i < m; i++)
                for (int64_t p = p0; p < p1; p++) {
                    float aip = a[i * k + p];
                    for (int64_t j = j0; j < j1; j++)
                        c[i * n + j] += aip * b[p * n + j];
                }
        }
}
//@ end matmul-tiled

/* ---------------------------------------------------------------- packed */

#define MR 2
#define NR 4

//@ begin matmul-micro
/* tile[MR][NR] (+)= A panel times B panel, the tile in MR * NR registers. */
static void micro_kernel(int64_t k, const float *pa, const float *pb, float *c,
                         int64_t ldc, bool add)
{
    float acc[MR][NR] = {{0}};
    /* 1. One step per k: MR + NR loads feed MR * NR multiply-adds. */
    for (int64_t p = 0; p < k; p++, pa += MR, pb += NR)
#pragma GCC unroll 2
        for (int y = 0; y < MR; y++)
#pragma GCC unroll 4
            for (int x = 0; x < NR; x++) acc[y][x] += pa[y] * pb[x];
    /* 2. To C: the first block of k overwrites, later ones add. */
#pragma GCC unroll 2
    for (int y = 0; y < MR; y++)
#pragma GCC unroll 4
        for (int x = 0; x < NR; x++)
            c[y * ldc + x] = (add ? c[y * ldc + x] : 0.0f) + acc[y][x];
}
//@ end matmul-micro

#define BLOCK_FN matmul_block_scalar
#include "matmul_block.inc"

int64_t matmul_block_bytes(void)
{
    return (int64_t)sizeof(float) * (MATMUL_KC * MATMUL_NC + MATMUL_MC * MATMUL_KC);
}

void matmul_packed(Pool *pool, void *scratch, float *c, const float *a, const float *b, int64_t m,
                   int64_t n, int64_t k)
{
    (void)pool;
    matmul_block_scalar(scratch, c, n, a, k, b, n, m, n, k);
}

int64_t matmul_scratch_bytes(int64_t m, int64_t n, int64_t k, int n_threads)
{
    (void)m, (void)n, (void)k; /* the blocks have one size */
    return matmul_block_bytes() * n_threads;
}
