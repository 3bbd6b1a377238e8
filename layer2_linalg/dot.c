/* dot.c: the dot product, the operation that generating a token consists of.
 *
 *   dot(w, x) = sum_i w_i x_i        w [n] in f32, f16 or bf16; x [n] in f32
 *
 * Products are added from left to right in one f32. Each addition waits for the one before it, so
 * this loop runs at the latency of an addition, not at the speed of the memory; dot_simd.c breaks
 * that chain. */
#include "layer2_kernels.h"

//@ exercise 2.2 dot product
/* sum_i w_i x_i, added up from left to right in f32; 0 for n = 0. */
//@ begin dot-scalar
EXERCISE float dot_f32_scalar(const float *w, const float *x, int64_t n)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++) sum += w[i] * x[i];
    return sum;
}
//@ end dot-scalar
//@ end exercise

float dot_f16_scalar(const uint16_t *w, const float *x, int64_t n)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++) sum += f16_to_f32(w[i]) * x[i];
    return sum;
}

float dot_bf16_scalar(const uint16_t *w, const float *x, int64_t n)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++) sum += bf16_to_f32(w[i]) * x[i];
    return sum;
}
