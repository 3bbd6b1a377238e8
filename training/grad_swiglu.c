/* grad_swiglu.c: the backward pass of h = silu(g) u.
 *
 *   s = 1 / (1 + e^-g)        silu(g) = g s        silu'(g) = s (1 + g (1 - s))
 *   dg = dh u silu'(g)        du = dh g s
 *
 * Each of the two factors is scaled by the other one. Where the gate is shut (s near 0) nothing flows
 * back, neither to the gate nor through it: such a neuron learns nothing from this token. */
#include "layer7_kernels.h"

#include <math.h>

//@ begin grad-swiglu
void grad_swiglu_scalar(float *dgate, float *dup, const float *dhidden,
                        const float *gate, const float *up, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        /* 1. The logistic function of the gate. */
        float s = 1.0f / (1.0f + expf(-gate[i]));
        /* 2. Through the gate, and to the gate. */
        dup[i] = dhidden[i] * gate[i] * s;
        dgate[i] = dhidden[i] * up[i] * s * (1.0f + gate[i] * (1.0f - s));
    }
}
//@ end grad-swiglu

typedef struct {
    float *dgate_up;
    const float *dhidden, *gate_up;
    int64_t d_ff;
} SwigluJob;

static void swiglu_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const SwigluJob *j = ctx;
    for (int64_t t = begin; t < end; t++) {
        float *d = j->dgate_up + 2 * t * j->d_ff;
        const float *x = j->gate_up + 2 * t * j->d_ff;
        grad_swiglu(d, d + j->d_ff, j->dhidden + t * j->d_ff, x, x + j->d_ff, j->d_ff);
    }
}

void grad_swiglu_rows(Pool *pool, float *dgate_up, const float *dhidden, const float *gate_up,
                      int64_t n_tok, int64_t d_ff)
{
    SwigluJob job = {dgate_up, dhidden, gate_up, d_ff};
    pool_for(pool, n_tok, 8, swiglu_rows, &job);
}
