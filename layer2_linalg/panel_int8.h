/* panel_int8.h: the kernels behind linear for many tokens and quantised weights. Private to layer 2.
 *
 *   y[t][r] = from[t][r] + sum over groups of  scale_w * scale_a * (sum q_w q_a)  +  offset_w * (sum a)
 *
 * As in panel.h a panel holds PANEL_ROWS rows of W turned on their side, and one activation meets all
 * of them; but weights and activations are bytes, and four columns stand together, because machines
 * multiply bytes by fours: lane r adds w[r][4g] a[4g] + ... + w[r][4g+3] a[4g+3]. Every format comes
 * down to this (unpack_fn), so one micro-kernel serves them all.
 *
 * Activations are kept as q + 128, unsigned, since x86 multiplies unsigned by signed bytes. What that
 * adds, 128 * sum q_w, is known when the panel is packed: the sum of each group starts at -128 * sum q_w
 * and ends at the right value. And it starts at more: the bits of the float 1.5 * 2^23, whose last bit
 * counts ones. A small integer added to these bits is that float plus the integer, so the finished sum
 * needs no conversion: read as a float, one fma takes the 1.5 * 2^23 off and multiplies by the scale. That is exact up to the rounding of the result
 * while 1.5 * 2^23 * scale is a float: scales of at most 22 bits, and a half times a code has fewer.
 *
 * Interface:
 * - panel_int8_acts quantises a tile of n_tok <= PANEL_TOKENS activations, as act_q8 does; all variants
 *   give the same bits.
 * - panel_int8_pack turns PANEL_ROWS unpacked rows into a panel; same bits too.
 * - panel_int8_mul multiplies them. y and from are [n_tok, stride], PANEL_ROWS of each row are used; they
 *   may be the same, and a from_stride of 0 starts all tokens alike. Integers are exact; every element's
 *   floats are added in the order of k, whatever the tile.
 * - n_k is a multiple of 32, at most PANEL_INT8_K for pack. */
#ifndef SIXFOLD_PANEL_INT8_H
#define SIXFOLD_PANEL_INT8_H

#include "panel.h"

/* Columns of a panel, and its scales with the smaller of the two groups. */
enum { PANEL_INT8_K = 512, PANEL_INT8_GROUPS = PANEL_INT8_K / 16 };

/* The float 1.5 * 2^23 and its bits. Sums of 32 products, below 2^19, stay in its range. */
#define PANEL_INT8_MAGIC 12582912.0f
enum { PANEL_INT8_MAGIC_BITS = 0x4B400000 };

typedef struct {
    int8_t *q;      /* [n_k / 4][PANEL_ROWS][4] codes */
    int32_t *start; /* [n_k / group][PANEL_ROWS] PANEL_INT8_MAGIC_BITS - 128 * sum of the codes */
    float *scale;   /* [n_k / group][PANEL_ROWS] */
    float *zero;    /* [n_k / group][PANEL_ROWS] -PANEL_INT8_MAGIC * scale */
    float *offset;  /* [n_k / group][PANEL_ROWS] or NULL */
    int group;      /* 16 or 32 */
    int largest;    /* of |q| */
} PanelInt8;

/* PANEL_ROWS rows as unpack_fn writes them. */
typedef struct {
    int8_t *q;     /* [PANEL_ROWS][PANEL_INT8_K] */
    float *scale;  /* [PANEL_ROWS][PANEL_INT8_GROUPS] */
    float *offset; /* the same; read if the panel has offsets */
} RowsInt8;

typedef struct {
    uint8_t *q;   /* [n_k / 32][n_tok][32] code + 128 */
    float *scale; /* [n_k / 32][n_tok] */
    float *sum;   /* [n_k / 32][3][n_tok] scale * sum of all 32 codes, of the first and last 16 */
} TileInt8;

typedef void panel_int8_acts_fn(TileInt8 out, const float *x, int64_t x_stride, int n_tok,
                                int64_t n_k);
typedef void panel_int8_pack_fn(const PanelInt8 *out, const RowsInt8 *rows, int64_t n_k);
typedef void panel_int8_mul_fn(float *y, int64_t y_stride, const float *from, int64_t from_stride,
                               const PanelInt8 *w, TileInt8 a, int n_tok, int64_t n_k);

extern panel_int8_acts_fn *panel_int8_acts;
extern panel_int8_pack_fn *panel_int8_pack;
extern panel_int8_mul_fn *panel_int8_mul;

#endif
