/* grad_linear.c: the backward pass of a matrix.
 *
 *   forward    y[t][o] = sum_i x[t][i] W[o][i]           Y  = X W'
 *   backward  dx[t][i] = sum_o dy[t][o] W[o][i]          dX = dY W
 *             dW[o][i] += sum_t dy[t][o] x[t][i]         dW += dY' X
 *
 * Follow the indices: each product leaves out the index that its result does not have. So training
 * costs three products where running costs one, which is where "6 operations per parameter and token"
 * comes from: 2 forward, 4 backward. Both are layer 2's matmul; X [n_tok, n_in], dY [n_tok, n_out]. */
#include "grad.h"
#include "transpose.h"

typedef struct { float *sum; const float *part; } AddJob;

static void add_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const AddJob *j = ctx;
    vec_add(j->sum + begin, j->part + begin, end - begin);
}

//@ begin grad-linear
void grad_linear(GradWork *g, float *dx, float *dw, const float *dy,
                 const float *w, const float *x, int64_t n_tok,
                 int64_t n_in, int64_t n_out)
{
    /* 1. dX = dY W. */
    if (dx)
        matmul(g->pool, g->matmul_scratch, dx, dy, w, n_tok, n_in, n_out);
    /* 2. dW += dY' X: the sum over tokens, in order. */
    transpose_all(g->pool, g->turned, dy, n_tok, n_out);
    matmul(g->pool, g->matmul_scratch, g->product, g->turned, x, n_out,
           n_in, n_tok);
    AddJob job = {dw, g->product};
    pool_for(g->pool, n_out * n_in, 4096, add_part, &job);
}
//@ end grad-linear
