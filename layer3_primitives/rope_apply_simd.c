/* rope_apply_simd.c: the rotation of rope_apply.c, VF pairs at a time.
 *
 * Half-split pairs lie as the lanes want them: a register of first halves, one of second halves.
 * Interleaved pairs must be sorted first and mixed again afterwards, four shuffles for 2 * VF
 * elements. Nothing is fused, so the bits equal those of rope_apply.c.
 * Source: as in rope_apply.c. */
#include "layer3_kernels.h"
#include "simd.h"

//@ begin rope-interleaved-simd
void SIMD_FN(rope_interleaved)(float *x, int n_head, int d_head, int n_rot,
                               const float *table)
{
    int half = n_rot / 2;
    const float *cosine = table, *sine = table + half;
    for (int h = 0; h < n_head; h++, x += d_head) {
        int j = 0;
        for (; j + VF <= half; j += VF) {
            /* 1. Neighbours are a pair: a[i] = x[2i], b[i] = x[2i+1]. */
            vf lo = vf_load(x + 2 * j), hi = vf_load(x + 2 * j + VF);
            vf a = vf_evens(lo, hi), b = vf_odds(lo, hi);
            /* 2. Turn it. */
            vf c = vf_load(cosine + j), s = vf_load(sine + j);
            vf a2 = a * c - b * s, b2 = a * s + b * c;
            vf_store(x + 2 * j, vf_zip_lo(a2, b2));
            vf_store(x + 2 * j + VF, vf_zip_hi(a2, b2));
        }
        for (; j < half; j++) {
            float a = x[2 * j], b = x[2 * j + 1];
            x[2 * j] = a * cosine[j] - b * sine[j];
            x[2 * j + 1] = a * sine[j] + b * cosine[j];
        }
    }
}
//@ end rope-interleaved-simd

void SIMD_FN(rope_half)(float *x, int n_head, int d_head, int n_rot, const float *table)
{
    int half = n_rot / 2;
    const float *cosine = table, *sine = table + half;
    for (int h = 0; h < n_head; h++, x += d_head) {
        int j = 0;
        for (; j + VF <= half; j += VF) {
            /* 1. An element of the first half pairs with one of the second. */
            vf a = vf_load(x + j), b = vf_load(x + half + j);
            /* 2. Turn it. */
            vf c = vf_load(cosine + j), s = vf_load(sine + j);
            vf_store(x + j, a * c - b * s);
            vf_store(x + half + j, a * s + b * c);
        }
        int rest = half - j;
        vf a = vf_load_tail(x + j, rest), b = vf_load_tail(x + half + j, rest);
        vf c = vf_load_tail(cosine + j, rest), s = vf_load_tail(sine + j, rest);
        vf_store_tail(x + j, a * c - b * s, rest);
        vf_store_tail(x + half + j, a * s + b * c, rest);
    }
}
