/* pool_spawn.c: the naive twin: threads are created for each region and joined at its end.
 *
 * Correct, short, and needs no thought about sleeping and waking, because creating and joining a
 * thread already order memory. But the kernel sets up a stack and a task each time: tens of
 * microseconds, which is what a whole small matrix product takes. */
#include "pool_run.h"

#include "cpu.h"

typedef struct {
    Pool *pool;
    Region *region;
    int index;
    bool created;
    pthread_t thread;
} Helper;

static void *helper_main(void *arg)
{
    Helper *h = arg;
    if (h->pool->pin) cpu_pin_thread(h->index, NULL);
    region_work(h->region, h->index);
    return NULL;
}

//@ begin pool-spawn
void pool_run_spawn(Pool *p, Region *r)
{
    /* 1. Start the others. A piece whose thread cannot be had is ours. */
    Helper helpers[POOL_MAX_THREADS];
    int n = r->parts < p->n_threads ? (int)r->parts : p->n_threads;
    for (int i = 1; i < n; i++) {
        Helper *h = &helpers[i];
        *h = (Helper){.pool = p, .region = r, .index = i};
        h->created = pool_create_thread(&h->thread, helper_main, h) == 0;
    }
    /* 2. Do our own share as thread 0. */
    region_work(r, 0);
    for (int i = 1; i < n; i++)
        if (!helpers[i].created) region_work(r, i);

    /* 3. Wait for the others. */
    for (int i = 1; i < n; i++)
        if (helpers[i].created) pthread_join(helpers[i].thread, NULL);
}
//@ end pool-spawn
