/* scan_channels.c: Mamba's recurrence, in two orders of the same loops.
 *
 *   h[s][i] = exp(dt_t[i] a[s][i]) h[s][i] + dt_t[i] B_t[s] x_t[i]
 *   y_t[i]  = sum_s C_t[s] h[s][i] + d[i] x_t[i]
 *
 * Nothing that one channel does depends on another, so the loop over channels may stand outside or
 * inside. Outside, the d_state numbers of a channel stay at hand for all tokens.
 * Source: Gu and Dao 2023, algorithm 2. */
#include "layer4_kernels.h"

#include <math.h>

//@ begin scan-step
/* One token of channel i: forget, write, read. */
static void step(const ScanArgs *a, int64_t t, int64_t i)
{
    const float *b = a->b + t * a->bc_stride, *c = a->c + t * a->bc_stride;
    float x = a->x[t * a->x_stride + i], dt = a->dt[t * a->d_inner + i];
    float y = a->d[i] * x;
    for (int64_t s = 0; s < a->d_state; s++) {
        float *h = a->h + s * a->d_inner + i;
        *h = expf(dt * a->a[s * a->d_inner + i]) * *h + b[s] * (dt * x);
        y += c[s] * *h;
    }
    a->y[t * a->d_inner + i] = y;
}

void scan_channels_sequential(const ScanArgs *a, int64_t from, int64_t to)
{
    for (int64_t t = 0; t < a->n_tok; t++)
        for (int64_t i = from; i < to; i++) step(a, t, i);
}

void scan_channels_blocked(const ScanArgs *a, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        for (int64_t t = 0; t < a->n_tok; t++) step(a, t, i);
}
//@ end scan-step
