/* q8_1.c: Q8_1 and Q8_K: eight bits, and sums beside them. Made for activations, not for weights.
 *
 *   Q8_1   36 bytes, 32 values: half d | half s | 32 x int8 q                      (9 bits per value)
 *          d = max|x| / 127, q_i = round(x_i / d), ties away from zero; s = d * sum of q
 *   Q8_K   292 bytes, 256 values: float d | 256 x int8 q | 16 x int16 sums of 16 q       (9.125 bits)
 *          d = m / -127, m the first value of largest magnitude; q_i = round(x_i * (-127 / m)), ties
 *          to even: m's own code is -127
 *
 * A weight with a minimum, w = d' c + m', needs the sum of the activations that it meets:
 * sum w_i x_i = d' d sum c_i q_i + m' s. Other engines keep that sum inside the block; ours stands beside
 * it (ActQ8). A file may hold such blocks all the same, and then they are read as weights: d * q.
 * Source: GGUF block formats (ggml). */
#include "layer2_kernels.h"
#include "plain_parts.h"

#include <float.h>
#include <math.h>

static const PlainShape q8_1 = {32, sizeof(BlockQ8_1), 32};
static const PlainShape q8_k = {256, sizeof(BlockQ8_K), 32};

/* ---------------------------------------------------------------- Q8_1 */

void quant_q8_1_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    BlockQ8_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, b++, x += 32) {
        float d = plain_largest(x, 32) / 127.0f;
        float inverse = d >= FLT_MIN ? 1.0f / d : 0.0f;
        int sum = 0;
        for (int j = 0; j < 32; j++) sum += b->q[j] = (int8_t)plain_round(x[j] * inverse);
        b->d = f32_to_f16(d);
        b->s = f32_to_f16(d * (float)sum);
    }
}

static void open_q8_1(int8_t *code, float *scale, const void *block)
{
    const BlockQ8_1 *b = block;
    scale[0] = f16_to_f32(b->d);
    for (int j = 0; j < 32; j++) code[j] = b->q[j];
}

void dequant_q8_1_scalar(float *y, const void *blocks, int64_t n)
{
    plain_decode(y, open_q8_1, q8_1, blocks, n);
}

void unpack_q8_1_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    plain_unpack(q, scale, open_q8_1, q8_1, blocks, n);
}

float dot_q8_1_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return plain_dot(open_q8_1, q8_1, blocks, a, n);
}

/* ---------------------------------------------------------------- Q8_K */

/* The first value of largest magnitude, with its sign. */
static float first_largest(const float *x)
{
    float m = 0.0f;
    for (int j = 0; j < 256; j++)
        if (fabsf(x[j]) > fabsf(m)) m = x[j];
    return m;
}

/* Ties to even; what is no number, or beyond the largest code, becomes 0 or 127. */
static int8_t code_of(float v)
{
    float r = rintf(v);
    return r == r ? (int8_t)fminf(fmaxf(r, -127.0f), 127.0f) : 0;
}

void quant_q8_k_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    BlockQ8_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, x += 256) {
        float m = first_largest(x), inverse = fabsf(m) >= FLT_MIN ? -127.0f / m : 0.0f;
        b->d = inverse != 0.0f ? 1.0f / inverse : 0.0f;
        for (int g = 0; g < 16; g++) {
            int sum = 0;
            for (int j = 16 * g; j < 16 * g + 16; j++) sum += b->q[j] = code_of(x[j] * inverse);
            b->bsums[g] = (int16_t)sum;
        }
    }
}

static void open_q8_k(int8_t *code, float *scale, const void *block)
{
    const BlockQ8_K *b = block;
    for (int k = 0; k < 8; k++) scale[k] = b->d;
    for (int j = 0; j < 256; j++) code[j] = b->q[j];
}

void dequant_q8_k_scalar(float *y, const void *blocks, int64_t n)
{
    plain_decode(y, open_q8_k, q8_k, blocks, n);
}

void unpack_q8_k_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    plain_unpack(q, scale, open_q8_k, q8_k, blocks, n);
}

float dot_q8_k_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return plain_dot(open_q8_k, q8_k, blocks, a, n);
}
