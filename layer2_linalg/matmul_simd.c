/* matmul_simd.c: matmul.c's packed step with vectors: the same loops around another micro-kernel.
 *
 * A tile of C is MR rows of NV registers. Each k loads NV registers of B, and MR numbers of A that
 * are broadcast to all lanes: MR * NV fused multiply-adds for MR + NV loads. The tile is as large as
 * the register file allows, because a multiply-add has a latency of four cycles and two start per
 * cycle: at least eight must be independent. */
#include "layer2_kernels.h"
#include "simd.h"

#if VF == 16
#define MR 14 /* 28 accumulators + 2 of B + 1 of A = 31 of 32 registers */
#define NV 2
#elif VF == 8
#define MR 6 /* 12 accumulators + 2 of B + 1 of A = 15 of 16 registers */
#define NV 2
#else
#define MR 6 /* 24 accumulators + 4 of B + 1 of A = 29 of 32 registers */
#define NV 4
#endif
#define NR (NV * VF)

_Static_assert(MATMUL_MC % MR == 0 && MATMUL_NC % NR == 0, "panels must fill their blocks");

//@ begin matmul-micro-simd
/* tile[MR][NR] (+)= A panel times B panel, the tile in MR * NV registers. */
static void micro_kernel(int64_t k, const float *pa, const float *pb, float *c,
                         int64_t ldc, bool add)
{
    vf acc[MR][NV], bv[NV];
#pragma GCC unroll 16
    for (int y = 0; y < MR; y++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) {
            acc[y][v] = vf_zero();
            __builtin_prefetch(c + y * ldc + v * VF, 1);
        }
    /* 1. One step per k: MR + NV loads feed MR * NV multiply-adds. */
    for (int64_t p = 0; p < k; p++, pa += MR, pb += NR) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) bv[v] = vf_load(pb + v * VF);
#pragma GCC unroll 16
        for (int y = 0; y < MR; y++) {
            vf ay = vf_set1(pa[y]);
#pragma GCC unroll 4
            for (int v = 0; v < NV; v++)
                acc[y][v] = vf_fma(ay, bv[v], acc[y][v]);
        }
    }
    /* 2. To C: the first block of k overwrites, later ones add. */
#pragma GCC unroll 16
    for (int y = 0; y < MR; y++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) {
            float *out = c + y * ldc + v * VF;
            vf_store(out, add ? vf_load(out) + acc[y][v] : acc[y][v]);
        }
}
//@ end matmul-micro-simd

#define BLOCK_FN SIMD_FN(matmul_block)
#include "matmul_block.inc"

void SIMD_FN(matmul)(Pool *pool, void *scratch, float *c, const float *a, const float *b, int64_t m,
                     int64_t n, int64_t k)
{
    (void)pool;
    SIMD_FN(matmul_block)(scratch, c, n, a, k, b, n, m, n, k);
}
