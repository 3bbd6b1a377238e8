/* q4_1.c: Q4_1: 32 weights, a scale and a minimum: for weights that do not lie around zero.
 *
 *   m = min x     d = (max x - m) / 15     code_i = min(15, trunc((x_i - m) / d + 0.5))
 *   w_i = d * code_i + m
 *
 *   20 bytes: half d | half m | 16 bytes, byte j = code_j | code_{j+16} << 4   (5 bits per weight)
 *
 * With activations x = scale * q:  sum w_i x_i = d * scale * sum code_i q_i + m * scale * sum q_i,
 * and the last factor is ActQ8.sum. Source: GGUF block formats (ggml). */
#include "block_search.h"
#include "layer2_kernels.h"

#include <float.h>

/* trunc(v) between 0 and 15; NaN, from weights that are none, becomes 0. */
static int code_of(float v) { return v >= 15.0f ? 15 : v >= 0.0f ? (int)v : 0; }

//@ begin q4_1-quantise
void quant_q4_1_scalar(void *blocks, const float *x,
                       const float *importance, int64_t n)
{
    BlockQ4_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The smallest weight becomes the code 0, the largest 15. */
        float least = FLT_MAX, most = -FLT_MAX;
        for (int j = 0; j < 32; j++) {
            if (x[j] < least) least = x[j];
            if (x[j] > most) most = x[j];
        }
        float d = (most - least) / 15.0f;
        if (importance) {
            QuantFit fit = quant_fit_32(x, importance + 32 * i, 0, 15);
            d = fit.scale;
            least = fit.least;
        }

        /* 2. Codes from the f32 numbers, which are rounded only then. */
        float inverse = d >= FLT_MIN ? 1.0f / d : 0.0f;
        b[i].d = f32_to_f16(d);
        b[i].m = f32_to_f16(least);
        for (int j = 0; j < 16; j++) {
            int lo = code_of((x[j] - least) * inverse + 0.5f);
            int hi = code_of((x[j + 16] - least) * inverse + 0.5f);
            b[i].q[j] = (uint8_t)(lo | hi << 4);
        }
    }
}
//@ end q4_1-quantise

void dequant_q4_1_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ4_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        float d = f16_to_f32(b[i].d), m = f16_to_f32(b[i].m);
        for (int j = 0; j < 16; j++) {
            y[j] = d * (float)(b[i].q[j] & 15) + m;
            y[j + 16] = d * (float)(b[i].q[j] >> 4) + m;
        }
    }
}

void unpack_q4_1_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ4_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        scale[i] = f16_to_f32(b[i].d);
        offset[i] = f16_to_f32(b[i].m);
        for (int j = 0; j < 16; j++) {
            q[j] = (int8_t)(b[i].q[j] & 15);
            q[j + 16] = (int8_t)(b[i].q[j] >> 4);
        }
    }
}

float dot_q4_1_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ4_1 *b = blocks;
    float sum = 0.0f;
    for (int64_t i = 0; i < n / 32; i++) {
        /* 1. Integers from the codes, 0 to 15. */
        const int8_t *q = a.q + 32 * i;
        int32_t s = 0;
        for (int j = 0; j < 16; j++)
            s += (b[i].q[j] & 15) * q[j] + (b[i].q[j] >> 4) * q[j + 16];
        /* 2. Both scales, and the minimum times the sum of the activations. */
        sum += f16_to_f32(b[i].d) * (a.scale[i] * (float)s) + f16_to_f32(b[i].m) * a.sum[i];
    }
    return sum;
}
