/* conv1d.c: each channel mixes its last few values, one channel after the other.
 *
 *   y_t[i] = bias[i] + sum_{k < K} w[k][i] x_{t - K + 1 + k}[i]
 *
 * Source: Gu and Dao 2023, figure 3. */
#include "layer3_kernels.h"

//@ begin conv1d
/* Value of channel i at time t of this call; before its first token, from
 * the window. */
static float at(const Conv1dArgs *a, int64_t t, int64_t i)
{
    int64_t before = a->d_conv - 1;
    return t < 0 ? a->window[(before + t) * a->n_chan + i]
                 : a->x[t * a->x_stride + i];
}

void conv1d_scalar(const Conv1dArgs *a, int64_t from, int64_t to)
{
    int64_t K = a->d_conv;
    for (int64_t i = from; i < to; i++) {
        /* 1. Each token's sum over the taps. */
        for (int64_t t = 0; t < a->n_tok; t++) {
            float y = a->bias ? a->bias[i] : 0.0f;
            for (int64_t k = 0; k < K; k++)
                y += a->w[k * a->n_chan + i] * at(a, t - K + 1 + k, i);
            a->y[t * a->y_stride + i] = y;
        }
        /* 2. The last K - 1 values for the next call, oldest first. */
        for (int64_t k = 0; k < K - 1; k++)
            a->window[k * a->n_chan + i] = at(a, a->n_tok - K + 1 + k, i);
    }
}
//@ end conv1d
