/* plain_codes.h: where the formats without a minimum keep their codes and scales, for vectors: the bit
 * pictures are in tq.c, fp4.c and q1_q2.c. A unit is 256 weights: 1, 2, 4 or 8 blocks of a format. */
#ifndef SIXFOLD_PLAIN_CODES_H
#define SIXFOLD_PLAIN_CODES_H

#include "fp4_parts.h"
#include "k_unit.h"
#include "simd_k.h"

/* A scale for each 16 weights of a unit. */
typedef KScales unit_scales_fn(const void *unit);

/* One half for all. */
SIMD_INLINE KScales scales_of_half(const void *d)
{
    KScales s;
    EACH_16 s.v[r] = vf_f16(load_u16(d));
    return s;
}

/* ---------------------------------------------------------------- TQ1_0 and TQ2_0 */

typedef uint8_t Bytes32 __attribute__((vector_size(32)));
typedef uint8_t Bytes16 __attribute__((vector_size(16)));
/* Built in a register: bytes stored one by one are slow to load as 16. */
typedef uint64_t Words2 __attribute__((vector_size(16)));

/* The digits 0, 1, 2 of 256 weights. What a byte times 3 carries above
 * 255 is its first digit: 1 from 86 on, 2 from 171 on. */
#if VF == 16
SIMD_INLINE void put_digits(uint8_t *to, __m512i x)
{
    const __m512i one = _mm512_set1_epi8(1);
    __m512i d = _mm512_maskz_mov_epi8(_mm512_cmpgt_epu8_mask(x, _mm512_set1_epi8(85)), one);
    __mmask64 two = _mm512_cmpgt_epu8_mask(x, _mm512_set1_epi8((char)170));
    _mm512_storeu_si512(to, _mm512_mask_add_epi8(d, two, d, one));
}
/* Bytes times the word they are in: the low one's product is the low byte of the whole one's. */
SIMD_INLINE __m512i times(__m512i x, __m512i words)
{
    const __m512i high = _mm512_set1_epi16((int16_t)0xFF00);
    __m512i low = _mm512_andnot_si512(high, _mm512_mullo_epi16(x, words));
    return _mm512_or_si512(low, _mm512_mullo_epi16(_mm512_and_si512(x, high), words));
}
/* Four lanes of words. */
SIMD_INLINE __m512i lanes_of(int a, int b, int c, int d)
{
    __m512i x = _mm512_inserti64x4(_mm512_set1_epi16((int16_t)a), _mm256_set1_epi16((int16_t)c), 1);
    x = _mm512_inserti32x4(x, _mm_set1_epi16((int16_t)b), 1);
    return _mm512_inserti32x4(x, _mm_set1_epi16((int16_t)d), 3);
}
SIMD_INLINE void expand_tq1_0(uint8_t digits[256], const void *block)
{
    const BlockTQ1_0 *b = block;
    __m512i x = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)b->q));
    __m512i y = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(b->q + 32)));
    /* 1. x 3x, 9x 27x. */
    put_digits(digits, times(x, lanes_of(1, 1, 3, 3)));
    put_digits(digits + 64, times(x, lanes_of(9, 9, 27, 27)));
    /* 2. 81x, and of the last 16 bytes y 3y. */
    put_digits(digits + 128, times(_mm512_mask_blend_epi64(0xF0, x, y), lanes_of(81, 81, 1, 3)));
    /* 3. 9y 27y 81y, and the four bytes of qh: z 3z 9z 27z. */
    __m512i z = _mm512_set1_epi32((int32_t)word_at(b->qh, 4));
    const __m128i of_z = _mm_setr_epi16(1, 1, 3, 3, 9, 9, 27, 27);
    put_digits(digits + 192, times(_mm512_mask_blend_epi64(0xC0, y, z),
                                   _mm512_inserti32x4(lanes_of(9, 27, 81, 0), of_z, 3)));
}
#else
//@ begin tq1_0-expand-simd
SIMD_INLINE void expand_tq1_0(uint8_t digits[256], const void *block)
{
    const BlockTQ1_0 *b = block;
    Bytes32 x, t;
    memcpy(&x, b->q, sizeof x);
#pragma GCC unroll 5
    for (int n = 0; n < 5; n++, x = x + x + x) {
        t = (Bytes32)((x < 86) + (x < 171)) + 2;
        memcpy(digits + 32 * n, &t, sizeof t);
    }
    Bytes16 y, z;
    memcpy(&y, b->q + 32, sizeof y);
#pragma GCC unroll 5
    for (int n = 0; n < 5; n++, y = y + y + y) {
        z = (Bytes16)((y < 86) + (y < 171)) + 2;
        memcpy(digits + 160 + 16 * n, &z, sizeof z);
    }
    uint32_t four;
    memcpy(&four, b->qh, sizeof four);
    y = (Bytes16)(Words2){four * 0x100000001u, four * 0x100000001u};
    y *= (Bytes16){1, 1, 1, 1, 3, 3, 3, 3, 9, 9, 9, 9, 27, 27, 27, 27};
    z = (Bytes16)((y < 86) + (y < 171)) + 2;
    memcpy(digits + 240, &z, sizeof z);
}
//@ end tq1_0-expand-simd
#endif

/* Of digits that are bytes already. */
SIMD_INLINE vb codes_bytes(const void *bytes, int pair, int part)
{
    return vb_load((const char *)bytes + 64 * pair + 4 * VF * part);
}

SIMD_INLINE KScales scales_tq1_0(const void *unit)
{
    return scales_of_half((const char *)unit + 52);
}

SIMD_INLINE vb codes_tq2_0(const void *unit, int pair, int part)
{
    const BlockTQ2_0 *b = unit;
    return vb_pair(b->q + 32 * (pair / 2), 4 * (pair % 2), 2, 0, part) & vb_set1(3);
}

SIMD_INLINE KScales scales_tq2_0(const void *unit)
{
    return scales_of_half((const char *)unit + 64);
}

/* ---------------------------------------------------------------- Q1_0 and Q2_0 */

/* Twice the bits: 2 or 0, less 1. */
SIMD_INLINE vb codes_q1_0(const void *unit, int pair, int part)
{
    const BlockQ1_0 *b = (const BlockQ1_0 *)unit + pair / 2;
    return vb_where(vb_set1(0), 2, word_at(b->q + 8 * (pair % 2) + VF / 2 * part, VF / 2));
}

SIMD_INLINE KScales scales_q1_0(const void *unit)
{
    const BlockQ1_0 *b = unit;
    return scales_of_halves(b[0].d * 0x10001ull | b[1].d * 0x10001ull << 32);
}

//@ begin q2_0-codes-simd
/* A lane has the byte of its 4 weights: pair k of bits moves into byte k,
 * 6 k places up; what else lands there is masked off. */
SIMD_INLINE vb codes_q2_0(const void *unit, int pair, int part)
{
    const BlockQ2_0 *b = (const BlockQ2_0 *)unit + pair;
    vi x = vi_load_u8(b->q + VF * part);
    x |= x << 12;
    x |= x << 6;
    return (vb)x & vb_set1(3);
}
//@ end q2_0-codes-simd

SIMD_INLINE KScales scales_q2_0(const void *unit)
{
    const BlockQ2_0 *b = unit;
    return scales_of_halves(b[0].d | (uint64_t)b[1].d << 16 | (uint64_t)b[2].d << 32 | (uint64_t)b[3].d << 48);
}

/* ---------------------------------------------------------------- MXFP4 and NVFP4 */

/* fp4_twice + 12: unsigned. */
static const int8_t fp4_shifted[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

SIMD_INLINE vb codes_mxfp4(const void *unit, int pair, int part)
{
    const BlockMXFP4 *b = (const BlockMXFP4 *)unit + 2 * pair;
    return vb_lookup(fp4_shifted, vb_nibbles(b[0].q, b[1].q, part));
}

SIMD_INLINE KScales scales_mxfp4(const void *unit)
{
    const BlockMXFP4 *b = unit;
    uint64_t w[2] = {0, 0};
    KScales s;
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) w[i / 4] |= (uint64_t)(b[i].e * 0x0101u) << 16 * (i % 4);
    Words2 e = {w[0], w[1]};
    EACH_16 {
        vi x = ints_u8(&e).v[r], small = (x + 1) << 21; /* 2^-128, 2^-127 of e = 0, 1 */
        s.v[r] = vf_of_bits((small & (x < 2)) | ((x - 1) << 23 & (x > 1)));
    }
    return s;
}

SIMD_INLINE vb codes_nvfp4(const void *unit, int pair, int part)
{
    const BlockNVFP4 *b = (const BlockNVFP4 *)unit + pair;
    return vb_lookup(fp4_shifted, vb_nibbles8(b->q, part));
}

SIMD_INLINE KScales scales_nvfp4(const void *unit)
{
    const BlockNVFP4 *b = unit;
    uint32_t w[4];
    KScales s;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) memcpy(&w[i], b[i].d, 4);
    Words2 d = {w[0] | (uint64_t)w[1] << 32, w[2] | (uint64_t)w[3] << 32};
    EACH_16 {
        vi x = ints_u8(&d).v[r] & 0x7F;
        vf tiny = vf_from_vi(x) * 0x1p-10f, usual = vf_of_bits((x << 20) + ((127 - 8) << 23));
        s.v[r] = vf_of_bits(vi_of_bits(vf_select(x < 8, tiny, usual)) & (x != 0x7F));
    }
    return s;
}

#endif
