/* simd_avx512.h: simd.h's vocabulary in AVX-512 (F, BW, DQ, VL, VNNI): 16 lanes, masks for tails. */
#ifndef SIXFOLD_SIMD_AVX512_H
#define SIXFOLD_SIMD_AVX512_H

#include <immintrin.h>

SIMD_INLINE __mmask16 vf_tail_mask(int64_t n) { return (__mmask16)((1u << n) - 1); }

SIMD_INLINE vf vf_set1(float x) { return (vf)_mm512_set1_ps(x); }
SIMD_INLINE vi vi_set1(int32_t x) { return (vi)_mm512_set1_epi32(x); }
SIMD_INLINE vb vb_set1(int8_t x) { return (vb)_mm512_set1_epi8(x); }

SIMD_INLINE vf vf_load(const float *p) { return (vf)_mm512_loadu_ps(p); }
SIMD_INLINE void vf_store(float *p, vf x) { _mm512_storeu_ps(p, (__m512)x); }
SIMD_INLINE vf vf_load_tail(const float *p, int64_t n)
{
    return (vf)_mm512_maskz_loadu_ps(vf_tail_mask(n), p);
}
SIMD_INLINE void vf_store_tail(float *p, vf x, int64_t n)
{
    _mm512_mask_storeu_ps(p, vf_tail_mask(n), (__m512)x);
}

SIMD_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
/* A NaN in either operand may give the other one (x86 rule: the second operand). */
SIMD_INLINE vf vf_max(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
SIMD_INLINE vf vf_min(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
SIMD_INLINE vf vf_sqrt(vf a) { return (vf)_mm512_sqrt_ps((__m512)a); }

/* Nearest integer, ties to even, as a float; and conversions. */
SIMD_INLINE vf vf_round(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, 8); }
SIMD_INLINE vi vi_from_vf(vf a) { return (vi)_mm512_cvtps_epi32((__m512)a); }
SIMD_INLINE vf vf_from_vi(vi a) { return (vf)_mm512_cvtepi32_ps((__m512i)a); }

/* s8[i] = x[i] + x[i+8];  s4[i] = s8[i] + s8[i+4];  s2, s1 likewise. */
SIMD_INLINE float vf_sum(vf x)
{
    __m256 a = _mm512_castps512_ps256((__m512)x), b = _mm512_extractf32x8_ps((__m512)x, 1);
    __m256 s8 = _mm256_add_ps(a, b);
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}
SIMD_INLINE float vf_hmax(vf x) { return _mm512_reduce_max_ps((__m512)x); }
SIMD_INLINE int32_t vi_sum(vi x)
{
    __m256i s8 = _mm256_add_epi32(_mm512_castsi512_si256((__m512i)x),
                                  _mm512_extracti64x4_epi64((__m512i)x, 1));
    __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s8), _mm256_extracti128_si256(s8, 1));
    __m128i s2 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(s2, _mm_shuffle_epi32(s2, 0xB1)));
}

/* 16-bit floats: exact widening, round-to-nearest-even narrowing. */
SIMD_INLINE vf vf_load_f16(const uint16_t *p)
{
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
SIMD_INLINE vf vf_load_f16_tail(const uint16_t *p, int64_t n)
{
    return (vf)_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(vf_tail_mask(n), p));
}
SIMD_INLINE void vf_store_f16(uint16_t *p, vf x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph((__m512)x, 8));
}
SIMD_INLINE void vf_store_f16_tail(uint16_t *p, vf x, int64_t n)
{
    _mm256_mask_storeu_epi16(p, vf_tail_mask(n), _mm512_cvtps_ph((__m512)x, 8));
}
/* Word i becomes the upper half of lane i: one permutation that leaves zeros in the lower halves. */
SIMD_INLINE vf vf_of_upper(__m256i words)
{
    const __m512i index = _mm512_slli_epi32(
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), 16);
    return (vf)_mm512_maskz_permutexvar_epi16(0xAAAAAAAA, index, _mm512_castsi256_si512(words));
}
SIMD_INLINE vf vf_load_bf16(const uint16_t *p)
{
    return vf_of_upper(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
SIMD_INLINE vf vf_load_bf16_tail(const uint16_t *p, int64_t n)
{
    return vf_of_upper(_mm256_maskz_loadu_epi16(vf_tail_mask(n), p));
}
/* The low 16 bits of each lane. */
SIMD_INLINE void vi_store_u16(uint16_t *p, vi x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16((__m512i)x));
}

/* The same value, but the compiler no longer knows which: keeps benchmark loops from being folded, and a value that
 * is used several times in its register: gcc would load it each time. */
SIMD_INLINE vf vf_opaque(vf x)
{
    __asm__("" : "+v"(x));
    return x;
}
SIMD_INLINE vb vb_opaque(vb x)
{
    __asm__("" : "+v"(x));
    return x;
}

/* Bytes. */
SIMD_INLINE vb vb_load(const void *p) { return (vb)_mm512_loadu_si512(p); }
SIMD_INLINE void vb_store(void *p, vb x) { _mm512_storeu_si512(p, (__m512i)x); }

/* Unsigned 0..255 times signed: exact for all values (VNNI). */
SIMD_INLINE vi vi_dot4_us(vi acc, vb u, vb s)
{
    return (vi)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)u, (__m512i)s);
}
/* Signed times signed; b must not be -128. |a| times b with the sign of a. */
SIMD_INLINE vi vi_dot4_ss(vi acc, vb a, vb b)
{
    __mmask64 negative = _mm512_movepi8_mask((__m512i)a);
    __m512i signed_b = _mm512_mask_sub_epi8((__m512i)b, negative, _mm512_setzero_si512(), (__m512i)b);
    return (vi)_mm512_dpbusd_epi32((__m512i)acc, _mm512_abs_epi8((__m512i)a), signed_b);
}

/* Pairs of 16-bit numbers (VNNI). */
SIMD_INLINE vi vi_dot2(vi acc, vi a, vi b)
{
    return (vi)_mm512_dpwssd_epi32((__m512i)acc, (__m512i)a, (__m512i)b);
}

#endif
