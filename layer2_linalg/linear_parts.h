/* linear_parts.h: the two ways of linear_n, chosen in linear.c by the number of tokens. Private. */
#ifndef SIXFOLD_LINEAR_PARTS_H
#define SIXFOLD_LINEAR_PARTS_H

#include "linear.h"

/* From this many tokens on, unpacking a weight once costs less than the separate dot products. */
enum { LINEAR_FEW = 4 };

/* One call of linear_n, shared by all threads. */
typedef struct {
    const LinearOut *outs;
    int n_outs;
    const float *x; /* [n_tok, x_stride] */
    int64_t x_stride, n_tok, n_in;
    char *scratch;
} LinearJob;

static inline int64_t linear_align(int64_t n_bytes) { return (n_bytes + 63) / 64 * 64; }

int64_t linear_few_scratch(int64_t max_in, int64_t max_tok);
void linear_few(Pool *pool, const LinearJob *job);

int64_t linear_many_scratch(int64_t max_in, int64_t max_tok, int n_threads);
void linear_many(Pool *pool, const LinearJob *job);

#endif
