/* iq_parts.h: what the IQ formats of 256 weights share once their bits are understood.
 *
 *   w_i = d * scale_{i/16} * code_i
 *
 * Each format has one function that opens a block; decoding, the dot product and unpacking follow.
 * The products are exact in f32: d has 11 significant bits, a scale at most 6 and a code at most 7,
 * so the order of the multiplications does not matter. */
#ifndef SIXFOLD_IQ_PARTS_H
#define SIXFOLD_IQ_PARTS_H

#include "quants.h"

#include <string.h>

typedef struct {
    int8_t code[256]; /* -127 to 113 */
    int8_t scale[16]; /* -32 to 31 */
    float d;
} IqBlock;

typedef void iq_open_fn(IqBlock *o, const void *block);

//@ begin iq-decode
static inline void iq_decode(float *y, iq_open_fn *open, const void *blocks,
                             size_t bytes, int64_t n)
{
    const char *b = blocks;
    IqBlock o;
    for (int64_t i = 0; i < n / 256; i++, b += bytes, y += 256) {
        open(&o, b);
        for (int j = 0; j < 256; j++)
            y[j] = o.d * (float)o.scale[j / 16] * (float)o.code[j];
    }
}
//@ end iq-decode

static inline int32_t iq_dot16(const int8_t *code, const int8_t *q)
{
    int32_t s = 0;
    for (int j = 0; j < 16; j++) s += code[j] * q[j];
    return s;
}

//@ begin iq-dot
static inline float iq_dot(iq_open_fn *open, const void *blocks, size_t bytes,
                           ActQ8 a, int64_t n)
{
    const char *b = blocks;
    IqBlock o;
    float sum = 0.0f;
    for (int64_t i = 0; i < n / 256; i++, b += bytes) {
        float products = 0.0f;
        open(&o, b);
        for (int k = 0; k < 8; k++, a.q += 32, a.scale++) {
            /* 1. Integers: two groups of 16; |s| < 2^24, exact as float. */
            const int8_t *code = o.code + 32 * k;
            int32_t s = o.scale[2 * k] * iq_dot16(code, a.q) +
                        o.scale[2 * k + 1] * iq_dot16(code + 16, a.q + 16);
            /* 2. The scale of these 32 activations. */
            products += *a.scale * (float)s;
        }
        /* 3. The scale of the block. */
        sum += o.d * products;
    }
    return sum;
}
//@ end iq-dot

/* Weights share a scale by `group`, 16 or 32: of two equal scales one is enough. */
static inline void iq_unpack(int8_t *q, float *scale, iq_open_fn *open, const void *blocks,
                             size_t bytes, int64_t n, int group)
{
    const char *b = blocks;
    IqBlock o;
    for (int64_t i = 0; i < n / 256; i++, b += bytes, q += 256) {
        open(&o, b);
        memcpy(q, o.code, 256);
        for (int g = 0; g < 16; g += group / 16) *scale++ = o.d * (float)o.scale[g];
    }
}

/* The scalar twins dequant_iq2_s_scalar, dot_iq2_s_scalar and unpack_iq2_s_scalar of a format. */
#define IQ_SCALAR_TWINS(stem, open, Block, group)                                                  \
    void dequant_##stem##_scalar(float *y, const void *blocks, int64_t n)                          \
    {                                                                                              \
        iq_decode(y, open, blocks, sizeof(Block), n);                                              \
    }                                                                                              \
    float dot_##stem##_scalar(const void *blocks, ActQ8 a, int64_t n)                              \
    {                                                                                              \
        return iq_dot(open, blocks, sizeof(Block), a, n);                                          \
    }                                                                                              \
    void unpack_##stem##_scalar(int8_t *q, float *scale, float *offset, const void *blocks,        \
                                int64_t n)                                                         \
    {                                                                                              \
        (void)offset;                                                                              \
        iq_unpack(q, scale, open, blocks, sizeof(Block), n, group);                                \
    }

/* ---------------------------------------------------------------- bits of several formats */

/* Bit 7 of a sign byte is not stored: it makes the number of minus signs even. */
static inline unsigned iq_even_signs(unsigned seven)
{
    unsigned odd = seven ^ seven >> 4;
    odd ^= odd >> 2;
    odd ^= odd >> 1;
    return seven | (odd & 1) << 7;
}

/* n values of a row, byte j negated where bit j of signs is set. */
static inline void iq_signed_row(int8_t *code, uint64_t row, unsigned signs, int n)
{
    for (int j = 0; j < n; j++) {
        int v = (int)(row >> 8 * j & 255);
        code[j] = (int8_t)(signs >> j & 1 ? -v : v);
    }
}

#endif
