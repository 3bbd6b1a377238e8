/* dots.h: some rows of weights times a few tokens, both as they lie in memory. Private to layer 2.
 *
 *   sums[r][t] (+)= sum_k w[r][k] * x[t][k]           r < n_rows, t < n_tok <= DOTS_TOKENS, k < n
 *
 * One dot product per row and token would load each weight n_tok times and widen it as often. Here a few rows
 * meet a few tokens: a register of weights is loaded and widened once for all tokens, a register of
 * activations loaded once for all rows, and nothing is turned or packed before.
 *
 * Interface:
 * - w: the first row, in the type of the name; row_bytes from one row to the next. x: the first token.
 * - sums is [n_rows][n_tok], dense; with `add` the sums are added to what is there.
 * - A sum's bits depend on its row and its token alone, not on n_rows, n_tok or the neighbours.
 * - The rows after the last are asked for ahead of time (prefetched): harmless past the end of a matrix. */
#ifndef SIXFOLD_DOTS_H
#define SIXFOLD_DOTS_H

#include <stdbool.h>
#include <stdint.h>

enum { DOTS_TOKENS = 8 };

typedef struct {
    const char *w;
    int64_t row_bytes;
    const float *x;
    int64_t x_stride; /* floats from one token to the next */
    int n_rows, n_tok;
    int64_t n;
} Dots;

typedef void dots_fn(float *sums, const Dots *d, bool add);

extern dots_fn *dots_f32, *dots_f16, *dots_bf16;

#endif
