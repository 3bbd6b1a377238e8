/* roofline_simd.c: reading as fast as possible, and fused multiply-adds as fast as possible.
 *
 * The multiply-adds form CHAINS independent chains s = s*a + b. A chain advances once per latency
 * (4 cycles) and two can start per cycle, so 8 chains would do; 12 leave room for slower machines and
 * still fit into 16 registers. Nothing is loaded or stored inside the loop. */
#include "layer2_kernels.h"
#include "simd.h"

enum { AHEAD = 4096, LINE = 64, CHAINS = 12 };

/* 1. Four registers per step, combined by exclusive or: cheaper than any arithmetic on them. */
uint32_t SIMD_FN(roofline_read)(const void *p, int64_t n_bytes)
{
    enum { STEP = VF == 4 ? 128 : 256 };
    const char *at = p, *end = at + n_bytes;
    vi x0 = vi_set1(0), x1 = x0, x2 = x0, x3 = x0;
    for (; at + STEP <= end; at += STEP) {
#pragma GCC unroll 4
        for (int j = 0; j < STEP; j += LINE) __builtin_prefetch(at + AHEAD + j);
#pragma GCC unroll 4
        for (int j = 0; j < STEP; j += 16 * VF) {
            x0 ^= (vi)vb_load(at + j);
            x1 ^= (vi)vb_load(at + j + 4 * VF);
            x2 ^= (vi)vb_load(at + j + 8 * VF);
            x3 ^= (vi)vb_load(at + j + 12 * VF);
        }
    }
    x0 ^= x1 ^ x2 ^ x3;
    uint32_t all = 0;
    for (int j = 0; j < VF; j++) all ^= (uint32_t)x0[j];
    for (; at < end; at += 4) {
        uint32_t word;
        memcpy(&word, at, 4);
        all ^= word;
    }
    return all;
}

//@ begin roofline-fma
int64_t SIMD_FN(roofline_fma)(int64_t rounds, float *out)
{
    vf a = vf_opaque(vf_set1(0.5f)), b = vf_opaque(vf_set1(1.0f)), s[CHAINS];
#pragma GCC unroll 12
    for (int c = 0; c < CHAINS; c++) s[c] = vf_set1((float)c);
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++) s[c] = vf_fma(s[c], a, b);
    vf sum = vf_zero();
#pragma GCC unroll 12
    for (int c = 0; c < CHAINS; c++) sum = sum + s[c];
    *out = vf_sum(sum);
    return rounds * CHAINS * VF * 2;
}
//@ end roofline-fma
