/* iq_dot4_simd.c: dot products of the IQ formats: rows of the codebook times activations.
 *
 * Magnitudes stay unsigned, and their signs are given to the activations: what the byte multiplier
 * wants is one unsigned and one signed operand. Scales become one float for each 16 weights before
 * the loop, as for the K formats. */
#include "act_rest.h"
#include "iq_codes.h"
#include "simd_prefetch.h"

/* ---------------------------------------------------------------- IQ4_NL: blocks of 32 */

extern dot_quant_fn SIMD_FN(dot_iq4_nl);

typedef struct { vf s; vq zero; } Sums;

/* As q4_0_dot4_simd.c, with a table look-up in between. */
SIMD_INLINE Sums step(const BlockIQ4_NL *b, ActQ8 a, Sums sums)
{
    vq d = vq_load_f16_18(b), ds = d * vq_load(a.scale);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, b += STEP / 2, a.q += 16 * STEP) {
        /* 1. Integers: four sums for each block, low and high nibbles. */
        vb codes = vb_load_nibbles(b);
        vb a0 = vb_load(a.q), a1 = vb_load(a.q + 4 * VF);
        vb lo = vb_shift(vb_lookup(iq_values4, codes & vb_set1(15)));
        vb hi = vb_shift(vb_lookup(iq_values4, (vb)((vi)codes >> 4) & vb_set1(15)));
        vi s = vi_dot4_shifted(vi_set1(0), lo, vb_lower_halves(a0, a1));
        s = vi_dot4_shifted(s, hi, vb_upper_halves(a0, a1));
        /* 2. Both scales once per block. */
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    sums.zero = vq_fma(d, vq_load(a.sum), sums.zero);
    return sums;
}

float SIMD_FN(dot_iq4_nl)(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockIQ4_NL *b = blocks;
    Sums sums = {vf_zero(), (vq){0}};
    int64_t left = n / 32;
    for (; left >= STEP; left -= STEP, b += STEP) {
        prefetch_ahead(b, STEP * sizeof *b);
        sums = step(b, a, sums);
        a.q += 32 * STEP;
        a.scale += STEP;
        a.sum += STEP;
    }
    /* The last blocks, filled up with zeros. */
    if (left > 0) {
        BlockIQ4_NL rest[STEP] = {{0}};
        ActRest act;
        for (int64_t i = 0; i < left; i++) rest[i] = b[i];
        sums = step(rest, act_rest(&act, a, left), sums);
    }
    return vf_sum(sums.s) - (float)SHIFT * vq_sum(sums.zero);
}

/* ---------------------------------------------------------------- blocks of 256 */

/* Sums of four products each, for the three kinds of IQ_FORMATS. */
//@ begin iq-dot-simd
SIMD_INLINE vi dot_signed(vb rows, const IqBits *o, int i, vb a)
{
    return vi_dot4_us(vi_set1(0), rows, vb_negate(a, o->signs, i));
}
//@ end iq-dot-simd

SIMD_INLINE vi dot_shifted(vb rows, const IqBits *o, int i, vb a)
{
    vb u = rows + (vb_bits(o->signs, i) & vb_set1(2));
    return vi_dot4_us(vi_set1(0), u, a) - vi_dot4_us(vi_set1(0), vb_set1(9), a);
}

SIMD_INLINE vi dot_values(const void *block, int i, vb a)
{
    vb values = vb_shift(vb_lookup(iq_values4, nibbles_of(block, i)));
    vi s = vi_dot4_shifted(vi_set1(0), values, a);
    return SHIFT ? s - vi_dot4_us(vi_set1(0), vb_set1((int8_t)SHIFT), a) : s;
}

/* One function for each format; `o` is the sorted block, `i` the number of the register. */
#define SIGNED(rows) dot_signed(rows, o, i, vb_load(a.q + 4 * VF * i))
#define SHIFTED(rows) dot_shifted(rows, o, i, vb_load(a.q + 4 * VF * i))
#define VALUES dot_values(b, i, vb_load(a.q + 4 * VF * i))
#define DOT(stem, Block, products, factor, group)                                                  \
    extern dot_quant_fn SIMD_FN(dot_##stem);                                                       \
    float SIMD_FN(dot_##stem)(const void *blocks, ActQ8 a, int64_t n)                              \
    {                                                                                              \
        const Block *b = blocks;                                                                   \
        vf sum[2] = {vf_zero(), vf_zero()};                                                        \
        for (int64_t block = 0; block < n / 256; block++, b++, a.q += 256, a.scale += 8) {         \
            prefetch_ahead(b, sizeof *b);                                                          \
            IqBits bits, *o = &bits;                                                               \
            bits_##stem(o, b);                                                                     \
            KScales s = scales_by(iq_scales(o, factor), a.scale);                                             \
            _Pragma("GCC unroll 16") for (int i = 0; i < 4 * PARTS; i++)                           \
                sum[i % 2] = vf_fma(scales_of_part(s, i / PARTS, i % PARTS),                      \
                                    vf_from_vi(products), sum[i % 2]);                             \
        }                                                                                          \
        return vf_sum(sum[0] + sum[1]);                                                            \
    }
IQ_FORMATS(DOT)
