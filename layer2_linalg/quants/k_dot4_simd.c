/* k_dot4_simd.c: dot products of all K formats; what differs is only how codes and scales are found.
 *
 * The scales of the block, of each group and of the activations become one float per 16 weights
 * first. Then 64 weights at a time: codes from their bits, byte dot products, one multiplication by
 * the scale of each four weights. Codes stay unsigned: an offset (Q3_K: 4, Q6_K: 32) is taken from
 * the integers as offset * sum q. That loop is k_unit.h's. */
#include "k_codes.h"
#include "simd_prefetch.h"

extern dot_quant_fn SIMD_FN(dot_q2_k), SIMD_FN(dot_q3_k), SIMD_FN(dot_q4_k), SIMD_FN(dot_q5_k);
extern dot_quant_fn SIMD_FN(dot_q6_k);

/* ---------------------------------------------------------------- minima */

/* A code of 1 for every weight: with the groups' mins as scales, the minima's share. */
SIMD_INLINE vb codes_ones(const void *block, int pair, int part)
{
    (void)block, (void)pair, (void)part;
    return vb_set1(1);
}

/* Adds the scales: sum min * ActQ8.sum, each of the 8 terms twice, as KBytes has them. */
SIMD_INLINE vf add_mins(vf sum, const KScales *m)
{
    for (int g = 0; g < 16; g += VF) sum += vf_load(m->of + g);
    return sum;
}

/* ---------------------------------------------------------------- the five formats */

float SIMD_FN(dot_q2_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = {{vf_zero(), vf_zero()}};
    const BlockQ2_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8) {
        prefetch_ahead(b, sizeof *b);
        KBytes k = k_bytes_q2_k(b->scales);
        KScales s = scales_times_u8(k.scale, vf_f16(b->d), a.scale);
        KScales m = scales_times_u8(k.min, -vf_f16(b->dmin), a.scale);
        sums = add_block(sums, codes_q2_k, b, a.q, &s, 0);
        sums = add_block(sums, codes_ones, b, a.q, &m, 0);
    }
    return total(sums);
}

float SIMD_FN(dot_q3_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = {{vf_zero(), vf_zero()}};
    const BlockQ3_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8) {
        prefetch_ahead(b, sizeof *b);
        KInts k = k_ints_q3_k(b->scales);
        KScales s = scales_times_i8(k.scale, vf_f16(b->d), a.scale);
        sums = add_block(sums, codes_q3_k, b, a.q, &s, 4);
    }
    return total(sums);
}

float SIMD_FN(dot_q4_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = {{vf_zero(), vf_zero()}};
    vf mins = vf_zero();
    const BlockQ4_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.sum += 8) {
        prefetch_ahead(b, sizeof *b);
        KBytes k = k_bytes(b->scales);
        KScales s = scales_times_u8(k.scale, vf_f16(b->d), a.scale);
        KScales m = scales_times_u8(k.min, vf_f16(b->dmin), a.sum);
        sums = add_block(sums, codes_q4_k, b, a.q, &s, 0);
        mins = add_mins(mins, &m);
    }
    return total(sums) - 0.5f * vf_sum(mins);
}

float SIMD_FN(dot_q5_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = {{vf_zero(), vf_zero()}};
    vf mins = vf_zero();
    const BlockQ5_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.sum += 8) {
        prefetch_ahead(b, sizeof *b);
        KBytes k = k_bytes(b->scales);
        KScales s = scales_times_u8(k.scale, vf_f16(b->d), a.scale);
        KScales m = scales_times_u8(k.min, vf_f16(b->dmin), a.sum);
        sums = add_block(sums, codes_q5_k, b, a.q, &s, 0);
        mins = add_mins(mins, &m);
    }
    return total(sums) - 0.5f * vf_sum(mins);
}

float SIMD_FN(dot_q6_k)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = {{vf_zero(), vf_zero()}};
    const BlockQ6_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8) {
        prefetch_ahead(b, sizeof *b);
        KScales s = scales_times_i8(b->scales, vf_f16(b->d), a.scale);
        sums = add_block(sums, codes_q6_k, b, a.q, &s, 32);
    }
    return total(sums);
}
