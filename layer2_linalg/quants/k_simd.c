/* k_simd.c: decoding and unpacking of all K formats; the same multiplications, the same bits.
 *
 * The loop is k_unit.h's: codes in order as bytes first, 256 of them; then each group of 16 has its own
 * two floats. Unpacking ends before the multiplication. */
#include "k_codes.h"

extern dequant_fn SIMD_FN(dequant_q2_k), SIMD_FN(dequant_q3_k), SIMD_FN(dequant_q4_k);
extern dequant_fn SIMD_FN(dequant_q5_k), SIMD_FN(dequant_q6_k);
extern unpack_fn SIMD_FN(unpack_q2_k), SIMD_FN(unpack_q3_k), SIMD_FN(unpack_q4_k);
extern unpack_fn SIMD_FN(unpack_q5_k), SIMD_FN(unpack_q6_k);

static const float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};

void SIMD_FN(dequant_q2_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ2_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KBytes k = k_bytes_q2_k(b->scales);
        KScales s = scales_times_u8(k.scale, vf_f16(b->d), ones);
        KScales m = scales_times_u8(k.min, vf_f16(b->dmin), ones);
        decode(y, codes_q2_k, b, 0, &s, &m);
    }
}

void SIMD_FN(dequant_q3_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ3_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KInts k = k_ints_q3_k(b->scales);
        KScales s = scales_times_i8(k.scale, vf_f16(b->d), ones);
        decode(y, codes_q3_k, b, 4, &s, NULL);
    }
}

void SIMD_FN(dequant_q4_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ4_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KBytes k = k_bytes(b->scales);
        KScales s = scales_times_u8(k.scale, vf_f16(b->d), ones);
        KScales m = scales_times_u8(k.min, vf_f16(b->dmin), ones);
        decode(y, codes_q4_k, b, 0, &s, &m);
    }
}

void SIMD_FN(dequant_q5_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ5_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KBytes k = k_bytes(b->scales);
        KScales s = scales_times_u8(k.scale, vf_f16(b->d), ones);
        KScales m = scales_times_u8(k.min, vf_f16(b->dmin), ones);
        decode(y, codes_q5_k, b, 0, &s, &m);
    }
}

void SIMD_FN(dequant_q6_k)(float *y, const void *blocks, int64_t n)
{
    const BlockQ6_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, y += 256) {
        KScales s = scales_times_i8(b->scales, vf_f16(b->d), ones);
        decode(y, codes_q6_k, b, 32, &s, NULL);
    }
}

/* ---------------------------------------------------------------- unpacking */

/* The floats of 16 groups of 16, or of 8 groups of 32, for which each stands there twice. */
SIMD_INLINE float *put_16(float *to, KScales s)
{
    memcpy(to, s.of, sizeof s.of);
    return to + 16;
}
SIMD_INLINE float *put_8(float *to, KScales s)
{
    for (int g = 0; g < 8; g++) to[g] = s.of[2 * g];
    return to + 8;
}

void SIMD_FN(unpack_q2_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ2_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        KBytes k = k_bytes_q2_k(b->scales);
        scale = put_16(scale, scales_times_u8(k.scale, vf_f16(b->d), ones));
        offset = put_16(offset, scales_times_u8(k.min, -vf_f16(b->dmin), ones));
        put_codes(q, codes_q2_k, b, 0);
    }
}

void SIMD_FN(unpack_q3_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ3_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        KInts k = k_ints_q3_k(b->scales);
        scale = put_16(scale, scales_times_i8(k.scale, vf_f16(b->d), ones));
        put_codes(q, codes_q3_k, b, 4);
    }
}

void SIMD_FN(unpack_q4_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ4_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        KBytes k = k_bytes(b->scales);
        scale = put_8(scale, scales_times_u8(k.scale, vf_f16(b->d), ones));
        offset = put_8(offset, scales_times_u8(k.min, -vf_f16(b->dmin), ones));
        put_codes(q, codes_q4_k, b, 0);
    }
}

void SIMD_FN(unpack_q5_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ5_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        KBytes k = k_bytes(b->scales);
        scale = put_8(scale, scales_times_u8(k.scale, vf_f16(b->d), ones));
        offset = put_8(offset, scales_times_u8(k.min, -vf_f16(b->dmin), ones));
        put_codes(q, codes_q5_k, b, 0);
    }
}

void SIMD_FN(unpack_q6_k)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ6_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, q += 256) {
        scale = put_16(scale, scales_times_i8(b->scales, vf_f16(b->d), ones));
        put_codes(q, codes_q6_k, b, 32);
    }
}
