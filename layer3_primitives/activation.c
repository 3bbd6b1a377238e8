/* activation.c: the non-linear functions of feed-forward layers, one element at a time.
 *
 *   silu(x) = x s(x)    gelu_quick(x) = x s(1.702 x)    s(x) = 1 / (1 + e^-x), the logistic function
 *   gelu_erf(x) = x P(x), P the normal distribution     gelu_tanh: P by a tanh
 *   relu(x) = max(x, 0)       relu2(x) = max(x, 0)^2    swiglu: silu(gate) * up
 *
 * All but ReLU are x times a gate between 0 and 1. At x = -inf that product would be inf * 0 = NaN,
 * so x is kept from falling below X_MIN, where the gates are 0 in f32 already.
 * Source: Hendrycks and Gimpel 2016; Shazeer 2020; So et al. 2021. */
#include "layer3_kernels.h"

#include <math.h>

/* e^-104 is less than half of the smallest f32: from here on every gate is 0. */
#define X_MIN (-104.0f)

/* A comparison with NaN is false: NaN passes. */
static float at_least(float low, float x) { return x < low ? low : x; }

//@ begin activation-silu
/* x s(a x) = x / (1 + e^(-a x)). For very negative x the exponential is inf
 * and the quotient -0, which is the limit. */
static float x_logistic(float x, float a)
{
    x = at_least(X_MIN, x);
    return x / (1.0f + expf(-a * x));
}

void silu_scalar(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = x_logistic(x[i], 1.0f);
}
//@ end activation-silu

void gelu_quick_scalar(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = x_logistic(x[i], 1.702f);
}

void swiglu_scalar(float *gate, const float *up, int64_t n)
{
    for (int64_t i = 0; i < n; i++) gate[i] = x_logistic(gate[i], 1.0f) * up[i];
}

/* u = sqrt(2 / pi) (x + 0.044715 x^3); x (1 + tanh u) / 2. */
void gelu_tanh_scalar(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float v = at_least(X_MIN, x[i]);
        float u = 0.79788456f * (v + 0.044715f * v * v * v);
        x[i] = 0.5f * v * (1.0f + tanhf(u));
    }
}

/* P(x) = (1 + erf(x / sqrt 2)) / 2. */
void gelu_erf_scalar(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float v = at_least(X_MIN, x[i]);
        x[i] = 0.5f * v * (1.0f + erff(v * 0.70710678f));
    }
}

void relu_scalar(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = at_least(0.0f, x[i]);
}

void relu2_scalar(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float v = at_least(0.0f, x[i]);
        x[i] = v * v;
    }
}

/* Limits keep single units from running away; u + 1 lets a closed gate pass the half it closed. */
void swiglu_clamped_scalar(float *gate, const float *up, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float g = gate[i] > 7 ? 7 : gate[i];
        float u = up[i] > 7 ? 7 : up[i] < -7 ? -7 : up[i];
        gate[i] = g / (1 + expf(-1.702f * g)) * (u + 1);
    }
}

//@ begin activation-softplus
/* ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|): the exponential is at most 1. */
void softplus_scalar(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float top = x[i] > 0.0f ? x[i] : 0.0f;
        x[i] = isnan(x[i]) ? x[i] : top + log1pf(expf(-fabsf(x[i])));
    }
}
//@ end activation-softplus
