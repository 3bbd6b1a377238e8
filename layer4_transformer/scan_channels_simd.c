/* scan_channels_simd.c: Mamba's recurrence, VF channels at a time and all tokens of them.
 *
 * STATES numbers of each of the VF channels stay in registers while the tokens pass by; with more of
 * them the tokens pass by again. Sums run in the order of scan_channels.c; products are fused. */
#include "layer4_kernels.h"
#include "simd.h"

enum { STATES = 8 };

SIMD_INLINE vf get(const float *p, int64_t n) { return n == VF ? vf_load(p) : vf_load_tail(p, n); }

SIMD_INLINE void put(float *p, vf x, int64_t n)
{
    if (n == VF) vf_store(p, x);
    else vf_store_tail(p, x, n);
}

/* Numbers [s0, s0 + n_states) of channels [i, i + n), all tokens; y has what came before s0. */
SIMD_INLINE void states(const ScanArgs *a, int64_t i, int64_t n, int64_t s0, int n_states)
{
    vf h[STATES], rate[STATES];
#pragma GCC unroll 8
    for (int s = 0; s < n_states; s++) {
        h[s] = get(a->h + (s0 + s) * a->d_inner + i, n);
        rate[s] = get(a->a + (s0 + s) * a->d_inner + i, n);
    }
    vf d = s0 ? vf_zero() : get(a->d + i, n);
    for (int64_t t = 0; t < a->n_tok; t++) {
        const float *b = a->b + t * a->bc_stride + s0, *c = a->c + t * a->bc_stride + s0;
        vf x = get(a->x + t * a->x_stride + i, n), dt = get(a->dt + t * a->d_inner + i, n);
        float *to = a->y + t * a->d_inner + i;
        vf y = s0 ? get(to, n) : d * x, write = dt * x;
#pragma GCC unroll 8
        for (int s = 0; s < n_states; s++) {
            h[s] = vf_fma(vf_exp(dt * rate[s]), h[s], vf_set1(b[s]) * write);
            y = vf_fma(vf_set1(c[s]), h[s], y);
        }
        put(to, y, n);
    }
#pragma GCC unroll 8
    for (int s = 0; s < n_states; s++) put(a->h + (s0 + s) * a->d_inner + i, h[s], n);
}

/* All numbers of channels [i, i + n). */
SIMD_INLINE void channels(const ScanArgs *a, int64_t i, int64_t n)
{
    int64_t s = 0;
    for (; s + STATES <= a->d_state; s += STATES) states(a, i, n, s, STATES);
    for (; s < a->d_state; s++) states(a, i, n, s, 1);
}

void SIMD_FN(scan_channels)(const ScanArgs *a, int64_t from, int64_t to)
{
    int64_t i = from;
    for (; i + VF <= to; i += VF) channels(a, i, VF);
    if (i < to) channels(a, i, to - i);
}
