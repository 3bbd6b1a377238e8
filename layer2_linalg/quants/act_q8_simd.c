/* act_q8_simd.c: act_q8.c with vectors. The magnitude is compared as an integer: for numbers without
 * sign, the order of the bit patterns is the order of the values, and NaN comes last. */
#include "quants.h"
#include "simd_blocks.h"

#include <float.h>

extern act_q8_fn SIMD_FN(act_q8);

void SIMD_FN(act_q8)(ActQ8 a, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n / 32; i++, x += 32, a.q += 32) {
        /* 1. The largest magnitude; NaN and infinity are remembered. */
        vi most = vi_set1(0);
        for (int j = 0; j < 32; j += VF) most = vi_max(most, vi_of_bits(vf_abs(vf_load(x + j))));
        int32_t bits = vi_hmax(most);
        if (bits >= 0x7F800000) bits = 0x7FC00000;
        float largest;
        memcpy(&largest, &bits, sizeof largest);
        /* 2. Scale and its inverse. */
        float scale = largest / 127.0f;
        float inverse = scale >= FLT_MIN ? 1.0f / scale : 0.0f;
        if (scale < FLT_MIN) scale = 0.0f;
        /* 3. Codes and their sums; a spoilt block has codes 0. */
        vi ok = vi_set1(scale == scale ? -1 : 0), s[2] = {vi_set1(0), vi_set1(0)};
        for (int j = 0; j < 32; j += VF) {
            vi q = vi_from_vf(vf_load(x + j) * vf_set1(inverse)) & ok;
            vi_store_i8(a.q + j, q);
            s[j / 16] += q;
        }
        int32_t first = vi_sum(s[0]), last = vi_sum(s[1]);
        a.scale[i] = scale;
        a.sum[i] = scale * (float)(first + last);
        a.half[2 * i] = scale * (float)first;
        a.half[2 * i + 1] = scale * (float)last;
    }
}
