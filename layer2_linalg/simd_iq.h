/* simd_iq.h: simd.h's vocabulary for codebooks: rows of bytes by their numbers, signs from bits.
 *
 * i says which register of a block of 256 weights is meant; it holds VF / 2 rows of 8 bytes or VF of 4.
 *
 *   vr                        VF / 2 row numbers of 32 bits; operators work on it
 *     vr_set1, vr_u8(p), vr_u16(p)   everywhere the same; bytes or words at p, widened
 *     vr_first4(p, i)         the first 4 of each 8 bytes at p
 *     vr_fields(p, step, jump, i)    of every four rows `jump` bits at p, the first row's field lowest, the
 *                             next ones `step` bits further up each; not masked
 *   vb_rows8(grid, n)         rows of 8 bytes
 *   vb_plus2(rows, n)         2 more in all bytes of the rows whose number in n is zero
 *   vb_rows4(grid, p, high)   VF rows of 4 bytes, numbers of 8 bits at p, bit j of high is bit 8 of the j-th
 *   vb_negate(x, bits)        -x in byte j where bit j is set
 *   bits_of(signs, i)         the register's of 32 bytes of bits
 *   w8                        8 numbers of 32 bits, one for each 32 weights; operators work on it
 *     w8_load, w8_u16(p) of 8 words, w8_odds(p) of 16 numbers those at odd places, v8_w8(x) as floats */
#ifndef SIXFOLD_SIMD_IQ_H
#define SIXFOLD_SIMD_IQ_H

#include "simd_k.h"

typedef uint32_t vr __attribute__((vector_size(2 * VF)));
typedef uint32_t w8 __attribute__((vector_size(32)));

SIMD_INLINE w8 w8_load(const void *p)
{
    w8 x;
    memcpy(&x, p, sizeof x);
    return x;
}
SIMD_INLINE w8 w8_odds(const void *p)
{
    w8 a = w8_load(p), b = w8_load((const char *)p + 32);
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}

#if VF == 16

SIMD_INLINE vr vr_set1(uint32_t x) { return (vr)_mm256_set1_epi32((int32_t)x); }
SIMD_INLINE vr vr_u8(const void *p)
{
    return (vr)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
SIMD_INLINE vr vr_u16(const void *p)
{
    return (vr)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
}
SIMD_INLINE vr vr_first4(const void *p, int i)
{
    const __m128i *at = (const __m128i *)(const void *)((const char *)p + 16 * i);
    const __m256i byte = _mm256_setr_epi32((int)0xFFFFFF00, (int)0xFFFFFF01, (int)0xFFFFFF02, (int)0xFFFFFF03,
                                           (int)0xFFFFFF08, (int)0xFFFFFF09, (int)0xFFFFFF0A, (int)0xFFFFFF0B);
    return (vr)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(at)), byte);
}
SIMD_INLINE vr vr_fields(const void *p, int step, int jump, int i)
{
    uint64_t w = word_at((const char *)p + 2 * i * jump / 8, 2 * jump / 8);
    vr by = {0};
    for (int j = 0; j < 8; j++) by[j] = (uint32_t)(j / 4 * jump + j % 4 * step);
    return vr_set1((uint32_t)w) >> by;
}
SIMD_INLINE vb vb_rows8(const uint64_t *grid, vr n)
{
    return (vb)_mm512_i32gather_epi64((__m256i)n, grid, 8);
}
SIMD_INLINE vb vb_plus2(vb rows, vr n)
{
    __mmask8 zero = _mm256_testn_epi32_mask((__m256i)n, (__m256i)n);
    return (vb)_mm512_mask_add_epi64((__m512i)rows, zero, (__m512i)rows, (__m512i)vb_set1(2));
}
SIMD_INLINE vb vb_rows4(const uint32_t *grid, const void *p, unsigned high)
{
    __m512i n = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
    if (!__builtin_constant_p(high) || high) n = _mm512_mask_or_epi32(n, (__mmask16)high, n, _mm512_set1_epi32(256));
    return (vb)_mm512_i32gather_epi32(n, grid, 4);
}
SIMD_INLINE vb vb_negate(vb x, uint64_t bits)
{
    __mmask64 m = _cvtu64_mask64(bits);
    return (vb)_mm512_mask_sub_epi8((__m512i)x, m, _mm512_setzero_si512(), (__m512i)x);
}

#elif VF == 8

SIMD_INLINE vr vr_set1(uint32_t x) { return (vr)_mm_set1_epi32((int32_t)x); }
SIMD_INLINE vr vr_u8(const void *p)
{
    return (vr)_mm_cvtepu8_epi32(_mm_cvtsi32_si128((int32_t)word_at(p, 4)));
}
SIMD_INLINE vr vr_u16(const void *p)
{
    return (vr)_mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)p));
}
SIMD_INLINE vr vr_first4(const void *p, int i) { return vr_u8((const char *)p + 8 * i); }
SIMD_INLINE vr vr_fields(const void *p, int step, int jump, int i)
{
    uint32_t w = (uint32_t)word_at((const char *)p + i * jump / 8, jump / 8), s = (uint32_t)step;
    return vr_set1(w) >> (vr){0, s, 2 * s, 3 * s};
}
SIMD_INLINE vb vb_rows8(const uint64_t *grid, vr n)
{
    return (vb)_mm256_setr_epi64x((long long)grid[n[0]], (long long)grid[n[1]], (long long)grid[n[2]],
                                  (long long)grid[n[3]]);
}
SIMD_INLINE vb vb_plus2(vb rows, vr n)
{
    return rows + ((vb)_mm256_cvtepi32_epi64((__m128i)(n == vr_set1(0))) & vb_set1(2));
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
#else /* NEON */

SIMD_INLINE vr vr_set1(uint32_t x) { return (vr){x, x}; }
SIMD_INLINE vr vr_u8(const void *p) { return (vr){((const uint8_t *)p)[0], ((const uint8_t *)p)[1]}; }
SIMD_INLINE vr vr_u16(const void *p) { return (vr){load_u16(p), load_u16((const char *)p + 2)}; }
SIMD_INLINE vr vr_first4(const void *p, int i)
{
    return vr_u8((const char *)p + 8 * (i / 2) + 2 * (i % 2));
}
SIMD_INLINE vr vr_fields(const void *p, int step, int jump, int i)
{
    uint32_t w = (uint32_t)word_at((const char *)p + i / 2 * jump / 8, jump / 8) >> 2 * step * (i % 2);
    return (vr){w, w >> step};
}
SIMD_INLINE vb vb_rows8(const uint64_t *grid, vr n)
{
    return (vb)vcombine_u64(vcreate_u64(grid[n[0]]), vcreate_u64(grid[n[1]]));
}
SIMD_INLINE vb vb_plus2(vb rows, vr n)
{
    return rows + ((vb)vmovl_s32((int32x2_t)(n == vr_set1(0))) & vb_set1(2));
}
SIMD_INLINE vb vb_rows4(const uint32_t *grid, const void *p, unsigned high)
{
    const uint8_t *i = p;
    return (vb)(vu){grid[i[0] | (high & 1) << 8], grid[i[1] | (high >> 1 & 1) << 8],
                    grid[i[2] | (high >> 2 & 1) << 8], grid[i[3] | (high >> 3 & 1) << 8]};
}
#endif

#if VF != 16
SIMD_INLINE vb vb_negate(vb x, uint64_t bits)
{
    vb m = vb_where(vb_set1(0), -1, bits);
    return (x ^ m) - m;
}
#endif
SIMD_INLINE uint64_t bits_of(const void *signs, int i)
{
    return word_at((const char *)signs + VF / 2 * i, VF / 2);
}

#if VF == 4
SIMD_INLINE w8 w8_u16(const void *p)
{
    uint16x8_t x = vld1q_u16(p);
    uint32x4_t a = vmovl_u16(vget_low_u16(x)), b = vmovl_u16(vget_high_u16(x));
    return (w8)v8_join((vf)a, (vf)b);
}
SIMD_INLINE v8 v8_w8(w8 x)
{
    V8Halves h = v8_halves((v8)x);
    return v8_join((vf)vcvtq_f32_u32((uint32x4_t)h.v[0]), (vf)vcvtq_f32_u32((uint32x4_t)h.v[1]));
}
#else
SIMD_INLINE w8 w8_u16(const void *p)
{
    return (w8)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
}
SIMD_INLINE v8 v8_w8(w8 x) { return (v8)_mm256_cvtepi32_ps((__m256i)x); }
#endif

#endif
