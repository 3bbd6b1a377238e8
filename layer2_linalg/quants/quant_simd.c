/* quant_simd.c: quantisers that only round, VF weights at a time; the same bytes as their scalar twins
 * in q8_0.c, q4_0.c, q4_1.c and q5.c.
 *
 * Three things need care to be the same: of equal magnitudes the first decides the sign; halves are
 * rounded away from zero (Q8_0) or cut off (the others), while vector units round to even; a NaN is
 * larger and smaller than nothing, and its code is 0. With an importance the scalar twin works. */
#include "quants.h"
#include "simd_blocks.h"

#include <float.h>

extern quant_fn SIMD_FN(quant_q8_0), SIMD_FN(quant_q4_0), SIMD_FN(quant_q4_1), SIMD_FN(quant_q5_0);
extern quant_fn SIMD_FN(quant_q5_1);
extern quant_fn quant_q4_0_scalar, quant_q4_1_scalar, quant_q5_0_scalar;
extern quant_fn quant_q5_1_scalar;

typedef struct { float least, most; } Range;

SIMD_INLINE float first_equal(const float *x, float v)
{
    for (int j = 0; j < 32; j++)
        if (x[j] == v) return x[j];
    return v;
}

/* The smallest and the largest of 32, from a start that both must pass; NaN passes nothing. */
SIMD_INLINE Range range_of(const float *x, float least, float most)
{
    vf lo = vf_set1(least), hi = vf_set1(most);
    for (int j = 0; j < 32; j += VF) {
        vf v = vf_load(x + j);
        lo = vf_select(v < lo, v, lo);
        hi = vf_select(v > hi, v, hi);
    }
    return (Range){-vf_hmax(-lo), vf_hmax(hi)};
}

/* The first weight of largest magnitude, with its sign; 0 if there is none. */
SIMD_INLINE float first_largest(const float *x)
{
    Range r = range_of(x, 0.0f, 0.0f);
    if (r.most > -r.least) return r.most;
    if (r.most < -r.least) return r.least;
    for (int j = 0; r.most > 0.0f && j < 32; j++)
        if (x[j] == r.most || x[j] == r.least) return x[j];
    return 0.0f;
}

/* Smallest and largest weight; of 0 and -0 the first. */
SIMD_INLINE Range range_with_first_zeros(const float *x)
{
    Range r = range_of(x, FLT_MAX, -FLT_MAX);
    if (r.least == 0.0f) r.least = first_equal(x, r.least);
    if (r.most == 0.0f) r.most = first_equal(x, r.most);
    return r;
}

/* trunc(v) between 0 and top; NaN becomes 0. */
SIMD_INLINE vi cut(vf v, float top)
{
    v = vf_select(v >= vf_zero(), v, vf_zero());
    v = vf_select(v > vf_set1(top), vf_set1(top), v);
    vi nearest = vi_from_vf(v);
    return nearest + (vf_from_vi(nearest) > v); /* a comparison that holds is -1 */
}

/* ---------------------------------------------------------------- Q8_0 */

//@ begin round-away-simd
/* Nearest, ties away from zero: where the unit chose the even one, and that
 * was towards zero, one more. NaN becomes 0. */
SIMD_INLINE vi round_away(vf v)
{
    vf r = vf_round(v), rest = v - r, half = vf_set1(0.5f);
    vi up = (rest == half) & (v > vf_zero());
    vi down = (rest == -half) & (v < vf_zero());
    return (vi_from_vf(r) - up + down) & (v == v);
}
//@ end round-away-simd

void SIMD_FN(quant_q8_0)(void *blocks, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    BlockQ8_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The largest magnitude becomes the code 127. */
        Range r = range_of(x, 0.0f, 0.0f);
        float most = r.most > -r.least ? r.most : 0.0f - r.least; /* 0, never -0 */
        float d = most / 127.0f;
        /* 2. Codes from the f32 scale. */
        vf inverse = vf_set1(d >= FLT_MIN ? 1.0f / d : 0.0f);
        b[i].d = f32_to_f16(d);
        for (int j = 0; j < 32; j += VF)
            vi_store_i8(b[i].q + j, round_away(vf_load(x + j) * inverse));
    }
}

/* ---------------------------------------------------------------- Q4_0 and Q4_1 */

/* min(15, trunc((x - least) * inverse + add)), byte j = code j | code j + 16 << 4. */
SIMD_INLINE void put_nibbles(uint8_t q[16], const float *x, vf least, vf inverse, vf add)
{
    for (int j = 0; j < 16; j += VF) {
        vi lo = cut((vf_load(x + j) - least) * inverse + add, 15.0f);
        vi hi = cut((vf_load(x + j + 16) - least) * inverse + add, 15.0f);
        vi_store_i8((int8_t *)q + j, ((lo | hi << 4) ^ 128) - 128);
    }
}

void SIMD_FN(quant_q4_0)(void *blocks, const float *x, const float *importance, int64_t n)
{
    if (importance) {
        quant_q4_0_scalar(blocks, x, importance, n);
        return;
    }
    BlockQ4_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The first weight of largest magnitude becomes the code 0. */
        float d = first_largest(x) / -8.0f;
        /* 2. Codes from the f32 scale. */
        vf inverse = vf_set1(d >= FLT_MIN || d <= -FLT_MIN ? 1.0f / d : 0.0f);
        b[i].d = f32_to_f16(d);
        put_nibbles(b[i].q, x, vf_zero(), inverse, vf_set1(8.5f));
    }
}

void SIMD_FN(quant_q4_1)(void *blocks, const float *x, const float *importance, int64_t n)
{
    if (importance) {
        quant_q4_1_scalar(blocks, x, importance, n);
        return;
    }
    BlockQ4_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The smallest weight becomes the code 0, the largest 15. */
        Range r = range_with_first_zeros(x);
        float d = (r.most - r.least) / 15.0f;
        /* 2. Codes from the f32 numbers. */
        vf inverse = vf_set1(d >= FLT_MIN ? 1.0f / d : 0.0f);
        b[i].d = f32_to_f16(d);
        b[i].m = f32_to_f16(r.least);
        put_nibbles(b[i].q, x, vf_set1(r.least), inverse, vf_set1(0.5f));
    }
}

/* ---------------------------------------------------------------- Q5_0 and Q5_1 */

/* The same with 31; eight codes at a time in a 64-bit word. The multiplication brings bit 8 j to 56 + j:
 * its factor is the sum of 2^(56 - 7 j). */
SIMD_INLINE void put_fives(uint8_t high[4], uint8_t low[16], const float *x, vf least, vf inverse,
                           vf add)
{
    int8_t codes[32];
    uint64_t w[4], out[2];
    for (int j = 0; j < 32; j += VF)
        vi_store_i8(codes + j, cut((vf_load(x + j) - least) * inverse + add, 31.0f));
    memcpy(w, codes, sizeof w);
    for (int k = 0; k < 4; k++)
        high[k] = (uint8_t)((w[k] >> 4 & 0x0101010101010101u) * 0x0102040810204080u >> 56);
    for (int k = 0; k < 2; k++)
        out[k] = (w[k] & 0x0F0F0F0F0F0F0F0Fu) | (w[k + 2] & 0x0F0F0F0F0F0F0F0Fu) << 4;
    memcpy(low, out, sizeof out);
}

void SIMD_FN(quant_q5_0)(void *blocks, const float *x, const float *importance, int64_t n)
{
    if (importance) {
        quant_q5_0_scalar(blocks, x, importance, n);
        return;
    }
    BlockQ5_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The first weight of largest magnitude becomes the code 0. */
        float d = first_largest(x) / -16.0f;
        /* 2. Codes from the f32 scale. */
        vf inverse = vf_set1(d >= FLT_MIN || d <= -FLT_MIN ? 1.0f / d : 0.0f);
        b[i].d = f32_to_f16(d);
        put_fives(b[i].qh, b[i].q, x, vf_zero(), inverse, vf_set1(16.5f));
    }
}

void SIMD_FN(quant_q5_1)(void *blocks, const float *x, const float *importance, int64_t n)
{
    if (importance) {
        quant_q5_1_scalar(blocks, x, importance, n);
        return;
    }
    BlockQ5_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        /* 1. The smallest weight becomes the code 0, the largest 31. */
        Range r = range_with_first_zeros(x);
        float d = (r.most - r.least) / 31.0f;
        /* 2. Codes from the f32 numbers. */
        vf inverse = vf_set1(d >= FLT_MIN ? 1.0f / d : 0.0f);
        b[i].d = f32_to_f16(d);
        b[i].m = f32_to_f16(r.least);
        put_fives(b[i].qh, b[i].q, x, vf_set1(r.least), inverse, vf_set1(0.5f));
    }
}
