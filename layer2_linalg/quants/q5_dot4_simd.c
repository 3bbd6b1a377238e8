/* q5_dot4_simd.c: dot products of Q5_0 and Q5_1 on STEP blocks at a time.
 *
 * Codes become bytes first (q5_parts.h). What follows is Q8_0's: a sum for each four weights, times
 * both scales; minimum or zero point meet ActQ8.sum. */
#include "act_rest.h"
#include "q5_parts.h"
#include "simd_prefetch.h"

extern dot_quant_fn SIMD_FN(dot_q5_0), SIMD_FN(dot_q5_1);

typedef struct { vf s; vq least; } Sums;

/* Adds STEP blocks: d * scale * sum code q + least * sum. */
SIMD_INLINE Sums step(Sums sums, const int8_t codes[32 * STEP], vq d, vq least, ActQ8 a)
{
    vq ds = d * vq_load(a.scale);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, codes += 16 * STEP, a.q += 16 * STEP) {
        vi s = vi_fold(vi_dot4_us(vi_set1(0), vb_load_block(codes, 32, 0), vb_load(a.q)),
                       vi_dot4_us(vi_set1(0), vb_load_block(codes, 32, 1), vb_load(a.q + 4 * VF)));
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    sums.least = vq_fma(least, vq_load(a.sum), sums.least);
    return sums;
}

/* A format whose blocks are `bytes` long, its codes at `q`, its fifth bits at `qh`, its
 * minimum at `m` (0: none; then the zero point is 16). */
SIMD_INLINE float dot(const char *b, ActQ8 a, int64_t n, int bytes, int q, int qh, int m)
{
    Sums sums = {vf_zero(), (vq){0}};
    for (int64_t left = n / 32; left > 0; left -= STEP, b += STEP * bytes) {
        /* 1. The last blocks are filled up with zeros. */
        char rest[24 * STEP] = {0};
        ActRest act;
        const char *at = b;
        prefetch_ahead(b, STEP * bytes);
        if (left < STEP) {
            memcpy(rest, b, (size_t)(left * bytes));
            at = rest;
            a = act_rest(&act, a, left);
        }
        /* 2. Codes, scales, minima. */
        int8_t codes[32 * STEP];
        for (int i = 0; i < STEP; i++) {
            const uint8_t *block = (const uint8_t *)at + i * bytes;
            q5_codes(codes + 32 * i, block + q, block + qh);
        }
        vq d = vq_load_f16(at, bytes);
        sums = step(sums, codes, d, m ? vq_load_f16(at + m, bytes) : d * -16.0f, a);
        a.q += 32 * STEP;
        a.scale += STEP;
        a.sum += STEP;
    }
    return vf_sum(sums.s) + vq_sum(sums.least);
}

float SIMD_FN(dot_q5_0)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot(blocks, a, n, sizeof(BlockQ5_0), 6, 2, 0);
}

float SIMD_FN(dot_q5_1)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot(blocks, a, n, sizeof(BlockQ5_1), 8, 4, 2);
}
