/* norm.h: RMSNorm and LayerNorm on one vector.
 *
 *   RMSNorm    y_i = w_i x_i / sqrt(mean(x^2) + eps)
 *   LayerNorm  y_i = w_i (x_i - mean) / sqrt(mean((x - mean)^2) + eps) + b_i
 *
 * Interface: y and x may be the same vector; w [n] may be NULL (all ones), b [n] NULL (zeros).
 * n > 0, eps >= 0. Kernels: no allocation, no failure, concurrent use is fine. A NaN makes the whole
 * vector NaN; an infinity makes NaN of its own element (RMSNorm, the others become 0) or of the whole
 * vector (LayerNorm). With eps = 0 a vector without length (RMSNorm) or without spread (LayerNorm)
 * becomes NaN: 0 / 0. Squares and their sum must not overflow: |x_i| < 1e17.
 * Source: Zhang and Sennrich 2019 (RMSNorm); Ba, Kiros, Hinton 2016 (LayerNorm). */
#ifndef SIXFOLD_NORM_H
#define SIXFOLD_NORM_H

#include <stdint.h>

typedef void rmsnorm_fn(float *y, const float *x, const float *w, int64_t n, float eps);
typedef void layernorm_fn(float *y, const float *x, const float *w, const float *b, int64_t n,
                          float eps);

extern rmsnorm_fn *rmsnorm;
extern layernorm_fn *layernorm;

#endif
