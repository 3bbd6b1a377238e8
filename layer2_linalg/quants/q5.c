/* q5.c: Q5_0 and Q5_1: Q4_0 and Q4_1 with a fifth bit, which is kept apart so that bytes stay whole.
 *
 *   Q5_0   m = the first weight of largest magnitude, with its sign      w_i = d * (code_i - 16)
 *          d = m / -16     code_i = min(31, trunc(x_i / d + 16.5))
 *   Q5_1   m = min x       d = (max x - m) / 31                          w_i = d * code_i + m
 *          code_i = min(31, trunc((x_i - m) / d + 0.5))
 *
 *   22 bytes: half d |          32 bits, bit i = bit 4 of code_i | 16 bytes of nibbles as in Q4_0
 *   24 bytes: half d | half m | the same                                 (5.5 and 6 bits per weight)
 *
 * Source: GGUF block formats (ggml). */
#include "block_search.h"
#include "layer2_kernels.h"

#include <float.h>
#include <math.h>

/* trunc(v) between 0 and 31; NaN, from weights that are none, becomes 0. */
static int code_of(float v) { return v >= 31.0f ? 31 : v >= 0.0f ? (int)v : 0; }

/* ---------------------------------------------------------------- the order of the bits */

static void pack(uint8_t high[4], uint8_t low[16], const uint8_t codes[32])
{
    for (int j = 0; j < 16; j++) low[j] = (uint8_t)((codes[j] & 15) | (codes[j + 16] & 15) << 4);
    for (int k = 0; k < 4; k++) {
        high[k] = 0;
        for (int j = 0; j < 8; j++) high[k] |= (uint8_t)(codes[8 * k + j] >> 4 << j);
    }
}

//@ begin q5-unpack
static void unpack(int8_t codes[32], const uint8_t high[4],
                   const uint8_t low[16])
{
    for (int j = 0; j < 16; j++) {
        int bit_lo = high[j / 8] >> j % 8 & 1;
        int bit_hi = high[2 + j / 8] >> j % 8 & 1;
        codes[j] = (int8_t)((low[j] & 15) | bit_lo << 4);
        codes[j + 16] = (int8_t)(low[j] >> 4 | bit_hi << 4);
    }
}
//@ end q5-unpack

static int32_t dot32(const int8_t codes[32], const int8_t q[32])
{
    int32_t s = 0;
    for (int j = 0; j < 32; j++) s += codes[j] * q[j];
    return s;
}

/* ---------------------------------------------------------------- Q5_0 */

void quant_q5_0_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockQ5_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The first weight of largest magnitude becomes the code 0. */
        float m = 0.0f;
        for (int j = 0; j < 32; j++)
            if (fabsf(x[j]) > fabsf(m)) m = x[j];
        float d = m / -16.0f;
        if (importance) d = quant_fit_32(x, importance + 32 * i, -16, 15).scale;
        float inverse = fabsf(d) >= FLT_MIN ? 1.0f / d : 0.0f;
        /* 2. Codes from the f32 scale. */
        uint8_t codes[32];
        for (int j = 0; j < 32; j++) codes[j] = (uint8_t)code_of(x[j] * inverse + 16.5f);
        b[i].d = f32_to_f16(d);
        pack(b[i].qh, b[i].q, codes);
    }
}

void dequant_q5_0_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_0 *b = blocks;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        unpack(codes, b[i].qh, b[i].q);
        float d = f16_to_f32(b[i].d);
        for (int j = 0; j < 32; j++) y[j] = d * (float)(codes[j] - 16);
    }
}

void unpack_q5_0_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ5_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        unpack(q, b[i].qh, b[i].q);
        scale[i] = f16_to_f32(b[i].d);
        for (int j = 0; j < 32; j++) q[j] = (int8_t)(q[j] - 16);
    }
}

float dot_q5_0_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ5_0 *b = blocks;
    float sum = 0.0f;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 32; i++) {
        unpack(codes, b[i].qh, b[i].q);
        float s = a.scale[i] * (float)dot32(codes, a.q + 32 * i);
        sum += f16_to_f32(b[i].d) * (s - 16.0f * a.sum[i]);
    }
    return sum;
}

/* ---------------------------------------------------------------- Q5_1 */

void quant_q5_1_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockQ5_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The smallest weight becomes the code 0, the largest 31. */
        float least = FLT_MAX, most = -FLT_MAX;
        for (int j = 0; j < 32; j++) {
            if (x[j] < least) least = x[j];
            if (x[j] > most) most = x[j];
        }
        float d = (most - least) / 31.0f;
        if (importance) {
            QuantFit fit = quant_fit_32(x, importance + 32 * i, 0, 31);
            d = fit.scale;
            least = fit.least;
        }
        float inverse = d >= FLT_MIN ? 1.0f / d : 0.0f;
        /* 2. Codes from the f32 numbers. */
        uint8_t codes[32];
        for (int j = 0; j < 32; j++) codes[j] = (uint8_t)code_of((x[j] - least) * inverse + 0.5f);
        b[i].d = f32_to_f16(d);
        b[i].m = f32_to_f16(least);
        pack(b[i].qh, b[i].q, codes);
    }
}

void dequant_q5_1_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_1 *b = blocks;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        unpack(codes, b[i].qh, b[i].q);
        float d = f16_to_f32(b[i].d), m = f16_to_f32(b[i].m);
        for (int j = 0; j < 32; j++) y[j] = d * (float)codes[j] + m;
    }
}

void unpack_q5_1_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ5_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        unpack(q, b[i].qh, b[i].q);
        scale[i] = f16_to_f32(b[i].d);
        offset[i] = f16_to_f32(b[i].m);
    }
}

float dot_q5_1_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ5_1 *b = blocks;
    float sum = 0.0f;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 32; i++) {
        unpack(codes, b[i].qh, b[i].q);
        float s = a.scale[i] * (float)dot32(codes, a.q + 32 * i);
        sum += f16_to_f32(b[i].d) * s + f16_to_f32(b[i].m) * a.sum[i];
    }
    return sum;
}
