/* q4_0.c: Q4_0: 32 weights, one scale, 16 possible values.
 *
 *   m = the first weight of largest magnitude, with its sign
 *   d = m / -8     code_i = min(15, trunc(x_i / d + 8.5))     w_i = d * (code_i - 8)
 *
 *   18 bytes: half d | 16 bytes, byte j = code_j | code_{j+16} << 4         (4.5 bits per weight)
 *
 * Codes 0 to 15 stand for -8 d to 7 d: one side has a step more than the other, and the sign of d is
 * chosen so that m, which must not be cut off, is on that side.
 *
 * With activations x = scale * q:  sum w_i x_i = d * (scale * sum code_i q_i - 8 * scale * sum q_i),
 * and the last term is ActQ8.sum: the codes need no subtraction. Source: GGUF block formats (ggml). */
#include "block_search.h"
#include "layer2_kernels.h"

#include <float.h>
#include <math.h>

/* trunc(v) between 0 and 15; NaN, from weights that are none, becomes 0. */
static int code_of(float v) { return v >= 15.0f ? 15 : v >= 0.0f ? (int)v : 0; }

//@ begin q4_0-quantise
void quant_q4_0_scalar(void *blocks, const float *x,
                       const float *importance, int64_t n)
{
    BlockQ4_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The first weight of largest magnitude becomes the code 0. */
        float m = 0.0f;
        for (int j = 0; j < 32; j++)
            if (fabsf(x[j]) > fabsf(m)) m = x[j];
        float d = m / -8.0f;
        if (importance)
            d = quant_fit_32(x, importance + 32 * i, -8, 7).scale;

        /* 2. Codes from the f32 scale: +8 makes them positive, +0.5 rounds. */
        float inverse = fabsf(d) >= FLT_MIN ? 1.0f / d : 0.0f;
        b[i].d = f32_to_f16(d);
        for (int j = 0; j < 16; j++) {
            int lo = code_of(x[j] * inverse + 8.5f);
            int hi = code_of(x[j + 16] * inverse + 8.5f);
            b[i].q[j] = (uint8_t)(lo | hi << 4);
        }
    }
}
//@ end q4_0-quantise

//@ exercise 2.5 unpack 4-bit weights
//@ begin q4_0-dequantise
EXERCISE void dequant_q4_0_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockQ4_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        float d = f16_to_f32(b[i].d);
        for (int j = 0; j < 16; j++) {
            y[j] = d * (float)((b[i].q[j] & 15) - 8);
            y[j + 16] = d * (float)((b[i].q[j] >> 4) - 8);
        }
    }
}
//@ end q4_0-dequantise
//@ end exercise

void unpack_q4_0_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ4_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        scale[i] = f16_to_f32(b[i].d);
        for (int j = 0; j < 16; j++) {
            q[j] = (int8_t)((b[i].q[j] & 15) - 8);
            q[j + 16] = (int8_t)((b[i].q[j] >> 4) - 8);
        }
    }
}

//@ begin q4_0-dot
float dot_q4_0_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ4_0 *b = blocks;
    float sum = 0.0f;
    for (int64_t i = 0; i < n / 32; i++) {
        /* 1. Integers from the raw codes, 0 to 15: no rounding. */
        const int8_t *q = a.q + 32 * i;
        int32_t s = 0;
        for (int j = 0; j < 16; j++)
            s += (b[i].q[j] & 15) * q[j] + (b[i].q[j] >> 4) * q[j + 16];
        /* 2. Both scales once per block, and the zero point 8. */
        sum += f16_to_f32(b[i].d) * (a.scale[i] * (float)s - 8.0f * a.sum[i]);
    }
    return sum;
}
//@ end q4_0-dot
