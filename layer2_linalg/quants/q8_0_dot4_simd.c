/* q8_0_dot4_simd.c: q8_0.c's dot product on LANES blocks at a time.
 *
 * The first halves of the blocks fill one byte register, the second halves another; after two byte
 * dot products each block owns four 32-bit sums, which its two scales multiply together. */
#include "quants.h"
#include "simd_blocks.h"

extern dot_quant_fn SIMD_FN(dot_q8_0);

//@ begin q8_0-dot-simd
SIMD_INLINE vf step(const BlockQ8_0 *b, const int8_t *q, const float *scale, vf sum)
{
    /* 1. Integers: element 4i + j of s is a quarter of block i's sum. */
    vb lo = vb_load_lanes(b->q, sizeof *b);
    vb hi = vb_load_lanes(b->q + 16, sizeof *b);
    vi s = vi_dot4_ss(vi_set1(0), lo, vb_even_lanes(q));
    s = vi_dot4_ss(s, hi, vb_odd_lanes(q));
    /* 2. Both scales once per block. */
    vf d = vf_spread_f16(&b->d, sizeof *b) * vf_spread(scale);
    return vf_fma(d, vf_from_vi(s), sum);
}
//@ end q8_0-dot-simd

float SIMD_FN(dot_q8_0)(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ8_0 *b = blocks;
    int64_t n_blocks = n / 32, i = 0;
    vf sum = vf_zero();
    for (; i + LANES <= n_blocks; i += LANES) {
        prefetch_ahead(b + i);
        if (LANES > 1) prefetch_ahead((const char *)(b + i) + 64);
        sum = step(b + i, a.q + 32 * i, a.scale + i, sum);
    }
    /* The last blocks, filled up with zeros. */
    if (i < n_blocks) {
        BlockQ8_0 rest[LANES] = {{0}};
        int8_t q[32 * LANES] = {0};
        float scale[LANES] = {0};
        memcpy(rest, b + i, (size_t)(n_blocks - i) * sizeof *b);
        memcpy(q, a.q + 32 * i, (size_t)(n_blocks - i) * 32);
        memcpy(scale, a.scale + i, (size_t)(n_blocks - i) * sizeof *scale);
        sum = step(rest, q, scale, sum);
    }
    return vf_sum(sum);
}
