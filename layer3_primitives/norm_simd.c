/* norm_simd.c: RMSNorm and LayerNorm, VF elements at a time.
 *
 * The steps are those of norm.c. Sums are kept as 4 * VF partial sums, so that four additions are
 * under way at once; they round in another order than norm.c, with a smaller error.
 * Source: as in norm.c. */
#include "layer3_kernels.h"
#include "simd.h"

/* sum (x_i - c)^2, and with c = 0 the sum of squares. */
SIMD_INLINE float sum_of_squares(const float *x, int64_t n, float c)
{
    vf vc = vf_set1(c), s0 = vf_zero(), s1 = vf_zero(), s2 = vf_zero(), s3 = vf_zero();
    int64_t i = 0;
    for (; i + 4 * VF <= n; i += 4 * VF) {
        vf a = vf_load(x + i) - vc, b = vf_load(x + i + VF) - vc;
        vf d = vf_load(x + i + 2 * VF) - vc, e = vf_load(x + i + 3 * VF) - vc;
        s0 = vf_fma(a, a, s0);
        s1 = vf_fma(b, b, s1);
        s2 = vf_fma(d, d, s2);
        s3 = vf_fma(e, e, s3);
    }
    for (; i + VF <= n; i += VF) {
        vf a = vf_load(x + i) - vc;
        s0 = vf_fma(a, a, s0);
    }
    /* Lanes beyond the end hold 0 - c, which must not count. */
    vf last = vf_select(vi_first(n - i), vf_load_tail(x + i, n - i) - vc, vf_zero());
    s1 = vf_fma(last, last, s1);
    return vf_sum((s0 + s1) + (s2 + s3));
}

SIMD_INLINE float sum_of(const float *x, int64_t n)
{
    vf s0 = vf_zero(), s1 = vf_zero(), s2 = vf_zero(), s3 = vf_zero();
    int64_t i = 0;
    for (; i + 4 * VF <= n; i += 4 * VF) {
        s0 = s0 + vf_load(x + i);
        s1 = s1 + vf_load(x + i + VF);
        s2 = s2 + vf_load(x + i + 2 * VF);
        s3 = s3 + vf_load(x + i + 3 * VF);
    }
    for (; i + VF <= n; i += VF) s0 = s0 + vf_load(x + i);
    s1 = s1 + vf_load_tail(x + i, n - i);
    return vf_sum((s0 + s1) + (s2 + s3));
}

//@ begin norm-rms-simd
void SIMD_FN(rmsnorm)(float *y, const float *x, const float *w, int64_t n,
                      float eps)
{
    /* 1. Mean of the squares. */
    float sum = sum_of_squares(x, n, 0.0f);
    /* 2. One scale for the whole vector. */
    vf scale = vf_set1(1.0f) / vf_sqrt(vf_set1(sum / (float)n + eps));
    /* 3. Scale, then weigh each element. */
    int64_t i = 0;
    for (; i + VF <= n; i += VF) {
        vf v = vf_load(x + i) * scale;
        vf_store(y + i, w ? v * vf_load(w + i) : v);
    }
    vf v = vf_load_tail(x + i, n - i) * scale;
    if (w) v = v * vf_load_tail(w + i, n - i);
    vf_store_tail(y + i, v, n - i);
}
//@ end norm-rms-simd

void SIMD_FN(layernorm)(float *y, const float *x, const float *w, const float *b, int64_t n,
                        float eps)
{
    /* 1. Mean. */
    float mean = sum_of(x, n) / (float)n;
    /* 2. Mean of the squared distances from it. */
    float sum_sq = sum_of_squares(x, n, mean);
    /* 3. One scale for the whole vector. */
    vf scale = vf_set1(1.0f) / vf_sqrt(vf_set1(sum_sq / (float)n + eps)), vmean = vf_set1(mean);
    /* 4. Centre, scale, weigh, shift. */
    int64_t i = 0;
    for (; i + VF <= n; i += VF) {
        vf v = (vf_load(x + i) - vmean) * scale;
        if (w) v = v * vf_load(w + i);
        if (b) v = v + vf_load(b + i);
        vf_store(y + i, v);
    }
    vf v = (vf_load_tail(x + i, n - i) - vmean) * scale;
    if (w) v = v * vf_load_tail(w + i, n - i);
    if (b) v = v + vf_load_tail(b + i, n - i);
    vf_store_tail(y + i, v, n - i);
}
