/* softmax.c: probabilities from scores, in two ways.
 *
 *   y_i = exp(x_i - m) / sum_j exp(x_j - m),   m = max_j x_j
 *
 * Subtracting m changes nothing (e^-m cancels) and keeps every exponent <= 0, so nothing overflows.
 * x [n] is one row of scores; the result replaces it. The search for m starts at -FLT_MAX, not at
 * -INFINITY: a row of only -INFINITY then gives exp(-inf) = 0 everywhere instead of
 * exp(-inf + inf) = NaN. Sums are taken in f32 from left to right: relative error at most n * 2^-24.
 * Source: Goodfellow et al. 2016, section 4.1; Milakov and Gimelshein 2018, algorithm 3. */
#include "layer3_kernels.h"

#include <float.h>
#include <math.h>

//@ begin softmax-stable
//@ exercise 3.1 softmax that does not overflow
/* Scores x [n] become probabilities, in place. */
EXERCISE void softmax_two_pass(float *x, int64_t n)
{
    /* 1. The maximum (a comparison with NaN is false: NaN is skipped). */
    float m = -FLT_MAX;
    for (int64_t i = 0; i < n; i++)
        if (x[i] > m) m = x[i];
    /* 2. Exponentials, the largest of which is exp(0) = 1, and their sum. */
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++) {
        x[i] = expf(x[i] - m);
        sum += x[i];
    }
    /* 3. Divide by the sum; it is 0 only if every score was -INFINITY. */
    float scale = sum == 0.0f ? 0.0f : 1.0f / sum;
    for (int64_t i = 0; i < n; i++) x[i] *= scale;
}
//@ end exercise
//@ end softmax-stable

/* One reading of the scores finds both m and the sum. At element i the sum is relative to the
 * maximum so far; when that moves from m to m', every term e^(x - m) must become e^(x - m'), and
 * that is one factor e^(m - m') for all of them. Flash attention rests on this step. */
//@ begin softmax-online
void softmax_online(float *x, int64_t n)
{
    float m = -FLT_MAX, sum = 0.0f;
    for (int64_t i = 0; i < n; i++) {
        /* 1. A new maximum: express the old sum relative to it. */
        if (x[i] > m) {
            sum *= expf(m - x[i]);
            m = x[i];
        }
        /* 2. Add this element. */
        sum += expf(x[i] - m);
    }
    /* 3. Exponentials again, divided by the sum. */
    float scale = sum == 0.0f ? 0.0f : 1.0f / sum;
    for (int64_t i = 0; i < n; i++) x[i] = expf(x[i] - m) * scale;
}
//@ end softmax-online
