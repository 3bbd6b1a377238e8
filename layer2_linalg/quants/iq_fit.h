/* iq_fit.h: the search that quantisers of IQ3 and IQ2 share: a scale, and a row for each group.
 *
 * Magnitudes x [n] (a sign that was flipped for parity makes one negative) are fitted by scale * (2 l + 1),
 * l the levels of grid points: of a few inverse scales around that of the largest weight the one is
 * kept that explains most, (sum w x q)^2 / sum w q^2; its least squares scale is then refined. */
#ifndef SIXFOLD_IQ_FIT_H
#define SIXFOLD_IQ_FIT_H

#include "iq_near.h"
#include "quants.h"

#include <math.h>

/* Which groups are looked up again with the best scale. */
typedef enum { REFINE_MISSES, REFINE_ALL_IF_MISSED, REFINE_ALL } IqRefine;

typedef struct {
    int n, n_steps;  /* weights that share a scale; inverse scales tried on each side */
    float top, step; /* numerators: the largest magnitude is worth top + step * s */
    IqRefine refine;
} IqSearch;

/* row [n / near.n]; start is what the largest weight is taken for. 0: nothing fits. */
float iq_fit(const IqSearch *search, IqNear near, const float *x, const float *w, float start,
             uint16_t *row);

/* Nearest integer of v, ties to even, between 0 and most; NaN is 0. */
static inline int iq_round(float v, int most)
{
    return v >= (float)most ? most : v > 0.0f ? (int)rintf(v) : 0;
}

/* Weights of errors: importance * sqrt(sigma2 + x^2), or without importance what the format says. */
static inline void iq_weights(float *w, const float *x, const float *importance, float sigma2, int n)
{
    for (int i = 0; i < n; i++) w[i] = importance[i] * sqrtf(sigma2 + x[i] * x[i]);
}

static inline float iq_mean_square(const float *x)
{
    float sum = 0.0f;
    for (int i = 0; i < 256; i++) sum += x[i] * x[i];
    return sum / 256.0f;
}

/* Signs of 8 weights, magnitudes in their place. Even: the least important sign is given up for parity,
 * and its magnitude becomes negative. */
static inline unsigned iq_take_signs(float *ax, const float *x, const float *w, bool even)
{
    unsigned signs = 0;
    int least = 0, n_minus = 0;
    for (int j = 0; j < 8; j++) {
        ax[j] = fabsf(x[j]);
        if (x[j] < 0.0f) {
            signs |= 1u << j;
            n_minus++;
        }
        if (w[j] * x[j] * x[j] < w[least] * x[least] * x[least]) least = j;
    }
    if (even && n_minus % 2) {
        ax[least] = -ax[least];
        signs ^= 1u << least;
    }
    return signs;
}

static inline float iq_largest(const float *x, int n)
{
    float most = x[0];
    for (int i = 1; i < n; i++)
        if (x[i] > most) most = x[i];
    return most;
}

#endif
