/* transpose.h: out[j][i] = in[i][j], n_rows x n_cols numbers.
 *
 * dW = dY' X sums over tokens, and a matrix product wants the summed index along the rows of its
 * first factor. So dY is turned on its side first; what that costs next to the product is 1 in n_in.
 *
 * Interface: in [n_rows, n_cols] with in_stride floats from row to row, out [n_cols, n_rows] likewise;
 * no overlap. Kernels: no allocation, no failure. transpose_all splits the columns over a pool. */
#ifndef SIXFOLD_TRANSPOSE_H
#define SIXFOLD_TRANSPOSE_H

#include "layer6.h"

typedef void transpose_fn(float *out, int64_t out_stride, const float *in, int64_t in_stride,
                          int64_t n_rows, int64_t n_cols);
extern transpose_fn *transpose;

/* Dense on both sides. */
void transpose_all(Pool *pool, float *out, const float *in, int64_t n_rows, int64_t n_cols);

#endif
