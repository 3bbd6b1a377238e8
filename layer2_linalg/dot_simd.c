/* dot_simd.c: the dot product at the speed of the memory.
 *
 * Two things make it fast. Four independent accumulators: a fused multiply-add takes four cycles but
 * two can start per cycle, so one chain alone would leave most of the machine idle. And prefetching:
 * the rows of a matrix lie one after the other, and we ask for lines far ahead, past the end of this
 * row into the next ones (simd_prefetch.h).
 *
 * Lane j of accumulator a sums the products i = j + VF*a (mod 4*VF); the rest goes to the first two. */
#include "layer2_kernels.h"
#include "simd.h"
#include "simd_prefetch.h"

//@ begin dot-simd
float SIMD_FN(dot_f32)(const float *w, const float *x, int64_t n)
{
    vf s0 = vf_zero(), s1 = vf_zero(), s2 = vf_zero(), s3 = vf_zero();
    int64_t i = 0;
    for (; i + 4 * VF <= n; i += 4 * VF) {
        prefetch_floats(w + i, 16 * VF);
        s0 = vf_fma(vf_load(w + i), vf_load(x + i), s0);
        s1 = vf_fma(vf_load(w + i + VF), vf_load(x + i + VF), s1);
        s2 = vf_fma(vf_load(w + i + 2 * VF), vf_load(x + i + 2 * VF), s2);
        s3 = vf_fma(vf_load(w + i + 3 * VF), vf_load(x + i + 3 * VF), s3);
    }
    for (; i + VF <= n; i += VF)
        s0 = vf_fma(vf_load(w + i), vf_load(x + i), s0);
    if (i < n)
        s1 = vf_fma(vf_load_tail(w + i, n - i), vf_load_tail(x + i, n - i), s1);
    return vf_sum((s0 + s1) + (s2 + s3));
}
//@ end dot-simd

/* The 16-bit types differ in one thing: the instruction that widens VF of them to f32. NEON's four
 * lanes would ask for a line twice, so a step there is eight registers: at least one line. */
#define DOT_16_BIT(name, load, load_tail)                                                          \
    float SIMD_FN(name)(const uint16_t *w, const float *x, int64_t n)                              \
    {                                                                                              \
        enum { STEP = VF == 4 ? 8 * VF : 4 * VF };                                                 \
        vf s0 = vf_zero(), s1 = vf_zero(), s2 = vf_zero(), s3 = vf_zero();                         \
        int64_t i = 0;                                                                             \
        for (; i + STEP <= n; i += STEP) {                                                         \
            prefetch_ahead(w + i, STEP * 2);                                                       \
            for (int j = 0; j < STEP; j += 4 * VF) {                                               \
                const uint16_t *wj = w + i + j;                                                    \
                const float *xj = x + i + j;                                                       \
                s0 = vf_fma(load(wj), vf_load(xj), s0);                                            \
                s1 = vf_fma(load(wj + VF), vf_load(xj + VF), s1);                                  \
                s2 = vf_fma(load(wj + 2 * VF), vf_load(xj + 2 * VF), s2);                          \
                s3 = vf_fma(load(wj + 3 * VF), vf_load(xj + 3 * VF), s3);                          \
            }                                                                                      \
        }                                                                                          \
        for (; i + VF <= n; i += VF) s0 = vf_fma(load(w + i), vf_load(x + i), s0);                 \
        if (i < n) s1 = vf_fma(load_tail(w + i, n - i), vf_load_tail(x + i, n - i), s1);           \
        return vf_sum((s0 + s1) + (s2 + s3));                                                      \
    }

DOT_16_BIT(dot_f16, vf_load_f16, vf_load_f16_tail)
DOT_16_BIT(dot_bf16, vf_load_bf16, vf_load_bf16_tail)
