/* simd.h: one vector vocabulary for AVX2, AVX-512 and NEON.
 *
 * A vector register holds VF floats: 8 with AVX2 (256 bits), 16 with AVX-512, 4 with NEON. The types
 * below are GCC/Clang vector extensions, so + - * / and comparisons are written as operators and work
 * lane by lane; helpers exist only for what operators cannot say. A kernel is written once against
 * this header and compiled once per instruction set: the Makefile turns foo_simd.c into
 * foo_simd.avx2.o, foo_simd.avx512.o, ..., and SIMD_FN(foo) names the function foo_avx2, foo_avx512.
 *
 * Interface:
 * - vf  VF floats        vi  VF 32-bit integers        vb  4*VF signed bytes (one register of each)
 * - *_tail(p, n) touches only the first n elements, 0 <= n <= VF; missing lanes are zero.
 * - vf_fma(a, b, c) = a*b + c with one rounding. Everything else rounds after each operation
 *   (-ffp-contract=off), so a kernel says where it fuses.
 * - Reductions fold halves: s4[i] = s8[i] + s8[i+4], then 2, then 1: a fixed order.
 * - vi_dot4_*(acc, a, b): acc[i] += a[4i]*b[4i] + ... + a[4i+3]*b[4i+3] on bytes. The forms differ in
 *   what the machine offers; each states the range in which it is exact.
 * - vi_dot2(acc, a, b): acc[i] += a[2i]*b[2i] + a[2i+1]*b[2i+1] on signed 16-bit numbers, of which each
 *   lane of a vi holds two; exact while the sum fits and no number is -32768.
 *
 * Included only by files compiled per instruction set; all functions are static. Source: Intel
 * Intrinsics Guide, Arm Neon Intrinsics Reference. */
#ifndef SIXFOLD_SIMD_H
#define SIXFOLD_SIMD_H

#include <stdint.h>
#include <string.h>

#define SIMD_CAT2(a, b) a##_##b
#define SIMD_CAT(a, b) SIMD_CAT2(a, b)

#if defined(SIMD_ISA_avx512)
#define SIMD_ISA avx512
#define VF 16
#elif defined(SIMD_ISA_avx2)
#define SIMD_ISA avx2
#define VF 8
#elif defined(SIMD_ISA_avxvnni)
#define SIMD_ISA avxvnni
#define VF 8
#elif defined(SIMD_ISA_neon)
#define SIMD_ISA neon
#define VF 4
#elif defined(SIMD_ISA_dotprod)
#define SIMD_ISA dotprod
#define VF 4
#else
#error "simd.h is for files that the Makefile compiles per instruction set"
#endif

/* SIMD_FN(dot_f32) is dot_f32_avx2, dot_f32_avx512, ... */
#define SIMD_FN(name) SIMD_CAT(name, SIMD_ISA)

typedef float vf __attribute__((vector_size(4 * VF)));
typedef int32_t vi __attribute__((vector_size(4 * VF)));
typedef uint32_t vu __attribute__((vector_size(4 * VF)));
typedef int8_t vb __attribute__((vector_size(4 * VF)));

#define SIMD_INLINE static inline __attribute__((always_inline, unused))

#if VF == 16
#include "simd_avx512.h"
#elif VF == 8
#include "simd_avx2.h"
#else
#include "simd_neon.h"
#endif

/* ---------------------------------------------------------------- said once for all machines */

SIMD_INLINE vf vf_zero(void) { return vf_set1(0.0f); }
SIMD_INLINE vf vf_of_bits(vi b) { return (vf)b; }
SIMD_INLINE vi vi_of_bits(vf f) { return (vi)f; }
SIMD_INLINE vf vf_abs(vf x) { return (vf)((vi)x & vi_set1(0x7FFFFFFF)); }

/* mask lanes are all ones or all zeros, as comparisons give them. */
SIMD_INLINE vf vf_select(vi mask, vf yes, vf no)
{
    return (vf)(((vi)yes & mask) | ((vi)no & ~mask));
}

/* All ones in lanes 0 to n - 1, zeros in the others; any n. */
SIMD_INLINE vi vi_first(int64_t n)
{
    static const int32_t lane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vi i;
    memcpy(&i, lane, sizeof i);
    return i < vi_set1(n < VF ? (int32_t)n : VF);
}

/* Upper half of an f32, rounded to nearest even: adding 0x7FFF, or 0x8000 if the kept part is odd,
 * carries into it exactly when it should. A NaN keeps its upper bits and becomes quiet. */
SIMD_INLINE void vf_store_bf16(uint16_t *p, vf x)
{
    vu bits = (vu)x, upper = bits >> 16;
    vu rounded = (bits + (vu)vi_set1(0x7FFF) + (upper & (vu)vi_set1(1))) >> 16;
    vu number = (vu)(x == x);
    vi_store_u16(p, (vi)((rounded & number) | ((upper | (vu)vi_set1(0x40)) & ~number)));
}
SIMD_INLINE void vf_store_bf16_tail(uint16_t *p, vf x, int64_t n)
{
    uint16_t t[VF];
    vf_store_bf16(t, x);
    memcpy(p, t, (size_t)n * 2);
}

/* exp(x), relative error below 2e-7 where the result is normal, 0 below -103.9, +inf above 88.8,
 * NaN stays NaN.
 *
 *   x = k ln2 + r, |r| <= ln2/2      e^x = 2^k e^r,  e^r by a polynomial of degree 6 (Taylor-like,
 *   minimax on the interval)          2^k by writing k into the exponent bits, in two halves so
 *                                     that results near the ends of the range do not overflow early
 * Source: Cody and Waite 1980, chapter 6 (range reduction with ln2 in two parts). */
SIMD_INLINE vf vf_exp(vf x)
{
    /* 1. Keep the argument where the exponent arithmetic is valid; remember the original. */
    vf lo = vf_set1(-104.0f), hi = vf_set1(89.0f);
    vf c = vf_min(vf_max(x, lo), hi);
    /* 2. k = round(x / ln2), r = x - k ln2 in two steps. */
    vf k = vf_round(c * vf_set1(1.44269504f));
    vf r = vf_fma(k, vf_set1(-0.693359375f), c);
    r = vf_fma(k, vf_set1(2.12194440e-4f), r);
    /* 3. e^r by Horner. */
    vf p = vf_set1(1.9875691500e-4f);
    p = vf_fma(p, r, vf_set1(1.3981999507e-3f));
    p = vf_fma(p, r, vf_set1(8.3334519073e-3f));
    p = vf_fma(p, r, vf_set1(4.1665795894e-2f));
    p = vf_fma(p, r, vf_set1(1.6666665459e-1f));
    p = vf_fma(p, r, vf_set1(5.0000001201e-1f));
    p = vf_fma(p * r, r, r + vf_set1(1.0f));
    /* 4. Times 2^k, as 2^(k/2) twice. */
    vi n = vi_from_vf(k), half = n >> 1, rest = n - half;
    vf s1 = (vf)((half + vi_set1(127)) << 23), s2 = (vf)((rest + vi_set1(127)) << 23);
    vf y = p * s1 * s2;
    /* 5. NaN passes through. */
    return vf_select(x == x, y, x);
}

/* Two registers lo, hi as one sequence of 2 * VF numbers: those at even places, those at odd places,
 * and the way back: zip_lo is a0 b0 a1 b1 ... of the lower halves, zip_hi of the upper halves. */
#if VF == 16
#define SIMD_EVENS 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define SIMD_ODDS 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define SIMD_ZIP_LO 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SIMD_ZIP_HI 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VF == 8
#define SIMD_EVENS 0, 2, 4, 6, 8, 10, 12, 14
#define SIMD_ODDS 1, 3, 5, 7, 9, 11, 13, 15
#define SIMD_ZIP_LO 0, 8, 1, 9, 2, 10, 3, 11
#define SIMD_ZIP_HI 4, 12, 5, 13, 6, 14, 7, 15
#else
#define SIMD_EVENS 0, 2, 4, 6
#define SIMD_ODDS 1, 3, 5, 7
#define SIMD_ZIP_LO 0, 4, 1, 5
#define SIMD_ZIP_HI 2, 6, 3, 7
#endif
SIMD_INLINE vf vf_evens(vf lo, vf hi) { return __builtin_shufflevector(lo, hi, SIMD_EVENS); }
SIMD_INLINE vf vf_odds(vf lo, vf hi) { return __builtin_shufflevector(lo, hi, SIMD_ODDS); }
SIMD_INLINE vf vf_zip_lo(vf a, vf b) { return __builtin_shufflevector(a, b, SIMD_ZIP_LO); }
SIMD_INLINE vf vf_zip_hi(vf a, vf b) { return __builtin_shufflevector(a, b, SIMD_ZIP_HI); }

#endif
