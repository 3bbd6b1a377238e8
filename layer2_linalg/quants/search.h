/* search.h: the scale, or the scale and the minimum, that a group of weights shares: found by search.
 *
 *   x_i ~ scale * code_i + least          codes are integers, the weighted error is to be small:
 *   sum w_i (x_i - scale * code_i - least)^2
 *
 * Interface: pure functions, safe to call concurrently. w_i > 0 for at least one i; x and w are
 * finite, and so small or large that no sum of w x^2 leaves the range of f32 (block_search.c scales
 * weights to at most 2 and importances to at most 1 first). n <= 256. Same input, same bits on every
 * machine: each sum has one order, the order of the weights. */
#ifndef SIXFOLD_SEARCH_H
#define SIXFOLD_SEARCH_H

#include <stdbool.h>

typedef struct {
    float scale, least;
    float gain;      /* sum w x^2 less the error that is left: what scale, least and codes explain */
    float stiffness; /* sum w code^2: how fast the error grows when the scale is moved */
} QuantFit;

/* Codes 0 to top; least is negative or 0, or anything if `free_least`; scale >= 0. */
QuantFit quant_fit_line(const float *x, const float *w, int n, int top, bool free_least);

/* Codes lo to hi, lo <= 0 < hi; no minimum: least is 0. scale has the sign that suits. */
QuantFit quant_fit_scale(const float *x, const float *w, int n, int lo, int hi);

/* The integer nearest to v, ties to even, between lo and hi (within +-2^22); lo if v is a NaN. */
static inline float quant_nearest(float v, float lo, float hi)
{
    const float magic = 0x1.8p23f; /* above it floats are integers: adding it rounds */
    v = v > lo ? v : lo;
    v = v < hi ? v : hi;
    return (v + magic) - magic;
}

#endif
