/* lowrank.h: a matrix changed by two thin ones, without being touched: what a LoRA adapter is.
 *
 *   y = W x + s B (A x)      W [n_in, n_out], A [n_in, r], B [r, n_out]
 *
 * B A has the shape of W but says only r (n_in + n_out) numbers, so a change of a large model is a small
 * file, and W may be of any type and shared by many such changes.
 *
 * Variants of op "lowrank", same signature:
 *   merged     makes each row of s B A and multiplies x by it: what W + s B A would compute
 *   factored   A x first, r numbers, then B times those: r (n_in + n_out) products instead of n_in n_out
 *
 * Interface:
 * - lowrank_linear_n is linear_n, and adds to each y what the set has for that matrix. A matrix is found
 *   by the address of its numbers. Without a set it costs a comparison.
 * - lowrank_row adds a row of s B A to a row of W: merging, and the look-up of an embedding.
 * - B is kept column by column ([n_out] floats each), so that adding to y runs along memory; the rows of
 *   a part of W are then a piece of each column.
 * - One call at a time per set (its scratch). Same bits for any number of threads.
 * Source: Hu et al. 2021, arXiv:2106.09685. */
#ifndef SIXFOLD_LOWRANK_H
#define SIXFOLD_LOWRANK_H

#include "linear.h"

typedef struct {
    const void *w;         /* data of the matrix that it belongs to */
    int order;             /* several of one matrix are added in this order */
    int rank;
    int64_t n_in, n_out;   /* of the matrix */
    const float *a;        /* [rank, n_in] */
    const float *b;        /* [rank, b_stride], of which n_out count */
    int64_t b_stride;
    float scale;
} LowRank;

typedef struct {
    const LowRank *items;  /* [n] in the order of lowrank_sort */
    int64_t n;
    float *scratch;        /* [scratch_floats], lowrank_scratch_floats of the largest call */
    int64_t scratch_floats;
} LowRankSet;

/* x and y as in linear_n; scratch as in the set; linear: linear_scratch_bytes for n_in and n_tok. */
typedef struct {
    const LowRank *l;
    float *y;
    int64_t y_stride;
    const float *x;
    int64_t x_stride, n_tok;
    float *scratch;
    void *linear;
} LowRankCall;

/* y += s B (A x) for all tokens. */
typedef void lowrank_fn(Pool *pool, const LowRankCall *c);
extern lowrank_fn *lowrank;

/* w [n_in] += row `row` of s B A. */
void lowrank_row(const LowRank *l, int64_t row, float *w);

int64_t lowrank_scratch_floats(int64_t max_in, int64_t max_tok, int max_rank);

/* By matrix, then by order. */
void lowrank_sort(LowRank *items, int64_t n);

/* set: NULL for none. The other arguments are linear_n's. */
void lowrank_linear_n(const LowRankSet *set, Pool *pool, void *scratch, const LinearOut *outs, int n_outs,
                      const float *x, int64_t x_stride, int64_t n_tok);

/* One matrix, dense rows. */
void lowrank_linear(const LowRankSet *set, Pool *pool, void *scratch, float *y, const Tensor *w,
                    const float *bias, const float *x, int64_t n_tok);

#endif
