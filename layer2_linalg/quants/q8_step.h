/* q8_step.h: one step of a dot product with bytes as weights, STEP blocks of 32 (Q8_0, Q8_1, Q8_K). */
#ifndef SIXFOLD_Q8_STEP_H
#define SIXFOLD_Q8_STEP_H

#include "act_rest.h"
#include "simd_prefetch.h"

typedef struct { vf s; vq shift; } Sums;

//@ begin q8-dot-simd
/* The codes of block i begin at q + i * stride, its scale is d[i]. */
SIMD_INLINE Sums q8_step(const int8_t *q, int64_t stride, vq d, ActQ8 a, Sums sums)
{
    vq ds = d * vq_load(a.scale);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, q += STEP / 2 * stride, a.q += 16 * STEP) {
        /* 1. Integers: four sums for each block. */
        vb w0 = vb_shift(vb_load_block(q, stride, 0));
        vb w1 = vb_shift(vb_load_block(q, stride, 1));
        vi s = vi_fold(vi_dot4_shifted(vi_set1(0), w0, vb_load(a.q)),
                       vi_dot4_shifted(vi_set1(0), w1, vb_load(a.q + 4 * VF)));
        /* 2. Both scales once per block. */
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    if (SHIFT) sums.shift = vq_fma(d, vq_load(a.sum), sums.shift);
    return sums;
}
//@ end q8-dot-simd

SIMD_INLINE float q8_total(Sums s) { return vf_sum(vf_fma(vf_set1(-SHIFT), vq_wide(s.shift), s.s)); }

/* The activations of the next STEP blocks. */
SIMD_INLINE ActQ8 q8_next(ActQ8 a)
{
    return (ActQ8){.q = a.q + 32 * STEP, .scale = a.scale + STEP, .sum = a.sum + STEP};
}

#endif
