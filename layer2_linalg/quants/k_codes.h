/* k_codes.h: where the K formats keep their codes and scales, for vectors: the bit pictures are in
 * q2_k.c to q6_k.c. Codes come out unsigned, 64 weights (a pair of groups) in PARTS registers. */
#ifndef SIXFOLD_K_CODES_H
#define SIXFOLD_K_CODES_H

#include "k_unit.h"
#include "simd_k.h"

SIMD_INLINE vb codes_q2_k(const void *block, int pair, int part)
{
    const BlockQ2_K *b = block;
    return vb_pair(b->q + 32 * (pair / 2), 4 * (pair % 2), 2, part) & vb_set1(3);
}

SIMD_INLINE vb codes_q3_k(const void *block, int pair, int part)
{
    const BlockQ3_K *b = block;
    vb low = vb_pair(b->q + 32 * (pair / 2), 4 * (pair % 2), 2, part) & vb_set1(3);
    vb high = vb_pair(b->hmask, 2 * pair, 1, part) & vb_set1(1);
    return low | (vb)((vi)high << 2);
}

SIMD_INLINE vb codes_q4_k(const void *block, int pair, int part)
{
    const BlockQ4_K *b = block;
    return vb_pair(b->q + 32 * pair, 0, 4, part) & vb_set1(15);
}

SIMD_INLINE vb codes_q5_k(const void *block, int pair, int part)
{
    const BlockQ5_K *b = block;
    vb low = vb_pair(b->q + 32 * pair, 0, 4, part) & vb_set1(15);
    vb high = vb_pair(b->qh, 2 * pair, 1, part) & vb_set1(1);
    return low | (vb)((vi)high << 4);
}

SIMD_INLINE vb codes_q6_k(const void *block, int pair, int part)
{
    const BlockQ6_K *b = block;
    vb low = vb_field(vb_load(b->ql + 64 * (pair / 2) + 4 * VF * part), 4 * (pair % 2), 15);
    vb high = vb_pair(b->qh + 32 * (pair / 2), 4 * (pair % 2), 2, part) & vb_set1(3);
    return low | (vb)((vi)high << 4);
}

/* ---------------------------------------------------------------- scales */

/* The numbers of 12 bytes as in k_parts.h, four in a word, each twice: one for each 16 weights. */
typedef struct { uint8_t scale[16], min[16]; } KBytes;
SIMD_INLINE KBytes k_bytes(const uint8_t packed[12])
{
    uint32_t w[3], out[4];
    memcpy(w, packed, sizeof w);
    out[0] = w[0] & 0x3F3F3F3F;
    out[1] = (w[2] & 0x0F0F0F0F) | (w[0] >> 2 & 0x30303030);
    out[2] = w[1] & 0x3F3F3F3F;
    out[3] = (w[2] >> 4 & 0x0F0F0F0F) | (w[1] >> 2 & 0x30303030);
    typedef uint8_t u8x16 __attribute__((vector_size(16)));
    u8x16 x, scales, mins;
    memcpy(&x, out, sizeof x);
    scales = __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    mins = __builtin_shufflevector(x, x, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
    KBytes k;
    memcpy(k.scale, &scales, sizeof scales);
    memcpy(k.min, &mins, sizeof mins);
    return k;
}

/* Q2_K: both in one byte for each 16 weights. */
SIMD_INLINE KBytes k_bytes_q2_k(const uint8_t packed[16])
{
    KBytes k;
    for (int g = 0; g < 16; g++) {
        k.scale[g] = packed[g] & 15;
        k.min[g] = packed[g] >> 4;
    }
    return k;
}

/* Q3_K: 6 bits in 12 bytes, less 32. */
typedef struct { int8_t scale[16]; } KInts;
SIMD_INLINE KInts k_ints_q3_k(const uint8_t packed[12])
{
    KInts k;
    for (int g = 0; g < 16; g++) {
        int low = packed[g % 8] >> 4 * (g / 8) & 15, high = packed[8 + g % 4] >> 2 * (g / 4) & 3;
        k.scale[g] = (int8_t)((low | high << 4) - 32);
    }
    return k;
}

#endif
