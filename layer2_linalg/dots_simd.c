/* dots_simd.c: dots.c's twins: up to 4 rows x TILE tokens of sums in registers.
 *
 * A step takes VF columns: one load and widening for each row, one load for each token, a multiply-add for
 * each pair. With 3 rows and 8 tokens (AVX-512, NEON: 24 sums of 32 registers) that is 11 loads and 24
 * multiply-adds, and widening is an eighth of them; one dot product per pair would load 48 times.
 *
 * Lane l of a sum adds the columns l, l + VF, l + 2 VF ...; the lanes are added at the end (simd_sums.h).
 * The tile is stamped once per type and number of tokens. */
#include "dots.h"
#include "simd_sums.h"

/* The most tokens of a tile; and its rows, as many as registers allow beside two for other things, at most 4. */
#if VF == 8
#define TILE_MAX 6
#define TILE_ROWS(n_tok) (n_tok < 3 ? 4 : n_tok < 5 ? 3 : 2)
#else
#define TILE_MAX 8
#define TILE_ROWS(n_tok) (n_tok < 7 ? 4 : 3)
#endif

/* n_rows <= TILE_ROWS rows from d->w on, and the first TILE tokens from d->x on; rows of sums are
 * d->n_tok apart. */
typedef void tile_fn(float *sums, const Dots *d, int n_rows, bool add);

/* All tokens, TILE_MAX at a time, as equal as possible; the rows pass once for each. */
SIMD_INLINE void all_tiles(tile_fn *const tiles[], float *sums, const Dots *all, bool add)
{
    int parts = (all->n_tok + TILE_MAX - 1) / TILE_MAX, t = 0;
    for (int i = 1; i <= parts; i++) {
        int end = all->n_tok * i / parts, n = TILE_ROWS(end - t);
        Dots d = *all;
        d.x += t * d.x_stride;
        for (int r = 0; r < d.n_rows; r += n, d.w += n * d.row_bytes)
            tiles[end - t](sums + (int64_t)r * d.n_tok + t, &d, d.n_rows - r < n ? d.n_rows - r : n, add);
        t = end;
    }
}

/* All sums of a tile. Unrolled, or they would be arrays in memory. */
#define EACH_SUM                                                                                   \
    _Pragma("GCC unroll 4") for (int r = 0; r < ROWS; r++)                                         \
        _Pragma("GCC unroll 8") for (int t = 0; t < TILE; t++)

/* Asks for a line of a row that comes AHEAD rows later. With few tokens memory sets the pace, and the lines of this row
 * are asked for again, into L1: 7 % for one token; many tokens lose 2 % by it. */
enum { AHEAD = 6 };

SIMD_INLINE void ask_for(const void *line, int64_t row_bytes, int n_tok)
{
    uintptr_t at = (uintptr_t)line;
    __builtin_prefetch((const void *)(at + (uintptr_t)(AHEAD * row_bytes)), 0, 2);
    if (n_tok <= 4) __builtin_prefetch((const void *)(at + 1024), 0, 3);
}

#define DOTS_TYPE f32
#define DOTS_WEIGHT float
#define DOTS_LOAD vf_load
#define DOTS_LOAD_TAIL vf_load_tail
#include "dots_tiles.inc"

#define DOTS_TYPE f16
#define DOTS_WEIGHT uint16_t
#define DOTS_LOAD vf_load_f16
#define DOTS_LOAD_TAIL vf_load_f16_tail
#include "dots_tiles.inc"

#define DOTS_TYPE bf16
#define DOTS_WEIGHT uint16_t
#define DOTS_LOAD vf_load_bf16
#define DOTS_LOAD_TAIL vf_load_bf16_tail
#include "dots_tiles.inc"
