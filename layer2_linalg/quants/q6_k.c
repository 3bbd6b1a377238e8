/* q6_k.c: Q6_K: 256 weights in 16 groups of 16, six bits each, signed 8-bit scales.
 *
 *   w_i = d * scale_{i/16} * (code_i - 32)
 *
 *   210 bytes: 128 bytes, two runs of 64, one for each 128 weights; of a run, byte l (l = 0..31)
 *                 byte l        7..4: bits 3..0 of code 64+l | 3..0: of code l
 *                 byte 32 + l   7..4: bits 3..0 of code 96+l | 3..0: of code 32+l
 *              64 bytes, two runs of 32; byte l = bits 5..4 of code
 *                               7 6: 96+l | 5 4: 64+l | 3 2: 32+l | 1 0: l
 *              16 x int8 scale | half d                            (6.5625 bits per weight)
 *
 * The integers of 32 weights are at most 32 * 32 * 127 * 128 < 2^24, exact as floats.
 * Source: GGUF block formats (ggml). */
#include "k_parts.h"
#include "block_search.h"
#include "layer2_kernels.h"

#include <string.h>

/* The 32 codes of weights 32 k to 32 k + 31, less 32. */
static void codes_of(int8_t codes[32], const BlockQ6_K *b, int k)
{
    int run = k / 4, g = k % 4;
    const uint8_t *low = b->ql + 64 * run + 32 * (g & 1), *high = b->qh + 32 * run;
    for (int l = 0; l < 32; l++)
        codes[l] = (int8_t)(((low[l] >> 4 * (g >> 1) & 15) | (high[l] >> 2 * g & 3) << 4) - 32);
}

void quant_q6_k_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    const KShape shape = {.group = 16, .lo = -32, .hi = 31, .scale_lo = -128, .scale_hi = 127};
    KNumbers k;
    BlockQ6_K *b = blocks;
    for (int64_t at = 0; at < n; at += 256, b++) {
        quant_k_search(&k, x + at, importance ? importance + at : NULL, shape);
        *b = (BlockQ6_K){.d = k.d};
        memcpy(b->scales, k.scales, sizeof b->scales);
        for (int i = 0; i < 256; i++) {
            int code = k.codes[i] + 32, g = i / 32 % 4;
            b->ql[64 * (i / 128) + 32 * (g & 1) + i % 32] |= (uint8_t)((code & 15) << 4 * (g >> 1));
            b->qh[32 * (i / 128) + i % 32] |= (uint8_t)(code >> 4 << 2 * g);
        }
    }
}

void dequant_q6_k_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ6_K *b = blocks;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float d = f16_to_f32(b->d);
        for (int k = 0; k < 8; k++, y += 32) {
            codes_of(codes, b, k);
            float d0 = d * (float)b->scales[2 * k], d1 = d * (float)b->scales[2 * k + 1];
            for (int l = 0; l < 16; l++) {
                y[l] = d0 * (float)codes[l];
                y[l + 16] = d1 * (float)codes[l + 16];
            }
        }
    }
}

void unpack_q6_k_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ6_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float d = f16_to_f32(b->d);
        for (int g = 0; g < 16; g++) *scale++ = d * (float)b->scales[g];
        for (int k = 0; k < 8; k++, q += 32) codes_of(q, b, k);
    }
}

float dot_q6_k_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ6_K *b = blocks;
    float sum = 0.0f;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float products = 0.0f;
        for (int k = 0; k < 8; k++, a.q += 32, a.scale++) {
            /* 1. Integers: two groups, each with its scale. */
            codes_of(codes, b, k);
            int32_t s = b->scales[2 * k] * k_dot(codes, a.q, 16) +
                        b->scales[2 * k + 1] * k_dot(codes + 16, a.q + 16, 16);
            /* 2. The scale of these 32 activations. */
            products += *a.scale * (float)s;
        }
        /* 3. The scale of the block. */
        sum += f16_to_f32(b->d) * products;
    }
    return sum;
}
