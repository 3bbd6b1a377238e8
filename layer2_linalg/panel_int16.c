/* panel_int16.c: scalar twins of rounding, packing and multiplying (see panel_int16.h). */
#include "layer2_kernels.h"

#include <float.h>
#include <math.h>

enum { K = PANEL_INT16_K, GROUP = PANEL_INT16_GROUP, GROUPS = PANEL_INT16_GROUPS };

/* Nearest integer, ties to even, for |x| < 2^22: 1.5 * 2^23 has no bits left for a fraction. */
static float round_even(float x)
{
    const float big = 12582912.0f;
    return (x + big) - big;
}

/* n <= GROUP floats; returns their scale. */
static float round_group(int16_t q[GROUP], const float *x, int64_t n)
{
    /* 1. The largest magnitude; NaN and infinity are remembered. */
    float largest = 0.0f;
    for (int64_t j = 0; j < n; j++)
        if (!(fabsf(x[j]) <= largest)) largest = fabsf(x[j]);
    for (int64_t j = 0; j < n; j++)
        if (!(fabsf(x[j]) <= FLT_MAX)) largest = NAN;
    /* 2. Scale and its inverse. */
    float scale = largest / (float)PANEL_INT16_MOST;
    float inverse = scale >= FLT_MIN ? (float)PANEL_INT16_MOST / largest : 0.0f;
    if (scale < FLT_MIN) scale = 0.0f;
    /* 3. Codes. */
    for (int64_t j = 0; j < GROUP; j++)
        q[j] = j < n && scale == scale ? (int16_t)round_even(x[j] * inverse) : 0;
    return scale;
}

void panel_int16_round_scalar(TileInt16 out, const float *x, int64_t x_stride, int n_tok, int64_t n_k)
{
    for (int64_t k = 0; k < n_k; k += GROUP)
        for (int t = 0; t < n_tok; t++, out.q += GROUP)
            *out.scale++ = round_group(out.q, x + t * x_stride + k, n_k - k < GROUP ? n_k - k : GROUP);
}

void panel_int16_pack_scalar(PanelInt16 out, RowsInt16 rows, int64_t n_k)
{
    for (int r = 0; r < PANEL_ROWS; r++) {
        /* 1. Two columns of a row become neighbours. */
        for (int64_t k = 0; k < (n_k + 7) / 8 * 8; k++)
            out.q[(k / 2 * PANEL_ROWS + r) * 2 + k % 2] = rows.q[r * K + k];
        /* 2. The scale of each group. */
        for (int64_t g = 0; g < (n_k + GROUP - 1) / GROUP; g++)
            out.scale[g * PANEL_ROWS + r] = rows.scale[r * GROUPS + g];
    }
}

//@ begin panel-int16-scalar
/* Row r times token t of a tile: the columns of group g. */
static float add_group(float y, PanelInt16 w, TileInt16 a, int n_tok,
                       int64_t n_k, int64_t g, int r, int t)
{
    /* 1. Integers: exact. */
    int32_t s = 0;
    for (int64_t k = g * GROUP; k < (g + 1) * GROUP && k < n_k; k++)
        s += w.q[(k / 2 * PANEL_ROWS + r) * 2 + k % 2] *
             a.q[(g * n_tok + t) * GROUP + k % GROUP];
    /* 2. Both scales. */
    return y + w.scale[g * PANEL_ROWS + r] * (float)s * a.scale[g * n_tok + t];
}
//@ end panel-int16-scalar

void panel_int16_mul_scalar(float *y, int64_t y_stride, const float *from, int64_t from_stride,
                            PanelInt16 w, TileInt16 a, int n_tok, int64_t n_k)
{
    for (int t = 0; t < n_tok; t++)
        for (int r = 0; r < PANEL_ROWS; r++) {
            float sum = from[t * from_stride + r];
            for (int64_t g = 0; g * GROUP < n_k; g++)
                sum = add_group(sum, w, a, n_tok, n_k, g, r, t);
            y[t * y_stride + r] = sum;
        }
}
