/* panel.h: the two kernels behind linear for many tokens. Private to layer 2.
 *
 *   y[t][r] (+)= sum_k panel[k][r] * acts[k][t]          r < PANEL_ROWS, t < n_tok <= PANEL_TOKENS
 *
 * A panel holds PANEL_ROWS rows of W turned on their side: the weights of one input column stand
 * next to each other, so they load as vectors and each lane belongs to another output. Then one
 * activation, broadcast, meets two vectors of weights, and the sums never leave the registers.
 *
 * Interface:
 * - panel_pack turns n_rows (<= width) rows of n_k floats, `stride` apart, into out[n_k][width];
 *   columns r >= n_rows are zero. It makes panels (width PANEL_ROWS) and tiles of activations
 *   (width n_tok).
 * - panel_mul adds up k = 0, 1, 2 ... for every element in every variant; with `add` the sum is then
 *   added to y. No element depends on its neighbours, so tiles can be cut anywhere. */
#ifndef SIXFOLD_PANEL_H
#define SIXFOLD_PANEL_H

#include <stdbool.h>
#include <stdint.h>

enum { PANEL_ROWS = 32, PANEL_TOKENS = 12 };

typedef void panel_pack_fn(float *out, int width, const float *rows, int64_t stride, int n_rows,
                           int64_t n_k);
typedef void panel_mul_fn(float *y, int64_t y_stride, const float *panel, const float *acts,
                          int n_tok, int64_t n_k, bool add);

extern panel_pack_fn *panel_pack;
extern panel_mul_fn *panel_mul;

#endif
