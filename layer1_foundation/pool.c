/* pool.c: cutting a range into pieces.
 *
 * [0, n) is counted in units of `grain` items, and the units are dealt out as evenly as whole
 * numbers allow: of u units, piece i of p starts at unit i * floor(u/p) + min(i, u mod p). The last
 * piece also takes the n mod grain items that fill no unit. Nothing here depends on timing, so the
 * same n, grain and number of threads always give the same pieces.
 *
 * How the pieces come to run at the same time is told in pool_spawn.c (the obvious way) and
 * pool_persistent.c (the fast way). */
#include "pool_run.h"

PoolRunFn *pool_run = pool_run_persistent;

static int64_t units_of(int64_t n, int64_t grain) { return n / grain > 0 ? n / grain : 1; }

//@ begin pool-split
static int64_t piece_begin(const Region *r, int64_t i)
{
    if (i == r->parts) return r->n;
    int64_t units = units_of(r->n, r->grain);
    int64_t each = units / r->parts, extra = units % r->parts;
    return (i * each + (i < extra ? i : extra)) * r->grain;
}

void region_work(Region *r, int thread)
{
    /* Static: piece i belongs to thread i. Dynamic: whoever is free takes
     * the next piece; the counter hands out each number once. */
    int64_t i = r->dynamic ? atomic_fetch_add(&r->next, 1) : thread;
    while (i < r->parts) {
        r->fn(r->ctx, piece_begin(r, i), piece_begin(r, i + 1), thread);
        if (!r->dynamic) break;
        i = atomic_fetch_add(&r->next, 1);
    }
}
//@ end pool-split

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

    int64_t units = units_of(n, grain), most = (int64_t)p->n_threads * pieces_per_thread;
    Region r = {.fn = fn, .ctx = ctx, .n = n, .grain = grain, .parts = units < most ? units : most,
                .dynamic = pieces_per_thread > 1};
    /* One piece, or nobody to share with: not worth waking anyone. */
    if (p->n_threads == 1 || r.parts == 1) fn(ctx, 0, n, 0);
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
