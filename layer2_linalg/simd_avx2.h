/* simd_avx2.h: simd.h's vocabulary in AVX2 + FMA + F16C: 8 lanes; tails by a table of masks.
 * With SIMD_ISA_avxvnni the byte dot product uses the 256-bit VNNI instruction. */
#ifndef SIXFOLD_SIMD_AVX2_H
#define SIXFOLD_SIMD_AVX2_H

#include <immintrin.h>

/* The window that starts at 8 - n has n leading ones. */
static const int32_t simd_tail_masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

SIMD_INLINE __m256i vf_tail_mask(int64_t n)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(simd_tail_masks + 8 - n));
}

SIMD_INLINE vf vf_set1(float x) { return (vf)_mm256_set1_ps(x); }
SIMD_INLINE vi vi_set1(int32_t x) { return (vi)_mm256_set1_epi32(x); }
SIMD_INLINE vb vb_set1(int8_t x) { return (vb)_mm256_set1_epi8(x); }

SIMD_INLINE vf vf_load(const float *p) { return (vf)_mm256_loadu_ps(p); }
SIMD_INLINE void vf_store(float *p, vf x) { _mm256_storeu_ps(p, (__m256)x); }
SIMD_INLINE vf vf_load_tail(const float *p, int64_t n)
{
    return (vf)_mm256_maskload_ps(p, vf_tail_mask(n));
}
SIMD_INLINE void vf_store_tail(float *p, vf x, int64_t n)
{
    _mm256_maskstore_ps(p, vf_tail_mask(n), (__m256)x);
}

SIMD_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
/* A NaN in either operand may give the other one (x86 rule: the second operand). */
SIMD_INLINE vf vf_max(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
SIMD_INLINE vf vf_min(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
SIMD_INLINE vf vf_sqrt(vf a) { return (vf)_mm256_sqrt_ps((__m256)a); }

/* Nearest integer, ties to even, as a float; and conversions. */
SIMD_INLINE vf vf_round(vf a) { return (vf)_mm256_round_ps((__m256)a, 8); }
SIMD_INLINE vi vi_from_vf(vf a) { return (vi)_mm256_cvtps_epi32((__m256)a); }
SIMD_INLINE vf vf_from_vi(vi a) { return (vf)_mm256_cvtepi32_ps((__m256i)a); }

/* s4[i] = x[i] + x[i+4];  s2[i] = s4[i] + s4[i+2];  s1 = s2[0] + s2[1]. */
SIMD_INLINE float vf_sum(vf x)
{
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128((__m256)x), _mm256_extractf128_ps((__m256)x, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}
SIMD_INLINE float vf_hmax(vf x)
{
    __m128 m4 = _mm_max_ps(_mm256_castps256_ps128((__m256)x), _mm256_extractf128_ps((__m256)x, 1));
    __m128 m2 = _mm_max_ps(m4, _mm_movehl_ps(m4, m4));
    return _mm_cvtss_f32(_mm_max_ss(m2, _mm_movehdup_ps(m2)));
}
SIMD_INLINE int32_t vi_sum(vi x)
{
    __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128((__m256i)x),
                               _mm256_extracti128_si256((__m256i)x, 1));
    __m128i s2 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(s2, _mm_shuffle_epi32(s2, 0xB1)));
}

/* 16-bit floats: exact widening, round-to-nearest-even narrowing. */
SIMD_INLINE vf vf_load_f16(const uint16_t *p)
{
    return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
SIMD_INLINE vf vf_load_f16_tail(const uint16_t *p, int64_t n)
{
    uint16_t t[8] = {0};
    memcpy(t, p, (size_t)n * 2);
    return vf_load_f16(t);
}
SIMD_INLINE void vf_store_f16(uint16_t *p, vf x)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph((__m256)x, 8));
}
SIMD_INLINE void vf_store_f16_tail(uint16_t *p, vf x, int64_t n)
{
    uint16_t t[8];
    vf_store_f16(t, x);
    memcpy(p, t, (size_t)n * 2);
}
SIMD_INLINE vf vf_load_bf16(const uint16_t *p)
{
    __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    return (vf)_mm256_slli_epi32(w, 16);
}
SIMD_INLINE vf vf_load_bf16_tail(const uint16_t *p, int64_t n)
{
    uint16_t t[8] = {0};
    memcpy(t, p, (size_t)n * 2);
    return vf_load_bf16(t);
}
/* The low 16 bits of each lane. packus works within 128-bit halves: take quarters 0 and 2. */
SIMD_INLINE void vi_store_u16(uint16_t *p, vi x)
{
    __m256i low = _mm256_and_si256((__m256i)x, _mm256_set1_epi32(0xFFFF));
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x08);
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(packed));
}

/* The same value, but the compiler no longer knows which: keeps benchmark loops from being folded, and a value that
 * is used several times in its register: gcc would load it each time. */
SIMD_INLINE vf vf_opaque(vf x)
{
    __asm__("" : "+x"(x));
    return x;
}
SIMD_INLINE vb vb_opaque(vb x)
{
    __asm__("" : "+x"(x));
    return x;
}

/* Bytes. */
SIMD_INLINE vb vb_load(const void *p) { return (vb)_mm256_loadu_si256((const __m256i *)p); }
SIMD_INLINE void vb_store(void *p, vb x) { _mm256_storeu_si256((__m256i *)p, (__m256i)x); }

/* Unsigned times signed. Plain AVX2 adds two products in 16 bits: exact while u <= 127, because
 * 2 * 127 * 128 < 32768. VNNI is exact for u up to 255. */
SIMD_INLINE vi vi_dot4_us(vi acc, vb u, vb s)
{
#if defined(SIMD_ISA_avxvnni)
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)acc, (__m256i)u, (__m256i)s);
#else
    __m256i pairs = _mm256_maddubs_epi16((__m256i)u, (__m256i)s);
    return acc + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#endif
}
/* Signed times signed; b must not be -128. |a| times b with the sign of a. */
SIMD_INLINE vi vi_dot4_ss(vi acc, vb a, vb b)
{
    __m256i signed_b = _mm256_sign_epi8((__m256i)b, (__m256i)a);
    __m256i abs_a = _mm256_abs_epi8((__m256i)a);
#if defined(SIMD_ISA_avxvnni)
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)acc, abs_a, signed_b);
#else
    /* |a| <= 128 and |b| <= 127: 2 * 128 * 127 < 32768, nothing saturates. */
    __m256i pairs = _mm256_maddubs_epi16(abs_a, signed_b);
    return acc + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#endif
}

/* Pairs of 16-bit numbers. */
SIMD_INLINE vi vi_dot2(vi acc, vi a, vi b)
{
#if defined(SIMD_ISA_avxvnni)
    return (vi)_mm256_dpwssd_avx_epi32((__m256i)acc, (__m256i)a, (__m256i)b);
#else
    return acc + (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#endif
}

#endif
