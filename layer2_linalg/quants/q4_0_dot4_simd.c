/* q4_0_dot4_simd.c: q4_0.c's dot product on STEP blocks at a time.
 *
 * One register of code bytes holds two halves at once: its low nibbles meet the first 16 activations
 * of each block, its high nibbles the last 16. The codes stay unsigned; their zero point 8 meets
 * ActQ8.sum in a sum of its own. */
#include "act_rest.h"
#include "simd_prefetch.h"

extern dot_quant_fn SIMD_FN(dot_q4_0);

typedef struct { vf s; vq zero; } Sums;

//@ begin q4_0-dot-simd
SIMD_INLINE Sums step(const BlockQ4_0 *b, ActQ8 a, Sums sums)
{
    vq d = vq_load_f16(b, sizeof *b), ds = d * vq_load(a.scale);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, b += STEP / 2) {
        /* 1. Integers: four sums for each block, low and high nibbles. */
        vb codes = vb_load_nibbles(b);
        vb lo = codes & vb_set1(15);
        vb hi = (vb)((vi)codes >> 4) & vb_set1(15);
        vi s = vi_dot4x2_us(vi_set1(0), lo, vb_first_halves(a.split, h),
                            hi, vb_last_halves(a.split, h));
        /* 2. Both scales once per block, and the zero point 8. */
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    sums.zero = vq_fma(d, vq_load(a.sum), sums.zero);
    return sums;
}
//@ end q4_0-dot-simd

#define DOT_FN SIMD_FN(dot_q4_0)
#define DOT_BLOCK BlockQ4_0
#define DOT_RESULT (vf_sum(vf_fma(vf_set1(-8), vq_wide(sums.zero), sums.s)))
#include "dot_blocks32.inc"
