/* vec.h: arithmetic on whole vectors of f32. Twins: scalar, avx2, avx512, neon.
 *
 * Interface: n >= 0 elements, any alignment; y is read and written, x only read; x and y do not
 * overlap unless they are equal. Kernels: no allocation, no failure, safe to call concurrently.
 * Sums have a fixed order per variant, so the same variant always gives the same bits. */
#ifndef SIXFOLD_VEC_H
#define SIXFOLD_VEC_H

#include <stdint.h>

typedef void vec_add_fn(float *y, const float *x, int64_t n);            /* y += x */
typedef void vec_mul_fn(float *y, const float *x, int64_t n);            /* y *= x */
typedef void vec_scale_fn(float *y, float a, int64_t n);                 /* y *= a */
typedef void vec_axpy_fn(float *y, float a, const float *x, int64_t n);  /* y += a x, fused */
typedef float vec_sum_fn(const float *x, int64_t n);                     /* sum x_i; 0 for n = 0 */
typedef float vec_max_fn(const float *x, int64_t n); /* max x_i, NaN ignored; -INFINITY for n = 0 */

/* sum w_i x_i, accumulated in f32. w in the type of the name; x always f32. */
typedef float dot_f32_fn(const float *w, const float *x, int64_t n);
typedef float dot_f16_fn(const uint16_t *w, const float *x, int64_t n);
typedef float dot_bf16_fn(const uint16_t *w, const float *x, int64_t n);

/* Row conversions, exact or rounded to nearest even. */
typedef void f16_to_row_fn(float *y, const uint16_t *x, int64_t n);
typedef void row_to_f16_fn(uint16_t *y, const float *x, int64_t n);
typedef void bf16_to_row_fn(float *y, const uint16_t *x, int64_t n);
typedef void row_to_bf16_fn(uint16_t *y, const float *x, int64_t n);

extern vec_add_fn *vec_add;
extern vec_mul_fn *vec_mul;
extern vec_scale_fn *vec_scale;
extern vec_axpy_fn *vec_axpy;
extern vec_sum_fn *vec_sum;
extern vec_max_fn *vec_max;
extern dot_f32_fn *dot_f32;
extern dot_f16_fn *dot_f16;
extern dot_bf16_fn *dot_bf16;
extern f16_to_row_fn *f16_to_row;
extern row_to_f16_fn *row_to_f16;
extern bf16_to_row_fn *bf16_to_row;
extern row_to_bf16_fn *row_to_bf16;

#endif
