/* q8_0_dot4_simd.c: q8_0.c's dot product on LANES blocks at a time.
 *
 * Byte dot products leave each block with four 32-bit sums, which its two scales multiply together.
 * On machines that multiply only unsigned by signed bytes the codes are shifted to 0..255, and the
 * shift is taken back through ActQ8.sum:  sum (q + 128) a - 128 sum a. */
#include "act_rest.h"

extern dot_quant_fn SIMD_FN(dot_q8_0);

typedef struct { vf s; vq shift; } Sums;

//@ begin q8_0-dot-simd
SIMD_INLINE Sums step(const BlockQ8_0 *b, ActQ8 a, Sums sums)
{
    /* 1. Integers: elements 4i to 4i+3 of s add up to block i's sum. */
    vb w0 = vb_shift(vb_load_block(b->q, sizeof *b, 0));
    vb w1 = vb_shift(vb_load_block(b->q, sizeof *b, 1));
    vi s = vi_fold(vi_dot4_shifted(vi_set1(0), w0, vb_load(a.q)),
                   vi_dot4_shifted(vi_set1(0), w1, vb_load(a.q + 4 * VF)));
    /* 2. Both scales once per block. */
    vq d = vq_load_f16(&b->d, sizeof *b);
    sums.s = vf_fma(vf_spread(d * vq_load(a.scale)), vf_from_vi(s), sums.s);
    if (SHIFT) sums.shift = vq_fma(d, vq_load(a.sum), sums.shift);
    return sums;
}
//@ end q8_0-dot-simd

float SIMD_FN(dot_q8_0)(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ8_0 *b = blocks;
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
        BlockQ8_0 rest[LANES] = {{0}};
        ActRest act;
        memcpy(rest, b, (size_t)left * sizeof *b);
        sums = step(rest, act_rest(&act, a, left), sums);
    }
    return vf_sum(sums.s) - SHIFT * vq_sum(sums.shift);
}
