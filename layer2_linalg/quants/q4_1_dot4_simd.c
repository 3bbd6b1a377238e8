/* q4_1_dot4_simd.c: q4_1.c's dot product on STEP blocks at a time: Q4_0's, and a minimum in place of
 * the zero point. */
#include "act_rest.h"
#include "simd_prefetch.h"

extern dot_quant_fn SIMD_FN(dot_q4_1);

typedef struct { vf s; vq least; } Sums;

SIMD_INLINE Sums step(const BlockQ4_1 *b, ActQ8 a, Sums sums)
{
    vq d = vq_load_f16(&b->d, sizeof *b), ds = d * vq_load(a.scale);
    vq m = vq_load_f16(&b->m, sizeof *b);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, b += STEP / 2) {
        /* 1. Integers: four sums for each block, low and high nibbles. */
        vb codes = vb_load_16(b->q, sizeof *b);
        vb lo = codes & vb_set1(15);
        vb hi = (vb)((vi)codes >> 4) & vb_set1(15);
        vi s = vi_dot4x2_us(vi_set1(0), lo, vb_first_halves(a.split, h), hi, vb_last_halves(a.split, h));
        /* 2. Both scales once per block, and the minimum times the sum of the activations. */
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    sums.least = vq_fma(m, vq_load(a.sum), sums.least);
    return sums;
}

#define DOT_FN SIMD_FN(dot_q4_1)
#define DOT_BLOCK BlockQ4_1
#define DOT_RESULT (vf_sum(sums.s + vq_wide(sums.least)))
#include "dot_blocks32.inc"
