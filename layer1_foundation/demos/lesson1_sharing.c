/* lesson1_sharing: two threads and the memory between them: updates that get lost, and a cache line
 * that travels back and forth. With --plain all that depends on time is left out. */
#include "layer1.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 1000000, LINE = 64 };

/* Two counters in one cache line, and a third in the next. */
static struct {
    _Alignas(LINE) atomic_int a;
    atomic_int b;
    _Alignas(LINE) atomic_int c;
    _Alignas(LINE) atomic_int n_here; /* threads that are ready */
} words;

typedef struct {
    atomic_int *counter[2]; /* that of thread 0 and of thread 1 */
    bool careful;           /* one indivisible step instead of two */
} Job;

//@ begin sharing-count
static void count(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Job *job = ctx;
    atomic_int *n = job->counter[thread];
    (void)begin, (void)end;
    atomic_fetch_add(&words.n_here, 1);
    while (atomic_load(&words.n_here) < 2) sched_yield(); /* start together */
    for (int i = 0; i < COUNT; i++) {
        if (job->careful) atomic_fetch_add(n, 1);
        else {
            int old = atomic_load_explicit(n, memory_order_relaxed);
            /* What the other thread writes now is lost. */
            atomic_store_explicit(n, old + 1, memory_order_relaxed);
        }
    }
}
//@ end sharing-count

/* How an update gets lost, one step per line. The order is made up; the hardware may take any. */
static void show_lost_update(void)
{
    static const struct { int thread; bool store; } steps[] = {
        {0, false}, {0, true}, {1, false}, {0, false}, {1, true}, {0, true}};
    int n = 5, seen[2] = {0, 0};
    printf("1. three additions, one of them lost\n\n");
    printf("      thread 0        thread 1        n\n");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int t = steps[i].thread;
        char what[2][16] = {"", ""};
        if (steps[i].store) n = seen[t] + 1;
        else seen[t] = n;
        snprintf(what[t], sizeof what[t], steps[i].store ? "store %d" : "load  %d", n);
        printf("      %-15s %-15s %d\n", what[0], what[1], n);
    }
}

static void measure(Pool *p, const char *what, Job job, bool plain)
{
    int64_t ns = 0;
    int total = 2 * COUNT; /* the lowest of five rounds */
    for (int round = 0; round < 5; round++) {
        memset(&words, 0, sizeof words);
        int64_t start = clock_ns();
        pool_for(p, 2, 1, count, &job);
        ns += clock_ns() - start;
        int sum = *job.counter[0];
        if (job.counter[1] != job.counter[0]) sum += *job.counter[1];
        if (sum < total) total = sum;
    }
    printf("   %-30s", what);
    if (plain && !job.careful) printf("  at most %d", 2 * COUNT);
    else printf("  %7d of %d", total, 2 * COUNT);
    if (!plain) printf("  %6.2f ns each", (double)ns / 5 / COUNT);
    printf("\n");
}

int main(int argc, char **argv)
{
    bool plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    layer1_init();
    show_lost_update();

    Err err;
    Pool *p;
    CHECK(pool_open(&p, 2, false, &err) == OK, "%s", err.text);
    printf("\n2. two threads add 1 to a word, %d times each\n\n", COUNT);
    measure(p, "one word, load, then store", (Job){{&words.a, &words.a}, false}, plain);
    measure(p, "one word, indivisible", (Job){{&words.a, &words.a}, true}, plain);
    measure(p, "own words, same cache line", (Job){{&words.a, &words.b}, true}, plain);
    measure(p, "own words, lines of their own", (Job){{&words.a, &words.c}, true}, plain);
    pool_close(p);
    return 0;
}
