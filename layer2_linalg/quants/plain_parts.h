/* plain_parts.h: what the formats share whose weights are a scale times a small integer, no minimum.
 *
 *   w_i = scale_{i/group} * code_i
 *
 * Each format has one function that opens a block; decoding, the dot product and unpacking follow. */
#ifndef SIXFOLD_PLAIN_PARTS_H
#define SIXFOLD_PLAIN_PARTS_H

#include "quants.h"

typedef struct { int block, bytes, group; } PlainShape; /* weights, bytes, weights per scale: 16, 32 */

/* code [block], scale [block / group] */
typedef void plain_open_fn(int8_t *code, float *scale, const void *block);

//@ begin plain-decode
static inline void plain_decode(float *y, plain_open_fn *open, PlainShape s,
                                const void *blocks, int64_t n)
{
    const char *b = blocks;
    int8_t code[256];
    float scale[8];
    for (int64_t i = 0; i < n; i += s.block, b += s.bytes, y += s.block) {
        open(code, scale, b);
        for (int j = 0; j < s.block; j++)
            y[j] = scale[j / s.group] * (float)code[j];
    }
}
//@ end plain-decode

static inline void plain_unpack(int8_t *q, float *scale, plain_open_fn *open, PlainShape s,
                                const void *blocks, int64_t n)
{
    const char *b = blocks;
    for (int64_t i = 0; i < n; i += s.block, b += s.bytes) open(q + i, scale + i / s.group, b);
}

//@ begin plain-dot
static inline float plain_dot(plain_open_fn *open, PlainShape s,
                              const void *blocks, ActQ8 a, int64_t n)
{
    const char *b = blocks;
    int8_t code[256];
    float scale[8], sum = 0.0f;
    for (int64_t i = 0; i < n; i += s.block, b += s.bytes) {
        open(code, scale, b);
        for (int k = 0; k < s.block; k += s.group) {
            /* 1. Integers: at most 32 * 12 * 127. */
            const int8_t *q = a.q + i + k;
            int32_t product = 0;
            for (int j = 0; j < s.group; j++) product += code[k + j] * q[j];
            /* 2. Both scales once per group. */
            sum += scale[k / s.group] *
                   (a.scale[(i + k) / 32] * (float)product);
        }
    }
    return sum;
}
//@ end plain-dot

/* round(v), ties away from zero, of |v| < 128; NaN, from weights that are none, becomes 0. */
static inline int plain_round(float v)
{
    float r = __builtin_roundf(v);
    return r == r ? (int)r : 0;
}

static inline float plain_largest(const float *x, int n)
{
    float largest = 0.0f;
    for (int j = 0; j < n; j++)
        if (__builtin_fabsf(x[j]) > largest) largest = __builtin_fabsf(x[j]);
    return largest;
}

#endif
