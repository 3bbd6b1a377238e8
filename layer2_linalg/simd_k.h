/* simd_k.h: the last words of simd.h's vocabulary: codes and scales of the K formats and their like.
 *
 * A block of 256 weights is taken as 4 pairs of groups of 32; a pair is PARTS registers of 64 bytes in
 * all: 1 with AVX-512, 2 with AVX2, 4 with NEON. Every four bytes of it have one integer sum.
 *
 *   vb_pair(p, from, step, to, part)   32 bytes hold a field of one group `from` bits up, and that of the
 *                                   next `step` bits further: both as a pair, moved to bit `to`, not
 *                                   masked yet; both move the same way
 *   vb_each(first, second, part)    two bytes: that of the pair's first group and of its second
 *   word_at(p, bytes)               up to 8 bytes as a number
 *   vb_field(x, shift, mask)        (byte >> shift) & mask, if the mask cuts off the neighbour's bits
 *   vb_nibbles(p, q, part)          the 16 bytes at p and the 16 at q as a pair: low nibbles, then high,
 *                                   of p, then of q
 *   vb_nibbles8(p, part)            the 32 bytes at p as a pair: of every eight bytes low, then high
 *   vb_where(x, value, bits)        x, and value more in byte j where bit j of 4 VF is set
 *   vb_lookup(table, x)             table[x] of 16 bytes, 0 <= x <= 15
 *   v8                              8 floats, one for each 32 weights of a block; operators work on it
 *     v8_load, v8_store, v8_set1, v8_fma, v8_wide (VF floats that have the same sum), v8_f16(h) (one half
 *     everywhere), v8_u8 and v8_i8 (of 8 bytes)
 *   KInts, KScales                  an integer, a float for each 16 weights
 *     ints_u8, ints_i8              of 16 bytes
 *     scales_of(ints, x)            x * each;     scales_twice(v8)   each number of 8 twice
 *     scales_by(s, y)               times y[g / 2], a float for each 32
 *     scales_fma(s, y, sum)         sum + s * y of all 16, VF sums
 *     scales_of_halves(x)         of 4 halves in a word, each 4 times
 *   scales_of_part(s, pair, part)   each four weights' own scale; v8_of_part: of a scale for each 32 */
#ifndef SIXFOLD_SIMD_K_H
#define SIXFOLD_SIMD_K_H

#include "simd_blocks.h"

enum { PARTS = 64 / (4 * VF) };

typedef float v8 __attribute__((vector_size(32)));
typedef struct { vi v[16 / VF]; } KInts;
typedef struct { vf v[16 / VF]; } KScales;
#define EACH_16 _Pragma("GCC unroll 4") for (int r = 0; r < 16 / VF; r++)

SIMD_INLINE uint64_t word_at(const void *p, int bytes)
{
    uint64_t w = 0;
    memcpy(&w, p, (size_t)bytes);
    return w;
}

SIMD_INLINE vb vb_field(vb x, int shift, int mask)
{
    return (vb)((vi)x >> shift) & vb_set1((int8_t)mask);
}

SIMD_INLINE vb vb_pair(const uint8_t *p, int from, int step, int to, int part)
{
    int first = from - to, second = first + step;
    int upwards = first < 0 || second < 0;
#if VF == 16
    (void)part;
    __m512i x = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)p));
    if (first == 0 && second == 0) return (vb)x;
    __m512i down = _mm512_inserti64x4(_mm512_set1_epi32(first), _mm256_set1_epi32(second), 1);
    __m512i up = _mm512_inserti64x4(_mm512_set1_epi32(-first), _mm256_set1_epi32(-second), 1);
    return (vb)(upwards ? _mm512_sllv_epi32(x, up) : _mm512_srlv_epi32(x, down));
#else
    (void)upwards;
    vi x = (vi)vb_load(VF == 8 ? p : p + 16 * (part % 2));
    int by = part < PARTS / 2 ? first : second;
    return (vb)(by < 0 ? x << -by : x >> by);
#endif
}

SIMD_INLINE vb vb_each(uint8_t first, uint8_t second, int part)
{
#if VF == 16
    (void)part;
    __m512i x = _mm512_set1_epi8((char)first);
    return (vb)_mm512_inserti64x4(x, _mm256_set1_epi8((char)second), 1);
#else
    return vb_set1((int8_t)(part < PARTS / 2 ? first : second));
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

/* Without masks each byte gets the byte of its eight bits, then keeps its own. */
SIMD_INLINE vb vb_where(vb x, int8_t value, uint64_t bits)
{
#if VF == 16
    __mmask64 m = _cvtu64_mask64(bits);
    return (vb)_mm512_mask_add_epi8((__m512i)x, m, (__m512i)x, _mm512_set1_epi8(value));
#elif VF == 8
    const __m256i source = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202,
                                             0x0303030303030303);
    const __m256i own = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i y = _mm256_shuffle_epi8(_mm256_set1_epi32((int32_t)bits), source);
    return x + ((vb)_mm256_cmpeq_epi8(_mm256_and_si256(y, own), own) & vb_set1(value));
#else
    uint8x8_t own = vcreate_u8(0x8040201008040201);
    uint8x16_t y = vcombine_u8(vdup_n_u8((uint8_t)bits), vdup_n_u8((uint8_t)(bits >> 8)));
    return x + ((vb)vtstq_u8(y, vcombine_u8(own, own)) & vb_set1(value));
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

/* ---------------------------------------------------------------- scales */

SIMD_INLINE v8 v8_load(const float *p)
{
    v8 x;
    memcpy(&x, p, sizeof x);
    return x;
}
SIMD_INLINE void v8_store(float *p, v8 x) { memcpy(p, &x, sizeof x); }
SIMD_INLINE v8 v8_set1(float x) { return (v8){x, x, x, x, x, x, x, x}; }

#if VF == 4

typedef struct { vf v[2]; } V8Halves;
SIMD_INLINE V8Halves v8_halves(v8 x)
{
    V8Halves h;
    memcpy(&h, &x, sizeof h);
    return h;
}
SIMD_INLINE v8 v8_join(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7); }
SIMD_INLINE v8 v8_fma(v8 a, v8 b, v8 c)
{
    V8Halves x = v8_halves(a), y = v8_halves(b), z = v8_halves(c);
    return v8_join(vf_fma(x.v[0], y.v[0], z.v[0]), vf_fma(x.v[1], y.v[1], z.v[1]));
}
SIMD_INLINE vf v8_wide(v8 x) { return v8_halves(x).v[0] + v8_halves(x).v[1]; }
SIMD_INLINE v8 v8_f16(uint16_t h) { return v8_join(vf_f16(h), vf_f16(h)); }
SIMD_INLINE v8 v8_u8(uint64_t x)
{
    uint16x8_t w = vmovl_u8(vcreate_u8(x));
    return v8_join((vf)vcvtq_f32_u32(vmovl_u16(vget_low_u16(w))),
                   (vf)vcvtq_f32_u32(vmovl_u16(vget_high_u16(w))));
}
SIMD_INLINE v8 v8_i8(uint64_t x)
{
    int16x8_t w = vmovl_s8(vcreate_s8(x));
    return v8_join((vf)vcvtq_f32_s32(vmovl_s16(vget_low_s16(w))),
                   (vf)vcvtq_f32_s32(vmovl_s16(vget_high_s16(w))));
}

#else

SIMD_INLINE v8 v8_fma(v8 a, v8 b, v8 c)
{
    return (v8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
SIMD_INLINE vf v8_wide(v8 x)
{
#if VF == 16
    return vq_wide(x);
#else
    return x;
#endif
}
SIMD_INLINE v8 v8_f16(uint16_t h) { return (v8)_mm256_cvtph_ps(_mm_set1_epi16((int16_t)h)); }
SIMD_INLINE v8 v8_u8(uint64_t x)
{
    return (v8)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)x)));
}
SIMD_INLINE v8 v8_i8(uint64_t x)
{
    return (v8)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_cvtsi64_si128((long long)x)));
}

#endif

SIMD_INLINE KScales scales_twice(v8 x)
{
    KScales s;
#if VF == 16
    s.v[0] = __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
#elif VF == 8
    s.v[0] = __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3);
    s.v[1] = __builtin_shufflevector(x, x, 4, 4, 5, 5, 6, 6, 7, 7);
#else
    s.v[0] = __builtin_shufflevector(x, x, 0, 0, 1, 1);
    s.v[1] = __builtin_shufflevector(x, x, 2, 2, 3, 3);
    s.v[2] = __builtin_shufflevector(x, x, 4, 4, 5, 5);
    s.v[3] = __builtin_shufflevector(x, x, 6, 6, 7, 7);
#endif
    return s;
}

SIMD_INLINE KScales scales_of_halves(uint64_t halves)
{
    KScales s;
#if VF == 4
    float32x4_t x = vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(halves)));
    EACH_16 s.v[r] = vf_set1(x[r]);
#else
    __m128 x = _mm_cvtph_ps(_mm_cvtsi64_si128((long long)halves));
#if VF == 16
    const __m512i four = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    s.v[0] = (vf)_mm512_permutexvar_ps(four, _mm512_castps128_ps512(x));
#else
    const __m256i two = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    s.v[0] = (vf)_mm256_permutevar8x32_ps(_mm256_castps128_ps256(x), two);
    s.v[1] = (vf)_mm256_permutevar8x32_ps(_mm256_castps128_ps256(x), _mm256_add_epi32(two, _mm256_set1_epi32(2)));
#endif
#endif
    return s;
}
SIMD_INLINE KInts ints_u8(const void *codes)
{
    KInts x;
    EACH_16 x.v[r] = vi_load_u8((const uint8_t *)codes + VF * r);
    return x;
}
SIMD_INLINE KInts ints_i8(const void *codes)
{
    KInts x;
    EACH_16 x.v[r] = vi_load_i8((const int8_t *)codes + VF * r);
    return x;
}
SIMD_INLINE KScales scales_of(KInts x, vf by)
{
    KScales s;
    EACH_16 s.v[r] = by * vf_from_vi(x.v[r]);
    return s;
}
SIMD_INLINE KScales scales_by(KScales s, const float y[8])
{
    KScales twice = scales_twice(v8_load(y));
    EACH_16 s.v[r] *= twice.v[r];
    return s;
}
SIMD_INLINE vf scales_fma(KScales s, const float y[16], vf sum)
{
    EACH_16 sum = vf_fma(s.v[r], vf_load(y + VF * r), sum);
    return sum;
}

SIMD_INLINE vf scales_of_part(KScales s, int pair, int part)
{
    int i = pair * PARTS + part;
#if VF == 16
    __m512i four = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return (vf)_mm512_permutexvar_ps(_mm512_add_epi32(four, _mm512_set1_epi32(4 * i)), (__m512)s.v[0]);
#elif VF == 8
    __m256i two = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    return (vf)_mm256_permutevar8x32_ps((__m256)s.v[i / 4],
                                        _mm256_add_epi32(two, _mm256_set1_epi32(2 * (i % 4))));
#else
    return vf_set1(s.v[i / 4][i % 4]);
#endif
}
SIMD_INLINE vf v8_of_part(v8 s, int pair, int part)
{
#if VF == 16
    const __m512i eight = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    (void)part;
    return (vf)_mm512_permutexvar_ps(_mm512_add_epi32(eight, _mm512_set1_epi32(2 * pair)),
                                     _mm512_castps256_ps512((__m256)s));
#else
    return vf_set1(s[2 * pair + 2 * part / PARTS]);
#endif
}

#endif
