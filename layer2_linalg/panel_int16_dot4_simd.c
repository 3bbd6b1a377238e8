/* panel_int16_dot4_simd.c: panel_int16.c's product: 2 vectors of rows x TILE_MAX tokens in registers.
 *
 * As in panel_simd.c a weight vector is used for all tokens and an activation for two vectors; here both
 * are pairs of columns. The sums of a group are integers, all that the registers hold; the floats
 * are fetched for each group and put back: one fetch for 32 products. */
#include "panel_int16.h"
#include "simd.h"

extern panel_int16_mul_fn SIMD_FN(panel_int16_mul);

enum { GROUP = PANEL_INT16_GROUP };
#if VF == 8
#define TILE_MAX 6
#else
#define TILE_MAX 12
#endif

/* 2 activations of one token, in every lane. */
SIMD_INLINE vi two_acts(const int16_t *p)
{
    int32_t two;
    memcpy(&two, p, sizeof two);
    return vi_set1(two);
}

/* Where rows of sums come from and go to: `stride` floats between tokens. */
typedef struct { const float *from; int64_t from_stride; float *to; int64_t to_stride; } Sums;

/* 2 VF rows, whose codes and scales are at q and scale_w, times the first TILE of n_tok tokens. */
typedef void tile_fn(Sums sums, const int16_t *q, const float *scale_w, TileInt16 a, int n_tok,
                     int64_t n_k);

/* All sums of a tile. Unrolled, or they would be arrays in memory. */
#define EACH_SUM                                                                                   \
    _Pragma("GCC unroll 12") for (int t = 0; t < TILE; t++)                                        \
        _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++)

#define TILE_FILE "panel_int16_tile.inc"
#include "panel_tiles.inc"

void SIMD_FN(panel_int16_mul)(float *y, int64_t y_stride, const float *from, int64_t from_stride,
                              PanelInt16 w, TileInt16 a, int n_tok, int64_t n_k)
{
    int parts = (n_tok + TILE_MAX - 1) / TILE_MAX, t = 0;
    for (int i = 1; i <= parts; i++) {
        int end = n_tok * i / parts;
        TileInt16 part = {a.q + GROUP * t, a.scale + t};
        for (int r = 0; r < PANEL_ROWS; r += 2 * VF) {
            Sums sums = {from + t * from_stride + r, from_stride, y + t * y_stride + r, y_stride};
            tiles[end - t](sums, w.q + 2 * r, w.scale + r, part, n_tok, n_k);
        }
        t = end;
    }
}
