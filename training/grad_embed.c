/* grad_embed.c: the backward pass of a table look-up.
 *
 *   forward   x[t] = E[ids[t]]          backward  dE[ids[t]] += dx[t]
 *
 * A row that occurs twice gets two contributions; a row that does not occur gets none. The same table
 * is the output matrix (tied), so grad_linear has added to it before. Threads split the columns: each
 * adds all tokens in order to its own part of every row. */
#include "grad.h"

typedef struct {
    float *dtable;
    const float *dx;
    const int32_t *ids;
    int64_t n_tok, d;
} EmbedJob;

static void add_columns(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const EmbedJob *j = ctx;
    for (int64_t t = 0; t < j->n_tok; t++)
        vec_add(j->dtable + j->ids[t] * j->d + begin, j->dx + t * j->d + begin, end - begin);
}

void grad_embed(Pool *pool, float *dtable, const float *dx, const int32_t *ids, int64_t n_tok,
                int64_t d)
{
    EmbedJob job = {dtable, dx, ids, n_tok, d};
    pool_for(pool, d, 64, add_columns, &job);
}
