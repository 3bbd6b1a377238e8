/* pool.h: all parallelism goes through pool_for.
 *
 * Interface:
 * - pool_for(p, n, grain, fn, ctx) splits [0, n) into pieces of at least `grain` items and calls
 *   fn(ctx, begin, end, thread) for each; it returns when all are done. `thread` is 0 to
 *   n_threads - 1 and identifies the worker (for per-thread scratch). A NULL pool runs inline.
 * - The split is static: piece boundaries depend only on n, grain and the number of threads, and
 *   kernels compute each output element in a fixed order, so results do not depend on the number of
 *   threads. With chunks > 1 per thread (pool_for_dynamic) pieces are handed out by a counter.
 * - One pool_for at a time per pool; fn must not call pool_for on the same pool.
 * - Two variants in the kernel table, op "pool": spawn (a thread is created for each call: the naive
 *   twin) and persistent (workers spin briefly, then park on a condition variable). */
#ifndef SIXFOLD_POOL_H
#define SIXFOLD_POOL_H

#include "arena.h"

typedef void PoolFn(void *ctx, int64_t begin, int64_t end, int thread);

typedef struct Pool Pool;

/* Starts a pool of n_threads (1 to 256, the caller included). pin: bind thread i to core i. */
Status pool_open(Pool **p, int n_threads, bool pin, Err *err);
void pool_close(Pool *p); /* NULL is fine */
int pool_threads(const Pool *p); /* 1 for NULL */

void pool_for(Pool *p, int64_t n, int64_t grain, PoolFn *fn, void *ctx);

/* As pool_for, but in up to 8 chunks per thread, taken from a shared counter: for work whose
 * pieces differ in cost. */
void pool_for_dynamic(Pool *p, int64_t n, int64_t grain, PoolFn *fn, void *ctx);

#endif
