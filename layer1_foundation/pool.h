/* pool.h: all parallelism goes through pool_for.
 *
 * Interface:
 * - pool_for(p, n, grain, fn, ctx) splits [0, n) into contiguous pieces, at most one per thread, and
 *   calls fn(ctx, begin, end, thread) for each; it returns when all are done. Pieces have at least
 *   `grain` items (unless n is smaller) and begin at multiples of grain. `thread` is 0 to
 *   n_threads - 1 and identifies the worker (for per-thread scratch); the caller is thread 0. A NULL
 *   pool runs everything inline.
 * - The split is static: piece boundaries depend only on n, grain and the number of threads, and
 *   kernels compute each output element in a fixed order, so results do not depend on the number of
 *   threads. With pool_for_dynamic there are more pieces, handed out by a counter: boundaries are
 *   as fixed as before, but which thread takes which piece is up to the moment.
 * - One pool_for at a time per pool; fn must not call pool_for on the same pool (CHECKed).
 * - What the caller wrote before pool_for is visible to fn, and what fn wrote is visible after it.
 * - Two variants in the kernel table, op "pool": spawn (a thread is created for each call: the naive
 *   twin) and persistent (workers spin briefly, then park on a condition variable). The workers
 *   exist under both; spawn leaves them parked.
 * - A pinned pool also pins the thread that opened it, until it closes the pool. Threads which that
 *   thread creates meanwhile inherit the pinning unless they call cpu_unpin_thread. */
#ifndef SIXFOLD_POOL_H
#define SIXFOLD_POOL_H

#include "arena.h"

typedef void PoolFn(void *ctx, int64_t begin, int64_t end, int thread);

typedef struct Pool Pool;

/* Starts a pool of n_threads (1 to 256, the caller included). pin: bind thread i to core i where
 * the system allows it. Opened and closed by the same thread. */
Status pool_open(Pool **p, int n_threads, bool pin, Err *err);
void pool_close(Pool *p); /* NULL is fine */
int pool_threads(const Pool *p); /* 1 for NULL */

void pool_for(Pool *p, int64_t n, int64_t grain, PoolFn *fn, void *ctx);

/* As pool_for, but in up to 8 pieces per thread, taken from a shared counter: for work whose
 * pieces differ in cost. */
void pool_for_dynamic(Pool *p, int64_t n, int64_t grain, PoolFn *fn, void *ctx);

#endif
