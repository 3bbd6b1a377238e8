/* q1_q2.c: Q1_0 and Q2_0: one and two bits for each weight, in the order of the weights.
 *
 *   Q1_0   18 bytes, 128 weights: half d | 128 bits, the lowest of byte 0 first   (1.125 bits per weight)
 *          w_i = bit_i ? d : -d               d = mean |x|, bit_i = x_i >= 0
 *   Q2_0   18 bytes, 64 weights: half d | 16 bytes, byte j: code 4j+3 | 4j+2 | 4j+1 | 4j    (2.25 bits)
 *          w_i = d * (code_i - 1)             d = max |x|, code_i = round(x_i / d) + 1
 *
 * The mean is the d for which the squared error of d * sign(x) is smallest: its derivative is
 * sum 2 (d - |x_i|). Q2_0 can say -d, 0, d and 2d; its quantiser, which knows no better scale than
 * the largest magnitude, never says the last. Both suit weights trained to be so few values, and ruin
 * others. Source: GGUF block formats (ggml). */
#include "layer2_kernels.h"
#include "plain_parts.h"

#include <float.h>
#include <math.h>

static const PlainShape q1_0 = {128, sizeof(BlockQ1_0), 32};
static const PlainShape q2_0 = {64, sizeof(BlockQ2_0), 32};

/* ---------------------------------------------------------------- Q1_0 */

void quant_q1_0_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    BlockQ1_0 *b = blocks;
    for (int64_t i = 0; i < n / 128; i++, b++, x += 128) {
        float sum = 0.0f;
        for (int j = 0; j < 128; j++) sum += fabsf(x[j]);
        b->d = f32_to_f16(sum / 128.0f);
        for (int j = 0; j < 16; j++) {
            b->q[j] = 0;
            for (int k = 0; k < 8; k++) b->q[j] |= (uint8_t)((x[8 * j + k] >= 0.0f) << k);
        }
    }
}

static void open_q1_0(int8_t *code, float *scale, const void *block)
{
    const BlockQ1_0 *b = block;
    for (int k = 0; k < 4; k++) scale[k] = f16_to_f32(b->d);
    for (int j = 0; j < 128; j++) code[j] = (int8_t)(2 * (b->q[j / 8] >> j % 8 & 1) - 1);
}

void dequant_q1_0_scalar(float *y, const void *blocks, int64_t n)
{
    plain_decode(y, open_q1_0, q1_0, blocks, n);
}

void unpack_q1_0_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    plain_unpack(q, scale, open_q1_0, q1_0, blocks, n);
}

float dot_q1_0_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return plain_dot(open_q1_0, q1_0, blocks, a, n);
}

/* ---------------------------------------------------------------- Q2_0 */

void quant_q2_0_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    BlockQ2_0 *b = blocks;
    for (int64_t i = 0; i < n / 64; i++, b++, x += 64) {
        float d = plain_largest(x, 64);
        float inverse = d >= FLT_MIN ? 1.0f / d : 0.0f;
        b->d = f32_to_f16(d);
        for (int j = 0; j < 16; j++) {
            int byte = 0;
            for (int k = 0; k < 4; k++) byte |= (plain_round(x[4 * j + k] * inverse) + 1) << 2 * k;
            b->q[j] = (uint8_t)byte;
        }
    }
}

static void open_q2_0(int8_t *code, float *scale, const void *block)
{
    const BlockQ2_0 *b = block;
    scale[0] = scale[1] = f16_to_f32(b->d);
    for (int j = 0; j < 64; j++) code[j] = (int8_t)((b->q[j / 4] >> 2 * (j % 4) & 3) - 1);
}

void dequant_q2_0_scalar(float *y, const void *blocks, int64_t n)
{
    plain_decode(y, open_q2_0, q2_0, blocks, n);
}

void unpack_q2_0_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    plain_unpack(q, scale, open_q2_0, q2_0, blocks, n);
}

float dot_q2_0_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return plain_dot(open_q2_0, q2_0, blocks, a, n);
}
