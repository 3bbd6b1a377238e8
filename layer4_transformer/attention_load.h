/* attention_load.h: two ways to bring keys and values into registers.
 *
 *   for many query rows   a block goes to f32 scratch once, keys transposed: load_keys, load_values
 *   for one or two rows   nothing is copied: dot products along the stored keys, and sums of stored
 *                         values: scores_direct, values_direct
 *
 * Included only by files compiled per instruction set; all functions are static. `type` is a constant
 * at every call, so each form is compiled for f16 and f32. */
#ifndef SIXFOLD_ATTENTION_LOAD_H
#define SIXFOLD_ATTENTION_LOAD_H

#include "attention_impl.h"
#include "simd.h"

/* lo = a0 b0 a1 b1 ..., hi = the upper halves likewise. */
#if VF == 16
#define zip_lo(a, b)                                                                               \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define zip_hi(a, b)                                                                               \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif VF == 8
#define zip_lo(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define zip_hi(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define zip_lo(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define zip_hi(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

//@ begin transpose-zip
/* A VF x VF square by perfect shuffles. Seen as one row of VF*VF numbers,
 * a round moves number (i, j) from place i VF + j to the place with that
 * number's bits rotated left by one; after log2 VF rounds i and j have
 * changed places. */
SIMD_INLINE void transpose(vf x[VF])
{
#pragma GCC unroll 4
    for (int round = 1; round < VF; round *= 2) {
        vf y[VF];
#pragma GCC unroll 8
        for (int i = 0; i < VF / 2; i++) {
            y[2 * i] = zip_lo(x[i], x[i + VF / 2]);
            y[2 * i + 1] = zip_hi(x[i], x[i + VF / 2]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < VF; i++) x[i] = y[i];
    }
}
//@ end transpose-zip

/* VF elements of a row of n from element i on; whole: all of them exist. */
SIMD_INLINE vf load_whole(const char *p, DType type, int64_t i)
{
    return type == DT_F16 ? vf_load_f16((const uint16_t *)(const void *)p + i)
                          : vf_load((const float *)(const void *)p + i);
}
SIMD_INLINE vf load_row(const char *p, DType type, int64_t i, int64_t n)
{
    if (n - i >= VF) return load_whole(p, type, i);
    return type == DT_F16 ? vf_load_f16_tail((const uint16_t *)(const void *)p + i, n - i)
                          : vf_load_tail((const float *)(const void *)p + i, n - i);
}

/* Keys [j0, j1) to kt [d_k, FLASH_KEYS]: column j - j0 is key j; columns up to the next multiple of
 * VF become zero. Squares inside the block are loaded without looking at its edges. */
SIMD_INLINE void load_keys(float *kt, const KvView *kv, DType type, int g, int64_t j0, int64_t j1)
{
    int64_t d_k = kv->d_k, k_pos = kv->k_pos;
    for (int64_t j = j0; j < j1; j += VF)
        for (int64_t i = 0; i < d_k; i += VF) {
            const char *k = kv->k + j * k_pos + g * kv->k_head;
            vf x[VF];
            if (j + VF <= j1 && i + VF <= d_k) {
#pragma GCC unroll 16
                for (int y = 0; y < VF; y++) x[y] = load_whole(k + y * k_pos, type, i);
            } else {
#pragma GCC unroll 16
                for (int y = 0; y < VF; y++)
                    x[y] = j + y < j1 ? load_row(k + y * k_pos, type, i, d_k) : vf_zero();
            }
            transpose(x);
            float *to = kt + i * FLASH_KEYS + j - j0;
#pragma GCC unroll 16
            for (int y = 0; y < VF; y++) vf_store(to + y * FLASH_KEYS, x[y]);
        }
}

SIMD_INLINE void load_values(float *v, int64_t v_row, const KvView *kv, DType type, int g,
                             int64_t j0, int64_t j1)
{
    int64_t d_v = kv->d_v, v_pos = kv->v_pos;
    const char *from = kv->v + j0 * v_pos + g * kv->v_head;
    for (int64_t j = j0; j < j1; j++, v += v_row, from += v_pos) {
        int64_t i = 0;
        for (; i + VF <= d_v; i += VF) vf_store(v + i, load_whole(from, type, i));
        if (i < d_v) vf_store(v + i, load_row(from, type, i, d_v));
    }
}

/* x[0] = the sums of all lanes of x[0], x[1], ..., in order: half the vectors at each round.
 * With n left: x[i]' = zip_lo(x[i], x[i + n/2]) + zip_hi(x[i], x[i + n/2]). */
SIMD_INLINE vf sums_in_order(vf x[VF])
{
#pragma GCC unroll 4
    for (int n = VF / 2; n > 0; n /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < n; i++) x[i] = zip_lo(x[i], x[i + n]) + zip_hi(x[i], x[i + n]);
    return x[0];
}

/* s [j1 - j0, rounded up to VF] = keys [j0, j1) times q, whose tail is zero. */
SIMD_INLINE void scores_direct(float *s, const float *q, const KvView *kv, DType type, int g,
                               int64_t j0, int64_t j1)
{
    int64_t d_k = kv->d_k, k_pos = kv->k_pos;
    for (int64_t j = j0; j < j1; j += VF, s += VF) {
        const char *k = kv->k + j * k_pos + g * kv->k_head;
        vf sum[VF];
        int64_t i = 0;
#pragma GCC unroll 16
        for (int y = 0; y < VF; y++) sum[y] = vf_zero();
        for (; j + VF <= j1 && i + VF <= d_k; i += VF) {
            vf qi = vf_load(q + i);
#pragma GCC unroll 16
            for (int y = 0; y < VF; y++)
                sum[y] = vf_fma(load_whole(k + y * k_pos, type, i), qi, sum[y]);
        }
        for (; i < d_k; i += VF) {
            vf qi = vf_load(q + i);
#pragma GCC unroll 16
            for (int y = 0; y < VF; y++)
                if (j + y < j1) sum[y] = vf_fma(load_row(k + y * k_pos, type, i, d_k), qi, sum[y]);
        }
        vf_store(s, sums_in_order(sum));
    }
}

/* o [d_v, rounded up] = o keep + sum_j p[j - j0] v_j. */
SIMD_INLINE void values_direct(float *o, float keep, const float *p, const KvView *kv, DType type,
                               int g, int64_t j0, int64_t j1)
{
    enum { COLS_DIRECT = 4 };
    int64_t d_v = kv->d_v, v_pos = kv->v_pos, i = 0;
    const char *v = kv->v + j0 * v_pos + g * kv->v_head;
    for (; i + COLS_DIRECT * VF <= d_v; i += COLS_DIRECT * VF) {
        vf sum[COLS_DIRECT];
#pragma GCC unroll 4
        for (int x = 0; x < COLS_DIRECT; x++) sum[x] = vf_load(o + i + x * VF) * vf_set1(keep);
        for (int64_t j = 0; j < j1 - j0; j++) {
            vf pj = vf_set1(p[j]);
#pragma GCC unroll 4
            for (int x = 0; x < COLS_DIRECT; x++)
                sum[x] = vf_fma(pj, load_whole(v + j * v_pos, type, i + x * VF), sum[x]);
        }
#pragma GCC unroll 4
        for (int x = 0; x < COLS_DIRECT; x++) vf_store(o + i + x * VF, sum[x]);
    }
    for (; i < d_v; i += VF) {
        vf sum = vf_load(o + i) * vf_set1(keep);
        for (int64_t j = 0; j < j1 - j0; j++)
            sum = vf_fma(vf_set1(p[j]), load_row(v + j * v_pos, type, i, d_v), sum);
        vf_store(o + i, sum);
    }
}

#endif
