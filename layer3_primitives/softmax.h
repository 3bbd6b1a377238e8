/* softmax.h: scores to probabilities, in place, on one row.
 *
 *   y_i = exp(x_i - m) / sum_j exp(x_j - m),   m = max_j x_j
 *
 * Variants of op "softmax": two_pass (maximum first, then exponentials), online (maximum and sum in
 * one pass, correcting the sum when the maximum moves), and SIMD twins.
 *
 * Interface: n >= 1. Scores of -INFINITY get probability 0; if all are -INFINITY the row becomes 0
 * everywhere. A NaN or +INFINITY score makes the row NaN, never a crash. Concurrent use is fine.
 * Source: Goodfellow et al. 2016, 4.1; Milakov and Gimelshein 2018 (online form). */
#ifndef SIXFOLD_SOFTMAX_H
#define SIXFOLD_SOFTMAX_H

#include <stdint.h>

typedef void softmax_fn(float *x, int64_t n);
extern softmax_fn *softmax;

#endif
