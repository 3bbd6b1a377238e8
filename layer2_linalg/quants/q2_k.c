/* q2_k.c: Q2_K: 256 weights in 16 groups of 16, two bits each, and scales that are codes themselves.
 *
 *   w_i = d * scale_{i/16} * code_i - dmin * min_{i/16}        scale and min 4 bits, code 2 bits
 *
 *   84 bytes:  16 bytes, byte k   7..4 min_k | 3..0 scale_k
 *              64 bytes, two runs of 32, one for each 128 weights; of a run, byte l
 *                                 7 6: code 96+l | 5 4: code 64+l | 3 2: code 32+l | 1 0: code l
 *              half d | half dmin                                  (2.625 bits per weight)
 *
 * The activations of 32 weights share one scale, so two groups give one integer: products of codes
 * times the groups' scales, and sums of activations times their mins.
 * Source: GGUF block formats (ggml). */
#include "k_parts.h"
#include "block_search.h"
#include "layer2_kernels.h"

/* The 32 codes of weights 32 k to 32 k + 31. */
static void codes_of(int8_t codes[32], const BlockQ2_K *b, int k)
{
    const uint8_t *run = b->q + 32 * (k / 4);
    for (int l = 0; l < 32; l++) codes[l] = (int8_t)(run[l] >> 2 * (k % 4) & 3);
}

void quant_q2_k_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    const KShape shape = {.group = 16, .hi = 3, .scale_hi = 15, .has_min = true};
    KNumbers k;
    BlockQ2_K *b = blocks;
    for (int64_t at = 0; at < n; at += 256, b++) {
        quant_k_search(&k, x + at, importance ? importance + at : NULL, shape);
        *b = (BlockQ2_K){.d = k.d, .dmin = k.dmin};
        for (int g = 0; g < 16; g++) b->scales[g] = (uint8_t)(k.scales[g] | k.mins[g] << 4);
        for (int i = 0; i < 256; i++)
            b->q[32 * (i / 128) + i % 32] |= (uint8_t)(k.codes[i] << 2 * (i / 32 % 4));
    }
}

void dequant_q2_k_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ2_K *b = blocks;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
        for (int k = 0; k < 8; k++, y += 32) {
            codes_of(codes, b, k);
            for (int l = 0; l < 32; l++) {
                uint8_t s = b->scales[2 * k + l / 16];
                y[l] = d * (float)(s & 15) * (float)codes[l] - dmin * (float)(s >> 4);
            }
        }
    }
}

void unpack_q2_k_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ2_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
        for (int g = 0; g < 16; g++) {
            *scale++ = d * (float)(b->scales[g] & 15);
            *offset++ = -dmin * (float)(b->scales[g] >> 4);
        }
        for (int k = 0; k < 8; k++, q += 32) codes_of(q, b, k);
    }
}

float dot_q2_k_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ2_K *b = blocks;
    float sum = 0.0f;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float products = 0.0f, mins = 0.0f;
        for (int k = 0; k < 8; k++, a.q += 32, a.scale++) {
            codes_of(codes, b, k);
            /* 1. Integers: below 2^24, so that they are exact as floats too. */
            int32_t s = 0, m = 0;
            for (int h = 0; h < 2; h++) {
                uint8_t both = b->scales[2 * k + h];
                int32_t total = 0;
                for (int l = 0; l < 16; l++) total += a.q[16 * h + l];
                s += (both & 15) * k_dot(codes + 16 * h, a.q + 16 * h, 16);
                m += (both >> 4) * total;
            }
            /* 2. The scale of these 32 activations. */
            products += *a.scale * (float)s;
            mins += *a.scale * (float)m;
        }
        /* 3. The scales of the block. */
        sum += f16_to_f32(b->d) * products - f16_to_f32(b->dmin) * mins;
    }
    return sum;
}
