/* tq.c: TQ1_0 and TQ2_0: models trained so that every weight is -1, 0 or 1 times a scale.
 *
 *   d = max|x|     w_i = d * (digit_i - 1)     digit_i = round(x_i / d) + 1, ties away from zero
 *
 *   TQ2_0   two bits for each digit          66 bytes: 64 bytes as in Q2_K | half d
 *           byte 32 r + l:  7 6: digit 128 r + 96 + l | 5 4: + 64 | 3 2: + 32 | 1 0: digit 128 r + l
 *   TQ1_0   five digits in a byte: 3^5 = 243 fit in 256      54 bytes: 52 bytes | half d
 *           byte  0..31: digit n of byte l is digit 32 n + l            n = 0..4, l = 0..31
 *           byte 32..47:                      digit 160 + 16 n + l      n = 0..4, l = 0..15
 *           byte 48..51:                      digit 240 + 4 n + l       n = 0..3, l = 0..3
 *
 * Five digits t make the fraction t0/3 + t1/9 + ... + t4/243; the byte is that fraction in 256ths,
 * rounded up. Times 3, what is above the point is t0, what remains is the fraction of the others: so
 * digit n is (byte * 3^n mod 256) * 3 / 256, without a division. 1.69 bits per weight; three values
 * cost log2(3) = 1.58. Source: GGUF block formats (ggml). */
#include "layer2_kernels.h"
#include "plain_parts.h"

#include <float.h>

static const PlainShape tq1_0 = {256, sizeof(BlockTQ1_0), 32};
static const PlainShape tq2_0 = {256, sizeof(BlockTQ2_0), 32};

/* The digits 0, 1, 2 of 256 weights; returns the scale. */
static float digits_of(uint8_t t[256], const float *x)
{
    float d = plain_largest(x, 256);
    float inverse = d >= FLT_MIN ? 1.0f / d : 0.0f;
    for (int j = 0; j < 256; j++) t[j] = (uint8_t)(plain_round(x[j] * inverse) + 1);
    return d;
}

/* ---------------------------------------------------------------- TQ1_0 */

/* Where a byte's digits go: byte j holds digits at + step * n, n < count. */
typedef struct { int at, step, count; } Place;
static Place place_of(int j)
{
    if (j < 32) return (Place){j, 32, 5};
    if (j < 48) return (Place){160 + j - 32, 16, 5};
    return (Place){240 + j - 48, 4, 4};
}

void quant_tq1_0_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    BlockTQ1_0 *b = blocks;
    uint8_t t[256];
    for (int64_t i = 0; i < n / 256; i++, b++, x += 256) {
        b->d = f32_to_f16(digits_of(t, x));
        for (int j = 0; j < 52; j++) {
            Place p = place_of(j);
            int v = 0;
            for (int k = 0; k < 5; k++) v = 3 * v + (k < p.count ? t[p.at + p.step * k] : 0);
            uint8_t byte = (uint8_t)((v * 256 + 242) / 243);
            if (j < 48) b->q[j] = byte;
            else b->qh[j - 48] = byte;
        }
    }
}

//@ begin tq1_0-open
static void open_tq1_0(int8_t *code, float *scale, const void *block)
{
    const BlockTQ1_0 *b = block;
    for (int k = 0; k < 8; k++) scale[k] = f16_to_f32(b->d);
    for (int j = 0; j < 52; j++) {
        Place p = place_of(j);
        uint8_t rest = j < 48 ? b->q[j] : b->qh[j - 48];
        for (int k = 0; k < p.count; k++) {
            code[p.at + p.step * k] = (int8_t)((rest * 3 >> 8) - 1);
            rest = (uint8_t)(rest * 3);
        }
    }
}
//@ end tq1_0-open

void dequant_tq1_0_scalar(float *y, const void *blocks, int64_t n)
{
    plain_decode(y, open_tq1_0, tq1_0, blocks, n);
}

void unpack_tq1_0_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    plain_unpack(q, scale, open_tq1_0, tq1_0, blocks, n);
}

float dot_tq1_0_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return plain_dot(open_tq1_0, tq1_0, blocks, a, n);
}

/* ---------------------------------------------------------------- TQ2_0 */

void quant_tq2_0_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    BlockTQ2_0 *b = blocks;
    uint8_t t[256];
    for (int64_t i = 0; i < n / 256; i++, b++, x += 256) {
        b->d = f32_to_f16(digits_of(t, x));
        for (int j = 0; j < 64; j++) {
            const uint8_t *of = t + 128 * (j / 32) + j % 32;
            b->q[j] = (uint8_t)(of[0] | of[32] << 2 | of[64] << 4 | of[96] << 6);
        }
    }
}

static void open_tq2_0(int8_t *code, float *scale, const void *block)
{
    const BlockTQ2_0 *b = block;
    for (int k = 0; k < 8; k++) {
        scale[k] = f16_to_f32(b->d);
        const uint8_t *run = b->q + 32 * (k / 4);
        for (int l = 0; l < 32; l++) code[32 * k + l] = (int8_t)((run[l] >> 2 * (k % 4) & 3) - 1);
    }
}

void dequant_tq2_0_scalar(float *y, const void *blocks, int64_t n)
{
    plain_decode(y, open_tq2_0, tq2_0, blocks, n);
}

void unpack_tq2_0_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    plain_unpack(q, scale, open_tq2_0, tq2_0, blocks, n);
}

float dot_tq2_0_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return plain_dot(open_tq2_0, tq2_0, blocks, a, n);
}
