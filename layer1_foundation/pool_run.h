/* pool_run.h: what pool.c and the two ways of running a region agree on. Private to the pool.
 *
 * A region is one call of pool_for: the range [0, n) cut into `parts` pieces. The twins
 * (pool_spawn.c, pool_persistent.c) only see to it that region_work(r, i) runs once on each thread
 * i = 0 .. n_threads - 1 and return when all are done; who gets which piece is region_work's
 * business. */
#ifndef SIXFOLD_POOL_RUN_H
#define SIXFOLD_POOL_RUN_H

#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>

enum { POOL_MAX_THREADS = 256 };

typedef struct Region {
    PoolFn *fn;
    void *ctx;
    int64_t n, grain, parts;
    bool dynamic;            /* pieces are taken from `next` instead of one per thread */
    _Atomic int64_t next;    /* dynamic: first piece that nobody has taken */
} Region;

typedef struct Worker {
    Pool *pool;
    int index; /* 1 to n_threads - 1 */
    pthread_t thread;
} Worker;

/* Fields that different threads write stand on cache lines of their own. */
struct Pool {
    int n_threads;
    bool pin;
    int spins;       /* polls before a waiting thread parks */
    int n_started;   /* workers that exist */
    Worker *workers; /* [n_threads - 1] */
    Arena arena;     /* holds the pool itself */
    atomic_bool busy; /* inside pool_for */

    /* Written by the caller, read by the workers. */
    _Alignas(64) atomic_uint generation; /* counts regions; a change is the start signal */
    Region *region;                      /* the one to work on; NULL means: exit */

    /* Written by the workers, read by the caller. */
    _Alignas(64) atomic_int n_working; /* workers not yet done with the region */

    /* Parking. The counters are changed under the mutex and read without it. */
    _Alignas(64) pthread_mutex_t mutex;
    pthread_cond_t start, done;
    atomic_int n_parked;      /* workers that sleep, or are about to */
    atomic_bool caller_parked;
};

/* Where piece i begins when [0, n) is cut into `parts` pieces of whole grains. */
int64_t pool_piece_begin(int64_t n, int64_t grain, int64_t parts, int64_t i);

/* Thread's share of the region. */
void region_work(Region *r, int thread);

/* The twins, and the slot of the kernel table's op "pool" that points to one of them. */
typedef void PoolRunFn(Pool *p, Region *r);
void pool_run_spawn(Pool *p, Region *r);
void pool_run_persistent(Pool *p, Region *r);
extern PoolRunFn *pool_run;

/* Creates a thread of the pool's kind (small stack). Returns 0 or an errno value. */
int pool_create_thread(pthread_t *thread, void *(*fn)(void *), void *arg);

#endif
