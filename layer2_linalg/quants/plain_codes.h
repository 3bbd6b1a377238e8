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

//@ begin tq1_0-expand-simd
/* The digits 0, 1, 2 of 256 weights. What a byte times 3 carries above
 * 255 is its first digit: 1 from 86 on, 2 from 171 on. */
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

/* A lane has the 4 bits of its 4 weights, doubled: 2 or 0, less 1. Bit k moves into byte k, 7 k places
 * up. There are twice as many lanes as bytes: low nibbles and high ones take turns. */
SIMD_INLINE vb codes_q1_0(const void *unit, int pair, int part)
{
    const BlockQ1_0 *b = (const BlockQ1_0 *)unit + pair / 2;
    uint64_t word = 0;
    memcpy(&word, b->q + 8 * (pair % 2) + VF / 2 * part, VF / 2);
    Bytes16 bytes = (Bytes16)(Words2){word, 0};
    Bytes16 low = bytes << 1 & 30, high = bytes >> 3 & 30;
    bytes = __builtin_shufflevector(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    vi x = vi_load_u8(&bytes);
    x |= x << 7;
    x |= x << 14;
    return (vb)x & vb_set1(2);
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
