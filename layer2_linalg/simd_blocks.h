/* simd_blocks.h: more of simd.h's vocabulary, for quantised blocks of 32 weights.
 *
 * A byte register is seen as LANES lanes of 16 bytes: one lane per block and half, so that one step
 * of a dot product takes LANES blocks whatever the machine (4 with AVX-512, 2 with AVX2, 1 with NEON).
 *
 * Interface:
 * - vb_load_lanes(p, stride)    lane i = the 16 bytes at p + i * stride
 * - vb_even_lanes(p) / vb_odd_lanes(p)   lane i = the 16 bytes at p + 32 i, or p + 32 i + 16
 * - vf_spread(p)                element i = p[i / 4]: one float for each block's four sums
 * - vf_spread_f16(p, stride)    the same from halves `stride` bytes apart;  vf_f16(h) one half everywhere
 * - vi_load_u8, vi_load_i8      VF bytes, widened;  vi_store_i8 narrows (values -128 to 127)
 * - vi_dot4x2_us                two vi_dot4_us in one go, exact for 0 <= u <= 63 */
#ifndef SIXFOLD_SIMD_BLOCKS_H
#define SIXFOLD_SIMD_BLOCKS_H

#include "simd.h"

enum { LANES = VF / 4 };

SIMD_INLINE uint16_t load_u16(const void *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return h;
}

#if VF == 16

SIMD_INLINE vb vb_load_lanes(const void *p, int64_t stride)
{
    const char *c = p;
    __m512i x = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)c));
    x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(const void *)(c + stride)), 1);
    x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(const void *)(c + 2 * stride)), 2);
    x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(const void *)(c + 3 * stride)), 3);
    return (vb)x;
}
/* Of a = lanes 0 1 2 3 and b = lanes 4 5 6 7: 0 2 4 6 and 1 3 5 7. */
SIMD_INLINE vb vb_even_lanes(const int8_t *p)
{
    return (vb)_mm512_shuffle_i32x4((__m512i)vb_load(p), (__m512i)vb_load(p + 64), 0x88);
}
SIMD_INLINE vb vb_odd_lanes(const int8_t *p)
{
    return (vb)_mm512_shuffle_i32x4((__m512i)vb_load(p), (__m512i)vb_load(p + 64), 0xDD);
}
SIMD_INLINE vf spread(__m128 x)
{
    const __m512i index = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return (vf)_mm512_permutexvar_ps(index, _mm512_castps128_ps512(x));
}
SIMD_INLINE vf vf_spread(const float *p) { return spread(_mm_loadu_ps(p)); }
SIMD_INLINE vf vf_spread_f16(const void *p, int64_t stride)
{
    const char *c = p;
    uint64_t lo = load_u16(c) | (uint64_t)load_u16(c + stride) << 16;
    uint64_t hi = load_u16(c + 2 * stride) | (uint64_t)load_u16(c + 3 * stride) << 16;
    return spread(_mm_cvtph_ps(_mm_cvtsi64_si128((long long)(lo | hi << 32))));
}
SIMD_INLINE vf vf_f16(uint16_t h) { return vf_set1(_cvtsh_ss(h)); }
SIMD_INLINE vi vi_load_u8(const void *p)
{
    return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}
SIMD_INLINE vi vi_load_i8(const void *p)
{
    return (vi)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}
SIMD_INLINE void vi_store_i8(int8_t *p, vi x)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8((__m512i)x));
}
SIMD_INLINE int32_t vi_hmax(vi x) { return _mm512_reduce_max_epi32((__m512i)x); }
SIMD_INLINE vi vi_max(vi a, vi b) { return (vi)_mm512_max_epi32((__m512i)a, (__m512i)b); }

#elif VF == 8

SIMD_INLINE vb vb_load_lanes(const void *p, int64_t stride)
{
    const char *c = p;
    __m256i x = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)c));
    const __m128i *second = (const __m128i *)(const void *)(c + stride);
    return (vb)_mm256_inserti128_si256(x, _mm_loadu_si128(second), 1);
}
/* Of a = lanes 0 1 and b = lanes 2 3: 0 2 and 1 3. */
SIMD_INLINE vb vb_even_lanes(const int8_t *p)
{
    return (vb)_mm256_permute2x128_si256((__m256i)vb_load(p), (__m256i)vb_load(p + 32), 0x20);
}
SIMD_INLINE vb vb_odd_lanes(const int8_t *p)
{
    return (vb)_mm256_permute2x128_si256((__m256i)vb_load(p), (__m256i)vb_load(p + 32), 0x31);
}
SIMD_INLINE vf spread(__m128 x)
{
    const __m256i index = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    return (vf)_mm256_permutevar8x32_ps(_mm256_castps128_ps256(x), index);
}
SIMD_INLINE vf vf_spread(const float *p)
{
    return spread(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
SIMD_INLINE vf vf_spread_f16(const void *p, int64_t stride)
{
    uint32_t both = load_u16(p) | (uint32_t)load_u16((const char *)p + stride) << 16;
    return spread(_mm_cvtph_ps(_mm_cvtsi32_si128((int)both)));
}
SIMD_INLINE vf vf_f16(uint16_t h) { return vf_set1(_cvtsh_ss(h)); }
SIMD_INLINE vi vi_load_u8(const void *p)
{
    return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
SIMD_INLINE vi vi_load_i8(const void *p)
{
    return (vi)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
SIMD_INLINE void vi_store_i8(int8_t *p, vi x)
{
    __m128i lo = _mm256_castsi256_si128((__m256i)x), hi = _mm256_extracti128_si256((__m256i)x, 1);
    __m128i words = _mm_packs_epi32(lo, hi);
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(words, words));
}
SIMD_INLINE vi vi_max(vi a, vi b) { return (vi)_mm256_max_epi32((__m256i)a, (__m256i)b); }
SIMD_INLINE int32_t vi_hmax(vi x)
{
    __m128i m4 = _mm_max_epi32(_mm256_castsi256_si128((__m256i)x),
                               _mm256_extracti128_si256((__m256i)x, 1));
    __m128i m2 = _mm_max_epi32(m4, _mm_shuffle_epi32(m4, 0x4E));
    return _mm_cvtsi128_si32(_mm_max_epi32(m2, _mm_shuffle_epi32(m2, 0xB1)));
}

#else /* NEON */

SIMD_INLINE vb vb_load_lanes(const void *p, int64_t stride)
{
    (void)stride;
    return vb_load(p);
}
SIMD_INLINE vb vb_even_lanes(const int8_t *p) { return vb_load(p); }
SIMD_INLINE vb vb_odd_lanes(const int8_t *p) { return vb_load(p + 16); }
SIMD_INLINE vf vf_spread(const float *p) { return vf_set1(*p); }
SIMD_INLINE vf vf_f16(uint16_t h)
{
    return (vf)vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(h)));
}
SIMD_INLINE vf vf_spread_f16(const void *p, int64_t stride)
{
    (void)stride;
    return vf_f16(load_u16(p));
}
SIMD_INLINE vi vi_load_u8(const void *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    uint16x8_t words = vmovl_u8(vcreate_u8(four));
    return (vi)vmovl_u16(vget_low_u16(words));
}
SIMD_INLINE vi vi_load_i8(const void *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    int16x8_t words = vmovl_s8(vcreate_s8(four));
    return (vi)vmovl_s16(vget_low_s16(words));
}
SIMD_INLINE void vi_store_i8(int8_t *p, vi x)
{
    int16x4_t words = vmovn_s32((int32x4_t)x);
    int8x8_t bytes = vmovn_s16(vcombine_s16(words, words));
    vst1_lane_s32((int32_t *)(void *)p, vreinterpret_s32_s8(bytes), 0);
}
SIMD_INLINE vi vi_max(vi a, vi b) { return (vi)vmaxq_s32((int32x4_t)a, (int32x4_t)b); }
SIMD_INLINE int32_t vi_hmax(vi x) { return vmaxvq_s32((int32x4_t)x); }

#endif

#if defined(SIMD_ISA_avx2)
/* Four products fit in 16 bits: 4 * 63 * 127 < 32768, so the widening is shared. */
SIMD_INLINE vi vi_dot4x2_us(vi acc, vb u, vb s, vb u2, vb s2)
{
    __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16((__m256i)u, (__m256i)s),
                                     _mm256_maddubs_epi16((__m256i)u2, (__m256i)s2));
    return acc + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
#else
SIMD_INLINE vi vi_dot4x2_us(vi acc, vb u, vb s, vb u2, vb s2)
{
    return vi_dot4_us(vi_dot4_us(acc, u, s), u2, s2);
}
#endif

/* How far ahead of its use a weight is asked for: far enough to cover DRAM, and beyond the 4 KB page
 * at which hardware prefetchers stop. Asking past the end of a matrix is harmless. */
enum { PREFETCH_BYTES = 6144 };

SIMD_INLINE void prefetch_ahead(const void *p)
{
    __builtin_prefetch((const void *)((uintptr_t)p + PREFETCH_BYTES));
}

#endif
