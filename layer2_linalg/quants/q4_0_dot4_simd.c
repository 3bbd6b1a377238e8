/* q4_0_dot4_simd.c: q4_0.c's dot product on LANES blocks at a time.
 *
 * One register of code bytes holds two halves at once: its low nibbles meet the first 16 activations
 * of each block, its high nibbles the last 16. The codes stay unsigned; their zero point 8 meets
 * ActQ8.sum in a sum of its own. */
#include "act_rest.h"

extern dot_quant_fn SIMD_FN(dot_q4_0);

typedef struct { vf s; vq zero; } Sums;

//@ begin q4_0-dot-simd
SIMD_INLINE Sums step(const BlockQ4_0 *b, ActQ8 a, Sums sums)
{
    /* 1. Integers: elements 4i to 4i+3 of s add up to block i's sum. */
    vb codes = vb_load_nibbles(b->q);
    vb lo = codes & vb_set1(15);
    vb hi = (vb)((vi)codes >> 4) & vb_set1(15);
    vi s = vi_dot4x2_us(vi_set1(0), lo, vb_even_lanes(a.q),
                        hi, vb_odd_lanes(a.q));
    /* 2. Both scales once per block, and the zero point 8. */
    vq d = vq_load_f16_18(&b->d);
    sums.s = vf_fma(vf_spread(d * vq_load(a.scale)), vf_from_vi(s), sums.s);
    sums.zero = vq_fma(d, vq_load(a.sum), sums.zero);
    return sums;
}
//@ end q4_0-dot-simd

float SIMD_FN(dot_q4_0)(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ4_0 *b = blocks;
    Sums sums = {vf_zero(), (vq){0}};
    int64_t left = n / 32;
    for (; left >= LANES; left -= LANES, b += LANES) {
        for (int i = 0; i < LANES * (int)sizeof *b; i += 64) prefetch_ahead((const char *)b + i);
        sums = step(b, a, sums);
        a.q += 32 * LANES;
        a.scale += LANES;
        a.sum += LANES;
    }
    /* The last blocks, filled up with zeros. */
    if (left > 0) {
        BlockQ4_0 rest[LANES] = {{0}};
        ActRest act;
        memcpy(rest, b, (size_t)left * sizeof *b);
        sums = step(rest, act_rest(&act, a, left), sums);
    }
    return vf_sum(sums.s) - 8.0f * vq_sum(sums.zero);
}
