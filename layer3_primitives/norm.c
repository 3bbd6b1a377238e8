/* norm.c: vectors brought to a standard size, so that the layers above always meet similar numbers.
 *
 *   RMSNorm    y_i = w_i x_i / sqrt(mean(x^2) + eps)                            only the length
 *   LayerNorm  y_i = w_i (x_i - mean) / sqrt(mean((x - mean)^2) + eps) + b_i    centre and spread
 *
 * x, w, b, y [n]. Sums are taken in f32 from left to right; their relative error is at most
 * n * 2^-24, and the square root halves it.
 * Source: Zhang and Sennrich 2019, eq. 4; Ba, Kiros and Hinton 2016, eq. 3. */
#include "layer3_kernels.h"

#include <math.h>

//@ begin norm-rms
//@ exercise 3.2 RMSNorm
/* y = w x / sqrt(mean(x^2) + eps); w may be NULL (all ones), y may be x. */
EXERCISE void rmsnorm_scalar(float *y, const float *x, const float *w,
                             int64_t n, float eps)
{
    /* 1. Mean of the squares. */
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    /* 2. One scale for the whole vector. */
    float scale = 1.0f / sqrtf(sum / (float)n + eps);
    /* 3. Scale, then weigh each element. */
    for (int64_t i = 0; i < n; i++)
        y[i] = w ? x[i] * scale * w[i] : x[i] * scale;
}
//@ end exercise
//@ end norm-rms

//@ begin norm-layer
void layernorm_scalar(float *y, const float *x, const float *w,
                      const float *b, int64_t n, float eps)
{
    /* 1. Mean. */
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    float mean = sum / (float)n;
    /* 2. Mean of the squared distances from it. Taking mean(x^2) - mean^2
     *    instead would save a pass and lose every digit when the mean is
     *    large. */
    float sum_sq = 0.0f;
    for (int64_t i = 0; i < n; i++) sum_sq += (x[i] - mean) * (x[i] - mean);
    /* 3. One scale for the whole vector. */
    float scale = 1.0f / sqrtf(sum_sq / (float)n + eps);
    /* 4. Centre, scale, weigh, shift. */
    for (int64_t i = 0; i < n; i++) {
        float v = (x[i] - mean) * scale;
        if (w) v *= w[i];
        if (b) v += b[i];
        y[i] = v;
    }
}
//@ end norm-layer
