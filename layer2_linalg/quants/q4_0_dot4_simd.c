/* q4_0_dot4_simd.c: q4_0.c's dot product on LANES blocks at a time.
 *
 * One register of code bytes holds two halves at once: its low nibbles meet the first 16 activations
 * of each block, its high nibbles the last 16. The codes stay unsigned; their zero point 8 meets
 * ActQ8.sum. */
#include "quants.h"
#include "simd_blocks.h"

extern dot_quant_fn SIMD_FN(dot_q4_0);

//@ begin q4_0-dot-simd
SIMD_INLINE vf step(const BlockQ4_0 *b, const int8_t *q, const float *scale,
                    const float *act_sum, vf sum)
{
    /* 1. Integers: element 4i + j of s is a quarter of block i's sum. */
    vb codes = vb_load_lanes(b->q, sizeof *b);
    vb lo = codes & vb_set1(15);
    vb hi = (vb)((vi)codes >> 4) & vb_set1(15);
    vi s = vi_dot4x2_us(vi_set1(0), lo, vb_even_lanes(q), hi, vb_odd_lanes(q));
    /* 2. Both scales once per block, and the zero point 8 in quarters. */
    vf v = vf_spread(act_sum) * vf_set1(-2.0f);
    v = vf_fma(vf_spread(scale), vf_from_vi(s), v);
    return vf_fma(vf_spread_f16(&b->d, sizeof *b), v, sum);
}
//@ end q4_0-dot-simd

float SIMD_FN(dot_q4_0)(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ4_0 *b = blocks;
    int64_t n_blocks = n / 32, i = 0;
    vf sum = vf_zero();
    for (; i + LANES <= n_blocks; i += LANES) {
        prefetch_ahead(b + i);
        sum = step(b + i, a.q + 32 * i, a.scale + i, a.sum + i, sum);
    }
    /* The last blocks, filled up with zeros. */
    if (i < n_blocks) {
        BlockQ4_0 rest[LANES] = {{0}};
        int8_t q[32 * LANES] = {0};
        float scale[LANES] = {0}, act_sum[LANES] = {0};
        memcpy(rest, b + i, (size_t)(n_blocks - i) * sizeof *b);
        memcpy(q, a.q + 32 * i, (size_t)(n_blocks - i) * 32);
        memcpy(scale, a.scale + i, (size_t)(n_blocks - i) * sizeof *scale);
        memcpy(act_sum, a.sum + i, (size_t)(n_blocks - i) * sizeof *act_sum);
        sum = step(rest, q, scale, act_sum, sum);
    }
    return vf_sum(sum);
}
