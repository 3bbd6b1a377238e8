/* k_simd.c: decoding and unpacking of all K formats; the same multiplications, the same bits.
 *
 * The loop is k_unit.h's: codes in order as bytes first, 256 of them; then each group of 16 has its own
 * two floats. Unpacking ends before the multiplication. */
#include "k_codes.h"

extern dequant_fn SIMD_FN(dequant_q2_k), SIMD_FN(dequant_q3_k), SIMD_FN(dequant_q4_k);
extern dequant_fn SIMD_FN(dequant_q5_k), SIMD_FN(dequant_q6_k);
extern unpack_fn SIMD_FN(unpack_q2_k), SIMD_FN(unpack_q3_k), SIMD_FN(unpack_q4_k);
extern unpack_fn SIMD_FN(unpack_q5_k), SIMD_FN(unpack_q6_k);

void SIMD_FN(dequant_q2_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ2_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KScales s = scales_of(k_scales_q2_k(b->scales), vf_f16(b->d));
        KScales m = scales_of(k_mins_q2_k(b->scales), vf_f16(b->dmin));
        decode(y, codes_q2_k, b, 0, &s, &m);
    }
}

void SIMD_FN(dequant_q3_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ3_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KScales s = scales_of(k_scales_q3_k(b->scales), vf_f16(b->d));
        decode(y, codes_q3_k, b, 4, &s, NULL);
    }
}

void SIMD_FN(dequant_q4_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ4_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KEights k = k_eights(b->scales);
        KScales s = scales_twice(v8_f16(b->d) * k.scale);
        KScales m = scales_twice(v8_f16(b->dmin) * k.min);
        decode(y, codes_q4_k, b, 0, &s, &m);
    }
}

void SIMD_FN(dequant_q5_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KEights k = k_eights(b->scales);
        KScales s = scales_twice(v8_f16(b->d) * k.scale);
        KScales m = scales_twice(v8_f16(b->dmin) * k.min);
        decode(y, codes_q5_k, b, 0, &s, &m);
    }
}

void SIMD_FN(dequant_q6_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ6_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KScales s = scales_of(ints_i8(b->scales), vf_f16(b->d));
        decode(y, codes_q6_k, b, 32, &s, NULL);
    }
}

/* ---------------------------------------------------------------- unpacking */

/* The floats of 16 groups of 16, or of 8 groups of 32. */
SIMD_INLINE float *put_16(float *to, KScales s)
{
    memcpy(to, &s, sizeof s);
    return to + 16;
}
SIMD_INLINE float *put_8(float *to, v8 s)
{
    v8_store(to, s);
    return to + 8;
}

void SIMD_FN(unpack_q2_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ2_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        scale = put_16(scale, scales_of(k_scales_q2_k(b->scales), vf_f16(b->d)));
        offset = put_16(offset, scales_of(k_mins_q2_k(b->scales), -vf_f16(b->dmin)));
        put_codes(q, codes_q2_k, b, 0);
    }
}

void SIMD_FN(unpack_q3_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ3_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        scale = put_16(scale, scales_of(k_scales_q3_k(b->scales), vf_f16(b->d)));
        put_codes(q, codes_q3_k, b, 4);
    }
}

void SIMD_FN(unpack_q4_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ4_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        KEights k = k_eights(b->scales);
        scale = put_8(scale, v8_f16(b->d) * k.scale);
        offset = put_8(offset, -v8_f16(b->dmin) * k.min);
        put_codes(q, codes_q4_k, b, 0);
    }
}

void SIMD_FN(unpack_q5_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ5_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        KEights k = k_eights(b->scales);
        scale = put_8(scale, v8_f16(b->d) * k.scale);
        offset = put_8(offset, -v8_f16(b->dmin) * k.min);
        put_codes(q, codes_q5_k, b, 0);
    }
}

void SIMD_FN(unpack_q6_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ6_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        scale = put_16(scale, scales_of(ints_i8(b->scales), vf_f16(b->d)));
        put_codes(q, codes_q6_k, b, 32);
    }
}
