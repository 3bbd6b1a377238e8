/* simd_neon.h: simd.h's vocabulary in Armv8-A NEON: 4 lanes; tails through a small array.
 * With SIMD_ISA_dotprod the byte dot product is one sdot; without it, widening multiplies. */
#ifndef SIXFOLD_SIMD_NEON_H
#define SIXFOLD_SIMD_NEON_H

#include <arm_neon.h>

SIMD_INLINE vf vf_set1(float x) { return (vf)vdupq_n_f32(x); }
SIMD_INLINE vi vi_set1(int32_t x) { return (vi)vdupq_n_s32(x); }
SIMD_INLINE vb vb_set1(int8_t x) { return (vb)vdupq_n_s8(x); }

SIMD_INLINE vf vf_load(const float *p) { return (vf)vld1q_f32(p); }
SIMD_INLINE void vf_store(float *p, vf x) { vst1q_f32(p, (float32x4_t)x); }
SIMD_INLINE vf vf_load_tail(const float *p, int64_t n)
{
    float t[4] = {0};
    memcpy(t, p, (size_t)n * 4);
    return vf_load(t);
}
SIMD_INLINE void vf_store_tail(float *p, vf x, int64_t n)
{
    float t[4];
    vf_store(t, x);
    memcpy(p, t, (size_t)n * 4);
}

SIMD_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
/* The x86 rule, so that all machines agree: a NaN in a gives b. */
SIMD_INLINE vf vf_max(vf a, vf b)
{
    return (vf)vbslq_f32(vcgtq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a, (float32x4_t)b);
}
SIMD_INLINE vf vf_min(vf a, vf b)
{
    return (vf)vbslq_f32(vcltq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a, (float32x4_t)b);
}
SIMD_INLINE vf vf_sqrt(vf a) { return (vf)vsqrtq_f32((float32x4_t)a); }

/* Nearest integer, ties to even, as a float; and conversions. */
SIMD_INLINE vf vf_round(vf a) { return (vf)vrndnq_f32((float32x4_t)a); }
SIMD_INLINE vi vi_from_vf(vf a) { return (vi)vcvtnq_s32_f32((float32x4_t)a); }
SIMD_INLINE vf vf_from_vi(vi a) { return (vf)vcvtq_f32_s32((int32x4_t)a); }

/* s2[i] = x[i] + x[i+2];  s1 = s2[0] + s2[1]. */
SIMD_INLINE float vf_sum(vf x)
{
    float32x2_t s2 = vadd_f32(vget_low_f32((float32x4_t)x), vget_high_f32((float32x4_t)x));
    return vget_lane_f32(s2, 0) + vget_lane_f32(s2, 1);
}
SIMD_INLINE float vf_hmax(vf x) { return vmaxvq_f32((float32x4_t)x); }
SIMD_INLINE int32_t vi_sum(vi x) { return vaddvq_s32((int32x4_t)x); }

/* 16-bit floats: exact widening, round-to-nearest-even narrowing. */
SIMD_INLINE vf vf_load_f16(const uint16_t *p)
{
    return (vf)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
SIMD_INLINE vf vf_load_f16_tail(const uint16_t *p, int64_t n)
{
    uint16_t t[4] = {0};
    memcpy(t, p, (size_t)n * 2);
    return vf_load_f16(t);
}
SIMD_INLINE void vf_store_f16(uint16_t *p, vf x)
{
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)x)));
}
SIMD_INLINE void vf_store_f16_tail(uint16_t *p, vf x, int64_t n)
{
    uint16_t t[4];
    vf_store_f16(t, x);
    memcpy(p, t, (size_t)n * 2);
}
SIMD_INLINE vf vf_load_bf16(const uint16_t *p)
{
    return (vf)vshll_n_u16(vld1_u16(p), 16);
}
SIMD_INLINE vf vf_load_bf16_tail(const uint16_t *p, int64_t n)
{
    uint16_t t[4] = {0};
    memcpy(t, p, (size_t)n * 2);
    return vf_load_bf16(t);
}
/* The low 16 bits of each lane. */
SIMD_INLINE void vi_store_u16(uint16_t *p, vi x) { vst1_u16(p, vmovn_u32((uint32x4_t)x)); }

/* The same value, but the compiler no longer knows which: keeps benchmark loops from being folded, and a value that
 * is used several times in its register: gcc would load it each time. */
SIMD_INLINE vf vf_opaque(vf x)
{
    __asm__("" : "+w"(x));
    return x;
}
SIMD_INLINE vb vb_opaque(vb x)
{
    __asm__("" : "+w"(x));
    return x;
}

/* Bytes. */
SIMD_INLINE vb vb_load(const void *p) { return (vb)vld1q_s8((const int8_t *)p); }
SIMD_INLINE void vb_store(void *p, vb x) { vst1q_s8((int8_t *)p, (int8x16_t)x); }

/* Signed times signed, exact for all values but two products of (-128)*(-128) in one pair. */
SIMD_INLINE vi vi_dot4_ss(vi acc, vb a, vb b)
{
#if defined(SIMD_ISA_dotprod)
    return (vi)vdotq_s32((int32x4_t)acc, (int8x16_t)a, (int8x16_t)b);
#else
    /* p16[i] = a[i]*b[i] for each half, then neighbours are added: [2i] + [2i+1], twice. */
    int16x8_t lo = vmull_s8(vget_low_s8((int8x16_t)a), vget_low_s8((int8x16_t)b));
    int16x8_t hi = vmull_high_s8((int8x16_t)a, (int8x16_t)b);
    return acc + (vi)vpaddq_s32(vpaddlq_s16(lo), vpaddlq_s16(hi));
#endif
}
/* Unsigned times signed: exact while u <= 127 (it is read as signed). */
SIMD_INLINE vi vi_dot4_us(vi acc, vb u, vb s) { return vi_dot4_ss(acc, u, s); }

/* Pairs of 16-bit numbers: p[i] = a[i] b[i] for each half, then neighbours are added. */
SIMD_INLINE vi vi_dot2(vi acc, vi a, vi b)
{
    int32x4_t lo = vmull_s16(vget_low_s16((int16x8_t)a), vget_low_s16((int16x8_t)b));
    int32x4_t hi = vmull_high_s16((int16x8_t)a, (int16x8_t)b);
    return acc + (vi)vpaddq_s32(lo, hi);
}

#endif
