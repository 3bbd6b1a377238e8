/* simd_grouped.h: words of AVX-512 that bring the sums of a group together, for blocks of 256 weights.
 *
 * Turned codes: lane g of a register holds four weights of group g, 16 weights each. One permutation of
 * words of 32 bits brings them there, and activations were turned beforehand (ActQ8.turned). Four steps,
 * k = 0 to 3, add up in one register. A group of 32 is two of 16.
 *
 *   vb_turn_nibbles(p, k)      of 128 bytes: each 32 hold two groups of 32, in low and in high nibbles
 *   vb_turn_pairs(p, k)        of 64 bytes: each 32 hold four groups of 32, in two bits each
 *   vb_turn_bits(p, k)         of 32 bytes: eight groups of 32, in one bit each
 *                              (nothing is masked: a lane gets whole bytes)
 *   VB_GROUPS(a, ... h), VF_GROUPS     a byte, a float for each group of 32
 *   vi_fold_words(s, t)        sums of two neighbours each: of 16 bytes of s, two, then two of t; for
 *                              numbers of 16 bits
 *   vb_select(mask, yes, no)   bit by bit
 *   vi_words(x, a, b, c, d)    of each 16 bytes of x four words by number; VI_EACH: four constants
 *   vi_in_turns(p)             of 16 bytes: 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15
 *   vq_first_halves(x)         of each 16 bytes of x, the first two halves
 *   vf_half(p, i)              number i of the four halves at p, everywhere
 *   vf_load_twice(p), vf_evens_twice(x)   floats of even number, each twice
 *   vf_only_odds(x)            those of odd number; zeros for the others
 *   vf_load_two(p)             two floats by turns
 *   vf_permute(x, index) */
#ifndef SIXFOLD_SIMD_GROUPED_H
#define SIXFOLD_SIMD_GROUPED_H

#include "simd_k.h"

#if VF == 16

#define SIMD_GROUPS(a, b, c, d, e, f, g, h) {a, a, b, b, c, c, d, d, e, e, f, f, g, g, h, h}
#define VF_GROUPS(...) ((vf)SIMD_GROUPS(__VA_ARGS__))
#define VB_GROUPS(...) ((vb)((vu)SIMD_GROUPS(__VA_ARGS__) * 0x01010101u))
#define VI_EACH(a, b, c, d) ((vi){a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d})

/* ---------------------------------------------------------------- codes */

SIMD_INLINE vb vb_turn_nibbles(const uint8_t *p, int k)
{
    const vi first = {0, 4, 0, 4, 8, 12, 8, 12, 16, 20, 16, 20, 24, 28, 24, 28};
    __m512i index = (__m512i)(first + vi_set1(k));
    return (vb)_mm512_permutex2var_epi32((__m512i)vb_load(p), index, (__m512i)vb_load(p + 64));
}
SIMD_INLINE vb vb_turn_pairs(const uint8_t *p, int k)
{
    const vi first = {0, 4, 0, 4, 0, 4, 0, 4, 8, 12, 8, 12, 8, 12, 8, 12};
    return (vb)_mm512_permutexvar_epi32((__m512i)(first + vi_set1(k)), (__m512i)vb_load(p));
}
/* Loads can repeat a word: one everywhere, then the other in every other lane. */
SIMD_INLINE vb vb_turn_bits(const uint8_t *p, int k)
{
    int32_t even, odd;
    memcpy(&even, p + 4 * k, sizeof even);
    memcpy(&odd, p + 16 + 4 * k, sizeof odd);
    return (vb)_mm512_mask_set1_epi32(_mm512_set1_epi32(even), 0xAAAA, odd);
}

SIMD_INLINE vi vi_fold_words(vi s, vi t)
{
    __m512i words = _mm512_packs_epi32((__m512i)s, (__m512i)t);
    return (vi)_mm512_madd_epi16(words, _mm512_set1_epi16(1));
}

SIMD_INLINE vb vb_select(vb mask, vb yes, vb no)
{
    return (vb)_mm512_ternarylogic_epi32((__m512i)mask, (__m512i)yes, (__m512i)no, 0xCA);
}

/* ---------------------------------------------------------------- scales */

#define vi_words(x, a, b, c, d)                                                                    \
    ((vi)_mm512_shuffle_epi32((__m512i)(x), (_MM_PERM_ENUM)((a) | (b) << 2 | (c) << 4 | (d) << 6)))

SIMD_INLINE vi vi_in_turns(const uint8_t *p)
{
    /* Byte number, and three zero bytes above it. */
    const vu index = {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15};
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (vi)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes), (__m512i)(index | 0x80808000u));
}
SIMD_INLINE vq vq_first_halves(vb x)
{
    const __m512i first = _mm512_castsi128_si512(_mm_setr_epi32(0, 4, 8, 12));
    return (vq)_mm256_cvtph_ps(_mm512_castsi512_si128(_mm512_permutexvar_epi32(first, (__m512i)x)));
}
SIMD_INLINE vf vf_permute(vf x, vi index)
{
    return (vf)_mm512_permutexvar_ps((__m512i)index, (__m512)x);
}
SIMD_INLINE vf vf_half(const void *p, int i)
{
    __m128 four = _mm_cvtph_ps(_mm_loadl_epi64(p));
    return vf_permute((vf)_mm512_castps128_ps512(four), vi_set1(i));
}
SIMD_INLINE vf vf_evens_twice(vf x) { return (vf)_mm512_moveldup_ps((__m512)x); }
SIMD_INLINE vf vf_load_twice(const float *p) { return vf_evens_twice(vf_load(p)); }
SIMD_INLINE vf vf_only_odds(vf x) { return (vf)_mm512_maskz_mov_ps(0xAAAA, (__m512)x); }
SIMD_INLINE vf vf_load_two(const float *p)
{
    double two;
    memcpy(&two, p, sizeof two);
    return (vf)_mm512_set1_pd(two);
}

#endif

#endif
