/* iq_simd.c: decoding and unpacking of the IQ formats, with the vectors of iq_codes.h.
 *
 * All products are exact (iq_parts.h), so decoding may be unpacking and one multiplication. */
#include "iq_codes.h"

/* ---------------------------------------------------------------- IQ4_NL: two blocks at a time */

extern unpack_fn SIMD_FN(unpack_iq4_nl);
extern dequant_fn SIMD_FN(dequant_iq4_nl);

/* The 64 codes of two blocks, or twice those of one. */
SIMD_INLINE void unpack_two(int8_t q[64], const BlockIQ4_NL *b, bool two)
{
    for (int part = 0; part < PARTS; part++)
        vb_store(q + 4 * VF * part, vb_lookup(iq_values4, vb_nibbles(b->q, b[two].q, part)));
}

void SIMD_FN(unpack_iq4_nl)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockIQ4_NL *b = blocks;
    for (int64_t i = 0; i < n / 32; i++) scale[i] = vf_f16(b[i].d)[0];
    for (; n >= 64; n -= 64, b += 2, q += 64) unpack_two(q, b, true);
    if (n > 0) {
        int8_t last[64];
        unpack_two(last, b, false);
        memcpy(q, last, 32);
    }
}

void SIMD_FN(dequant_iq4_nl)(float *y, const void *blocks, int64_t n)
{
    const BlockIQ4_NL *b = blocks;
    for (; n > 0; n -= 64, b += 2, y += 64) {
        int8_t q[64];
        unpack_two(q, b, n > 32);
        for (int j = 0; j < (n > 32 ? 64 : 32); j += VF)
            vf_store(y + j, vf_f16(b[j / 32].d) * vf_from_vi(vi_load_i8(q + j)));
    }
}

/* ---------------------------------------------------------------- blocks of 256 */

#define SIGNED(stem) vb_negate(rows_##stem(b, i), bits_of(&bits.signs, i))
#define SHIFTED(stem) codes_##stem(b, i)
#define VALUES(stem) codes_##stem(b, i)

/* y = scale * code, a scale for each 16. */
SIMD_INLINE void multiply(float *y, const int8_t q[256], const KScales *s)
{
    float each[16];
    memcpy(each, s, sizeof each);
    for (int g = 0; g < 16; g++)
        for (int j = 16 * g; j < 16 * g + 16; j += VF)
            vf_store(y + j, vf_set1(each[g]) * vf_from_vi(vi_load_i8(q + j)));
}

#define DECODE(stem, Block, KIND, group)                                                           \
    extern unpack_fn SIMD_FN(unpack_##stem);                                                       \
    extern dequant_fn SIMD_FN(dequant_##stem);                                                     \
    /* Codes of one block, and its scales. */                                                      \
    SIMD_INLINE KScales unpack_one_##stem(int8_t q[256], const Block *b)                           \
    {                                                                                              \
        IqBits bits;                                                                               \
        bits_##stem(&bits, b);                                                                     \
        _Pragma("GCC unroll 16") for (int i = 0; i < 4 * PARTS; i++)                               \
            vb_store(q + 4 * VF * i, KIND(stem));                                                  \
        return bits.scale;                                                                         \
    }                                                                                              \
    void SIMD_FN(unpack_##stem)(int8_t *q, float *scale, float *offset, const void *blocks,        \
                                int64_t n)                                                         \
    {                                                                                              \
        (void)offset;                                                                              \
        const Block *b = blocks;                                                                   \
        for (int64_t block = 0; block < n / 256; block++, b++, q += 256) {                         \
            KScales s = unpack_one_##stem(q, b);                                                   \
            float each[16];                                                                        \
            memcpy(each, &s, sizeof each);                                                         \
            for (int g = 0; g < 16; g += (group) / 16) *scale++ = each[g];                         \
        }                                                                                          \
    }                                                                                              \
    void SIMD_FN(dequant_##stem)(float *y, const void *blocks, int64_t n)                          \
    {                                                                                              \
        const Block *b = blocks;                                                                   \
        for (int64_t block = 0; block < n / 256; block++, b++, y += 256) {                         \
            int8_t q[256];                                                                         \
            KScales s = unpack_one_##stem(q, b);                                                   \
            multiply(y, q, &s);                                                                    \
        }                                                                                          \
    }
IQ_FORMATS(DECODE)
