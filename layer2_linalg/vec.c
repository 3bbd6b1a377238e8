/* vec.c: arithmetic on whole vectors, one element after the other.
 *
 *   y_i += x_i    y_i *= x_i    y_i *= a    y_i += a x_i    sum_i x_i    max_i x_i
 *
 * Each loop here is a specification. vec_simd.c does the same with VF elements at a time; where
 * nothing is added up, the results are bit for bit equal. */
#include "layer2_kernels.h"

#include <math.h>

void vec_add_scalar(float *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

void vec_mul_scalar(float *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] *= x[i];
}

void vec_scale_scalar(float *y, float a, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] *= a;
}

//@ exercise 2.1 a x plus y
/* y_i = y_i + a x_i with one rounding per element: a fused multiply-add. */
EXERCISE void vec_axpy_scalar(float *y, float a, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = fmaf(a, x[i], y[i]);
}
//@ end exercise

float vec_sum_scalar(const float *x, int64_t n)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/* A comparison with NaN is false, so a NaN never becomes the maximum. */
float vec_max_scalar(const float *x, int64_t n)
{
    float max = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        if (x[i] > max) max = x[i];
    return max;
}

void f16_to_row_scalar(float *y, const uint16_t *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = f16_to_f32(x[i]);
}

void row_to_f16_scalar(uint16_t *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = f32_to_f16(x[i]);
}

void bf16_to_row_scalar(float *y, const uint16_t *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = bf16_to_f32(x[i]);
}

void row_to_bf16_scalar(uint16_t *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = f32_to_bf16(x[i]);
}
