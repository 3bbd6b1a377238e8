/* iq_codes.h: where the IQ formats keep their bits, for vectors: the pictures are in iq1.c to iq4.c.
 *
 * A block is first sorted into row numbers, signs and scales, 32 weights in one 64-bit word; loops
 * over the eight of them have no branches, so the compiler makes vectors of them. Then a register is
 * filled with whole rows. The last stamp lists the formats: stem, block, what makes the bytes of a
 * register (below), a factor of d, and the weights that share a scale. */
#ifndef SIXFOLD_IQ_CODES_H
#define SIXFOLD_IQ_CODES_H

#include "iq_grids.h"
#include "quants.h"
#include "simd_iq.h"

typedef struct {
    uint64_t row[8];   /* row numbers of 16 bits, of 8 weights each; IQ3 takes them from the block */
    uint32_t signs[8]; /* a bit for each weight: negative; IQ1: delta is positive */
    uint64_t scale[2]; /* a signed byte for each 16 weights */
    uint16_t d;        /* the half */
} IqBits;

/* ---------------------------------------------------------------- pieces of words */

/* Byte j of four to bits 16 j. */
SIMD_INLINE uint64_t spread_bytes(uint64_t x)
{
    x = (x | x << 16) & 0x0000FFFF0000FFFF;
    return (x | x << 8) & 0x00FF00FF00FF00FF;
}
/* And back: the low bytes of four words of 16 bits. */
SIMD_INLINE uint32_t gather_bytes(uint64_t x)
{
    x = (x | x >> 8) & 0x0000FFFF0000FFFF;
    return (uint32_t)(x | x >> 16);
}
/* Bit 7 of each byte of `lanes`: set if bits 6..0 hold an odd number of ones. */
SIMD_INLINE uint64_t even_signs(uint64_t seven, uint64_t lanes)
{
    uint64_t odd = seven ^ seven >> 4;
    odd ^= odd >> 2;
    odd ^= odd >> 1;
    return seven | (odd & lanes) << 7;
}
/* Four fields of seven bits to four bytes of signs. */
SIMD_INLINE uint32_t signs_of_28(uint32_t w)
{
    uint32_t x = (w & 0x7F) | (w << 1 & 0x7F00) | (w << 2 & 0x7F0000) | (w << 3 & 0x7F000000);
    return (uint32_t)even_signs(x, 0x01010101);
}
/* Scales 2 s + 1 of nibbles, the low one of a byte first: of 8 bytes one scale for each 16 weights, */
SIMD_INLINE void scales_of_8(uint64_t scale[2], const uint8_t *p)
{
    for (int j = 0; j < 2; j++) {
        uint64_t x = spread_bytes(word_at(p + 4 * j, 4));
        scale[j] = ((x & 0x000F000F000F000F) | (x & 0x00F000F000F000F0) << 4) * 2 + 0x0101010101010101;
    }
}
/* and of 4 bytes in a word one for each 32: every scale twice. */
SIMD_INLINE void scales_of_4(uint64_t scale[2], uint64_t w)
{
    uint64_t x = spread_bytes(w);
    x = (x & 0x000F000F000F000F) | (x & 0x00F000F000F000F0) << 4;
    scale[0] = spread_bytes(x & 0xFFFFFFFF) * 0x0202 + 0x0101010101010101;
    scale[1] = spread_bytes(x >> 32) * 0x0202 + 0x0101010101010101;
}

/* ---------------------------------------------------------------- the bits of each format */

//@ begin iq-bits
SIMD_INLINE void bits_iq2_xxs(IqBits *o, const void *block)
{
    const BlockIQ2_XXS *b = block;
    uint64_t s = 0;
    o->d = b->d;
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
        uint64_t w = word_at(b->q + 4 * k, 8);
        o->row[k] = spread_bytes(w & 0xFFFFFFFF);
        o->signs[k] = signs_of_28((uint32_t)(w >> 32));
        s |= w >> 60 << 4 * k;
    }
    scales_of_4(o->scale, s);
}
//@ end iq-bits

SIMD_INLINE void bits_iq2_xs(IqBits *o, const void *block)
{
    const BlockIQ2_XS *b = block;
    o->d = b->d;
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
        uint64_t w = word_at(b->q + 4 * k, 8);
        o->row[k] = w & 0x01FF01FF01FF01FF;
        o->signs[k] = gather_bytes(even_signs(w >> 9 & 0x007F007F007F007F, 0x0001000100010001));
    }
    scales_of_8(o->scale, b->scales);
}

SIMD_INLINE void bits_iq2_s(IqBits *o, const void *block)
{
    const BlockIQ2_S *b = block;
    o->d = b->d;
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
        uint64_t h = b->qh[k];
        h = (h | h << 14 | h << 28 | h << 42) & 0x0003000300030003;
        o->row[k] = spread_bytes(word_at(b->q + 4 * k, 4)) | h << 8;
        o->signs[k] = (uint32_t)word_at(b->q + 32 + 4 * k, 4);
    }
    scales_of_8(o->scale, b->scales);
}

SIMD_INLINE void bits_iq3_xxs(IqBits *o, const void *block)
{
    const BlockIQ3_XXS *b = block;
    o->d = b->d;
    uint64_t s = 0;
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
        uint32_t w = (uint32_t)word_at(b->q + 64 + 4 * k, 4);
        o->signs[k] = signs_of_28(w);
        s |= (uint64_t)(w >> 28) << 4 * k;
    }
    scales_of_4(o->scale, s);
}

SIMD_INLINE void bits_iq3_s(IqBits *o, const void *block)
{
    const BlockIQ3_S *b = block;
    o->d = b->d;
    memcpy(o->signs, b->signs, sizeof o->signs);
    scales_of_4(o->scale, word_at(b->scales, 4));
}

SIMD_INLINE void bits_iq1_s(IqBits *o, const void *block)
{
    const BlockIQ1_S *b = block;
    uint64_t s = 0;
    o->d = b->d;
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
        uint64_t h = b->qh[k];
        uint64_t high = (h & 7) | (h & 7 << 3) << 13 | (h & 7 << 6) << 26 | (h & 7 << 9) << 39;
        o->row[k] = spread_bytes(word_at(b->q + 4 * k, 4)) | high << 8;
        o->signs[k] = (uint32_t)(h >> 15) - 1;
        s |= (h >> 12 & 7) << 4 * k;
    }
    scales_of_4(o->scale, s);
}

SIMD_INLINE void bits_iq1_m(IqBits *o, const void *block)
{
    const BlockIQ1_M *b = block;
    uint64_t words = word_at(b->scales, 8);
    o->d = (uint16_t)((words >> 12 & 15) | (words >> 24 & 0xF0) | (words >> 36 & 0xF00) |
                      (words >> 48 & 0xF000));
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
        uint64_t h = word_at(b->qh + 2 * k, 2);
        uint64_t high = (h & 7) | (h & 0x70) << 12 | (h & 0x700) << 24 | (h & 0x7000) << 36;
        uint64_t minus = (h >> 3 & 1) | (h << 1 & 0x100) | (h << 5 & 0x10000) | (h << 9 & 0x1000000);
        o->row[k] = spread_bytes(word_at(b->q + 4 * k, 4)) | high << 8;
        o->signs[k] = ~(uint32_t)(minus * 255);
    }
    /* Of 16 bits four scales of three, field t % 4 to byte t % 8. */
    for (int j = 0; j < 2; j++) {
        uint64_t w = words >> 32 * j & 0x0FFF0FFF, x = 0;
        w = (w | w << 16) & 0x00000FFF00000FFF;
        for (int t = 0; t < 4; t++) x |= (w & 0x0000000700000007 << 3 * t) << 5 * t;
        o->scale[j] = x * 2 + 0x0101010101010101;
    }
}

SIMD_INLINE void bits_iq4_xs(IqBits *o, const void *block)
{
    const BlockIQ4_XS *b = block;
    o->d = b->d;
    /* Eight nibbles and eight fields of two bits to bytes. */
    uint64_t low = spread_bytes(word_at(b->scales_l, 4)), high = b->scales_h;
    low = (low & 0x000F000F000F000F) | (low & 0x00F000F000F000F0) << 4;
    high = (high | high << 24) & 0x000000FF000000FF;
    high = (high | high << 12) & 0x000F000F000F000F;
    high = (high | high << 6) & 0x0303030303030303;
    /* Less 32: with bit 5 turned over, a number of 6 bits with a sign; bits 7 6 repeat the sign. */
    uint64_t x = (low | high << 4) ^ 0x2020202020202020;
    x |= (x & 0x2020202020202020) * 6;
    o->scale[0] = spread_bytes(x & 0xFFFFFFFF) * 0x0101;
    o->scale[1] = spread_bytes(x >> 32) * 0x0101;
}

/* The scale of each 16. */
SIMD_INLINE KScales iq_scales(const IqBits *o, float factor)
{
    typedef uint64_t two __attribute__((vector_size(16)));
    two both = {o->scale[0], o->scale[1]};
    return scales_of(ints_i8(&both), vf_f16(o->d) * vf_set1(factor));
}

/* ---------------------------------------------------------------- bytes of register i of 4 PARTS */

SIMD_INLINE vb rows3_xxs(const void *block, int i)
{
    return vb_rows4(iq_rows3_xxs, ((const BlockIQ3_XXS *)block)->q + VF * i, 0);
}
SIMD_INLINE vb rows3_s(const void *block, int i)
{
    const BlockIQ3_S *b = block;
    unsigned high = VF == 16 ? load_u16(b->qh + 2 * i) : b->qh[VF * i / 8] >> VF * i % 8;
    return vb_rows4(iq_rows3_s, b->q + VF * i, high);
}
SIMD_INLINE vb nibbles_of(const void *block, int i)
{
    const uint8_t *q = ((const BlockIQ4_XS *)block)->q + 32 * (i / PARTS);
    return vb_nibbles(q, q + 16, i % PARTS);
}

/* SIGNED(rows): magnitudes with signs; SHIFTED(rows): IQ1, 8 row + delta, 9 more than it is;
 * VALUES: any signed bytes, of IQ4_XS. */
#define IQ_FORMATS(X)                                                                              \
    X(iq4_xs, BlockIQ4_XS, VALUES, 1.0f, 32)                                                       \
    X(iq3_xxs, BlockIQ3_XXS, SIGNED(rows3_xxs(b, i)), 0.25f, 32)                         \
    X(iq3_s, BlockIQ3_S, SIGNED(rows3_s(b, i)), 1.0f, 32)                                \
    X(iq2_xxs, BlockIQ2_XXS, SIGNED(vb_rows8(iq_rows2_xxs, o->row, i)), 0.125f, 32)                        \
    X(iq2_xs, BlockIQ2_XS, SIGNED(vb_rows8(iq_rows2_xs, o->row, i)), 0.125f, 16)                           \
    X(iq2_s, BlockIQ2_S, SIGNED(vb_rows8(iq_rows2_s, o->row, i)), 0.125f, 16)                              \
    X(iq1_s, BlockIQ1_S, SHIFTED(vb_rows8(iq_rows1, o->row, i)), 0.125f, 32)                               \
    X(iq1_m, BlockIQ1_M, SHIFTED(vb_rows8(iq_rows1, o->row, i)), 0.125f, 16)

#endif
