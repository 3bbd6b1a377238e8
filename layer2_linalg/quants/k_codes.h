/* k_codes.h: where the K formats keep their codes and scales, for vectors: the bit pictures are in
 * q2_k.c to q6_k.c. Codes come out unsigned, 64 weights (a pair of groups) in PARTS registers. */
#ifndef SIXFOLD_K_CODES_H
#define SIXFOLD_K_CODES_H

#include "k_unit.h"
#include "simd_k.h"

SIMD_INLINE vb codes_q2_k(const void *block, int pair, int part)
{
    const BlockQ2_K *b = block;
    return vb_pair(b->q + 32 * (pair / 2), 4 * (pair % 2), 2, 0, part) & vb_set1(3);
}

SIMD_INLINE vb codes_q3_k(const void *block, int pair, int part)
{
    const BlockQ3_K *b = block;
    vb low = vb_pair(b->q + 32 * (pair / 2), 4 * (pair % 2), 2, 0, part) & vb_set1(3);
    return low | (vb_pair(b->hmask, 2 * pair, 1, 2, part) & vb_set1(4));
}

SIMD_INLINE vb codes_q4_k(const void *block, int pair, int part)
{
    const BlockQ4_K *b = block;
    return vb_pair(b->q + 32 * pair, 0, 4, 0, part) & vb_set1(15);
}

SIMD_INLINE vb codes_q5_k(const void *block, int pair, int part)
{
    const BlockQ5_K *b = block;
    vb low = vb_pair(b->q + 32 * pair, 0, 4, 0, part) & vb_set1(15);
    return low | (vb_pair(b->qh, 2 * pair, 1, 4, part) & vb_set1(16));
}

SIMD_INLINE vb codes_q6_k(const void *block, int pair, int part)
{
    const BlockQ6_K *b = block;
    vb low = vb_field(vb_load(b->ql + 64 * (pair / 2) + 4 * VF * part), 4 * (pair % 2), 15);
    return low | (vb_pair(b->qh + 32 * (pair / 2), 4 * (pair % 2), 2, 4, part) & vb_set1(48));
}

/* ---------------------------------------------------------------- scales */

/* The numbers of 12 bytes as in k_parts.h, eight in a word: in its upper half those whose upper bits
 * stand elsewhere. */
typedef struct { v8 scale, min; } KEights;
SIMD_INLINE KEights k_eights(const uint8_t packed[12])
{
    uint64_t w0 = word_at(packed, 4), w1 = word_at(packed + 4, 4), w2 = word_at(packed + 8, 4);
    uint64_t scales = (w2 & 0x0F0F0F0F) | (w0 >> 2 & 0x30303030);
    uint64_t mins = (w2 >> 4 & 0x0F0F0F0F) | (w1 >> 2 & 0x30303030);
    return (KEights){v8_u8((w0 & 0x3F3F3F3F) | scales << 32), v8_u8((w1 & 0x3F3F3F3F) | mins << 32)};
}

/* Q2_K: both in one byte for each 16 weights. */
SIMD_INLINE KInts k_scales_q2_k(const uint8_t packed[16])
{
    KInts x = ints_u8(packed);
    EACH_16 x.v[r] &= 15;
    return x;
}
SIMD_INLINE KInts k_mins_q2_k(const uint8_t packed[16])
{
    KInts x = ints_u8(packed);
    EACH_16 x.v[r] >>= 4;
    return x;
}

/* Q3_K: 6 bits in 12 bytes, less 32: nibbles of the first 8, and 4 fields of two bits of the others. */
SIMD_INLINE KInts k_scales_q3_k(const uint8_t packed[12])
{
    typedef uint64_t two __attribute__((vector_size(16)));
    uint64_t low = word_at(packed, 8), high = word_at(packed + 8, 4);
    two words = {(low & 0x0F0F0F0F0F0F0F0F) | (high & 0x03030303) << 4 | (high & 0x0C0C0C0C) << 34,
                 (low >> 4 & 0x0F0F0F0F0F0F0F0F) | (high & 0x30303030) | (high & 0xC0C0C0C0) << 30};
    KInts x = ints_u8(&words);
    EACH_16 x.v[r] -= 32;
    return x;
}

#endif
