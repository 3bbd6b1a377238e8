/* q8_0_dot4_simd.c: the dot products of q8_0.c and q8_1.c on STEP blocks of 32 at a time.
 *
 * Byte dot products leave each block with four 32-bit sums, which its two scales multiply together.
 * On machines that multiply only unsigned by signed bytes the codes are shifted to 0..255, and the
 * shift is taken back through ActQ8.sum:  sum (q + 128) a - 128 sum a. */
#include "q8_step.h"

extern dot_quant_fn SIMD_FN(dot_q8_0), SIMD_FN(dot_q8_1), SIMD_FN(dot_q8_k);

/* Blocks of `bytes` that begin with a half and hold their codes at byte `at`. */
SIMD_INLINE float dot_row(const void *blocks, int64_t bytes, int64_t at, ActQ8 a, int64_t n)
{
    const int8_t *b = blocks;
    Sums sums = {vf_zero(), (vq){0}};
    int64_t left = n / 32;
    for (; left >= STEP; left -= STEP, b += STEP * bytes, a = q8_next(a)) {
        prefetch_ahead(b, STEP * bytes);
        sums = q8_step(b + at, bytes, vq_load_f16(b, bytes), a, sums);
    }
    /* The last blocks, filled up with zeros. */
    if (left > 0) {
        int8_t rest[STEP * sizeof(BlockQ8_1)] = {0};
        ActRest act;
        memcpy(rest, b, (size_t)(left * bytes));
        sums = q8_step(rest + at, bytes, vq_load_f16(rest, bytes), act_rest(&act, a, left), sums);
    }
    return q8_total(sums);
}

float SIMD_FN(dot_q8_0)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(blocks, sizeof(BlockQ8_0), 2, a, n);
}

float SIMD_FN(dot_q8_1)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(blocks, sizeof(BlockQ8_1), 4, a, n);
}

float SIMD_FN(dot_q8_k)(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockQ8_K *b = blocks;
    Sums sums = {vf_zero(), (vq){0}};
    for (int64_t i = 0; i < n / 256; i++, b++)
        for (int k = 0; k < 8; k += STEP, a = q8_next(a)) {
            prefetch_ahead(b->q + 32 * k, 32 * STEP);
            sums = q8_step(b->q + 32 * k, 32, b->d + (vq){0}, a, sums);
        }
    return q8_total(sums);
}
