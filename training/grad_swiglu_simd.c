/* grad_swiglu_simd.c: the backward pass of h = silu(g) u, VF elements at a time. The steps are those
 * of grad_swiglu.c. */
#include "layer7_kernels.h"
#include "simd.h"

SIMD_INLINE void swiglu_step(vf dh, vf g, vf u, vf *dg, vf *du)
{
    vf one = vf_set1(1.0f);
    /* 1. The logistic function of the gate. */
    vf s = one / (one + vf_exp(-g));
    /* 2. Through the gate, and to the gate. */
    *du = dh * g * s;
    *dg = dh * u * s * (one + g * (one - s));
}

void SIMD_FN(grad_swiglu)(float *dgate, float *dup, const float *dhidden, const float *gate,
                          const float *up, int64_t n)
{
    vf dg, du;
    int64_t i = 0;
    for (; i + VF <= n; i += VF) {
        swiglu_step(vf_load(dhidden + i), vf_load(gate + i), vf_load(up + i), &dg, &du);
        vf_store(dgate + i, dg);
        vf_store(dup + i, du);
    }
    int64_t left = n - i;
    swiglu_step(vf_load_tail(dhidden + i, left), vf_load_tail(gate + i, left),
                vf_load_tail(up + i, left), &dg, &du);
    vf_store_tail(dgate + i, dg, left);
    vf_store_tail(dup + i, du, left);
}
