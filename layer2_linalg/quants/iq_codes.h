/* iq_codes.h: where the IQ formats keep their bits, for vectors: the pictures are in iq1.c to iq4.c.
 *
 * Of each format two functions: rows_STEM(b, i) fetches the rows of register i of 4 PARTS, by numbers
 * that stay in registers; bits_STEM opens what belongs to the whole block, its signs and scales. */
#ifndef SIXFOLD_IQ_CODES_H
#define SIXFOLD_IQ_CODES_H

#include "iq_grids.h"
#include "quants.h"
#include "simd_iq.h"

typedef struct {
    w8 signs;      /* a bit for each weight: negative */
    KScales scale; /* of each 16 weights */
    KScales least; /* IQ1, IQ4_XS: what an activation is multiplied by beside its row */
} IqBits;

/* ---------------------------------------------------------------- signs */

/* Bytes of seven bits get an eighth, which makes the number of minus signs even. */
SIMD_INLINE w8 even_signs(w8 seven)
{
    w8 odd = seven ^ seven >> 4;
    odd ^= odd >> 2;
    odd ^= odd >> 1;
    return seven | (odd & 0x01010101) << 7;
}
//@ begin iq-signs
/* Four fields of seven bits to four bytes of signs. */
SIMD_INLINE w8 signs_of_28(w8 w)
{
    return even_signs((w & 0x7F) | (w << 1 & 0x7F00) | (w << 2 & 0x7F0000) |
                      (w << 3 & 0x7F000000));
}
//@ end iq-signs
/* The upper seven bits of 32 words. */
SIMD_INLINE w8 signs_of_words(const void *p)
{
    typedef uint16_t words __attribute__((vector_size(64)));
    typedef uint8_t bytes __attribute__((vector_size(32)));
    words x;
    memcpy(&x, p, sizeof x);
    return even_signs((w8)__builtin_convertvector(x >> 9, bytes));
}

/* ---------------------------------------------------------------- scales */

/* 2 s + 1 of 16 nibbles, the low one of a byte first: a byte becomes a word, whose second byte gets the
 * high nibble. */
SIMD_INLINE KInts scales_of_nibbles(const uint8_t p[8])
{
    typedef uint8_t bytes __attribute__((vector_size(16)));
    typedef uint16_t words __attribute__((vector_size(16)));
    typedef uint64_t two __attribute__((vector_size(16)));
    bytes x = (bytes)(two){word_at(p, 8), 0}, none = {0};
    words w = (words)__builtin_shufflevector(x, none, 0, 16, 1, 16, 2, 16, 3, 16, 4, 16, 5, 16, 6, 16, 7, 16);
    w = ((w | w << 4) & 0x0F0F) * 2 + 0x0101;
    return ints_u8(&w);
}
/* And of 8 nibbles in 4 bytes. */
SIMD_INLINE uint64_t spread_bytes(uint64_t x)
{
    x = (x | x << 16) & 0x0000FFFF0000FFFF;
    return (x | x << 8) & 0x00FF00FF00FF00FF;
}
SIMD_INLINE uint64_t nibbles_of_4(const void *p)
{
    uint64_t x = spread_bytes(word_at(p, 4));
    return (x & 0x000F000F000F000F) | (x & 0x00F000F000F000F0) << 4;
}

/* ---------------------------------------------------------------- IQ2 */

//@ begin iq-bits
SIMD_INLINE vb rows_iq2_xxs(const BlockIQ2_XXS *b, int i)
{
    return vb_rows8(iq_rows2_xxs, vr_first4(b->q, i));
}
SIMD_INLINE void bits_iq2_xxs(IqBits *o, const BlockIQ2_XXS *b)
{
    w8 w = w8_odds(b->q);
    o->signs = signs_of_28(w);
    o->scale = scales_twice(v8_f16(b->d) * 0.125f * v8_w8((w >> 28) * 2 + 1));
}
//@ end iq-bits

SIMD_INLINE vb rows_iq2_xs(const BlockIQ2_XS *b, int i)
{
    return vb_rows8(iq_rows2_xs, vr_u16(b->q + VF / 2 * i) & 511);
}
SIMD_INLINE void bits_iq2_xs(IqBits *o, const BlockIQ2_XS *b)
{
    o->signs = signs_of_words(b->q);
    o->scale = scales_of(scales_of_nibbles(b->scales), vf_f16(b->d) * 0.125f);
}

SIMD_INLINE vb rows_iq2_s(const BlockIQ2_S *b, int i)
{
    vr high = vr_fields(b->qh, 2, 8, i) & 3;
    return vb_rows8(iq_rows2_s, vr_u8(b->q + VF / 2 * i) | high << 8);
}
SIMD_INLINE void bits_iq2_s(IqBits *o, const BlockIQ2_S *b)
{
    o->signs = w8_load(b->q + 32);
    o->scale = scales_of(scales_of_nibbles(b->scales), vf_f16(b->d) * 0.125f);
}

/* ---------------------------------------------------------------- IQ3 */

SIMD_INLINE vb rows_iq3_xxs(const BlockIQ3_XXS *b, int i)
{
    return vb_rows4(iq_rows3_xxs, b->q + VF * i, 0);
}
SIMD_INLINE void bits_iq3_xxs(IqBits *o, const BlockIQ3_XXS *b)
{
    w8 w = w8_load(b->q + 64);
    o->signs = signs_of_28(w);
    o->scale = scales_twice(v8_f16(b->d) * 0.25f * v8_w8((w >> 28) * 2 + 1));
}

SIMD_INLINE vb rows_iq3_s(const BlockIQ3_S *b, int i)
{
    unsigned high = VF == 16 ? load_u16(b->qh + 2 * i) : b->qh[VF * i / 8] >> VF * i % 8;
    return vb_rows4(iq_rows3_s, b->q + VF * i, high);
}
SIMD_INLINE void bits_iq3_s(IqBits *o, const BlockIQ3_S *b)
{
    o->signs = w8_load(b->signs);
    o->scale = scales_twice(v8_f16(b->d) * v8_u8(nibbles_of_4(b->scales) * 2 + 0x0101010101010101));
}

/* ---------------------------------------------------------------- IQ1: 8 row, and delta less 8 */

SIMD_INLINE vb rows_iq1_s(const BlockIQ1_S *b, int i)
{
    vr high = vr_fields(b->qh, 3, 16, i) & 7;
    return vb_rows8(iq_rows1, vr_u8(b->q + VF / 2 * i) | high << 8);
}
SIMD_INLINE void bits_iq1_s(IqBits *o, const BlockIQ1_S *b)
{
    w8 h = w8_u16(b->qh);
    v8 s = v8_f16(b->d) * 0.125f * v8_w8((h >> 12 & 7) * 2 + 1);
    o->scale = scales_twice(s);
    o->least = scales_twice(s * (v8_w8(h >> 15) * -2.0f - 7.0f));
}
/* 8 row + delta + 8, less 9. */
SIMD_INLINE vb codes_iq1_s(const BlockIQ1_S *b, int i)
{
    return vb_plus2(rows_iq1_s(b, i), vr_fields(b->qh, 0, 16, i) & 0x8000) - vb_set1(9);
}

/* Delta differs from row to row: rows are 1 too large by one sign of it, and 9 by the other; so 2 more
 * and 9 less for the first. */
SIMD_INLINE vb rows_iq1_m(const BlockIQ1_M *b, int i)
{
    vr x = vr_fields(b->qh, 4, 16, i);
    vb rows = vb_rows8(iq_rows1, vr_u8(b->q + VF / 2 * i) | (x & 7) << 8);
    return vb_plus2(rows, x & 8);
}
SIMD_INLINE void bits_iq1_m(IqBits *o, const BlockIQ1_M *b)
{
    typedef uint64_t two __attribute__((vector_size(16)));
    uint64_t words = word_at(b->scales, 8);
    uint16_t d = (uint16_t)((words >> 12 & 15) | (words >> 24 & 0xF0) | (words >> 36 & 0xF00) |
                            (words >> 48 & 0xF000));
    /* Of 16 bits four scales of three, field t % 4 to byte t % 8. */
    two scale;
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) {
        uint64_t w = words >> 32 * j & 0x0FFF0FFF, x = 0;
        w = (w | w << 16) & 0x00000FFF00000FFF;
#pragma GCC unroll 4
        for (int t = 0; t < 4; t++) x |= (w & 0x0000000700000007 << 3 * t) << 5 * t;
        scale[j] = x * 2 + 0x0101010101010101;
    }
    o->scale = scales_of(ints_u8(&scale), vf_f16(d) * 0.125f);
    EACH_16 o->least.v[r] = o->scale.v[r] * -9.0f;
}
SIMD_INLINE vb codes_iq1_m(const BlockIQ1_M *b, int i) { return rows_iq1_m(b, i) - vb_set1(9); }

/* ---------------------------------------------------------------- IQ4_XS: any signed bytes */

SIMD_INLINE vb codes_iq4_xs(const BlockIQ4_XS *b, int i)
{
    const uint8_t *q = b->q + 32 * (i / PARTS);
    return vb_lookup(iq_values4, vb_nibbles(q, q + 16, i % PARTS));
}
SIMD_INLINE void bits_iq4_xs(IqBits *o, const BlockIQ4_XS *b)
{
    /* Eight nibbles and eight fields of two bits to bytes. */
    uint64_t low = nibbles_of_4(b->scales_l), high = b->scales_h;
    high = (high | high << 24) & 0x000000FF000000FF;
    high = (high | high << 12) & 0x000F000F000F000F;
    high = (high | high << 6) & 0x0303030303030303;
    o->scale = scales_twice(v8_f16(b->d) * (v8_u8(low | high << 4) - 32.0f));
    EACH_16 o->least.v[r] = o->scale.v[r] * (float)-SHIFT;
}

/* SIGNED: magnitudes with signs; SHIFTED: IQ1; VALUES: IQ4_XS. Last, the weights that share a scale. */
#define IQ_FORMATS(X)                                                                              \
    X(iq4_xs, BlockIQ4_XS, VALUES, 32)                                                             \
    X(iq3_xxs, BlockIQ3_XXS, SIGNED, 32)                                                           \
    X(iq3_s, BlockIQ3_S, SIGNED, 32)                                                               \
    X(iq2_xxs, BlockIQ2_XXS, SIGNED, 32)                                                           \
    X(iq2_xs, BlockIQ2_XS, SIGNED, 16)                                                             \
    X(iq2_s, BlockIQ2_S, SIGNED, 16)                                                               \
    X(iq1_s, BlockIQ1_S, SHIFTED, 32)                                                              \
    X(iq1_m, BlockIQ1_M, SHIFTED, 16)

#endif
