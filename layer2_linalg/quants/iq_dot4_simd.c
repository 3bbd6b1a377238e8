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
    vq d = vq_load_f16(b, sizeof *b), ds = d * vq_load(a.scale);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, b += STEP / 2) {
        /* 1. Integers: four sums for each block, low and high nibbles. */
        vb codes = vb_load_nibbles(b);
        vb lo = vb_shift(vb_lookup(iq_values4, codes & vb_set1(15)));
        vb hi = vb_shift(vb_lookup(iq_values4, (vb)((vi)codes >> 4) & vb_set1(15)));
        vi s = vi_dot4_shifted(vi_set1(0), lo, vb_first_halves(a.split, h));
        s = vi_dot4_shifted(s, hi, vb_last_halves(a.split, h));
        /* 2. Both scales once per block. */
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    sums.zero = vq_fma(d, vq_load(a.sum), sums.zero);
    return sums;
}

#define DOT_FN SIMD_FN(dot_iq4_nl)
#define DOT_BLOCK BlockIQ4_NL
#define DOT_RESULT (vf_sum(vf_fma(vf_set1(-SHIFT), vq_wide(sums.zero), sums.s)))
#include "dot_blocks32.inc"

/* ---------------------------------------------------------------- blocks of 256 */

//@ begin iq-dot-simd
/* Sums of four products each: magnitudes stay as they are. */
SIMD_INLINE vi dot_signed(vb rows, const IqBits *o, int i, vb a)
{
    return vi_dot4_us(vi_set1(0), rows, vb_negate(a, bits_of(&o->signs, i)));
}
//@ end iq-dot-simd

/* One function for each format; `bits` is what belongs to the whole block, `i` the register. */
#define SIGNED(stem, a) dot_signed(rows_##stem(b, i), &bits, i, a)
#define SHIFTED(stem, a) vi_dot4_us(vi_set1(0), rows_##stem(b, i), a)
#define VALUES(stem, a) vi_dot4_shifted(vi_set1(0), vb_shift(codes_##stem(b, i)), a)
enum { SIGNED_LEAST = 0, SHIFTED_LEAST = 1, VALUES_LEAST = SHIFT != 0 };
#define DOT(stem, Block, KIND, group)                                                              \
    extern dot_quant_fn SIMD_FN(dot_##stem);                                                       \
    float SIMD_FN(dot_##stem)(const void *blocks, ActQ8 a, int64_t n)                              \
    {                                                                                              \
        const Block *b = blocks;                                                                   \
        vf sum[2] = {vf_zero(), vf_zero()}, least = vf_zero();                                     \
        for (int64_t left = n / 256; left > 0; left--, b++, a.q += 256, a.scale += 8, a.half += 16) { \
            prefetch_ahead(b, sizeof *b);                                                          \
            IqBits bits;                                                                           \
            bits_##stem(&bits, b);                                                                 \
            KScales s = scales_by(bits.scale, a.scale);                                            \
            if (KIND##_LEAST) least = scales_fma(bits.least, a.half, least);                       \
            _Pragma("GCC unroll 16") for (int i = 0; i < 4 * PARTS; i++)                           \
                sum[i % 2] = vf_fma(scales_of_part(s, i / PARTS, i % PARTS),                       \
                                    vf_from_vi(KIND(stem, vb_load(a.q + 4 * VF * i))), sum[i % 2]); \
        }                                                                                          \
        return vf_sum(sum[0] + sum[1] + least);                                                    \
    }
IQ_FORMATS(DOT)
