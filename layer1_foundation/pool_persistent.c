/* pool_persistent.c: the fast twin: workers live as long as the pool and wait for regions.
 *
 * A worker waits in two stages. It first spins: it polls the start signal, which costs a core but
 * notices the signal in well under a microsecond. If nothing comes for about 0.2 ms it parks: it
 * sleeps on a condition variable, which costs nothing but takes tens of microseconds to leave.
 *
 * Parking has one famous trap, the lost wake-up. Suppose the worker looks at the signal, sees
 * nothing, and only then says "I sleep". If the caller's signal falls between the two, the caller
 * sees nobody asleep and wakes nobody, and the worker sleeps for ever. So each side first writes
 * its own word and then reads the other's:
 *
 *     worker:  n_parked += 1     then read generation
 *     caller:  generation += 1   then read n_parked
 *
 * All four are sequentially consistent (the default of C11 atomics): in the one order that all
 * threads agree on, one of the writes comes first, and so at least one side sees the other.
 * Source: Herlihy and Shavit, "The Art of Multiprocessor Programming", chapters 2 and 7. */
#include "pool_run.h"

#include "cpu.h"

#include <sched.h>
#include <string.h>

enum { SPINS = 4000, SPINS_CROWDED = 50 };

/* Sanitizers keep their own things on the stack: they get the system's default (0). */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(POISON)
enum { STACK_BYTES = 0 };
#else
enum { STACK_BYTES = 512 * 1024 };
#endif

/* ---------------------------------------------------------------- waiting and signalling */

/* If the core is wanted by others, perhaps by the very thread we wait for, polling on would only
 * keep it from them. */
static void pause_or_yield(int turn)
{
    if (turn % 256 == 255) sched_yield();
    else cpu_pause();
}

//@ begin pool-wait
/* Returns when the generation is no longer `seen`. */
static void wait_for_start(Pool *p, unsigned seen)
{
    for (int i = 0; i < p->spins; i++) {
        if (atomic_load(&p->generation) != seen) return;
        pause_or_yield(i);
    }
    pthread_mutex_lock(&p->mutex);
    atomic_fetch_add(&p->n_parked, 1); /* before the last look */
    while (atomic_load(&p->generation) == seen)
        pthread_cond_wait(&p->start, &p->mutex);
    atomic_fetch_sub(&p->n_parked, 1);
    pthread_mutex_unlock(&p->mutex);
}

static void signal_start(Pool *p)
{
    atomic_fetch_add(&p->generation, 1);
    if (atomic_load(&p->n_parked) == 0) return; /* all awake: no system call */
    pthread_mutex_lock(&p->mutex);
    pthread_cond_broadcast(&p->start);
    pthread_mutex_unlock(&p->mutex);
}
//@ end pool-wait

/* The same pair for the way back: the last worker to finish signals, the caller waits. */
static void wait_for_done(Pool *p)
{
    for (int i = 0; i < p->spins; i++) {
        if (atomic_load(&p->n_working) == 0) return;
        pause_or_yield(i);
    }
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->caller_parked, true);
    while (atomic_load(&p->n_working) > 0) pthread_cond_wait(&p->done, &p->mutex);
    atomic_store(&p->caller_parked, false);
    pthread_mutex_unlock(&p->mutex);
}

static void signal_done(Pool *p)
{
    bool last = atomic_fetch_sub(&p->n_working, 1) == 1;
    if (!last || !atomic_load(&p->caller_parked)) return;
    pthread_mutex_lock(&p->mutex);
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->mutex);
}

/* ---------------------------------------------------------------- a region */

//@ begin pool-persistent
void pool_run_persistent(Pool *p, Region *r)
{
    /* 1. Start the others. */
    p->region = r;
    atomic_store(&p->n_working, p->n_threads - 1);
    signal_start(p);

    /* 2. Do our own share as thread 0. */
    region_work(r, 0);

    /* 3. Wait for the others. */
    wait_for_done(p);
}
//@ end pool-persistent

static void *worker_main(void *arg)
{
    const Worker *w = arg;
    Pool *p = w->pool;
    if (p->pin) cpu_pin_thread(w->index, NULL);
    for (unsigned seen = 0;; seen++) {
        wait_for_start(p, seen);
        if (!p->region) return NULL;
        region_work(p->region, w->index);
        signal_done(p);
    }
}

/* ---------------------------------------------------------------- open and close */

int pool_create_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    if (STACK_BYTES) pthread_attr_setstacksize(&attr, STACK_BYTES);
    int failed = pthread_create(thread, &attr, fn, arg);
    pthread_attr_destroy(&attr);
    return failed;
}

Status pool_open(Pool **out, int n_threads, bool pin, Err *err)
{
    *out = NULL;
    if (n_threads < 1 || n_threads > POOL_MAX_THREADS)
        return fail(err, E_ARG, "cannot use %d threads: the limits are 1 and %d. HINT: -t %d",
                    n_threads, POOL_MAX_THREADS, cpu_threads_default());

    /* 1. The pool lies in its own arena, which also aligns it to cache lines. */
    Arena arena = {0};
    Pool *p = ARENA_NEW(&arena, Pool, 1);
    Worker *workers = ARENA_NEW(&arena, Worker, n_threads);
    if (!p || !workers) {
        arena_close(&arena);
        return fail(err, E_MEMORY, "no memory for a pool of %d threads", n_threads);
    }
    p->arena = arena;
    p->workers = workers;
    p->n_threads = n_threads;
    p->pin = pin;
    p->spins = n_threads > cpu_threads_default() ? SPINS_CROWDED : SPINS;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->start, NULL);
    pthread_cond_init(&p->done, NULL);

    /* 2. Start the workers before the caller is pinned: a new thread inherits the pinning. */
    for (int i = 1; i < n_threads; i++) {
        Worker *w = &workers[i - 1];
        *w = (Worker){.pool = p, .index = i};
        int failed = pool_create_thread(&w->thread, worker_main, w);
        if (failed) {
            fail(err, E_LIMIT, "cannot start thread %d of %d: %s. HINT: fewer threads (-t)", i,
                 n_threads, strerror(failed));
            pool_close(p);
            return E_LIMIT;
        }
        p->n_started = i;
    }
    if (pin) cpu_pin_thread(0, NULL); /* a wish: a container may forbid it */
    *out = p;
    return OK;
}

void pool_close(Pool *p)
{
    if (!p) return;
    CHECK(!atomic_load(&p->busy), "pool_close inside pool_for, pool of %d threads", p->n_threads);
    p->region = NULL;
    signal_start(p);
    for (int i = 0; i < p->n_started; i++) pthread_join(p->workers[i].thread, NULL);
    if (p->pin) cpu_unpin_thread();
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->start);
    pthread_mutex_destroy(&p->mutex);
    Arena arena = p->arena;
    arena_close(&arena);
}
