/* k_dot4_simd.c: dot products of all K formats; what differs is only how codes and scales are found.
 * AVX-512 has its own, k_grouped_simd.c.
 *
 * The scales of the block, of each group and of the activations become one float per 16 weights
 * first. Then 64 weights at a time: codes from their bits, byte dot products, one multiplication by
 * the scale of each four weights. That loop is k_unit.h's. Codes stay unsigned: an offset (Q3_K: 4,
 * Q6_K: 32) or a minimum meets the sums of the activations, which ActQ8 has.
 *
 * Codes of two bits, or four, may also stay where they are in their bytes (k_unit.h). */
#include "k_codes.h"
#include "simd_prefetch.h"

#if VF != 16

extern dot_quant_fn SIMD_FN(dot_q2_k), SIMD_FN(dot_q3_k), SIMD_FN(dot_q4_k), SIMD_FN(dot_q5_k);
extern dot_quant_fn SIMD_FN(dot_q6_k);

/* ---------------------------------------------------------------- fields in place */

SIMD_INLINE vb fields_q2_k(const void *block, int pair, int part)
{
    return two_bits(((const BlockQ2_K *)block)->q, pair, part);
}

/* With a third bit: those of odd pairs must come down, there is no room above them. */
SIMD_INLINE vb fields_q3_k(const void *block, int pair, int part)
{
    const BlockQ3_K *b = block;
    vb low = vb_pair(b->q + 32 * (pair / 2), 4 * (pair % 2), 0, 0, part) & vb_each(3, 12, part);
    return low | (vb_pair(b->hmask, 2 * pair, -1, 2, part) & vb_each(4, 16, part));
}

/* Four bits. */
SIMD_INLINE vb fields_q4_k(const void *block, int pair, int part)
{
    const BlockQ4_K *b = block;
    if (!WIDE) return codes_q4_k(block, pair, part);
    return vb_pair(b->q + 32 * pair, 0, 0, 0, part) & vb_each(15, 240, part);
}

/* ---------------------------------------------------------------- the five formats */

float SIMD_FN(dot_q2_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = no_sums();
    vf mins = vf_zero();
    const BlockQ2_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.half += 16) {
        prefetch_ahead(b, sizeof *b);
        mins = scales_fma(scales_of(k_mins_q2_k(b->scales), vf_f16(b->dmin)), a.half, mins);
        KScales s = scales_by(scales_of(k_scales_q2_k(b->scales), vf_f16(b->d)), a.scale);
        sums = add_block(sums, fields_q2_k, b, a.q, s);
    }
    return vf_sum(total_of_two_bits(sums) - mins);
}

float SIMD_FN(dot_q3_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = no_sums();
    vf zero = vf_zero();
    const BlockQ3_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.half += 16) {
        prefetch_ahead(b, sizeof *b);
        KScales s = scales_of(k_scales_q3_k(b->scales), vf_f16(b->d));
        zero = scales_fma(s, a.half, zero);
        sums = add_block(sums, fields_q3_k, b, a.q, scales_by(s, a.scale));
    }
    return vf_sum(vf_fma(vf_set1(-4), zero, total_of_fields(sums, 4, 1)));
}

/* A block's mins: least + sum dmin * min * ActQ8.sum. */
SIMD_INLINE v8 add_mins(v8 least, uint16_t dmin, v8 min, const float sum[8])
{
    return v8_fma(v8_f16(dmin) * min, v8_load(sum), least);
}

float SIMD_FN(dot_q4_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = no_sums();
    v8 mins = {0};
    const BlockQ4_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.sum += 8) {
        prefetch_ahead(b, sizeof *b);
        KEights k = k_eights(b->scales);
        mins = add_mins(mins, b->dmin, k.min, a.sum);
        v8 s = v8_f16(b->d) * k.scale * v8_load(a.scale);
        sums = add_eights(sums, fields_q4_k, b, a.q, s);
    }
    return vf_sum(total_of_fields(sums, WIDE ? 16 : 1, 1) - v8_wide(mins));
}

float SIMD_FN(dot_q5_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = no_sums();
    v8 mins = {0};
    const BlockQ5_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.sum += 8) {
        prefetch_ahead(b, sizeof *b);
        KEights k = k_eights(b->scales);
        mins = add_mins(mins, b->dmin, k.min, a.sum);
        v8 s = v8_f16(b->d) * k.scale * v8_load(a.scale);
        sums = add_eights(sums, codes_q5_k, b, a.q, s);
    }
    return vf_sum(total(sums) - v8_wide(mins));
}

float SIMD_FN(dot_q6_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = no_sums();
    vf zero = vf_zero();
    const BlockQ6_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.half += 16) {
        prefetch_ahead(b, sizeof *b);
        KScales s = scales_of(ints_i8(b->scales), vf_f16(b->d));
        zero = scales_fma(s, a.half, zero);
        sums = add_block(sums, codes_q6_k, b, a.q, scales_by(s, a.scale));
    }
    return vf_sum(vf_fma(vf_set1(-32), zero, total(sums)));
}

#endif
