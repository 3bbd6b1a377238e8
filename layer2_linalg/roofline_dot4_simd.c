/* roofline_dot4_simd.c: byte dot products as fast as possible: unsigned times signed, four products
 * added to each 32-bit lane.
 *
 * vb_opaque costs nothing at run time; without it the compiler would see that every chain computes
 * the same number and would compute it once. */
#include "layer2_kernels.h"
#include "simd.h"

enum { CHAINS = 12 };

int64_t SIMD_FN(roofline_int8)(int64_t rounds, int32_t *out)
{
    vb u = vb_set1(3), w = vb_set1(-2);
    vi s[CHAINS];
#pragma GCC unroll 12
    for (int c = 0; c < CHAINS; c++) s[c] = vi_set1(c);
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++) {
            u = vb_opaque(u);
            s[c] = vi_dot4_us(s[c], u, w);
        }
    vi sum = vi_set1(0);
#pragma GCC unroll 12
    for (int c = 0; c < CHAINS; c++) sum = sum + s[c];
    *out = vi_sum(sum);
    return rounds * CHAINS * 4 * VF * 2;
}
