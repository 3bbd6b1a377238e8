/* pool.c: cutting a range into pieces.
 *
 * [0, n) is counted in units of `grain` items, and the units are dealt out as evenly as whole
 * numbers allow: of u units, piece i of p starts at unit i * floor(u/p) + min(i, u mod p). The last
 * piece also takes the n mod grain items that fill no unit. Nothing here depends on timing, so the
 * same n, grain and number of threads always give the same pieces.
 *
 * How the pieces come to run at the same time is told in pool_spawn.c (the obvious way) and
 * pool_persistent.c (the fast way). */
#include "layer1.h"
#include "pool_run.h"

PoolRunFn *pool_run = pool_run_persistent;

//@ exercise 1.3 Cut a range into even pieces
/* First item of piece i of `parts`; i = parts gives n. */
EXERCISE int64_t pool_piece_begin(int64_t n, int64_t grain, int64_t parts,
                                  int64_t i)
{
    if (i == parts) return n;
    int64_t units = n / grain;
    int64_t each = units / parts, extra = units % parts;
    return (i * each + (i < extra ? i : extra)) * grain;
}
//@ end exercise

//@ begin pool-work
static void run_piece(const Region *r, int64_t i, int thread)
{
    r->fn(r->ctx, pool_piece_begin(r->n, r->grain, r->parts, i),
          pool_piece_begin(r->n, r->grain, r->parts, i + 1), thread);
}

void region_work(Region *r, int thread)
{
    /* Static: piece i belongs to thread i. */
    if (!r->dynamic) {
        if (thread < r->parts) run_piece(r, thread, thread);
        return;
    }
    /* Dynamic: whoever is free takes the next piece. The counter gives out
     * each number once, whoever asks. */
    int64_t i;
    while ((i = atomic_fetch_add(&r->next, 1)) < r->parts)
        run_piece(r, i, thread);
}
//@ end pool-work

static void run(Pool *p, int64_t n, int64_t grain, int pieces_per_thread, PoolFn *fn, void *ctx)
{
    CHECK(n >= 0 && grain >= 1, "pool_for over %lld items with grain %lld", (long long)n,
          (long long)grain);
    if (n == 0) return;
    if (!p) {
        fn(ctx, 0, n, 0);
        return;
    }
    CHECK(!atomic_load_explicit(&p->busy, memory_order_relaxed),
          "pool_for inside pool_for, or from two threads, on one pool of %d threads", p->n_threads);
    atomic_store_explicit(&p->busy, true, memory_order_relaxed);

    int64_t units = n / grain, most = (int64_t)p->n_threads * pieces_per_thread;
    int64_t parts = units < 1 ? 1 : units < most ? units : most;
    Region r = {.fn = fn, .ctx = ctx, .n = n, .grain = grain, .parts = parts,
                .dynamic = pieces_per_thread > 1};
    /* One piece, or nobody to share with: not worth waking anyone. */
    if (p->n_threads == 1 || parts == 1) fn(ctx, 0, n, 0);
    else pool_run(p, &r);

    atomic_store_explicit(&p->busy, false, memory_order_relaxed);
}

void pool_for(Pool *p, int64_t n, int64_t grain, PoolFn *fn, void *ctx)
{
    run(p, n, grain, 1, fn, ctx);
}

void pool_for_dynamic(Pool *p, int64_t n, int64_t grain, PoolFn *fn, void *ctx)
{
    run(p, n, grain, 8, fn, ctx);
}

int pool_threads(const Pool *p) { return p ? p->n_threads : 1; }
