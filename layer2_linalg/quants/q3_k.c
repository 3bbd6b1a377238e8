/* q3_k.c: Q3_K: 256 weights in 16 groups of 16, three bits each, signed 6-bit scales.
 *
 *   w_i = d * (scale_{i/16} - 32) * (code_i - 4)               scale 6 bits, code 3 bits
 *
 *   110 bytes: 32 bytes, bit k of byte l = bit 2 of code 32 k + l
 *              64 bytes, bits 1 0 of the codes, as in Q2_K
 *              12 bytes, byte j     (j = 0..7)   7..4: bits 3..0 of scale 8+j | 3..0: of scale j
 *                        byte 8 + j (j = 0..3)   bits 5..4 of scale  7 6: 12+j | 5 4: 8+j
 *                                                                    3 2: 4+j  | 1 0: j
 *              half d                                              (3.4375 bits per weight)
 *
 * Source: GGUF block formats (ggml). */
#include "k_parts.h"
#include "block_search.h"
#include "layer2_kernels.h"

/* The 32 codes of weights 32 k to 32 k + 31, less 4. */
static void codes_of(int8_t codes[32], const BlockQ3_K *b, int k)
{
    const uint8_t *run = b->q + 32 * (k / 4);
    for (int l = 0; l < 32; l++)
        codes[l] = (int8_t)((run[l] >> 2 * (k % 4) & 3) + 4 * (b->hmask[l] >> k & 1) - 4);
}

/* Scale of group g, -32 to 31. */
static int scale_of(const BlockQ3_K *b, int g)
{
    int low = b->scales[g % 8] >> 4 * (g / 8) & 15;
    int high = b->scales[8 + g % 4] >> 2 * (g / 4) & 3;
    return (low | high << 4) - 32;
}

void quant_q3_k_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    const KShape shape = {.group = 16, .lo = -4, .hi = 3, .scale_lo = -32, .scale_hi = 31};
    KNumbers k;
    BlockQ3_K *b = blocks;
    for (int64_t at = 0; at < n; at += 256, b++) {
        quant_k_search(&k, x + at, importance ? importance + at : NULL, shape);
        *b = (BlockQ3_K){.d = k.d};
        for (int g = 0; g < 16; g++) {
            int scale = k.scales[g] + 32;
            b->scales[g % 8] |= (uint8_t)((scale & 15) << 4 * (g / 8));
            b->scales[8 + g % 4] |= (uint8_t)(scale >> 4 << 2 * (g / 4));
        }
        for (int i = 0; i < 256; i++) {
            int code = k.codes[i] + 4;
            b->q[32 * (i / 128) + i % 32] |= (uint8_t)((code & 3) << 2 * (i / 32 % 4));
            b->hmask[i % 32] |= (uint8_t)(code >> 2 << i / 32);
        }
    }
}

void dequant_q3_k_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ3_K *b = blocks;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float d = f16_to_f32(b->d);
        for (int k = 0; k < 8; k++, y += 32) {
            codes_of(codes, b, k);
            float d0 = d * (float)scale_of(b, 2 * k), d1 = d * (float)scale_of(b, 2 * k + 1);
            for (int l = 0; l < 16; l++) {
                y[l] = d0 * (float)codes[l];
                y[l + 16] = d1 * (float)codes[l + 16];
            }
        }
    }
}

void unpack_q3_k_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ3_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float d = f16_to_f32(b->d);
        for (int g = 0; g < 16; g++) *scale++ = d * (float)scale_of(b, g);
        for (int k = 0; k < 8; k++, q += 32) codes_of(q, b, k);
    }
}

float dot_q3_k_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ3_K *b = blocks;
    float sum = 0.0f;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float products = 0.0f;
        for (int k = 0; k < 8; k++, a.q += 32, a.scale++) {
            /* 1. Integers: two groups, each with its scale. */
            codes_of(codes, b, k);
            int32_t s = scale_of(b, 2 * k) * k_dot(codes, a.q, 16) +
                        scale_of(b, 2 * k + 1) * k_dot(codes + 16, a.q + 16, 16);
            /* 2. The scale of these 32 activations. */
            products += *a.scale * (float)s;
        }
        /* 3. The scale of the block. */
        sum += f16_to_f32(b->d) * products;
    }
    return sum;
}
