/* q8_0_simd.c: q8_0.c's decoding and unpacking; the same multiplications, the same bits. */
#include "quants.h"
#include "simd_blocks.h"

extern dequant_fn SIMD_FN(dequant_q8_0);
extern unpack_fn SIMD_FN(unpack_q8_0);

void SIMD_FN(dequant_q8_0)(float *y, const void *blocks, int64_t n)
{
    const BlockQ8_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        vf d = vf_f16(b[i].d);
        for (int j = 0; j < 32; j += VF) vf_store(y + j, d * vf_from_vi(vi_load_i8(b[i].q + j)));
    }
}

void SIMD_FN(unpack_q8_0)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ8_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        scale[i] = vf_f16(b[i].d)[0];
        memcpy(q, b[i].q, 32);
    }
}
