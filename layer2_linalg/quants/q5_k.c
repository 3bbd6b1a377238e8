/* q5_k.c: Q5_K: Q4_K with a fifth bit.
 *
 *   w_i = d * scale_{i/32} * code_i - dmin * min_{i/32}        scale and min 6 bits, code 5 bits
 *
 *   176 bytes: half d | half dmin | 12 bytes of scales and mins (k_parts.h)
 *              32 bytes, bit k of byte l = bit 4 of code 32 k + l
 *              128 bytes, bits 3..0 of the codes as in Q4_K                   (5.5 bits per weight)
 *
 * Source: GGUF block formats (ggml). */
#include "k_parts.h"
#include "layer2_kernels.h"

/* The 32 codes of group k. */
static void codes_of(int8_t codes[32], const BlockQ5_K *b, int k)
{
    const uint8_t *run = b->q + 32 * (k / 2);
    for (int l = 0; l < 32; l++)
        codes[l] = (int8_t)((run[l] >> 4 * (k % 2) & 15) | (b->qh[l] >> k & 1) << 4);
}

void dequant_q5_k_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_K *b = blocks;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
        for (int k = 0; k < 8; k++, y += 32) {
            KScale s = k_scale(b->scales, k);
            float step = d * (float)s.scale, least = dmin * (float)s.min;
            codes_of(codes, b, k);
            for (int l = 0; l < 32; l++) y[l] = step * (float)codes[l] - least;
        }
    }
}

float dot_q5_k_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ5_K *b = blocks;
    float sum = 0.0f;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b++) {
        float products = 0.0f, mins = 0.0f;
        for (int k = 0; k < 8; k++, a.q += 32, a.scale++, a.sum++) {
            /* 1. Integers: at most 32 * 31 * 127 * 63, exact as float. */
            KScale s = k_scale(b->scales, k);
            codes_of(codes, b, k);
            int32_t product = s.scale * k_dot(codes, a.q, 32);
            /* 2. The scale of these 32 activations, and their sum. */
            products += *a.scale * (float)product;
            mins += (float)s.min * *a.sum;
        }
        /* 3. The scales of the block. */
        sum += f16_to_f32(b->d) * products - f16_to_f32(b->dmin) * mins;
    }
    return sum;
}
