/* panel_int16.h: the kernels behind linear for many tokens and weights of 16 bits. Private to layer 2.
 *
 *   y[t][r] = from[t][r] + sum over groups of  scale_w * scale_a * (sum q_w q_a)
 *
 * As panel_int8.h, with integers of 13 bits and a sign instead of 7: machines multiply those by twos, lane
 * r adds w[r][2g] a[2g] + w[r][2g+1] a[2g+1], which is twice the work of an instruction on floats. The
 * codes of 64 columns share a scale; the largest code, 5792, is what 64 products of them allow:
 * 64 * 5792^2 = 2 147 024 896 < 2^31. So sums of products are exact, and all that is lost is the rounding
 * of weights and activations, each by at most a half of 1/5792 of the largest in its group. For normal
 * numbers that is 0.02 % of the result, what rounding to F16 costs, and a tenth of BF16.
 *
 * Interface:
 * - panel_int16_round gives n_tok <= PANEL_TOKENS rows of n_k floats codes and scales: a tile of activations, or with
 *   n_tok = 1 a row of weights. Codes from n_k to the end of its group are zero. A group that
 *   holds a NaN or an infinity gets the scale NaN; a scale below the smallest normal number is zero. All
 *   variants give the same bits.
 * - panel_int16_pack turns PANEL_ROWS rounded rows into a panel; same bits too.
 * - panel_int16_mul multiplies them. y and from are [n_tok, stride], PANEL_ROWS of each row are used; they
 *   may be the same, and a from_stride of 0 starts all tokens alike. Every element's floats are added
 *   in the order of k, whatever the tile.
 * - n_k is at most PANEL_INT16_K for pack. */
#ifndef SIXFOLD_PANEL_INT16_H
#define SIXFOLD_PANEL_INT16_H

#include "panel.h"

/* Columns of a panel, of a group, groups of a panel; the largest code. */
enum {
    PANEL_INT16_K = 256,
    PANEL_INT16_GROUP = 64,
    PANEL_INT16_GROUPS = PANEL_INT16_K / PANEL_INT16_GROUP,
    PANEL_INT16_MOST = 5792
};

typedef struct {
    int16_t *q;   /* [groups][n_tok][PANEL_INT16_GROUP] */
    float *scale; /* [groups][n_tok] */
} TileInt16;

typedef struct {
    int16_t *q;   /* [PANEL_ROWS][PANEL_INT16_K] */
    float *scale; /* [PANEL_ROWS][PANEL_INT16_GROUPS] */
} RowsInt16;

typedef struct {
    int16_t *q;   /* [n_k, rounded up to 8, / 2][PANEL_ROWS][2] */
    float *scale; /* [groups][PANEL_ROWS] */
} PanelInt16;

typedef void panel_int16_round_fn(TileInt16 out, const float *x, int64_t x_stride, int n_tok,
                                  int64_t n_k);
typedef void panel_int16_pack_fn(PanelInt16 out, RowsInt16 rows, int64_t n_k);
typedef void panel_int16_mul_fn(float *y, int64_t y_stride, const float *from, int64_t from_stride,
                                PanelInt16 w, TileInt16 a, int n_tok, int64_t n_k);

extern panel_int16_round_fn *panel_int16_round;
extern panel_int16_pack_fn *panel_int16_pack;
extern panel_int16_mul_fn *panel_int16_mul;

#endif
