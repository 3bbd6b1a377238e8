/* block_search.c: the numbers of a K block: two levels of scales, found from below.
 *
 * 1. Each group finds its own scale and minimum (search.h), as if they were stored exactly.
 * 2. They are not: the scales of all groups become small integers, d times which is nearest to them;
 *    so d is itself searched for, as the scale of a group of scales. An error of a scale costs
 *    sum w code^2 of its group, an error of a minimum sum w: these are the weights.
 * 3. Only now the final codes: the nearest for the scales that the file really holds.
 *
 * Which errors are to be small? w_i = importance_i * sqrt(2 mean(x^2) + x_i^2): a large weight may be
 * off by a little more than a small one, but by less in proportion to its size; importance says how
 * strongly the column's activations amplify the error. The formats with blocks of 32 search in the
 * same way, but only if there is an importance: without it they round to the range of the block. */
#include "block_search.h"

#include "half.h"

#include <float.h>
#include <math.h>

enum { BLOCK = 256 };
#define LEAST 0x1p-40f /* a block of smaller weights has no half for a scale */

/* The weights as they are searched: scaled by a power of two, so that no sum overflows. */
typedef struct {
    float x[BLOCK], w[BLOCK];
    float unit; /* 2^e: a weight of the file is x * unit */
} Work;

static float largest_of(const float *x, int n)
{
    float most = 0.0f;
    bool finite = true;
    for (int i = 0; i < n; i++) {
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
        finite &= fabsf(x[i]) <= FLT_MAX;
    }
    return finite ? most : NAN;
}

/* Importance relative to the block's largest; none below a millionth, so that no sum underflows. */
static void relative_importance(float *w, const float *importance, int n)
{
    float most = 0.0f;
    for (int i = 0; importance && i < n; i++)
        if (importance[i] > most && importance[i] <= FLT_MAX) most = importance[i];
    for (int i = 0; i < n; i++) {
        float v = most > 0.0f ? importance[i] / most : 1.0f;
        w[i] = v >= 1e-6f && v <= 1.0f ? v : 1e-6f;
    }
}

//@ begin search-weights
/* x between -2 and 2, and w: how much an error of each weight counts. */
static void prepare(Work *k, const float *x, const float *importance,
                    int n, float largest)
{
    int e;
    frexpf(largest, &e); /* 2^(e-1) <= largest < 2^e */
    k->unit = ldexpf(1.0f, e - 1);
    float inverse = 1.0f / k->unit, squares = 0.0f;
    for (int i = 0; i < n; i++) {
        k->x[i] = x[i] * inverse;
        squares += k->x[i] * k->x[i];
    }
    relative_importance(k->w, importance, n);
    float mean = squares / (float)n;
    for (int i = 0; i < n; i++)
        k->w[i] *= sqrtf(2.0f * mean + k->x[i] * k->x[i]);
}
//@ end search-weights

/* v * unit as a half, perhaps infinity; and what that half is, in units. Where halves have few bits left
 * it is rounded away from zero: a scale that is too large wastes codes, one too small cuts weights off. */
static uint16_t stored_half(float *back, float v, float unit)
{
    float size = fabsf(v) * unit;
    uint16_t half = size < 0x1p-14f ? (uint16_t)ceilf(size * 0x1p24f) : f32_to_f16(size);
    half |= v < 0.0f ? 0x8000 : 0;
    *back = f16_to_f32(half) / unit;
    return half;
}

/* A line of another scale than the best one is best turned around the centre of gravity. */
static float turned(QuantFit f, float scale, float mean)
{
    return f.scale > 0.0f ? mean - (mean - f.least) * (scale / f.scale) : f.least;
}

/* The integers nearest to v / d, and d as a half, for n numbers v, errors of which cost `costs`. */
static uint16_t second_level(int8_t *out, float *stored, const float *v, const float *costs, int n,
                             int lo, int hi, float unit)
{
    uint16_t half = stored_half(stored, quant_fit_scale(v, costs, n, lo, hi).scale, unit);
    for (int g = 0; g < n; g++)
        out[g] = *stored == 0.0f ? 0 : (int8_t)quant_nearest(v[g] / *stored, (float)lo, (float)hi);
    return half;
}

/* sum w and sum w x / sum w. */
static float mean_of(float *sum_w, const float *x, const float *w, int n)
{
    float sum = 0.0f;
    *sum_w = 0.0f;
    for (int i = 0; i < n; i++) {
        *sum_w += w[i];
        sum += w[i] * x[i];
    }
    return sum / *sum_w;
}

/* The codes nearest to all weights, for scales and mins as they are stored: d and dmin in units. */
static void final_codes(KNumbers *out, const Work *k, float d, float dmin, KShape shape)
{
    for (int g = 0; g < BLOCK / shape.group; g++) {
        float step = d * (float)out->scales[g], least = dmin * (float)out->mins[g];
        float inverse = step == 0.0f ? 0.0f : 1.0f / step;
        for (int i = g * shape.group; i < (g + 1) * shape.group; i++)
            out->codes[i] = (int8_t)quant_nearest((k->x[i] + least) * inverse, (float)shape.lo,
                                                  (float)shape.hi);
    }
}

void quant_k_search(KNumbers *out, const float *x, const float *importance, KShape shape)
{
    *out = (KNumbers){0};
    float largest = largest_of(x, BLOCK);
    if (isnan(largest)) out->d = 0x7E00;
    if (!(largest >= LEAST)) return;
    Work k;
    prepare(&k, x, importance, BLOCK, largest);

    /* 1. Scales and minimums of the groups. */
    QuantFit fits[16];
    float scales[16], costs[16];
    int n_groups = BLOCK / shape.group;
    for (int g = 0; g < n_groups; g++) {
        const float *gx = k.x + g * shape.group, *gw = k.w + g * shape.group;
        fits[g] = shape.has_min ? quant_fit_line(gx, gw, shape.group, shape.hi, false)
                                : quant_fit_scale(gx, gw, shape.group, shape.lo, shape.hi);
        scales[g] = fits[g].scale;
        costs[g] = fits[g].stiffness;
    }
    /* 2. The scales as integers; the minimums that suit them, as integers too. */
    float d, dmin = 0.0f, mins[16];
    out->d = second_level(out->scales, &d, scales, costs, n_groups, shape.scale_lo, shape.scale_hi,
                          k.unit);
    for (int g = 0; shape.has_min && g < n_groups; g++) {
        float mean = mean_of(&costs[g], k.x + g * shape.group, k.w + g * shape.group, shape.group);
        float least = turned(fits[g], d * (float)out->scales[g], mean);
        mins[g] = least < 0.0f ? -least : 0.0f;
    }
    if (shape.has_min)
        out->dmin = second_level(out->mins, &dmin, mins, costs, n_groups, 0, shape.scale_hi, k.unit);
    /* 3. Codes for what is stored. */
    final_codes(out, &k, d, dmin, shape);
}

QuantFit quant_fit_32(const float *x, const float *importance, int lo, int hi)
{
    enum { N = 32 };
    float largest = largest_of(x, N);
    if (isnan(largest)) return (QuantFit){.scale = NAN};
    if (!(largest >= LEAST)) return (QuantFit){0};
    Work k;
    prepare(&k, x, importance, N, largest);
    /* A minimum far from zero would hide the differences between weights: search around the first. */
    float first = lo < 0 ? 0.0f : k.x[0], scale, sum_w;
    for (int i = 0; i < N; i++) k.x[i] -= first;
    QuantFit fit = lo < 0 ? quant_fit_scale(k.x, k.w, N, lo, hi) : quant_fit_line(k.x, k.w, N, hi, true);
    stored_half(&scale, fit.scale, k.unit);
    if (lo == 0) fit.least = first + turned(fit, scale, mean_of(&sum_w, k.x, k.w, N));
    fit.scale = scale * k.unit;
    stored_half(&fit.least, fit.least, k.unit);
    fit.least *= k.unit;
    return fit;
}
