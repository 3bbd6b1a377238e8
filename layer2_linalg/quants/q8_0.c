/* q8_0.c: Q8_0, the plainest block: 32 weights share one scale.
 *
 *   d = max|x| / 127     q_i = round(x_i / d), ties away from zero     w_i = d * q_i
 *
 *   34 bytes: half d | 32 x int8 q          (8.5 bits per weight)
 *
 * The codes are made with the f32 d; only then is d rounded to half. A block of n weights w and
 * activations x = scale * q' gives  sum w_i x_i = d * scale * sum q_i q'_i : an integer sum, exact,
 * and two multiplications per block. Source: GGUF block formats (ggml). */
#include "layer2_kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

//@ exercise 2.4 quantise to 8 bits
//@ begin q8_0-quantise
EXERCISE void quant_q8_0_scalar(void *blocks, const float *x,
                                const float *importance, int64_t n)
{
    (void)importance;
    BlockQ8_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The largest magnitude becomes the code 127. */
        float largest = 0.0f;
        for (int j = 0; j < 32; j++)
            if (fabsf(x[j]) > largest) largest = fabsf(x[j]);
        float d = largest / 127.0f;

        /* 2. Codes from the f32 scale. A scale too small to invert means
         * a block of zeros. */
        float inverse = d >= FLT_MIN ? 1.0f / d : 0.0f;
        b[i].d = f32_to_f16(d);
        for (int j = 0; j < 32; j++) {
            float code = roundf(x[j] * inverse);
            b[i].q[j] = code == code ? (int8_t)code : 0; /* NaN: 0 */
        }
    }
}
//@ end q8_0-quantise
//@ end exercise

void dequant_q8_0_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ8_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        float d = f16_to_f32(b[i].d);
        for (int j = 0; j < 32; j++) y[j] = d * (float)b[i].q[j];
    }
}

void unpack_q8_0_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ8_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        scale[i] = f16_to_f32(b[i].d);
        memcpy(q, b[i].q, 32);
    }
}

//@ begin q8_0-dot
float dot_q8_0_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ8_0 *b = blocks;
    float sum = 0.0f;
    for (int64_t i = 0; i < n / 32; i++) {
        /* 1. Integers: |s| <= 32 * 128 * 127, no rounding. */
        int32_t s = 0;
        for (int j = 0; j < 32; j++) s += b[i].q[j] * a.q[32 * i + j];
        /* 2. Both scales once per block. */
        sum += f16_to_f32(b[i].d) * (a.scale[i] * (float)s);
    }
    return sum;
}
//@ end q8_0-dot
