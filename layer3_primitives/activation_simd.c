/* activation_simd.c: the non-linear functions of feed-forward layers, VF elements at a time.
 *
 * Function by function as in activation.c, with three changes that spare library calls:
 *   tanh by the exponential        (1 + tanh u) / 2 = 1 / (1 + e^(-2u))
 *   erf by its complement          P(-z) = erfc(z / sqrt 2) / 2, which decays like e^(-z^2/2); what is
 *                                  left is smooth enough for a polynomial. P(z) = 1 - P(-z).
 *   softplus: ln(1 + u) by a series  ln(1 + u) = 2 artanh(u / (2 + u)), whose argument is at most 1/3
 * The first two avoid the subtraction 1 - (almost 1) of the plain form, so they are more exact than it for
 * negative x.
 * Source: Shepherd and Laframboise 1981 (the variable q of the erfc polynomial). */
#include "layer3_kernels.h"
#include "simd.h"

/* e^-104 is less than half of the smallest f32: from here on every gate is 0. */
#define X_MIN (-104.0f)

/* vf_max(a, b) is b where b is NaN: NaN passes. */
SIMD_INLINE vf at_least(float low, vf x) { return vf_max(vf_set1(low), x); }

/* x = f(x) for all elements. f is inlined: the compiler sees a loop per function. */
SIMD_INLINE void each(float *x, int64_t n, vf f(vf))
{
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store(x + i, f(vf_load(x + i)));
    vf_store_tail(x + i, f(vf_load_tail(x + i, n - i)), n - i);
}

//@ begin activation-silu-simd
/* x s(a x) = x / (1 + e^(-a x)). For very negative x the exponential is inf
 * and the quotient -0, which is the limit. */
SIMD_INLINE vf x_logistic(vf x, float a)
{
    x = at_least(X_MIN, x);
    return x / (vf_set1(1.0f) + vf_exp(vf_set1(-a) * x));
}

SIMD_INLINE vf silu_lanes(vf x) { return x_logistic(x, 1.0f); }
void SIMD_FN(silu)(float *x, int64_t n) { each(x, n, silu_lanes); }
//@ end activation-silu-simd

SIMD_INLINE vf gelu_quick_lanes(vf x) { return x_logistic(x, 1.702f); }
void SIMD_FN(gelu_quick)(float *x, int64_t n) { each(x, n, gelu_quick_lanes); }

void SIMD_FN(swiglu)(float *gate, const float *up, int64_t n)
{
    int64_t i = 0;
    for (; i + VF <= n; i += VF) vf_store(gate + i, silu_lanes(vf_load(gate + i)) * vf_load(up + i));
    vf last = silu_lanes(vf_load_tail(gate + i, n - i)) * vf_load_tail(up + i, n - i);
    vf_store_tail(gate + i, last, n - i);
}

/* u = sqrt(2 / pi) (x + 0.044715 x^3); x / (1 + e^(-2u)). */
SIMD_INLINE vf gelu_tanh_lanes(vf x)
{
    vf v = at_least(X_MIN, x);
    vf u = vf_set1(0.79788456f) * (v + vf_set1(0.044715f) * v * v * v);
    return v / (vf_set1(1.0f) + vf_exp(vf_set1(-2.0f) * u));
}
void SIMD_FN(gelu_tanh)(float *x, int64_t n) { each(x, n, gelu_tanh_lanes); }

/* erfc(a) / 2 for 0 <= a < 100, relative error below 4e-8 + that of the exponential's argument:
 *   erfc(a) = e^(-a^2) / (1 + 2a) * c(q),   q = (a - 2) / (a + 2)
 * q maps [0, inf) to [-1, 1). c is the Chebyshev interpolation of degree 9 on a <= 10.5; beyond,
 * the exponential is 0 in f32. The coefficients below hold the factor 1/2. */
SIMD_INLINE vf half_erfc(vf a)
{
    static const float c[10] = {
        6.384891868e-01f, -4.638199136e-02f, -8.301523328e-02f, 8.202780783e-02f,
        -2.710661106e-02f, -4.031937104e-03f, 4.329234827e-03f, 6.650222931e-04f,
        -6.277069333e-04f, -2.100311540e-04f};
    vf q = (a - vf_set1(2.0f)) / (a + vf_set1(2.0f)), p = vf_set1(c[9]);
    for (int k = 8; k >= 0; k--) p = vf_fma(p, q, vf_set1(c[k]));
    return vf_exp(-a * a) * p / (vf_set1(1.0f) + vf_set1(2.0f) * a);
}

/* P(x) = (1 + erf(x / sqrt 2)) / 2; x P(x). */
SIMD_INLINE vf gelu_erf_lanes(vf x)
{
    vf v = at_least(X_MIN, x);
    vf tail = half_erfc(vf_min(vf_abs(v), vf_set1(-X_MIN)) * vf_set1(0.70710678f));
    return v * vf_select(v < vf_zero(), tail, vf_set1(1.0f) - tail);
}
void SIMD_FN(gelu_erf)(float *x, int64_t n) { each(x, n, gelu_erf_lanes); }

SIMD_INLINE vf relu_lanes(vf x) { return at_least(0.0f, x); }
void SIMD_FN(relu)(float *x, int64_t n) { each(x, n, relu_lanes); }

SIMD_INLINE vf relu2_lanes(vf x) { return at_least(0.0f, x) * at_least(0.0f, x); }
void SIMD_FN(relu2)(float *x, int64_t n) { each(x, n, relu2_lanes); }

/* max(x, 0) + ln(1 + u), u = e^-|x| <= 1. With s = u / (2 + u) <= 1/3,
 *   ln(1 + u) = 2 (s + s^3/3 + s^5/5 + ...)
 * and what follows s^15 is less than 2e-9 of the sum. */
SIMD_INLINE vf softplus_lanes(vf x)
{
    vf u = vf_exp(-vf_abs(x)), s = u / (vf_set1(2.0f) + u), z = s * s;
    vf p = vf_set1(1.0f / 15);
    for (int k = 13; k >= 1; k -= 2) p = vf_fma(p, z, vf_set1(1.0f / (float)k));
    return at_least(0.0f, x) + vf_set1(2.0f) * s * p;
}
void SIMD_FN(softplus)(float *x, int64_t n) { each(x, n, softplus_lanes); }
