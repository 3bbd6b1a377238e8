/* grad_work.c: the memory that backward passes work in, reserved once. */
#include "grad.h"

Status grad_work_open(GradWork *w, Arena *a, Pool *pool, int64_t max_tok, int64_t max_width,
                      int64_t max_weights, int64_t n_ctx, int d_head, Err *err)
{
    int n_threads = pool_threads(pool);
    *w = (GradWork){.pool = pool, .worker_bytes = grad_attention_bytes(n_ctx, d_head)};
    w->linear_scratch = arena_alloc(a, linear_scratch_bytes(max_width, max_tok, n_threads), 1);
    w->matmul_scratch = arena_alloc(
        a, matmul_scratch_bytes(max_tok, max_width, max_width, n_threads), 1);
    w->turned = ARENA_NEW(a, float, max_width * max_tok);
    w->product = ARENA_NEW(a, float, max_weights);
    w->partial = ARENA_NEW(a, float, 2 * (max_tok / GRAD_CHUNK + 1) * max_width);
    w->workers = arena_alloc(a, n_threads, (size_t)w->worker_bytes);
    if (!w->linear_scratch || !w->matmul_scratch || !w->turned || !w->product || !w->partial ||
        !w->workers)
        return fail(err, E_MEMORY, "no memory for the work space of %lld tokens HINT: train with "
                    "fewer windows at once or a shorter context", (long long)max_tok);
    return OK;
}
