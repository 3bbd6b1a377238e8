/* plain_simd.c: decoding and unpacking of the formats without a minimum, with vectors; the same
 * products, the same bits. 256 weights at a time, by the loop of the K formats; the last ones through a buffer. */
#include "plain_codes.h"

extern dequant_fn SIMD_FN(dequant_tq1_0), SIMD_FN(dequant_tq2_0), SIMD_FN(dequant_q1_0);
extern dequant_fn SIMD_FN(dequant_q2_0), SIMD_FN(dequant_mxfp4), SIMD_FN(dequant_nvfp4);

extern unpack_fn SIMD_FN(unpack_tq1_0), SIMD_FN(unpack_tq2_0), SIMD_FN(unpack_q1_0);
extern unpack_fn SIMD_FN(unpack_q2_0), SIMD_FN(unpack_mxfp4), SIMD_FN(unpack_nvfp4);

/* ---------------------------------------------------------------- floats */

/* A format with `bytes` for 256 weights. */
SIMD_INLINE void decode_row(float *y, codes_fn *codes, unit_scales_fn *scales, int offset,
                            const void *blocks, int64_t bytes, int64_t n)
{
    const char *b = blocks;
    for (; n >= 256; n -= 256, b += bytes, y += 256) {
        KScales s = scales(b);
        decode(y, codes, b, offset, &s, NULL);
    }
    if (n > 0) {
        char rest[144] = {0};
        float last[256];
        memcpy(rest, b, (size_t)(n * bytes / 256));
        KScales s = scales(rest);
        decode(last, codes, rest, offset, &s, NULL);
        memcpy(y, last, (size_t)n * sizeof *y);
    }
}

void SIMD_FN(dequant_tq1_0)(float *y, const void *blocks, int64_t n)
{
    const BlockTQ1_0 *b = blocks;
    uint8_t digits[256];
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KScales s = scales_tq1_0(b);
        expand_tq1_0(digits, b);
        decode(y, codes_bytes, digits, 1, &s, NULL);
    }
}

void SIMD_FN(dequant_tq2_0)(float *y, const void *blocks, int64_t n)
{
    decode_row(y, codes_tq2_0, scales_tq2_0, 1, blocks, sizeof(BlockTQ2_0), n);
}

void SIMD_FN(dequant_q1_0)(float *y, const void *blocks, int64_t n)
{
    decode_row(y, codes_q1_0, scales_q1_0, 1, blocks, 2 * sizeof(BlockQ1_0), n);
}

void SIMD_FN(dequant_q2_0)(float *y, const void *blocks, int64_t n)
{
    decode_row(y, codes_q2_0, scales_q2_0, 1, blocks, 4 * sizeof(BlockQ2_0), n);
}

void SIMD_FN(dequant_mxfp4)(float *y, const void *blocks, int64_t n)
{
    decode_row(y, codes_mxfp4, scales_mxfp4, 12, blocks, 8 * sizeof(BlockMXFP4), n);
}

void SIMD_FN(dequant_nvfp4)(float *y, const void *blocks, int64_t n)
{
    decode_row(y, codes_nvfp4, scales_nvfp4, 12, blocks, 4 * sizeof(BlockNVFP4), n);
}

/* ---------------------------------------------------------------- integers with scales */

/* One unit's scales, of which `n` weights need n / group. */
SIMD_INLINE void put_scales(float *scale, const KScales *s, int group, int64_t n)
{
    float each[16];
    memcpy(each, s, sizeof each);
    for (int i = 0; i < n / group; i++) scale[i] = each[i * (group / 16)];
}

SIMD_INLINE void unpack_row(int8_t *q, float *scale, codes_fn *codes, unit_scales_fn *scales,
                            int offset, int group, const void *blocks, int64_t bytes, int64_t n)
{
    const char *b = blocks;
    for (; n >= 256; n -= 256, b += bytes, q += 256, scale += 256 / group) {
        KScales s = scales(b);
        put_scales(scale, &s, group, 256);
        put_codes(q, codes, b, offset);
    }
    if (n > 0) {
        char rest[144] = {0};
        int8_t last[256];
        memcpy(rest, b, (size_t)(n * bytes / 256));
        KScales s = scales(rest);
        put_scales(scale, &s, group, n);
        put_codes(last, codes, rest, offset);
        memcpy(q, last, (size_t)n);
    }
}

void SIMD_FN(unpack_tq1_0)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockTQ1_0 *b = blocks;
    uint8_t digits[256];
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256, scale += 8) {
        KScales s = scales_tq1_0(b);
        put_scales(scale, &s, 32, 256);
        expand_tq1_0(digits, b);
        put_codes(q, codes_bytes, digits, 1);
    }
}

void SIMD_FN(unpack_tq2_0)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    unpack_row(q, scale, codes_tq2_0, scales_tq2_0, 1, 32, blocks, sizeof(BlockTQ2_0), n);
}

void SIMD_FN(unpack_q1_0)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    unpack_row(q, scale, codes_q1_0, scales_q1_0, 1, 32, blocks, 2 * sizeof(BlockQ1_0), n);
}

void SIMD_FN(unpack_q2_0)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    unpack_row(q, scale, codes_q2_0, scales_q2_0, 1, 32, blocks, 4 * sizeof(BlockQ2_0), n);
}

void SIMD_FN(unpack_mxfp4)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    unpack_row(q, scale, codes_mxfp4, scales_mxfp4, 12, 32, blocks, 8 * sizeof(BlockMXFP4), n);
}

void SIMD_FN(unpack_nvfp4)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    unpack_row(q, scale, codes_nvfp4, scales_nvfp4, 12, 16, blocks, 4 * sizeof(BlockNVFP4), n);
}
