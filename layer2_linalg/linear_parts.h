/* linear_parts.h: the four ways of linear_n, chosen in linear.c by tokens and type. Private. */
#ifndef SIXFOLD_LINEAR_PARTS_H
#define SIXFOLD_LINEAR_PARTS_H

#include "linear.h"

/* From this many tokens on, unpacking a weight once costs less than meeting it token by token, or tile by tile. Measured
 * with one thread: floats are equal at 48 to 64 tokens (a model of 1.1 billion weights in F16 or BF16; with AVX2 at 50),
 * bytes with K = 2048 at 3 to 5 with AVX-512 and at 4 to 5 with AVX2 (Q8_0: 8). */
enum { LINEAR_FEW = 49, LINEAR_FEW_INT8 = 5 };

/* One call of linear_n, shared by all threads. */
typedef struct {
    const LinearOut *outs;
    int n_outs;
    const float *x; /* [n_tok, x_stride] */
    int64_t x_stride, n_tok, n_in;
    char *scratch;
} LinearJob;

/* The last step of all ways: rows [row, row + n_rows) of the product times the scale, plus the bias. */
void linear_finish(const LinearOut *o, int64_t row, int64_t n_rows, int64_t n_tok);

static inline int64_t linear_align(int64_t n_bytes) { return (n_bytes + 63) / 64 * 64; }

int64_t linear_few_scratch(int64_t max_in, int64_t max_tok);
void linear_few(Pool *pool, const LinearJob *job);

int64_t linear_many_scratch(int64_t max_in, int64_t max_tok, int n_threads);
void linear_many(Pool *pool, const LinearJob *job);

int64_t linear_int8_scratch(int64_t max_in, int64_t max_tok, int n_threads);
void linear_int8(Pool *pool, const LinearJob *job);

/* For matrices whose format unpacks: linear_many is exact in x and slow, linear_int8 rounds x to 8 bits. */
typedef void linear_quantised_fn(Pool *pool, const LinearJob *job);
extern linear_quantised_fn *linear_quantised;

int64_t linear_int16_scratch(int64_t max_in, int64_t max_tok, int n_threads);
void linear_int16(Pool *pool, const LinearJob *job);

/* For F16 and BF16: linear_many is exact in x and w, linear_int16 rounds both to 13 bits and a sign. */
typedef void linear_halves_fn(Pool *pool, const LinearJob *job);
extern linear_halves_fn *linear_halves;

#endif
