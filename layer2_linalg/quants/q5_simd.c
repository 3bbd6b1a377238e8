/* q5_simd.c: q5.c's decoding and unpacking, two blocks at a time; the same roundings, the same bits. */
#include "q5_parts.h"
#include "quants.h"

extern dequant_fn SIMD_FN(dequant_q5_0), SIMD_FN(dequant_q5_1);
extern unpack_fn SIMD_FN(unpack_q5_0), SIMD_FN(unpack_q5_1);

/* The 64 codes of two blocks less `zero`; or twice those of one. */
#define TWO_BLOCKS(name, Block)                                                                    \
    SIMD_INLINE void name(int8_t q[64], const Block *b, bool two, int8_t zero)                     \
    {                                                                                              \
        for (int part = 0; part < PARTS; part++)                                                   \
            vb_store(q + 4 * VF * part,                                                            \
                     q5_codes(b->q, b[two].q, b->qh, b[two].qh, part) - vb_set1(zero));            \
    }
TWO_BLOCKS(two_q5_0, BlockQ5_0)
TWO_BLOCKS(two_q5_1, BlockQ5_1)

/* ---------------------------------------------------------------- floats */

void SIMD_FN(dequant_q5_0)(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_0 *b = blocks;
    int8_t q[64];
    for (; n > 0; n -= 64, b += 2, y += 64) {
        two_q5_0(q, b, n > 32, 16);
        for (int j = 0; j < (n > 32 ? 64 : 32); j += VF)
            vf_store(y + j, vf_f16(b[j / 32].d) * vf_from_vi(vi_load_i8(q + j)));
    }
}

void SIMD_FN(dequant_q5_1)(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_1 *b = blocks;
    int8_t q[64];
    for (; n > 0; n -= 64, b += 2, y += 64) {
        two_q5_1(q, b, n > 32, 0);
        for (int j = 0; j < (n > 32 ? 64 : 32); j += VF) {
            vf d = vf_f16(b[j / 32].d), m = vf_f16(b[j / 32].m);
            vf_store(y + j, d * vf_from_vi(vi_load_i8(q + j)) + m);
        }
    }
}

/* ---------------------------------------------------------------- integers with scales */

void SIMD_FN(unpack_q5_0)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ5_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++) scale[i] = vf_f16(b[i].d)[0];
    for (; n >= 64; n -= 64, b += 2, q += 64) two_q5_0(q, b, true, 16);
    if (n > 0) {
        int8_t last[64];
        two_q5_0(last, b, false, 16);
        memcpy(q, last, 32);
    }
}

void SIMD_FN(unpack_q5_1)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ5_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++) {
        scale[i] = vf_f16(b[i].d)[0];
        offset[i] = vf_f16(b[i].m)[0];
    }
    for (; n >= 64; n -= 64, b += 2, q += 64) two_q5_1(q, b, true, 0);
    if (n > 0) {
        int8_t last[64];
        two_q5_1(last, b, false, 0);
        memcpy(q, last, 32);
    }
}
