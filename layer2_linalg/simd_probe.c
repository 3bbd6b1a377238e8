/* simd_probe.c: what every helper of simd.h means, in plain C: the specification of the vocabulary.
 *
 * Results that depend on the width of a register are given for p->lanes, which the caller sets. */
#include "layer2_kernels.h"

#include <math.h>
#include <string.h>

static void lane_by_lane(SimdProbe *p, int i)
{
    p->fma[i] = fmaf(p->a[i], p->b[i], p->c[i]);
    /* The second operand if either is NaN. */
    p->max[i] = p->a[i] > p->b[i] ? p->a[i] : p->b[i];
    p->min[i] = p->a[i] < p->b[i] ? p->a[i] : p->b[i];
    p->root[i] = sqrtf(p->c[i]);
    p->abs[i] = fabsf(p->a[i]);
    p->select[i] = p->a[i] < p->b[i] ? p->a[i] : p->c[i];
    p->exp[i] = expf(p->a[i]);
    p->round[i] = nearbyintf(p->small[i]);
    p->to_int[i] = (int32_t)nearbyintf(p->small[i]);
    p->from_int[i] = (float)p->i[i];
    p->wide_f16[i] = f16_to_f32(p->h[i]);
    p->wide_bf16[i] = bf16_to_f32(p->h[i]);
    p->f16[i] = f32_to_f16(p->a[i]);
    p->bf16[i] = f32_to_bf16(p->a[i]);
    p->low16[i] = (uint16_t)p->i[i];
    /* Four neighbouring bytes meet in one 32-bit lane. */
    p->dot_us[i] = p->dot_ss[i] = p->i[i];
    for (int j = 4 * i; j < 4 * i + 4; j++) {
        p->dot_us[i] += p->u[j] * p->s[j];
        p->dot_ss[i] += p->s[j] * p->t[j];
    }
    /* Two neighbouring 16-bit numbers likewise. */
    p->dot2[i] = p->i[i] + p->v[2 * i] * p->w[2 * i] + p->v[2 * i + 1] * p->w[2 * i + 1];
}

void simd_probe_scalar(SimdProbe *p)
{
    /* 1. Lane by lane. */
    for (int i = 0; i < PROBE_LANES; i++) lane_by_lane(p, i);
    /* 2. Folded in halves: s4[i] = s8[i] + s8[i+4], and so on. */
    float s[PROBE_LANES];
    memcpy(s, p->small, sizeof s);
    for (int half = p->lanes / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) s[i] = s[i] + s[i + half];
    p->sum = s[0];
    p->hmax = p->small[0];
    p->isum = 0;
    for (int i = 0; i < p->lanes; i++) {
        p->hmax = fmaxf(p->hmax, p->small[i]);
        p->isum = (int32_t)((uint32_t)p->isum + (uint32_t)p->i[i]);
    }
    /* 3. Tails: missing lanes are zero when loaded and untouched when stored. */
    for (int i = 0; i < p->lanes; i++) {
        bool inside = i < p->tail;
        p->first[i] = inside ? -1 : 0;
        p->load_tail[i] = inside ? p->a[i] : 0.0f;
        p->load_f16_tail[i] = inside ? f16_to_f32(p->h[i]) : 0.0f;
        p->load_bf16_tail[i] = inside ? bf16_to_f32(p->h[i]) : 0.0f;
        if (!inside) continue;
        p->store_tail[i] = p->a[i];
        p->store_f16_tail[i] = f32_to_f16(p->a[i]);
        p->store_bf16_tail[i] = f32_to_bf16(p->a[i]);
    }
}
