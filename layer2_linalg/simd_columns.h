/* simd_columns.h: rows in memory, columns in registers: a transpose of 32-bit pieces.
 *
 * Vectors are loaded as VF / 4 lanes of 16 bytes from rows r, r + 4, r + 8 ..., so that a 4 x 4 transpose
 * inside each lane
 *   rows     0 4 8 12 | 1 5 9 13 | 2 6 10 14 | 3 7 11 15      columns 0 to 3 in each lane
 *   becomes  column 0 | column 1 | column 2  | column 3       rows in order
 * leaves the rows in their natural order. A piece is 4 bytes, 2 numbers of 16 bits or a float. */
#ifndef SIXFOLD_SIMD_COLUMNS_H
#define SIXFOLD_SIMD_COLUMNS_H

#include "simd_blocks.h"

/* 16 bytes at p, p + stride, p + 2 stride ... */
SIMD_INLINE vi load_lanes(const void *p, int64_t stride)
{
    typedef int32_t lane __attribute__((vector_size(16)));
    lane x[VF / 4];
#pragma GCC unroll 4
    for (int i = 0; i < VF / 4; i++) memcpy(&x[i], (const char *)p + i * stride, sizeof x[i]);
#if VF == 16
    __m512i v = _mm512_castsi128_si512((__m128i)x[0]);
    v = _mm512_inserti32x4(v, (__m128i)x[1], 1);
    v = _mm512_inserti32x4(v, (__m128i)x[2], 2);
    return (vi)_mm512_inserti32x4(v, (__m128i)x[3], 3);
#elif VF == 8
    return (vi)_mm256_inserti128_si256(_mm256_castsi128_si256((__m128i)x[0]), (__m128i)x[1], 1);
#else
    return (vi)x[0];
#endif
}

#if VF == 16
#define LANES_LO 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define LANES_HI 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LANES_FIRST 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define LANES_LAST 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#elif VF == 8
#define LANES_LO 0, 8, 1, 9, 4, 12, 5, 13
#define LANES_HI 2, 10, 3, 11, 6, 14, 7, 15
#define LANES_FIRST 0, 1, 8, 9, 4, 5, 12, 13
#define LANES_LAST 2, 3, 10, 11, 6, 7, 14, 15
#else
#define LANES_LO 0, 4, 1, 5
#define LANES_HI 2, 6, 3, 7
#define LANES_FIRST 0, 1, 4, 5
#define LANES_LAST 2, 3, 6, 7
#endif

/* Four columns of VF rows, `stride` bytes apart: v[c] is column c, rows in order. */
SIMD_INLINE void load_columns(vi v[4], const void *p, int64_t stride)
{
    vi row[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) row[i] = load_lanes((const char *)p + i * stride, 4 * stride);
    /* a0 b0 a1 b1 and c0 d0 c1 d1 make a0 b0 c0 d0. */
    vi ab_lo = __builtin_shufflevector(row[0], row[1], LANES_LO);
    vi ab_hi = __builtin_shufflevector(row[0], row[1], LANES_HI);
    vi cd_lo = __builtin_shufflevector(row[2], row[3], LANES_LO);
    vi cd_hi = __builtin_shufflevector(row[2], row[3], LANES_HI);
    v[0] = __builtin_shufflevector(ab_lo, cd_lo, LANES_FIRST);
    v[1] = __builtin_shufflevector(ab_lo, cd_lo, LANES_LAST);
    v[2] = __builtin_shufflevector(ab_hi, cd_hi, LANES_FIRST);
    v[3] = __builtin_shufflevector(ab_hi, cd_hi, LANES_LAST);
}

#endif
