/* simd_probe_dot4_simd.c: every helper of simd.h, called once for each register's worth of input. */
#include "layer2_kernels.h"
#include "simd.h"

static void ints_store(int32_t *p, vi x) { memcpy(p, &x, sizeof x); }
static vi ints_load(const int32_t *p)
{
    vi x;
    memcpy(&x, p, sizeof x);
    return x;
}

static void lane_by_lane(SimdProbe *p, int i)
{
    vf a = vf_load(p->a + i), b = vf_load(p->b + i), c = vf_load(p->c + i);
    vf_store(p->fma + i, vf_fma(a, b, c));
    vf_store(p->max + i, vf_max(a, b));
    vf_store(p->min + i, vf_min(a, b));
    vf_store(p->root + i, vf_sqrt(c));
    vf_store(p->abs + i, vf_abs(a));
    vf_store(p->select + i, vf_select(a < b, a, c));
    vf_store(p->exp + i, vf_exp(a));
    vf_store(p->round + i, vf_round(vf_load(p->small + i)));
    ints_store(p->to_int + i, vi_from_vf(vf_load(p->small + i)));
    vf_store(p->from_int + i, vf_from_vi(ints_load(p->i + i)));
    vf_store(p->wide_f16 + i, vf_load_f16(p->h + i));
    vf_store(p->wide_bf16 + i, vf_load_bf16(p->h + i));
    vf_store_f16(p->f16 + i, a);
    vf_store_bf16(p->bf16 + i, a);
    vi_store_u16(p->low16 + i, ints_load(p->i + i));
    vb u = vb_load(p->u + 4 * i), s = vb_load(p->s + 4 * i), t = vb_load(p->t + 4 * i);
    ints_store(p->dot_us + i, vi_dot4_us(ints_load(p->i + i), u, s));
    ints_store(p->dot_ss + i, vi_dot4_ss(ints_load(p->i + i), s, t));
    vi v = (vi)vb_load(p->v + 2 * i), w = (vi)vb_load(p->w + 2 * i);
    ints_store(p->dot2 + i, vi_dot2(ints_load(p->i + i), v, w));
}

void SIMD_FN(simd_probe)(SimdProbe *p)
{
    p->lanes = VF;
    /* 1. Lane by lane. */
    for (int i = 0; i < PROBE_LANES; i += VF) lane_by_lane(p, i);
    /* 2. Folded in halves. */
    p->sum = vf_sum(vf_load(p->small));
    p->hmax = vf_hmax(vf_load(p->small));
    p->isum = vi_sum(ints_load(p->i));
    /* 3. Tails. */
    int n = p->tail < VF ? p->tail : VF;
    ints_store(p->first, vi_first(p->tail));
    vf_store(p->load_tail, vf_load_tail(p->a, n));
    vf_store(p->load_f16_tail, vf_load_f16_tail(p->h, n));
    vf_store(p->load_bf16_tail, vf_load_bf16_tail(p->h, n));
    vf_store_tail(p->store_tail, vf_load(p->a), n);
    vf_store_f16_tail(p->store_f16_tail, vf_load(p->a), n);
    vf_store_bf16_tail(p->store_bf16_tail, vf_load(p->a), n);
}
