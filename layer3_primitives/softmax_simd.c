/* softmax_simd.c: softmax in two passes, VF scores at a time.
 *
 * The steps are those of softmax_two_pass. The exponential is vf_exp, computed for all lanes at once;
 * expf decides per element and is called n times. The sum is kept as VF partial sums.
 * Source: as in softmax.c. */
#include "layer3_kernels.h"
#include "simd.h"

#include <float.h>

//@ begin softmax-simd
void SIMD_FN(softmax)(float *x, int64_t n)
{
    int64_t i = 0, rest = n % VF, full = n - rest;
    /* 1. The maximum. vf_max(a, b) is b where a is NaN: NaN is skipped. Lanes
     *    beyond the end hold -inf, so that their exponential is 0. */
    vf vm = vf_set1(-FLT_MAX), none = vf_set1(-__builtin_inff());
    for (i = 0; i < full; i += VF) vm = vf_max(vf_load(x + i), vm);
    vf last = vf_select(vi_first(rest), vf_load_tail(x + i, rest), none);
    float m = vf_hmax(vf_max(last, vm));
    /* 2. Exponentials, the largest of which is exp(0) = 1, and their sum. */
    vm = vf_set1(m);
    vf vsum = vf_zero();
    for (i = 0; i < full; i += VF) {
        vf e = vf_exp(vf_load(x + i) - vm);
        vf_store(x + i, e);
        vsum = vsum + e;
    }
    last = vf_exp(last - vm);
    float sum = vf_sum(vsum + last);
    /* 3. Divide by the sum; it is 0 only if every score was -INFINITY. */
    vf scale = vf_set1(sum == 0.0f ? 0.0f : 1.0f / sum);
    for (i = 0; i < full; i += VF) vf_store(x + i, vf_load(x + i) * scale);
    vf_store_tail(x + i, last * scale, rest);
}
//@ end softmax-simd
