/* k_parts.h: what the K formats share: 8 groups of 32 codes, integer dot products, 6-bit scales; and
 * decoding, unpacking and dot product of the two that have a minimum per group of 32, Q4_K and Q5_K. */
#ifndef SIXFOLD_K_PARTS_H
#define SIXFOLD_K_PARTS_H

#include "quants.h"

/* Weight codes are -64 to 63, so n <= 32 products stay far below 2^31. */
static inline int32_t k_dot(const int8_t *codes, const int8_t *q, int n)
{
    int32_t s = 0;
    for (int j = 0; j < n; j++) s += codes[j] * q[j];
    return s;
}

/* Q4_K and Q5_K: scale and minimum of group k, 6 bits each, in 12 bytes:
 *
 *   s[j]    j = 0..3   7 6: bits 5..4 of scale 4+j  | 5..0: scale j
 *   s[4+j]             7 6: bits 5..4 of min 4+j    | 5..0: min j
 *   s[8+j]             7..4: bits 3..0 of min 4+j   | 3..0: bits 3..0 of scale 4+j */
typedef struct { int scale, min; } KScale;

//@ begin k-scale
static inline KScale k_scale(const uint8_t s[12], int k)
{
    if (k < 4) return (KScale){s[k] & 63, s[k + 4] & 63};
    return (KScale){(s[k + 4] & 15) | s[k - 4] >> 6 << 4,
                    s[k + 4] >> 4 | s[k] >> 6 << 4};
}
//@ end k-scale

static inline void k_pack_scales(uint8_t s[12], const int8_t scales[8], const int8_t mins[8])
{
    for (int j = 0; j < 4; j++) {
        s[j] = (uint8_t)(scales[j] | scales[4 + j] >> 4 << 6);
        s[4 + j] = (uint8_t)(mins[j] | mins[4 + j] >> 4 << 6);
        s[8 + j] = (uint8_t)((scales[4 + j] & 15) | (mins[4 + j] & 15) << 4);
    }
}

/* ---------------------------------------------------------------- Q4_K and Q5_K: all but the codes */

/* How both blocks begin. */
typedef struct PACKED { uint16_t d, dmin; uint8_t scales[12]; } KHead;

/* The 32 codes of group k of a block. */
typedef void k_codes_fn(int8_t codes[32], const void *block, int k);

//@ begin k-dequantise
static inline void k_dequant(float *y, const char *b, int64_t bytes,
                             k_codes_fn *codes_of, int64_t n)
{
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b += bytes) {
        const KHead *head = (const KHead *)b;
        float d = f16_to_f32(head->d), dmin = f16_to_f32(head->dmin);
        for (int k = 0; k < 8; k++, y += 32) {
            KScale s = k_scale(head->scales, k);
            float step = d * (float)s.scale, least = dmin * (float)s.min;
            codes_of(codes, b, k);
            for (int l = 0; l < 32; l++)
                y[l] = step * (float)codes[l] - least;
        }
    }
}
//@ end k-dequantise

static inline void k_unpack(int8_t *q, float *scale, float *offset, const char *b, int64_t bytes,
                            k_codes_fn *codes_of, int64_t n)
{
    for (int64_t i = 0; i < n / 256; i++, b += bytes) {
        const KHead *head = (const KHead *)b;
        float d = f16_to_f32(head->d), dmin = f16_to_f32(head->dmin);
        for (int k = 0; k < 8; k++, q += 32) {
            KScale s = k_scale(head->scales, k);
            *scale++ = d * (float)s.scale;
            *offset++ = -dmin * (float)s.min;
            codes_of(q, b, k);
        }
    }
}

//@ begin k-dot
static inline float k_dot_row(const char *b, int64_t bytes,
                              k_codes_fn *codes_of, ActQ8 a, int64_t n)
{
    float sum = 0.0f;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 256; i++, b += bytes) {
        const KHead *head = (const KHead *)b;
        float products = 0.0f, mins = 0.0f;
        for (int k = 0; k < 8; k++, a.q += 32, a.scale++, a.sum++) {
            /* 1. Integers: at most 32 * 31 * 127 * 63, exact as float. */
            KScale s = k_scale(head->scales, k);
            codes_of(codes, b, k);
            int32_t product = s.scale * k_dot(codes, a.q, 32);
            /* 2. The scale of these 32 activations, and their sum. */
            products += *a.scale * (float)product;
            mins += (float)s.min * *a.sum;
        }
        /* 3. The scales of the block. */
        sum += f16_to_f32(head->d) * products - f16_to_f32(head->dmin) * mins;
    }
    return sum;
}
//@ end k-dot

#endif
