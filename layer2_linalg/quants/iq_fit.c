/* iq_fit.c: the search behind iq_fit.h. */
#include "iq_fit.h"

typedef struct { float xq, qq; } Sums;

//@ begin iq-choose
/* The row for one group at a scale: the wish if it is on the grid, else of
 * the candidates the one with the least weighted error. */
static int choose(IqNear near, const float *x, const float *w, float scale,
                  float inverse, bool *on_grid)
{
    int cell = 0, unit = 1;
    for (int j = 0; j < near.n; j++, unit *= near.n_levels)
        cell += unit * iq_round(0.5f * (inverse * x[j] - 1.0f),
                                near.n_levels - 1);
    uint32_t from = near.first[cell], to = near.first[cell + 1];
    int best = near.point[from], rest = cell;
    *on_grid = true;
    for (int j = 0; j < near.n; j++, rest /= near.n_levels)
        *on_grid &= near.level[best * near.n + j] == rest % near.n_levels;
    if (*on_grid) return best;
    float least = INFINITY;
    for (uint32_t c = from; c < to; c++) {
        const uint8_t *level = near.level + near.point[c] * near.n;
        float error = 0.0f;
        for (int j = 0; j < near.n; j++) {
            float e = scale * (float)(2 * level[j] + 1) - x[j];
            error += sqrtf(w[j]) * e * e;
        }
        if (error < least) {
            least = error;
            best = near.point[c];
        }
    }
    return best;
}
//@ end iq-choose

static Sums sums_of(IqNear near, const float *x, const float *w, const uint16_t *row, int n)
{
    Sums s = {0.0f, 0.0f};
    for (int i = 0; i < n; i++) {
        float q = (float)(2 * near.level[row[i / near.n] * near.n + i % near.n] + 1);
        s.xq += w[i] * x[i] * q;
        s.qq += w[i] * q * q;
    }
    return s;
}

float iq_fit(const IqSearch *search, IqNear near, const float *x, const float *w, float start,
             uint16_t *row)
{
    int n = search->n, n_groups = n / near.n, n_missed = 0;
    float best = 0.0f, scale = 0.0f;
    bool on_grid[8] = {false};
    for (int g = 0; g < n_groups; g++) row[g] = 0;
    /* 1. A scale from each candidate. */
    for (int s = -search->n_steps; s <= search->n_steps; s++) {
        float inverse = (search->top + (float)s * search->step) / start;
        uint16_t tried[8];
        bool hit[8];
        for (int g = 0; g < n_groups; g++)
            tried[g] = (uint16_t)choose(near, x + g * near.n, w + g * near.n, 1.0f / inverse, inverse,
                                        &hit[g]);
        Sums t = sums_of(near, x, w, tried, n);
        if (!(t.qq > 0.0f && t.xq * t.xq > best * t.qq)) continue;
        scale = t.xq / t.qq;
        best = scale * t.xq;
        for (int g = 0; g < n_groups; g++) {
            row[g] = tried[g];
            on_grid[g] = hit[g];
        }
    }
    /* 2. Rows for the best scale, then the best scale for these rows. */
    for (int g = 0; g < n_groups; g++) n_missed += !on_grid[g];
    if (!(scale > 0.0f) || (n_missed == 0 && search->refine != REFINE_ALL)) return scale;
    for (int g = 0; g < n_groups; g++)
        if (search->refine != REFINE_MISSES || !on_grid[g])
            row[g] = (uint16_t)choose(near, x + g * near.n, w + g * near.n, scale, 1.0f / scale,
                                      &on_grid[g]);
    Sums t = sums_of(near, x, w, row, n);
    return t.qq > 0.0f ? t.xq / t.qq : scale;
}
