/* linear.h: y = s W x (+ bias) for a matrix of any supported type and any number of tokens.
 *
 *   y[t][o] = s sum_i W[o][i] x[t][i] + bias[o]      W [n_in, n_out] as in files: n_out rows of n_in
 *
 * s is 1, unless the matrix has a scale of its own beside those of its blocks: in files with NVFP4 it has,
 * because the scales of the blocks, of 8 bits each, cover only a small range.
 *
 * Few tokens (up to 48; 4 if the weights are quantised): dot products on the stored bytes, at memory speed; rows are split
 * statically into one contiguous range per thread. With F32, F16 and BF16 a token has the same bits beside one and beside 47 others. Many tokens: panels of rows are unpacked and
 * multiplied by one register-blocked micro-kernel. Quantised weights are multiplied as bytes, by
 * activations rounded to 8 bits (ActQ8), 32 with one scale; F32, F16 and BF16 as floats, by x as it is.
 * SIXFOLD_KERNELS=linear_halves:int16 multiplies F16 and BF16 as integers of 13 bits and a sign
 * (panel_int16.h), to which x is also rounded: faster, and logits are off by some 1e-4 of the largest.
 * Same bits for any number of threads.
 *
 * Interface:
 * - linear_n computes several matrices from the same x in one parallel region (q, k, v; gate, up).
 * - scratch: linear_scratch_bytes(), 64-byte aligned, owned by the caller, one call at a time.
 * - Quantised types need n_in to be whole blocks; linear_supports says whether a type can be used. */
#ifndef SIXFOLD_LINEAR_H
#define SIXFOLD_LINEAR_H

#include "quants.h"

typedef struct {
    const Tensor *w;   /* [n_in, n_out] dense */
    const float *bias; /* [n_out] or NULL */
    float *y;          /* [n_tok, y_stride] */
    int64_t y_stride;  /* floats between tokens, >= n_out */
    const float *scale; /* one number for the whole product, before the bias; NULL: 1 */
} LinearOut;

bool linear_supports(DType t);

/* What many tokens are multiplied as: integers of 8 or 16 bits, or 0 for floats. The kernels in use decide. */
int linear_product_bits(DType t);

/* Enough for any call with n_in <= max_in, n_tok <= max_tok on a pool of n_threads. */
int64_t linear_scratch_bytes(int64_t max_in, int64_t max_tok, int n_threads);

void linear_n(Pool *pool, void *scratch, const LinearOut *outs, int n_outs, const float *x,
              int64_t x_stride, int64_t n_tok);

/* One matrix without a scale, dense output. */
void linear(Pool *pool, void *scratch, float *y, const Tensor *w, const float *bias, const float *x,
            int64_t n_tok);

/* The rows [from, to) of matrix i. */
typedef void LinearRowsFn(void *ctx, int i, int64_t from, int64_t to, int thread);

/* The split of a call with few tokens: the matrices are one long list of rows, and each thread gets the
 * rows that begin in its stretch of the list's bytes. Whoever fills matrices by it lets each thread
 * touch first what it will read later: on a machine with several memory nodes the rows then lie in the
 * memory near that thread, if threads are bound. Only the shapes and types of the matrices are used. */
void linear_for_rows(Pool *pool, const LinearOut *outs, int n_outs, LinearRowsFn *fn, void *ctx);

#endif
