/* vec_simd.c: arithmetic on whole vectors, VF elements at a time.
 *
 * Every function has the same shape: full registers, then one masked register for the rest. The sum
 * keeps VF partial sums (lane j adds x_j, x_(j+VF), ...) and folds them at the end, so it rounds in
 * another order than vec.c, with a smaller error. */
#include "layer2_kernels.h"
#include "simd.h"

void SIMD_FN(vec_add)(float *y, const float *x, int64_t n)
{
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store(y + i, vf_load(y + i) + vf_load(x + i));
    int64_t rest = n - i;
    vf_store_tail(y + i, vf_load_tail(y + i, rest) + vf_load_tail(x + i, rest), rest);
}

void SIMD_FN(vec_mul)(float *y, const float *x, int64_t n)
{
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store(y + i, vf_load(y + i) * vf_load(x + i));
    int64_t rest = n - i;
    vf_store_tail(y + i, vf_load_tail(y + i, rest) * vf_load_tail(x + i, rest), rest);
}

void SIMD_FN(vec_scale)(float *y, float a, int64_t n)
{
    vf va = vf_set1(a);
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store(y + i, vf_load(y + i) * va);
    vf_store_tail(y + i, vf_load_tail(y + i, n - i) * va, n - i);
}

void SIMD_FN(vec_axpy)(float *y, float a, const float *x, int64_t n)
{
    vf va = vf_set1(a);
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store(y + i, vf_fma(va, vf_load(x + i), vf_load(y + i)));
    int64_t rest = n - i;
    vf last = vf_fma(va, vf_load_tail(x + i, rest), vf_load_tail(y + i, rest));
    vf_store_tail(y + i, last, rest);
}

float SIMD_FN(vec_sum)(const float *x, int64_t n)
{
    /* Four independent sums: an addition takes about four cycles, and two can start in each. */
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

/* vf_max(x, m) is m where x is NaN. */
float SIMD_FN(vec_max)(const float *x, int64_t n)
{
    vf lowest = vf_set1(-__builtin_inff()), m0 = lowest, m1 = lowest;
    int64_t i = 0;
    for (; i + 2 * VF <= n; i += 2 * VF) {
        m0 = vf_max(vf_load(x + i), m0);
        m1 = vf_max(vf_load(x + i + VF), m1);
    }
    for (; i + VF <= n; i += VF) m0 = vf_max(vf_load(x + i), m0);
    /* Lanes beyond the end must not count as zeros. */
    vf last = vf_select(vi_first(n - i), vf_load_tail(x + i, n - i), lowest);
    return vf_hmax(vf_max(vf_max(last, m0), m1));
}

void SIMD_FN(f16_to_row)(float *y, const uint16_t *x, int64_t n)
{
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store(y + i, vf_load_f16(x + i));
    vf_store_tail(y + i, vf_load_f16_tail(x + i, n - i), n - i);
}

void SIMD_FN(row_to_f16)(uint16_t *y, const float *x, int64_t n)
{
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store_f16(y + i, vf_load(x + i));
    vf_store_f16_tail(y + i, vf_load_tail(x + i, n - i), n - i);
}

void SIMD_FN(bf16_to_row)(float *y, const uint16_t *x, int64_t n)
{
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store(y + i, vf_load_bf16(x + i));
    vf_store_tail(y + i, vf_load_bf16_tail(x + i, n - i), n - i);
}

void SIMD_FN(row_to_bf16)(uint16_t *y, const float *x, int64_t n)
{
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store_bf16(y + i, vf_load(x + i));
    vf_store_bf16_tail(y + i, vf_load_tail(x + i, n - i), n - i);
}
