/* q8_0_simd.c: decoding and unpacking of q8_0.c and q8_1.c; the same multiplications, the same bits. */
#include "quants.h"
#include "simd_blocks.h"

extern dequant_fn SIMD_FN(dequant_q8_0), SIMD_FN(dequant_q8_1), SIMD_FN(dequant_q8_k);
extern unpack_fn SIMD_FN(unpack_q8_0), SIMD_FN(unpack_q8_1), SIMD_FN(unpack_q8_k);

/* d * q of 32 codes. */
SIMD_INLINE void decode32(float *y, vf d, const int8_t *q)
{
    for (int j = 0; j < 32; j += VF) vf_store(y + j, d * vf_from_vi(vi_load_i8(q + j)));
}

void SIMD_FN(dequant_q8_0)(float *y, const void *blocks, int64_t n)
{
    const BlockQ8_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++) decode32(y + 32 * i, vf_f16(b[i].d), b[i].q);
}

void SIMD_FN(dequant_q8_1)(float *y, const void *blocks, int64_t n)
{
    const BlockQ8_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++) decode32(y + 32 * i, vf_f16(b[i].d), b[i].q);
}

void SIMD_FN(dequant_q8_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ8_K *b = blocks;
    for (int64_t i = 0; i < n / 32; i++)
        decode32(y + 32 * i, vf_set1(b[i / 8].d), b[i / 8].q + 32 * (i % 8));
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

void SIMD_FN(unpack_q8_1)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ8_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        scale[i] = vf_f16(b[i].d)[0];
        memcpy(q, b[i].q, 32);
    }
}

void SIMD_FN(unpack_q8_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ8_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256, scale += 8) {
        for (int k = 0; k < 8; k++) scale[k] = b->d;
        memcpy(q, b->q, 256);
    }
}
