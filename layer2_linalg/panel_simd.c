/* panel_simd.c: panel.c's twins with vectors: 2 vectors of outputs x TILE_MAX tokens in registers.
 *
 * AVX-512 and NEON have 32 registers: 24 sums, 2 weights, 1 activation. AVX2 has 16: 12 sums. Each
 * weight vector is used for all tokens and each activation for two vectors, so the loop is
 * multiply-adds with a load beside each. The tile is stamped once per number of tokens by including
 * panel_tile.inc, so that compilers keep the sums in registers. */
#include "panel.h"
#include "simd_blocks.h"

#if VF == 8
#define TILE_MAX 6
#else
#define TILE_MAX 12
#endif

extern panel_pack_fn SIMD_FN(panel_pack);
extern panel_mul_fn SIMD_FN(panel_mul);

typedef void tile_fn(float *y, int64_t y_stride, const float *w, const float *a, int a_stride,
                     int64_t n_k, bool add);

#define TILE_FILE "panel_tile.inc"
#include "panel_tiles.inc"

void SIMD_FN(panel_mul)(float *y, int64_t y_stride, const float *panel, const float *acts,
                        int n_tok, int64_t n_k, bool add)
{
    int parts = (n_tok + TILE_MAX - 1) / TILE_MAX, t = 0;
    for (int i = 1; i <= parts; i++) {
        int end = n_tok * i / parts;
        for (int r = 0; r < PANEL_ROWS; r += 2 * VF)
            tiles[end - t](y + t * y_stride + r, y_stride, panel + r, acts + t, n_tok, n_k, add);
        t = end;
    }
}

/* Riffles a and b: lo = a0 b0 a1 b1 ..., hi = the second half of the same. */
#if VF == 16
#define RIFFLE_LO 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define RIFFLE_HI 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
enum { RIFFLES = 4 };
#elif VF == 8
#define RIFFLE_LO 0, 8, 1, 9, 2, 10, 3, 11
#define RIFFLE_HI 4, 12, 5, 13, 6, 14, 7, 15
enum { RIFFLES = 3 };
#else
#define RIFFLE_LO 0, 4, 1, 5
#define RIFFLE_HI 2, 6, 3, 7
enum { RIFFLES = 2 };
#endif

/* VF x VF transpose: log2(VF) perfect shuffles of the whole square. One shuffle sends element n of
 * the square to 2n mod (VF^2 - 1), so that log2(VF) of them exchange row and column. */
SIMD_INLINE void transpose(vf v[VF])
{
#pragma GCC unroll 4
    for (int s = 0; s < RIFFLES; s++) {
        vf u[VF];
#pragma GCC unroll 16
        for (int i = 0; i < VF / 2; i++) {
            u[2 * i] = __builtin_shufflevector(v[i], v[i + VF / 2], RIFFLE_LO);
            u[2 * i + 1] = __builtin_shufflevector(v[i], v[i + VF / 2], RIFFLE_HI);
        }
#pragma GCC unroll 16
        for (int i = 0; i < VF; i++) v[i] = u[i];
    }
}

/* A square: columns k to k + VF of n rows become VF rows of the result, `keep` floats of each. */
SIMD_INLINE void pack_square(float *out, int width, const float *rows, int64_t stride, int n, int keep,
                             int64_t left)
{
    vf v[VF];
#pragma GCC unroll 16
    for (int i = 0; i < VF; i++)
        v[i] = i >= n ? vf_zero()
             : left >= VF ? vf_load(rows + i * stride)
                          : vf_load_tail(rows + i * stride, left);
    transpose(v);
    if (keep >= VF && left >= VF) {
#pragma GCC unroll 16
        for (int i = 0; i < VF; i++) vf_store(out + i * width, v[i]);
    } else {
        int64_t n_stores = left < VF ? left : VF;
        int n_floats = keep < VF ? keep : VF;
        for (int64_t i = 0; i < n_stores; i++) vf_store_tail(out + i * width, v[i], n_floats);
    }
}

void SIMD_FN(panel_pack)(float *out, int width, const float *rows, int64_t stride, int n_rows,
                         int64_t n_k)
{
    for (int64_t k = 0; k < n_k; k += VF)
        for (int r = 0; r < width; r += VF)
            pack_square(out + k * width + r, width, rows + r * stride + k, stride, n_rows - r, width - r,
                        n_k - k);
}
