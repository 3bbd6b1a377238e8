/* simd_sums.h: the lanes of many registers added up at once.
 *
 * vf_sum adds the halves of a register, then the halves of that, and so on: log2(VF) steps for one number.
 * Here a step takes two registers a, b and leaves one, in which a's halves are added in half of the lanes
 * and b's in the others:
 *   a0 a1 a2 a3   b0 b1 b2 b3      ->  a0+a2  a1+a3  b2+b0  b3+b1      (distance 2)
 * So VF registers become one with VF sums after VF - 1 steps, in the lanes' order and with vf_sum's bits. */
#ifndef SIXFOLD_SIMD_SUMS_H
#define SIXFOLD_SIMD_SUMS_H

#include "simd.h"

/* Lane l of a pair (a, b), for lanes whose bit `d` is 0 from a, else from b: the same lane, and the one d away. */
#define SUMS_STAY(d, l) ((l) & (d) ? VF + (l) : (l))
#define SUMS_CROSS(d, l) ((l) & (d) ? VF + (l) - (d) : (l) + (d))
#if VF == 16
#define SUMS_LANES(f, d) SUMS_8(f, d, 0), SUMS_8(f, d, 8)
#elif VF == 8
#define SUMS_LANES(f, d) SUMS_8(f, d, 0)
#else
#define SUMS_LANES(f, d) SUMS_4(f, d, 0)
#endif
#define SUMS_8(f, d, l) SUMS_4(f, d, l), SUMS_4(f, d, (l) + 4)
#define SUMS_4(f, d, l) f(d, l), f(d, (l) + 1), f(d, (l) + 2), f(d, (l) + 3)

/* Registers i and i + d become one; where there are only i and what is missing, i's halves are added. */
#define SUMS_STEP(v, n, d)                                                                         \
    _Pragma("GCC unroll 8") for (int i = 0; i < (d) && i < (n); i++)                               \
    {                                                                                              \
        vf a = (v)[i], b = (v)[i + (d) < (n) ? i + (d) : i];                                       \
        (v)[i] = __builtin_shufflevector(a, b, SUMS_LANES(SUMS_STAY, d)) +                         \
                 __builtin_shufflevector(a, b, SUMS_LANES(SUMS_CROSS, d));                         \
    }

/* Lane l of the result is the sum of v[l], l < n <= VF; v is used up. n is a constant. */
SIMD_INLINE vf vf_sums(vf *v, int n)
{
#if VF == 16
    SUMS_STEP(v, n, 8)
#endif
#if VF >= 8
    SUMS_STEP(v, n, 4)
#endif
    SUMS_STEP(v, n, 2)
    SUMS_STEP(v, n, 1)
    return v[0];
}

#endif
