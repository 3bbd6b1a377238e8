/* plain_dot4_simd.c: dot products of the formats without a minimum, 256 weights at a time.
 *
 * The loop is that of the K formats (k_unit.h): byte dot products of unsigned codes, less the offset
 * times the activations, and one multiplication by both scales for each four weights. A row may end
 * within 256 weights: the last blocks are filled up with zeros. */
#include "plain_codes.h"
#include "simd_prefetch.h"

extern dot_quant_fn SIMD_FN(dot_tq1_0), SIMD_FN(dot_tq2_0), SIMD_FN(dot_q1_0), SIMD_FN(dot_q2_0);
extern dot_quant_fn SIMD_FN(dot_mxfp4), SIMD_FN(dot_nvfp4);

/* Weights' scales times activations' scales, one of those for each 32. */
SIMD_INLINE KScales both_scales(KScales s, const float scale[8])
{
    for (int g = 0; g < 16; g += VF)
        vf_store(s.of + g, vf_load(s.of + g) * vf_twice(vq_load(scale + g / 2)));
    return s;
}

//@ begin plain-dot-simd
/* A format with `bytes` for 256 weights. */
SIMD_INLINE float dot_row(codes_fn *codes, unit_scales_fn *scales, int offset,
                          const void *blocks, int64_t bytes, ActQ8 a, int64_t n)
{
    Sums sums = {{vf_zero(), vf_zero()}};
    const char *b = blocks;
    for (; n >= 256; n -= 256, b += bytes, a.q += 256, a.scale += 8) {
        prefetch_ahead(b, bytes);
        KScales s = both_scales(scales(b), a.scale);
        sums = add_block(sums, codes, b, a.q, &s, offset);
    }
    /* The last blocks, filled up with zeros. */
    if (n > 0) {
        char rest[144] = {0};
        int8_t q[256] = {0};
        float scale[8] = {0};
        memcpy(rest, b, (size_t)(n * bytes / 256));
        memcpy(q, a.q, (size_t)n);
        memcpy(scale, a.scale, (size_t)(n / 32) * sizeof *scale);
        KScales s = both_scales(scales(rest), scale);
        sums = add_block(sums, codes, rest, q, &s, offset);
    }
    return total(sums);
}
//@ end plain-dot-simd

float SIMD_FN(dot_tq1_0)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = {{vf_zero(), vf_zero()}};
    const BlockTQ1_0 *b = blocks;
    uint8_t digits[256];
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8) {
        prefetch_ahead(b, sizeof *b);
        KScales s = both_scales(scales_tq1_0(b), a.scale);
        expand_tq1_0(digits, b);
        sums = add_block(sums, codes_bytes, digits, a.q, &s, 1);
    }
    return total(sums);
}

float SIMD_FN(dot_tq2_0)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_tq2_0, scales_tq2_0, 1, blocks, sizeof(BlockTQ2_0), a, n);
}

float SIMD_FN(dot_q1_0)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_q1_0, scales_q1_0, 1, blocks, 2 * sizeof(BlockQ1_0), a, n);
}

float SIMD_FN(dot_q2_0)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_q2_0, scales_q2_0, 1, blocks, 4 * sizeof(BlockQ2_0), a, n);
}

float SIMD_FN(dot_mxfp4)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_mxfp4, scales_mxfp4, 12, blocks, 8 * sizeof(BlockMXFP4), a, n);
}

float SIMD_FN(dot_nvfp4)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_nvfp4, scales_nvfp4, 12, blocks, 4 * sizeof(BlockNVFP4), a, n);
}
