/* simd_blocks.h: more of simd.h's vocabulary, for quantised blocks of 32 weights.
 *
 * A dot product takes STEP blocks at a time: 8 with AVX-512, 4 with AVX2, 2 with NEON; that is one
 * half register of floats, one for each block, and two registers of integer sums, h = 0 and 1, with
 * four sums for each block: elements 4i to 4i+3 belong to block h * STEP / 2 + i.
 *
 * Interface:
 * - vq  STEP floats, one per block; operators work on it
 *     vq_load(p), vq_load_f16(p, stride) (halves `stride` bytes apart), vq_fma
 *     vq_wide(x)              VF floats that have the same sum
 *     vf_spread(x, h)         each block's float for each of its four sums
 * - vb_load_nibbles(p)        16 code bytes of each of STEP / 2 blocks of 18 bytes that begin with a half
 *   vb_load_16(p, stride)     16 bytes each of STEP / 2 blocks of any size
 *   vb_first_halves(split, h), vb_last_halves(split, h)   the first or last 16 of the 32 bytes of each of
 *                             STEP / 2 blocks, ordered as ActQ8.split
 *   vb_join_first(lo, hi), vb_join_last(lo, hi)    the way back: two registers of 32 bytes for each
 * - vb_load_block(p, stride, i)   32 bytes of blocks, a register full, i = 0, 1: STEP / 2 blocks
 *   vi_fold(s0, s1)           their sums in the order above
 * - vb_shift(w) and vi_dot4_shifted(acc, w, a): signed weights times signed activations, where the
 *     machine needs it as (w + SHIFT) * a; the caller subtracts SHIFT * sum a. SHIFT may be 0
 * - vi_dot4x2_us              two vi_dot4_us in one go, exact for 0 <= u <= 63
 * - vi_load_u8, vi_load_i8    VF bytes, widened;  vi_store_i8 narrows (values -128 to 127)
 * - vf_f16(h)                 one half everywhere */
#ifndef SIXFOLD_SIMD_BLOCKS_H
#define SIXFOLD_SIMD_BLOCKS_H

#include "simd.h"

enum { STEP = VF / 2 };

SIMD_INLINE uint16_t load_u16(const void *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return h;
}

#if VF == 16

typedef float vq __attribute__((vector_size(32)));

SIMD_INLINE vq vq_load(const float *p) { return (vq)_mm256_loadu_ps(p); }
SIMD_INLINE vq vq_fma(vq a, vq b, vq c)
{
    return (vq)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
SIMD_INLINE vf vq_wide(vq x) { return (vf)_mm512_zextps256_ps512((__m256)x); }
SIMD_INLINE uint64_t four_halves(const char *p, int64_t stride)
{
    uint64_t lo = load_u16(p) | (uint64_t)load_u16(p + stride) << 16;
    uint64_t hi = load_u16(p + 2 * stride) | (uint64_t)load_u16(p + 3 * stride) << 16;
    return lo | hi << 32;
}
SIMD_INLINE vq vq_load_f16(const void *p, int64_t stride)
{
    const char *c = p;
    return (vq)_mm256_cvtph_ps(_mm_set_epi64x((long long)four_halves(c + 4 * stride, stride),
                                              (long long)four_halves(c, stride)));
}
/* Words 1 to 8, 10 to 17 and 19 to 26 are the codes of three blocks; the fourth reaches beyond. */
SIMD_INLINE vb vb_load_nibbles(const void *p)
{
    const __m512i index = _mm512_set_epi16(0, 0, 0, 0, 0, 0, 0, 0, 26, 25, 24, 23, 22, 21, 20, 19, 17,
                                           16, 15, 14, 13, 12, 11, 10, 8, 7, 6, 5, 4, 3, 2, 1);
    const __m128i *fourth = (const __m128i *)(const void *)((const char *)p + 3 * 18 + 2);
    __m512i x = _mm512_permutexvar_epi16(index, _mm512_loadu_si512(p));
    return (vb)_mm512_inserti32x4(x, _mm_loadu_si128(fourth), 3);
}
SIMD_INLINE vb vb_load_16(const void *p, int64_t stride)
{
    const char *c = p;
    __m512i x = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)c));
    x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(const void *)(c + stride)), 1);
    x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(const void *)(c + 2 * stride)), 2);
    return (vb)_mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(const void *)(c + 3 * stride)), 3);
}
SIMD_INLINE vb vb_load_block(const void *p, int64_t stride, int h)
{
    const __m256i *a = (const __m256i *)(const void *)((const char *)p + 2 * h * stride);
    const __m256i *b = (const __m256i *)(const void *)((const char *)a + stride);
    __m512i x = _mm512_castsi256_si512(_mm256_loadu_si256(a));
    return (vb)_mm512_inserti64x4(x, _mm256_loadu_si256(b), 1);
}
SIMD_INLINE vi vi_fold(vi s0, vi s1)
{
    return (vi)_mm512_add_epi32(_mm512_shuffle_i32x4((__m512i)s0, (__m512i)s1, 0x88),
                                _mm512_shuffle_i32x4((__m512i)s0, (__m512i)s1, 0xDD));
}
SIMD_INLINE vf vf_spread(vq x, int h)
{
    const __m512i first = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i second = _mm512_setr_epi32(4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7);
    return (vf)_mm512_permutexvar_ps(h ? second : first, _mm512_castps256_ps512((__m256)x));
}
SIMD_INLINE vf vf_f16(uint16_t h) { return (vf)_mm512_cvtph_ps(_mm256_set1_epi16((int16_t)h)); }
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

typedef float vq __attribute__((vector_size(16)));

SIMD_INLINE vq vq_load(const float *p) { return (vq)_mm_loadu_ps(p); }
SIMD_INLINE vq vq_fma(vq a, vq b, vq c) { return (vq)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c); }
SIMD_INLINE vf vq_wide(vq x) { return (vf)_mm256_zextps128_ps256((__m128)x); }
SIMD_INLINE vq vq_load_f16(const void *p, int64_t stride)
{
    const char *c = p;
    uint64_t lo = load_u16(c) | (uint64_t)load_u16(c + stride) << 16;
    uint64_t hi = load_u16(c + 2 * stride) | (uint64_t)load_u16(c + 3 * stride) << 16;
    return (vq)_mm_cvtph_ps(_mm_cvtsi64_si128((long long)(lo | hi << 32)));
}
SIMD_INLINE vb vb_load_16(const void *p, int64_t stride)
{
    const __m128i *first = p;
    const __m128i *second = (const __m128i *)(const void *)((const char *)p + stride);
    __m256i x = _mm256_castsi128_si256(_mm_loadu_si128(first));
    return (vb)_mm256_inserti128_si256(x, _mm_loadu_si128(second), 1);
}
SIMD_INLINE vb vb_load_nibbles(const void *p) { return vb_load_16((const char *)p + 2, 18); }
SIMD_INLINE vb vb_load_block(const void *p, int64_t stride, int h)
{
    return vb_load((const char *)p + h * stride);
}
SIMD_INLINE vi vi_fold(vi s0, vi s1)
{
    return (vi)_mm256_add_epi32(_mm256_permute2x128_si256((__m256i)s0, (__m256i)s1, 0x20),
                                _mm256_permute2x128_si256((__m256i)s0, (__m256i)s1, 0x31));
}
SIMD_INLINE vf vf_spread(vq x, int h)
{
    const __m256i first = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m256i second = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
    return (vf)_mm256_permutevar8x32_ps(_mm256_castps128_ps256((__m128)x), h ? second : first);
}
SIMD_INLINE vf vf_f16(uint16_t h) { return (vf)_mm256_cvtph_ps(_mm_set1_epi16((int16_t)h)); }
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

typedef float vq __attribute__((vector_size(8)));

SIMD_INLINE vq vq_load(const float *p) { return (vq)vld1_f32(p); }
SIMD_INLINE vq vq_fma(vq a, vq b, vq c)
{
    return (vq)vfma_f32((float32x2_t)c, (float32x2_t)a, (float32x2_t)b);
}
SIMD_INLINE vf vq_wide(vq x) { return (vf){x[0], x[1]}; }
SIMD_INLINE vb vb_load_nibbles(const void *p) { return vb_load((const char *)p + 2); }
SIMD_INLINE vb vb_load_16(const void *p, int64_t stride)
{
    (void)stride;
    return vb_load(p);
}
SIMD_INLINE vb vb_load_block(const void *p, int64_t stride, int h)
{
    (void)stride;
    return vb_load((const char *)p + 16 * h);
}
SIMD_INLINE vi vi_fold(vi s0, vi s1) { return s0 + s1; }
SIMD_INLINE vf vf_spread(vq x, int h) { return vf_set1(x[h]); }
SIMD_INLINE vf vf_f16(uint16_t h)
{
    return (vf)vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(h)));
}
SIMD_INLINE vq vq_load_f16(const void *p, int64_t stride)
{
    uint64_t both = load_u16(p) | (uint64_t)load_u16((const char *)p + stride) << 16;
    return (vq)vget_low_f32(vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(both))));
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

/* Four blocks of 32 bytes stand as four times the first 16 and four times the last 16. */
SIMD_INLINE vb vb_first_halves(const int8_t *split, int h)
{
    int block = h * STEP / 2;
    return vb_load(split + block / 4 * 128 + block % 4 * 16);
}
SIMD_INLINE vb vb_last_halves(const int8_t *split, int h) { return vb_first_halves(split + 64, h); }

/* lo and hi hold 16 bytes of each of STEP / 2 blocks: those of a block side by side. */
#if VF == 16
#define SIMD_JOIN_FIRST 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23
#define SIMD_JOIN_LAST 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31
#elif VF == 8
#define SIMD_JOIN_FIRST 0, 1, 2, 3, 8, 9, 10, 11
#define SIMD_JOIN_LAST 4, 5, 6, 7, 12, 13, 14, 15
#else
#define SIMD_JOIN_FIRST 0, 1, 2, 3
#define SIMD_JOIN_LAST 4, 5, 6, 7
#endif
SIMD_INLINE vb vb_join_first(vb lo, vb hi)
{
    return (vb)__builtin_shufflevector((vi)lo, (vi)hi, SIMD_JOIN_FIRST);
}
SIMD_INLINE vb vb_join_last(vb lo, vb hi)
{
    return (vb)__builtin_shufflevector((vi)lo, (vi)hi, SIMD_JOIN_LAST);
}

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

#if defined(SIMD_ISA_avx512) || defined(SIMD_ISA_avxvnni)
/* VNNI multiplies unsigned by signed bytes: w + 128 is w with its sign bit turned over. */
enum { SHIFT = 128 };
SIMD_INLINE vb vb_shift(vb w) { return w ^ vb_set1(-128); }
SIMD_INLINE vi vi_dot4_shifted(vi acc, vb w, vb a) { return vi_dot4_us(acc, w, a); }
#else
enum { SHIFT = 0 };
SIMD_INLINE vb vb_shift(vb w) { return w; }
SIMD_INLINE vi vi_dot4_shifted(vi acc, vb w, vb a) { return vi_dot4_ss(acc, w, a); }
#endif

#endif
