/* grad_rope.c: the backward pass of a rotation is the rotation back.
 *
 *   forward   (a, b) -> (a cos - b sin, a sin + b cos)         y = R x
 *   backward  dx = R' dy, and R' turns by the negative angle
 *
 * So both directions are layer 3's rope_interleaved, with a table whose sines have the other sign for
 * the way back. Row t of x [n_tok, x_stride] is at position t % n_ctx of its window. */
#include "grad.h"

typedef struct {
    float *x;
    int64_t x_stride, n_ctx;
    int n_head, d_head;
    const float *table;
} RopeJob;

static void turn_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const RopeJob *j = ctx;
    for (int64_t t = begin; t < end; t++)
        rope_interleaved(j->x + t * j->x_stride, j->n_head, j->d_head, j->d_head,
                         j->table + t % j->n_ctx * j->d_head);
}

void grad_rope(Pool *pool, float *x, int64_t x_stride, int n_head, int d_head, int64_t n_tok,
               int64_t n_ctx, const float *table)
{
    RopeJob job = {x, x_stride, n_ctx, n_head, d_head, table};
    pool_for(pool, n_tok, 16, turn_rows, &job);
}
