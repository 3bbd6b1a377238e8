/* simd_k.h: the last words of simd.h's vocabulary: codes and scales of the K formats and their like.
 *
 * A block of 256 weights is taken as 4 pairs of groups of 32; a pair is PARTS registers of 64 bytes in
 * all: 1 with AVX-512, 2 with AVX2, 4 with NEON. Every four bytes of it have one integer sum.
 *
 *   vb_pair(p, shift, step, part)   32 bytes hold a field of one group `shift` bits up, and that of the
 *                                   next `step` bits further: both as a pair, not masked yet
 *   vb_field(x, shift, mask)        (byte >> shift) & mask, if the mask cuts off the neighbour's bits
 *   vb_nibbles(p, q, part)          the 16 bytes at p and the 16 at q as a pair: low nibbles, then high,
 *                                   of p, then of q
 *   vb_nibbles8(p, part)            the 32 bytes at p as a pair: of every eight bytes low, then high
 *   vb_lookup(table, x)             table[x] of 16 bytes, 0 <= x <= 15
 *   KScales                         a float for each 16 weights of a block
 *   scales_times_u8(codes, x, y)    x * codes[g] * y[g / 2]: codes u8 or i8 [16], y [8]
 *   scales_of_part(s, pair, part)   each four weights' own scale */
#ifndef SIXFOLD_SIMD_K_H
#define SIXFOLD_SIMD_K_H

#include "simd_blocks.h"

enum { PARTS = 64 / (4 * VF) };

typedef struct { float of[16]; } KScales;

SIMD_INLINE vb vb_field(vb x, int shift, int mask)
{
    return (vb)((vi)x >> shift) & vb_set1((int8_t)mask);
}

SIMD_INLINE vb vb_pair(const uint8_t *p, int shift, int step, int part)
{
#if VF == 16
    (void)part;
    __m512i both = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)p));
    __m512i by = _mm512_inserti64x4(_mm512_set1_epi32(shift), _mm256_set1_epi32(shift + step), 1);
    return (vb)_mm512_srlv_epi32(both, by);
#elif VF == 8
    return (vb)((vi)vb_load(p) >> (shift + part * step));
#else
    return (vb)((vi)vb_load(p + 16 * (part % 2)) >> (shift + part / 2 * step));
#endif
}

SIMD_INLINE vb vb_nibbles(const uint8_t *p, const uint8_t *q, int part)
{
#if VF == 16
    (void)part;
    __m256i x = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
    __m256i y = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)q));
    const __m512i by = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    return (vb)_mm512_srlv_epi64(_mm512_inserti64x4(_mm512_castsi256_si512(x), y, 1), by) &
           vb_set1(15);
#elif VF == 8
    const uint8_t *at = part ? q : p;
    __m256i x = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)at));
    return (vb)_mm256_srlv_epi64(x, _mm256_setr_epi64x(0, 0, 4, 4)) & vb_set1(15);
#else
    return vb_field(vb_load(part / 2 ? q : p), 4 * (part % 2), 15);
#endif
}

SIMD_INLINE vb vb_nibbles8(const uint8_t *p, int part)
{
#if VF == 16
    (void)part;
    __m512i x = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(const void *)p));
    x = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3), x);
    return (vb)_mm512_srlv_epi64(x, _mm512_setr_epi64(0, 4, 0, 4, 0, 4, 0, 4)) & vb_set1(15);
#elif VF == 8
    __m128i half = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * part));
    __m256i x = _mm256_permute4x64_epi64(_mm256_castsi128_si256(half), 0x50);
    return (vb)_mm256_srlv_epi64(x, _mm256_setr_epi64x(0, 4, 0, 4)) & vb_set1(15);
#else
    uint8x8_t x = vld1_u8(p + 8 * part);
    return (vb)vcombine_u8(vand_u8(x, vdup_n_u8(15)), vshr_n_u8(x, 4));
#endif
}

SIMD_INLINE vb vb_lookup(const int8_t table[16], vb x)
{
#if VF == 16
    __m128i t = _mm_loadu_si128((const __m128i *)(const void *)table);
    return (vb)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(t), (__m512i)x);
#elif VF == 8
    __m128i t = _mm_loadu_si128((const __m128i *)(const void *)table);
    return (vb)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), (__m256i)x);
#else
    return (vb)vqtbl1q_s8(vld1q_s8(table), vreinterpretq_u8_s8((int8x16_t)x));
#endif
}

#if VF == 16
#define SIMD_TWICE 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7
#elif VF == 8
#define SIMD_TWICE 0, 0, 1, 1, 2, 2, 3, 3
#else
#define SIMD_TWICE 0, 0, 1, 1
#endif
SIMD_INLINE vf vf_twice(vq x) { return __builtin_shufflevector(x, x, SIMD_TWICE); }

SIMD_INLINE KScales scales_times_u8(const uint8_t codes[16], vf x, const float y[8])
{
    KScales s;
    for (int g = 0; g < 16; g += VF)
        vf_store(s.of + g, x * vf_from_vi(vi_load_u8(codes + g)) *
                           vf_twice(vq_load(y + g / 2)));
    return s;
}
SIMD_INLINE KScales scales_times_i8(const int8_t codes[16], vf x, const float y[8])
{
    KScales s;
    for (int g = 0; g < 16; g += VF)
        vf_store(s.of + g, x * vf_from_vi(vi_load_i8(codes + g)) *
                           vf_twice(vq_load(y + g / 2)));
    return s;
}
SIMD_INLINE vf scales_of_part(const KScales *s, int pair, int part)
{
    int i = pair * PARTS + part;
    return vf_spread(vq_load(s->of + i / 2 * STEP), i % 2);
}

#endif
