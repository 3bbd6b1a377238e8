/* activation.h: the non-linear functions of feed-forward layers, in place on vectors.
 *
 *   relu        max(x, 0)                 relu2       max(x, 0)^2
 *   silu        x / (1 + exp(-x))         gelu_quick  x / (1 + exp(-1.702 x))
 *   gelu_erf    x (1 + erf(x / sqrt 2)) / 2
 *   gelu_tanh   x (1 + tanh(0.79788456 (x + 0.044715 x^3))) / 2
 *   gated form  act(gate_i) * up_i        (SwiGLU is the gated form of silu)
 *   clamped SwiGLU   g = min(gate, 7), u = clamp(up, -7, 7):  g / (1 + exp(-1.702 g)) * (u + 1)
 *   softplus    ln(1 + exp(x))            a smooth relu, always positive: step sizes of state-space models
 *
 * Interface: any n >= 0; gate is overwritten, up only read, no overlap. Kernels: no allocation, no
 * failure. Infinities give their limits, NaN stays NaN.
 * Source: Hendrycks and Gimpel 2016 (GELU); Shazeer 2020 (gated forms); So et al. 2021 (ReLU^2); Dugas et
 * al. 2001 (softplus). */
#ifndef SIXFOLD_ACTIVATION_H
#define SIXFOLD_ACTIVATION_H

#include <stdint.h>

typedef enum { ACT_SILU, ACT_GELU_TANH, ACT_GELU_ERF, ACT_GELU_QUICK, ACT_RELU, ACT_RELU2,
               ACT_SWIGLU_CLAMPED /* gated only */ } ActKind;

typedef void act_fn(float *x, int64_t n);                              /* x = act(x) */
typedef void act_gated_fn(float *gate, const float *up, int64_t n);    /* gate = act(gate) * up */

extern act_fn *silu, *gelu_tanh, *gelu_erf, *gelu_quick, *relu, *relu2;
extern act_gated_fn *swiglu; /* silu(gate) * up: the common case has a kernel of its own */
extern act_gated_fn *swiglu_clamped;
extern act_fn *softplus; /* no ActKind: no feed-forward network bends with it */

/* Any kind by value. */
void act_apply(ActKind kind, float *x, int64_t n);
void act_gated(ActKind kind, float *gate, const float *up, int64_t n);
const char *act_name(ActKind kind); /* "silu", "gelu_tanh", ... */

#endif
