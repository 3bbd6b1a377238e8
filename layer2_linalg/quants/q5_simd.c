/* q5_simd.c: q5.c's decoding and unpacking; the same roundings, the same bits. */
#include "q5_parts.h"
#include "quants.h"

extern dequant_fn SIMD_FN(dequant_q5_0), SIMD_FN(dequant_q5_1);
extern unpack_fn SIMD_FN(unpack_q5_0), SIMD_FN(unpack_q5_1);

void SIMD_FN(dequant_q5_0)(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_0 *b = blocks;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        q5_codes(codes, b[i].q, b[i].qh);
        vf d = vf_f16(b[i].d);
        for (int j = 0; j < 32; j += VF)
            vf_store(y + j, d * vf_from_vi(vi_load_i8(codes + j) - 16));
    }
}

void SIMD_FN(dequant_q5_1)(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_1 *b = blocks;
    int8_t codes[32];
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        q5_codes(codes, b[i].q, b[i].qh);
        vf d = vf_f16(b[i].d), m = vf_f16(b[i].m);
        for (int j = 0; j < 32; j += VF) vf_store(y + j, d * vf_from_vi(vi_load_i8(codes + j)) + m);
    }
}

void SIMD_FN(unpack_q5_0)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ5_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        q5_codes_less_16(q, b[i].q, b[i].qh);
        scale[i] = vf_f16(b[i].d)[0];
    }
}

void SIMD_FN(unpack_q5_1)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ5_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        q5_codes(q, b[i].q, b[i].qh);
        scale[i] = vf_f16(b[i].d)[0];
        offset[i] = vf_f16(b[i].m)[0];
    }
}
