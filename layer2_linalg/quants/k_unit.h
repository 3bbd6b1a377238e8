/* k_unit.h: 256 weights with a scale for each 16: their dot product and their decoding, with vectors.
 *
 * A format brings a function that finds its codes: unsigned bytes, 64 weights (a pair) in PARTS
 * registers. What stands for zero, the offset, is the same for all of them. */
#ifndef SIXFOLD_K_UNIT_H
#define SIXFOLD_K_UNIT_H

#include "quants.h"
#include "simd_k.h"

typedef vb codes_fn(const void *block, int pair, int part);

/* Four chains of additions: pairs by turns, and of each the first group and the second. */
typedef struct { vf s[4]; } Sums;
SIMD_INLINE Sums no_sums(void) { return (Sums){{vf_zero(), vf_zero(), vf_zero(), vf_zero()}}; }

//@ begin k-dot-simd
SIMD_INLINE Sums add_block(Sums sums, codes_fn *codes, const void *b,
                           const int8_t *q, KScales scales)
{
#pragma GCC unroll 4
    for (int pair = 0; pair < 4; pair++)
#pragma GCC unroll 4
        for (int part = 0; part < PARTS; part++, q += 4 * VF) {
            /* 1. Integers: a sum for each four weights. */
            vi s = vi_dot4_us(vi_set1(0), codes(b, pair, part), vb_load(q));
            /* 2. All scales at once. */
            vf *to = &sums.s[2 * (pair % 2) + 2 * part / PARTS];
            *to = vf_fma(scales_of_part(scales, pair, part), vf_from_vi(s), *to);
        }
    return sums;
}
//@ end k-dot-simd

/* The same with a scale for each 32. */
SIMD_INLINE Sums add_eights(Sums sums, codes_fn *codes, const void *b, const int8_t *q, v8 scales)
{
#pragma GCC unroll 4
    for (int pair = 0; pair < 4; pair++)
#pragma GCC unroll 4
        for (int part = 0; part < PARTS; part++, q += 4 * VF) {
            vi s = vi_dot4_us(vi_set1(0), codes(b, pair, part), vb_load(q));
            vf *to = &sums.s[2 * (pair % 2) + 2 * part / PARTS];
            *to = vf_fma(v8_of_part(scales, pair, part), vf_from_vi(s), *to);
        }
    return sums;
}

/* What remains of them at the end of a row: VF sums, from which an offset's share is taken away before they
 * become one. */
SIMD_INLINE vf total(Sums s) { return (s.s[0] + s.s[1]) + (s.s[2] + s.s[3]); }

/* ---------------------------------------------------------------- fields in place */

/* Codes may stay where they are in their bytes. They are 4, 16 or 64 times too large then, each chain of
 * sums in its own way, and that is made good once per row. */
#if defined(SIMD_ISA_avx512) || defined(SIMD_ISA_avxvnni)
enum { WIDE = 1 }; /* vi_dot4_us takes bytes of all eight bits */
#else
enum { WIDE = 0 };
#endif

/* Of pairs whose second group was `second` times too large, and odd pairs as a whole `odd` times. */
SIMD_INLINE vf total_of_fields(Sums s, float second, float odd)
{
    vf first = s.s[0] + s.s[2] * vf_set1(1 / odd);
#if VF == 16
    float x = 1 / second;
    return first * (vf){1, 1, 1, 1, 1, 1, 1, 1, x, x, x, x, x, x, x, x};
#else
    return first + (s.s[1] + s.s[3] * vf_set1(1 / odd)) * vf_set1(1 / second);
#endif
}

//@ begin k-fields
/* 32 bytes hold four groups of codes of two bits, so two pairs; only
 * WIDE machines can leave the upper pair in place. */
SIMD_INLINE vb two_bits(const uint8_t *q, int pair, int part)
{
    int up = WIDE ? 4 * (pair % 2) : 0;
    vb x = vb_pair(q + 32 * (pair / 2), 4 * (pair % 2), 0, up, part);
    return x & vb_each((uint8_t)(3 << up), (uint8_t)(12 << up), part);
}
SIMD_INLINE vf total_of_two_bits(Sums s)
{
    return total_of_fields(s, 4, WIDE ? 16 : 1);
}
//@ end k-fields

/* ---------------------------------------------------------------- decoding */

/* Signed codes, in order. */
SIMD_INLINE void put_codes(int8_t q[256], codes_fn *codes, const void *b, int offset)
{
#pragma GCC unroll 4
    for (int pair = 0; pair < 4; pair++)
#pragma GCC unroll 4
        for (int part = 0; part < PARTS; part++)
            vb_store(q + 64 * pair + 4 * VF * part,
                     codes(b, pair, part) - vb_set1((int8_t)offset));
}

//@ begin k-decode-simd
/* w = step * (code - offset) - least; without mins, least is NULL. */
SIMD_INLINE void decode(float *y, codes_fn *codes, const void *b, int offset,
                        const KScales *step, const KScales *least)
{
    int8_t q[256];
    float d[16], m[16];
    put_codes(q, codes, b, offset);
    memcpy(d, step, sizeof d);
    if (least) memcpy(m, least, sizeof m);
    for (int g = 0; g < 16; g++)
        for (int j = 16 * g; j < 16 * g + 16; j += VF) {
            vf w = vf_set1(d[g]) * vf_from_vi(vi_load_i8(q + j));
            vf_store(y + j, least ? w - vf_set1(m[g]) : w);
        }
}
//@ end k-decode-simd

#endif
