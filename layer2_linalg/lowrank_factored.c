/* lowrank_factored.c: first down to r numbers, then up again.
 *
 *   z = A x  [n_tok, r];   y += s B z      column k of B, z_k times, for each token
 *
 * The way down is a linear product like any other. On the way up threads share the outputs; a piece of B
 * stays in the nearest cache while all tokens pass by. Each output is one sum over k in order. */
#include "lowrank.h"

#include "layer2.h"
#include "layer2_kernels.h"

/* Outputs that pass together, and sums per piece of work at least. */
enum { COLUMNS = 512, GRAIN = 16384 };

//@ begin lowrank-factored
/* Outputs [begin, end) of all tokens. */
static void widen(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const LowRankCall *c = ctx;
    const LowRank *l = c->l;
    for (int64_t o = begin; o < end; o += COLUMNS) {
        int64_t n = end - o < COLUMNS ? end - o : COLUMNS;
        for (int64_t t = 0; t < c->n_tok; t++)
            for (int k = 0; k < l->rank; k++)
                vec_axpy(c->y + t * c->y_stride + o,
                         l->scale * c->scratch[t * l->rank + k],
                         l->b + k * l->b_stride + o, n);
    }
}

void lowrank_factored(Pool *pool, const LowRankCall *c)
{
    const LowRank *l = c->l;
    /* 1. Down: r numbers for each token. */
    Tensor a = tensor_matrix(DT_F32, l->a, l->n_in, l->rank);
    LinearOut z = {&a, NULL, c->scratch, l->rank, NULL};
    linear_n(pool, c->linear, &z, 1, c->x, c->x_stride, c->n_tok);
    /* 2. Up, added to what is there. */
    int64_t per = GRAIN / (c->n_tok * l->rank);
    pool_for(pool, l->n_out, per ? per : 1, widen, (void *)(uintptr_t)c);
}
//@ end lowrank-factored
