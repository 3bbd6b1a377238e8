/* grad_norm.c: the backward pass of RMSNorm.
 *
 *   forward   y_i = w_i x_i r,    r = 1 / sqrt(mean(x^2) + eps)
 *   backward  dw_i += dy_i x_i r
 *             dx_i = r (w_i dy_i - x_i r^2 / n * sum_j w_j dy_j x_j)
 *
 * r depends on every x_j: dr / dx_i = -x_i r^3 / n. The second term takes away the part of the
 * gradient that points along x, because making x longer does not change y.
 * x, dy, dx [n_tok, d]; dx is added to. dw is first summed over fixed chunks of tokens, then over the
 * chunks in order, so that threads do not change the bits. */
#include "grad.h"

#include <math.h>
#include <string.h>

typedef struct {
    float *dx, *partial;
    const float *dy, *x, *w;
    int64_t n_tok, d;
    float eps;
} NormJob;

//@ begin grad-norm
/* One row; wdy [d] is work space. */
static void norm_row(float *dx, float *dw, float *wdy, const float *dy,
                     const float *x, const float *w, int64_t d, float eps)
{
    float r = 1.0f / sqrtf(dot_f32(x, x, d) / (float)d + eps);
    /* 1. dw += r dy x. */
    memcpy(wdy, dy, (size_t)d * sizeof *wdy);
    vec_mul(wdy, x, d);
    vec_axpy(dw, r, wdy, d);
    /* 2. dx += r w dy, without its part along x. */
    memcpy(wdy, dy, (size_t)d * sizeof *wdy);
    vec_mul(wdy, w, d);
    float along = dot_f32(wdy, x, d) / (float)d;
    vec_axpy(dx, r, wdy, d);
    vec_axpy(dx, -r * r * r * along, x, d);
}
//@ end grad-norm

/* Chunk c leaves its share of dw in row 2c of partial; row 2c + 1 is work space. */
static void norm_chunks(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const NormJob *j = ctx;
    for (int64_t c = begin; c < end; c++) {
        float *dw = j->partial + 2 * c * j->d, *wdy = dw + j->d;
        memset(dw, 0, (size_t)j->d * sizeof *dw);
        for (int64_t t = c * GRAD_CHUNK; t < (c + 1) * GRAD_CHUNK && t < j->n_tok; t++)
            norm_row(j->dx + t * j->d, dw, wdy, j->dy + t * j->d, j->x + t * j->d, j->w, j->d,
                     j->eps);
    }
}

void grad_rmsnorm(GradWork *g, float *dx, float *dw, const float *dy, const float *x, const float *w,
                  int64_t n_tok, int64_t d, float eps)
{
    NormJob job = {dx, g->partial, dy, x, w, n_tok, d, eps};
    int64_t n_chunks = (n_tok + GRAD_CHUNK - 1) / GRAD_CHUNK;
    pool_for(g->pool, n_chunks, 1, norm_chunks, &job);
    for (int64_t c = 0; c < n_chunks; c++) vec_add(dw, g->partial + 2 * c * d, d);
}
