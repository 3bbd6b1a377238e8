/* adamw_simd.c: adamw.c, VF weights at a time. Every operation rounds on its own, as there, so both
 * give the same bits. */
#include "layer7_kernels.h"
#include "simd.h"

SIMD_INLINE vf adamw_lanes(const AdamW *a, vf w, vf g, vf *m, vf *v)
{
    vf one = vf_set1(1.0f), b1 = vf_set1(a->beta1), b2 = vf_set1(a->beta2);
    /* 1. Running means of the gradient and of its square. */
    vf x = g * vf_set1(a->scale);
    *m = b1 * *m + (one - b1) * x;
    *v = b2 * *v + (one - b2) * x * x;
    /* 2. Direction, then decay, then the step. */
    vf step = *m * vf_set1(a->unbias1) / (vf_sqrt(*v * vf_set1(a->unbias2)) + vf_set1(a->eps));
    return w - vf_set1(a->lr) * (step + vf_set1(a->decay) * w);
}

void SIMD_FN(adamw)(const AdamW *a, float *w, const float *g, float *m, float *v, int64_t n)
{
    vf mi, var;
    int64_t i = 0;
    for (; i + VF <= n; i += VF) {
        mi = vf_load(m + i);
        var = vf_load(v + i);
        vf_store(w + i, adamw_lanes(a, vf_load(w + i), vf_load(g + i), &mi, &var));
        vf_store(m + i, mi);
        vf_store(v + i, var);
    }
    int64_t left = n - i;
    mi = vf_load_tail(m + i, left);
    var = vf_load_tail(v + i, left);
    vf_store_tail(w + i, adamw_lanes(a, vf_load_tail(w + i, left), vf_load_tail(g + i, left), &mi,
                                     &var), left);
    vf_store_tail(m + i, mi, left);
    vf_store_tail(v + i, var, left);
}
