/* simd_iq.h: simd.h's vocabulary for codebooks: rows of bytes by their numbers, signs from bits.
 *
 * Numbers and signs are words of a block of 256 weights; i says which register of the block is meant.
 *
 *   vb_rows8(grid, row, i)    VF / 2 rows of 8 bytes, four numbers of 16 bits in each word of row
 *   vb_rows4(grid, p, high)   VF rows of 4 bytes, numbers of 8 bits at p, bit j of high is bit 8 of the j-th
 *   vb_bits(signs, i)         all ones in byte j where bit j is set, 32 bits in each word of signs
 *   vb_negate(x, signs, i)    -x in those bytes */
#ifndef SIXFOLD_SIMD_IQ_H
#define SIXFOLD_SIMD_IQ_H

#include "simd_k.h"

#if VF == 16

SIMD_INLINE vb vb_rows8(const uint64_t *grid, const uint64_t row[8], int i)
{
    __m128i eight = _mm_set_epi64x((long long)row[2 * i + 1], (long long)row[2 * i]);
    return (vb)_mm512_i64gather_epi64(_mm512_cvtepu16_epi64(eight), grid, 8);
}
SIMD_INLINE vb vb_rows4(const uint32_t *grid, const void *p, unsigned high)
{
    __m512i i = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
    i = _mm512_mask_or_epi32(i, (__mmask16)high, i, _mm512_set1_epi32(256));
    return (vb)_mm512_i32gather_epi32(i, grid, 4);
}
SIMD_INLINE __mmask64 sign_mask(const uint32_t signs[8], int i)
{
    return _cvtu64_mask64(signs[2 * i] | (uint64_t)signs[2 * i + 1] << 32);
}
SIMD_INLINE vb vb_bits(const uint32_t signs[8], int i)
{
    return (vb)_mm512_movm_epi8(sign_mask(signs, i));
}
SIMD_INLINE vb vb_negate(vb x, const uint32_t signs[8], int i)
{
    __mmask64 m = sign_mask(signs, i);
    return (vb)_mm512_mask_sub_epi8((__m512i)x, m, _mm512_setzero_si512(), (__m512i)x);
}

#elif VF == 8

SIMD_INLINE vb vb_rows8(const uint64_t *grid, const uint64_t row[8], int i)
{
    uint64_t w = row[i];
    return (vb)_mm256_setr_epi64x((long long)grid[w & 0xFFFF], (long long)grid[w >> 16 & 0xFFFF],
                                  (long long)grid[w >> 32 & 0xFFFF], (long long)grid[w >> 48]);
}
SIMD_INLINE uint32_t one_row4(const uint32_t *grid, const void *p, unsigned high, int j)
{
    return grid[((const uint8_t *)p)[j] | (high >> j & 1) << 8];
}
SIMD_INLINE vb vb_rows4(const uint32_t *grid, const void *p, unsigned high)
{
    return (vb)(vu){one_row4(grid, p, high, 0), one_row4(grid, p, high, 1),
                    one_row4(grid, p, high, 2), one_row4(grid, p, high, 3),
                    one_row4(grid, p, high, 4), one_row4(grid, p, high, 5),
                    one_row4(grid, p, high, 6), one_row4(grid, p, high, 7)};
}
/* Each byte gets the byte of its eight bits, then keeps its own. */
SIMD_INLINE vb vb_bits(const uint32_t signs[8], int i)
{
    const __m256i source = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202,
                                             0x0303030303030303);
    const __m256i own = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i bits = _mm256_set1_epi32((int32_t)signs[i]);
    __m256i x = _mm256_and_si256(_mm256_shuffle_epi8(bits, source), own);
    return (vb)_mm256_cmpeq_epi8(x, own);
}
SIMD_INLINE vb vb_negate(vb x, const uint32_t signs[8], int i)
{
    vb m = vb_bits(signs, i);
    return (x ^ m) - m;
}

#else /* NEON */

SIMD_INLINE vb vb_rows8(const uint64_t *grid, const uint64_t row[8], int i)
{
    uint64_t w = row[i / 2] >> 32 * (i % 2);
    return (vb)vcombine_u64(vcreate_u64(grid[w & 0xFFFF]), vcreate_u64(grid[w >> 16 & 0xFFFF]));
}
SIMD_INLINE vb vb_rows4(const uint32_t *grid, const void *p, unsigned high)
{
    const uint8_t *i = p;
    return (vb)(vu){grid[i[0] | (high & 1) << 8], grid[i[1] | (high >> 1 & 1) << 8],
                    grid[i[2] | (high >> 2 & 1) << 8], grid[i[3] | (high >> 3 & 1) << 8]};
}
SIMD_INLINE vb vb_bits(const uint32_t signs[8], int i)
{
    uint32_t w = signs[i / 2] >> 16 * (i % 2);
    uint8x8_t own = vcreate_u8(0x8040201008040201);
    uint8x16_t x = vcombine_u8(vdup_n_u8((uint8_t)w), vdup_n_u8((uint8_t)(w >> 8)));
    return (vb)vtstq_u8(x, vcombine_u8(own, own));
}
SIMD_INLINE vb vb_negate(vb x, const uint32_t signs[8], int i)
{
    vb m = vb_bits(signs, i);
    return (x ^ m) - m;
}

#endif

#endif
