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
    vq d = vq_load_f16_18(b), ds = d * vq_load(a.scale);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, b += STEP / 2, a.q += 16 * STEP) {
        /* 1. Integers: four sums for each block, low and high nibbles. */
        vb codes = vb_load_nibbles(b);
        vb a0 = vb_load(a.q), a1 = vb_load(a.q + 4 * VF);
        vb lo = codes & vb_set1(15);
        vb hi = (vb)((vi)codes >> 4) & vb_set1(15);
        vi s = vi_dot4x2_us(vi_set1(0), lo, vb_lower_halves(a0, a1),
                            hi, vb_upper_halves(a0, a1));
        /* 2. Both scales once per block, and the zero point 8. */
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    sums.zero = vq_fma(d, vq_load(a.sum), sums.zero);
    return sums;
}
//@ end q4_0-dot-simd

float SIMD_FN(dot_q4_0)(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ4_0 *b = blocks;
    Sums sums = {vf_zero(), (vq){0}};
    int64_t left = n / 32;
    for (; left >= STEP; left -= STEP, b += STEP) {
        prefetch_ahead(b, STEP * sizeof *b);
        sums = step(b, a, sums);
        a.q += 32 * STEP;
        a.scale += STEP;
        a.sum += STEP;
    }
    /* The last blocks, filled up with zeros. */
    if (left > 0) {
        BlockQ4_0 rest[STEP] = {{0}};
        ActRest act;
        for (int64_t i = 0; i < left; i++) rest[i] = b[i];
        sums = step(rest, act_rest(&act, a, left), sums);
    }
    return vf_sum(sums.s) - 8.0f * vq_sum(sums.zero);
}
