/* rope_apply.c: turns the pairs of every head by the angles of a table.
 *
 *   (a, b) -> (a cos - b sin, a sin + b cos)
 *
 * Interleaved: a pair is (2j, 2j+1). Half-split: a pair is (j, j + R/2). The two differ only in which
 * elements belong together; a model trained with one gives nonsense with the other.
 * x [n_head, d_head] in place; elements from R on are left alone. Products and sums round one by one
 * here and in the SIMD twin, so that all variants give the same bits.
 * Source: Su et al. 2021, eq. 34. */
#include "layer3_kernels.h"

//@ begin rope-interleaved
void rope_interleaved_scalar(float *x, int n_head, int d_head, int n_rot,
                             const float *table)
{
    int half = n_rot / 2;
    const float *cosine = table, *sine = table + half;
    for (int h = 0; h < n_head; h++, x += d_head)
        for (int j = 0; j < half; j++) {
            /* 1. Neighbours are a pair. */
            float a = x[2 * j], b = x[2 * j + 1];
            /* 2. Turn it. */
            x[2 * j] = a * cosine[j] - b * sine[j];
            x[2 * j + 1] = a * sine[j] + b * cosine[j];
        }
}
//@ end rope-interleaved

//@ begin rope-half
//@ exercise 3.3 rotary embedding, half-split pairs
/* Turns pair (j, j + n_rot/2) of each head by angle j of the table. */
EXERCISE void rope_half_scalar(float *x, int n_head, int d_head, int n_rot,
                               const float *table)
{
    int half = n_rot / 2;
    const float *cosine = table, *sine = table + half;
    for (int h = 0; h < n_head; h++, x += d_head)
        for (int j = 0; j < half; j++) {
            /* 1. An element of the first half pairs with one of the second. */
            float a = x[j], b = x[half + j];
            /* 2. Turn it. */
            x[j] = a * cosine[j] - b * sine[j];
            x[half + j] = a * sine[j] + b * cosine[j];
        }
}
//@ end exercise
//@ end rope-half
