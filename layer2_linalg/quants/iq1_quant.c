/* iq1_quant.c: weights to IQ1_S and IQ1_M: the bit pictures are in iq1.c.
 *
 * Three values, -1 + delta, delta and 1 + delta, in that order along the sorted weights: so a block is
 * cut at two places, and with sums of w x and w up to each place every pair of cuts costs a few
 * multiplications. Groups of 8 that are not in the codebook move to the nearest points of it.
 * Made to be used with an importance; without one IQ1_S counts all columns alike. */
#include "iq_fit.h"
#include "layer2_kernels.h"

#include <string.h>

/* A block of 32 or 16 weights, fitted: plus[g] says that delta is positive in its part g. */
typedef struct {
    int n, n_parts; /* weights; parts with a delta of their own: 1 in IQ1_S, 2 of 8 in IQ1_M */
    const float *x;
    float w[32], scale;
    bool plus[2];
    uint16_t row[4];
} Block1;

static float value(int level, bool plus) { return (float)(level - 1) + (plus ? 0.125f : -0.125f); }

/* Places of the weights in ascending order. */
static void sort(int order[32], const float *x, int n)
{
    for (int i = 0; i < n; i++) {
        int at = i;
        for (; at > 0 && x[order[at - 1]] > x[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

//@ begin iq1-cuts
/* The two cuts and the signs of delta that explain most; false if none does. */
static bool cut(Block1 *b, const int order[32], int *cut0, int *cut1)
{
    float wx[2][33] = {{0}}, ww[2][33] = {{0}}, best = 0.0f;
    for (int i = 0; i < b->n; i++)
        for (int p = 0; p < b->n_parts; p++) {
            int at = order[i];
            bool mine = at * b->n_parts / b->n == p;
            wx[p][i + 1] = wx[p][i] + (mine ? b->w[at] * b->x[at] : 0.0f);
            ww[p][i + 1] = ww[p][i] + (mine ? b->w[at] : 0.0f);
        }
    bool found = false;
    for (int i = 0; i <= b->n; i++)
        for (int j = i; j <= b->n; j++)
            for (int minus = 0; minus < 1 << b->n_parts; minus++) {
                float xv = 0.0f, vv = 0.0f;
                for (int p = 0; p < b->n_parts; p++) {
                    bool plus = !(minus >> (b->n_parts - 1 - p) & 1);
                    const float *a = wx[p], *c = ww[p];
                    float lo = value(0, plus), mid = value(1, plus), hi = value(2, plus);
                    xv += lo * a[i] + mid * (a[j] - a[i]) + hi * (a[b->n] - a[j]);
                    vv += lo * lo * c[i] + mid * mid * (c[j] - c[i]) +
                          hi * hi * (c[b->n] - c[j]);
                }
                if (!(vv > 0.0f && xv * xv > best * vv)) continue;
                b->scale = xv / vv;
                best = b->scale * xv;
                *cut0 = i, *cut1 = j, found = true;
                for (int p = 0; p < b->n_parts; p++)
                    b->plus[p] = !(minus >> (b->n_parts - 1 - p) & 1);
            }
    return found;
}
//@ end iq1-cuts

/* The row for levels of 8 weights: itself, or the nearest of its neighbours by weighted error. */
static int row_of(const Block1 *b, IqNear near, const int *level, int g, bool *moved)
{
    int cell = 0, best = 0;
    for (int j = 7; j >= 0; j--) cell = 3 * cell + level[j];
    float least = INFINITY;
    uint32_t from = near.first[cell], to = near.first[cell + 1];
    const float *x = b->x + 8 * g, *w = b->w + 8 * g;
    bool plus = b->plus[8 * g * b->n_parts / b->n];
    best = near.point[from];
    for (uint32_t c = from; c < to; c++) {
        const uint8_t *l = near.level + near.point[c] * 8;
        float error = 0.0f;
        for (int j = 0; j < 8; j++) {
            float e = b->scale * value(l[j], plus) - x[j];
            error += w[j] * e * e;
        }
        if (error < least) {
            least = error;
            best = near.point[c];
        }
    }
    for (int j = 0; j < 8; j++) *moved |= near.level[best * 8 + j] != level[j];
    return best;
}

static float value_at(const Block1 *b, IqNear near, int i)
{
    return value(near.level[b->row[i / 8] * 8 + i % 8], b->plus[i * b->n_parts / b->n]);
}

static void fit(Block1 *b, IqNear near, float least)
{
    float most = 0.0f;
    b->scale = 0.0f;
    b->plus[0] = b->plus[1] = true;
    memset(b->row, 0, sizeof b->row);
    for (int i = 0; i < b->n; i++) most = fmaxf(most, fabsf(b->x[i]));
    int order[32], level[32], i0 = 0, i1 = 0;
    if (!(most >= least)) return;
    /* 1. Levels from the best pair of cuts; a negative scale is a mirror image. */
    sort(order, b->x, b->n);
    if (!cut(b, order, &i0, &i1)) return;
    for (int i = 0; i < b->n; i++) level[order[i]] = i < i0 ? 0 : i < i1 ? 1 : 2;
    if (b->scale < 0.0f) {
        b->scale = -b->scale;
        for (int i = 0; i < b->n; i++) level[i] = 2 - level[i];
        for (int p = 0; p < b->n_parts; p++) b->plus[p] = !b->plus[p];
    }
    /* 2. Rows of the codebook, and the best scale for them. */
    bool moved = false;
    for (int g = 0; g < b->n / 8; g++)
        b->row[g] = (uint16_t)row_of(b, near, level + 8 * g, g, &moved);
    float xv = 0.0f, vv = 0.0f;
    for (int i = 0; moved && i < b->n; i++) {
        float v = value_at(b, near, i);
        xv += b->w[i] * b->x[i] * v;
        vv += b->w[i] * v * v;
    }
    if (xv > 0.0f && vv > 0.0f) b->scale = xv / vv;
}

/* All blocks of a super-block, s of each, and D: the largest scale / 15, or 0. */
static float fit_all(Block1 *blocks, int *s, int n, const float *x, const float *importance, bool ones)
{
    IqNear near = iq_near_of(IQ_1);
    float sigma2 = 2.0f * iq_mean_square(x), most = 0.0f;
    for (int k = 0; k < 256 / n; k++) {
        Block1 *b = &blocks[k];
        b->n = n;
        b->n_parts = n == 16 ? 2 : 1;
        b->x = x + n * k;
        for (int i = 0; i < n; i++) {
            float xi = b->x[i], root = sqrtf(sigma2 + xi * xi);
            b->w[i] = importance ? importance[n * k + i] * root : ones ? root : xi * xi;
        }
        fit(b, near, ones ? 1e-12f : 1e-7f);
        if (b->scale > most) most = b->scale;
    }
    for (int k = 0; k < 256 / n; k++)
        s[k] = most > 0.0f ? iq_round(0.5f * (blocks[k].scale / (most / 15.0f) - 1.0f), 7) : 0;
    return most / 15.0f;
}

void quant_iq1_s_scalar(void *out, const float *x, const float *importance, int64_t n)
{
    BlockIQ1_S *o = out;
    Block1 blocks[8];
    int s[8];
    for (int64_t i = 0; i < n / 256; i++, o++) {
        float d = fit_all(blocks, s, 32, x + 256 * i, importance ? importance + 256 * i : NULL, true);
        memset(o, 0, sizeof *o);
        o->d = f32_to_f16(1.125f * d);
        for (int k = 0; k < 8 && d > 0.0f; k++) {
            unsigned word = (unsigned)s[k] << 12 | (blocks[k].plus[0] ? 0u : 1u << 15);
            for (int g = 0; g < 4; g++) {
                o->q[4 * k + g] = (uint8_t)blocks[k].row[g];
                word |= (unsigned)(blocks[k].row[g] >> 8) << 3 * g;
            }
            o->qh[k] = (uint16_t)word;
        }
    }
}

/* D once more, by least squares over all 256 with their s. */
static float refit(const Block1 *blocks, const int *s)
{
    IqNear near = iq_near_of(IQ_1);
    float xv = 0.0f, vv = 0.0f;
    for (int i = 0; i < 256; i++) {
        const Block1 *b = &blocks[i / 16];
        float v = value_at(b, near, i % 16) * (float)(2 * s[i / 16] + 1);
        xv += b->w[i % 16] * b->x[i % 16] * v;
        vv += b->w[i % 16] * v * v;
    }
    return vv > 0.0f ? xv / vv : 0.0f;
}

void quant_iq1_m_scalar(void *out, const float *x, const float *importance, int64_t n)
{
    BlockIQ1_M *o = out;
    Block1 blocks[16];
    int s[16];
    for (int64_t i = 0; i < n / 256; i++, o++) {
        float d = fit_all(blocks, s, 16, x + 256 * i, importance ? importance + 256 * i : NULL, false);
        memset(o, 0, sizeof *o);
        if (!(d > 0.0f)) continue;
        uint16_t word[4], half = f32_to_f16(1.1125f * refit(blocks, s));
        for (int m = 0; m < 4; m++)
            word[m] = (uint16_t)((half >> 4 * m & 15) << 12 | s[4 * m] | s[4 * m + 1] << 3 |
                                 s[4 * m + 2] << 6 | s[4 * m + 3] << 9);
        memcpy(o->scales, word, sizeof word);
        for (int g = 0; g < 32; g++) {
            const Block1 *b = &blocks[g / 2];
            unsigned h = (unsigned)(b->row[g % 2] >> 8) | (b->plus[g % 2] ? 0u : 8u);
            o->q[g] = (uint8_t)b->row[g % 2];
            o->qh[g / 2] |= (uint8_t)(h << 4 * (g % 2));
        }
    }
}
