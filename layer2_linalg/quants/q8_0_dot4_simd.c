/* q8_0_dot4_simd.c: q8_0.c's dot product on STEP blocks at a time.
 *
 * Byte dot products leave each block with four 32-bit sums, which its two scales multiply together.
 * On machines that multiply only unsigned by signed bytes the codes are shifted to 0..255, and the
 * shift is taken back through ActQ8.sum:  sum (q + 128) a - 128 sum a. */
#include "act_rest.h"
#include "simd_prefetch.h"

extern dot_quant_fn SIMD_FN(dot_q8_0);

typedef struct { vf s; vq shift; } Sums;

//@ begin q8_0-dot-simd
SIMD_INLINE Sums step(const BlockQ8_0 *b, ActQ8 a, Sums sums)
{
    vq d = vq_load_f16(&b->d, sizeof *b), ds = d * vq_load(a.scale);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, b += STEP / 2, a.q += 16 * STEP) {
        /* 1. Integers: four sums for each block. */
        vb w0 = vb_shift(vb_load_block(b->q, sizeof *b, 0));
        vb w1 = vb_shift(vb_load_block(b->q, sizeof *b, 1));
        vi s = vi_fold(vi_dot4_shifted(vi_set1(0), w0, vb_load(a.q)),
                       vi_dot4_shifted(vi_set1(0), w1, vb_load(a.q + 4 * VF)));
        /* 2. Both scales once per block. */
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    if (SHIFT) sums.shift = vq_fma(d, vq_load(a.sum), sums.shift);
    return sums;
}
//@ end q8_0-dot-simd

float SIMD_FN(dot_q8_0)(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ8_0 *b = blocks;
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
        BlockQ8_0 rest[STEP] = {{0}};
        ActRest act;
        for (int64_t i = 0; i < left; i++) rest[i] = b[i];
        sums = step(rest, act_rest(&act, a, left), sums);
    }
    return vf_sum(sums.s) - SHIFT * vq_sum(sums.shift);
}
