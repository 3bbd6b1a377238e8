/* search.c: how a quantiser finds the scale of a group: many starts, improved side by side.
 *
 * Two unknowns hold each other. Given the codes, the best scale and minimum are a weighted
 * regression line through the points (code_i, x_i): a formula. Given the line, the best codes are
 * the nearest ones: rounding. Taking turns never makes the error larger, but ends in the first dip
 * it finds. So 16 starts run side by side, each stretching the codes a little further or less far
 * than from the smallest to the largest weight, and the best of all their lines wins.
 *
 * The starts are the inner loop: each is one lane of a vector, sums its weights in their order, and
 * needs no other lane. A compiler makes vectors of that loop without changing a bit of any result.
 *
 * The error of a line need not be summed up: for the best line through given codes it is
 *   sum w x^2 - (scale * sum w code x + least * sum w x),
 * and the largest gain, the bracket, is the smallest error. Source: any text on weighted least
 * squares; taking turns is Lloyd 1982, "Least squares quantization in PCM", on a ruler. */
#include "search.h"

#include <math.h>

enum { STARTS = 16, ROUNDS = 2 };

/* Start s gives the weight x the code nearest to x * inverse[s] + shift[s]. */
typedef struct { float inverse[STARTS], shift[STARTS]; } Rulers;
typedef struct { float c[STARTS], cc[STARTS], cx[STARTS]; } Sums;

//@ begin search-sums
/* Sums over all weights of w * code, w * code^2 and w * code * x. */
static void sums_of(Sums *restrict out, const Rulers *restrict at,
                    const float *restrict x, const float *restrict w,
                    int n, float lo, float hi)
{
    Sums sums = {0};
    for (int i = 0; i < n; i++) {
        for (int s = 0; s < STARTS; s++) {
            float v = x[i] * at->inverse[s] + at->shift[s];
            float code = quant_nearest(v, lo, hi), wc = w[i] * code;
            sums.c[s] += wc;
            sums.cc[s] += wc * code;
            sums.cx[s] += wc * x[i];
        }
    }
    *out = sums;
}
//@ end search-sums

/* ---------------------------------------------------------------- scale and minimum */

//@ begin search-line
/* The best line through the codes of each start: its own regression. */
static void lines_of(float *restrict scale, float *restrict least,
                     const Sums *restrict s, float w, float wx, float highest)
{
    for (int i = 0; i < STARTS; i++) {
        float d = w * s->cc[i] - s->c[i] * s->c[i];
        float b = (s->cc[i] * wx - s->c[i] * s->cx[i]) / d;
        b = b < highest ? b : highest;
        /* With b fixed, the best scale is the one of the weights x - b. */
        float a = (s->cx[i] - b * s->c[i]) / s->cc[i];
        bool is_line = d > 0.0f && a > 0.0f;
        scale[i] = is_line ? a : 0.0f;
        least[i] = is_line ? b : 0.0f;
    }
}
//@ end search-line

/* Both ends of the range may lie up to 0.6 codes outside or inside the first and the last code. */
static Rulers rulers_of_range(float least, float most, int top)
{
    static const float cut[4] = {-0.7f, -0.3f, 0.0f, 0.4f};
    Rulers r;
    for (int s = 0; s < STARTS; s++) {
        float above = cut[s % 4], below = cut[s / 4];
        r.inverse[s] = ((float)top + above + below) / (most - least);
        r.shift[s] = -least * r.inverse[s] - below;
    }
    return r;
}

QuantFit quant_fit_line(const float *x, const float *w, int n, int top, bool free_least)
{
    /* 1. The range, and the sums that do not depend on codes. */
    float highest = free_least ? INFINITY : 0.0f;
    float least = highest, most = -INFINITY, sum_w = 0.0f, sum_wx = 0.0f;
    for (int i = 0; i < n; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
        sum_w += w[i];
        sum_wx += w[i] * x[i];
    }
    /* 2. Without codes the best value is the mean. */
    float mean = sum_wx / sum_w;
    QuantFit best = {.least = mean < highest ? mean : highest};
    best.gain = best.least * sum_wx;
    if (!(most > least)) return best;
    /* 3. Codes for each start, lines for their codes, codes for these lines, and so on. */
    Rulers at = rulers_of_range(least, most, top);
    for (int round = 0; round < ROUNDS; round++) {
        Sums sums;
        float a[STARTS], b[STARTS];
        sums_of(&sums, &at, x, w, n, 0.0f, (float)top);
        lines_of(a, b, &sums, sum_w, sum_wx, highest);
        for (int s = 0; s < STARTS; s++) {
            float gain = a[s] * sums.cx[s] + b[s] * sum_wx;
            if (gain > best.gain) best = (QuantFit){a[s], b[s], gain, sums.cc[s]};
            at.inverse[s] = a[s] > 0.0f ? 1.0f / a[s] : 0.0f;
            at.shift[s] = -b[s] * at.inverse[s];
        }
    }
    return best;
}

/* ---------------------------------------------------------------- only a scale */

QuantFit quant_fit_scale(const float *x, const float *w, int n, int lo, int hi)
{
    QuantFit best = {0};
    float m = 0.0f;
    for (int i = 0; i < n; i++) m = fabsf(x[i]) > fabsf(m) ? x[i] : m;
    if (m == 0.0f) return best;
    /* 1. The first weight of largest magnitude falls up to 0.9 codes beside the last code of the
     * longer side. */
    Rulers at = {0};
    float side = -lo > hi ? -1.0f : 1.0f, last = -lo > hi ? (float)-lo : (float)hi;
    for (int s = 0; s < STARTS; s++)
        at.inverse[s] = side * (last + 0.12f * ((float)s - 8.0f)) / m;
    /* 2. The best scale for the codes of each start, codes for these scales, and so on. */
    for (int round = 0; round < ROUNDS; round++) {
        Sums sums;
        sums_of(&sums, &at, x, w, n, (float)lo, (float)hi);
        for (int s = 0; s < STARTS; s++) {
            float a = sums.cc[s] > 0.0f ? sums.cx[s] / sums.cc[s] : 0.0f;
            float gain = a * sums.cx[s];
            if (gain > best.gain) best = (QuantFit){a, 0.0f, gain, sums.cc[s]};
            at.inverse[s] = a != 0.0f ? 1.0f / a : 0.0f;
        }
    }
    return best;
}
