/* conv1d_simd.c: VF channels at a time, the same steps as conv1d.c: products and sums in the same
 * order, so the same bits. */
#include "layer3_kernels.h"
#include "simd.h"

/* Lane j is channel i + j, n of them. */
SIMD_INLINE vf at(const Conv1dArgs *a, int64_t t, int64_t i, int64_t n)
{
    int64_t before = a->d_conv - 1;
    const float *p = t < 0 ? a->window + (before + t) * a->n_chan : a->x + t * a->x_stride;
    return n == VF ? vf_load(p + i) : vf_load_tail(p + i, n);
}

SIMD_INLINE vf row(const float *p, int64_t n) { return n == VF ? vf_load(p) : vf_load_tail(p, n); }

SIMD_INLINE void put(float *p, vf x, int64_t n)
{
    if (n == VF) vf_store(p, x);
    else vf_store_tail(p, x, n);
}

SIMD_INLINE void channels(const Conv1dArgs *a, int64_t i, int64_t n)
{
    int64_t K = a->d_conv;
    /* 1. Each token's sum over the taps. */
    for (int64_t t = 0; t < a->n_tok; t++) {
        vf y = a->bias ? row(a->bias + i, n) : vf_zero();
        for (int64_t k = 0; k < K; k++)
            y = y + row(a->w + k * a->n_chan + i, n) * at(a, t - K + 1 + k, i, n);
        put(a->y + t * a->y_stride + i, y, n);
    }
    /* 2. The last K - 1 values for the next call, oldest first. */
    for (int64_t k = 0; k < K - 1; k++)
        put(a->window + k * a->n_chan + i, at(a, a->n_tok - K + 1 + k, i, n), n);
}

void SIMD_FN(conv1d)(const Conv1dArgs *a, int64_t from, int64_t to)
{
    int64_t i = from;
    for (; i + VF <= to; i += VF) channels(a, i, VF);
    if (i < to) channels(a, i, to - i);
}
