/* roofline.c: how fast this machine can read, and how fast it can multiply and add.
 *
 * Three loops are timed on all threads of the pool at once: one that only reads, one that only does
 * f32 multiply-adds, one that only does byte dot products. Each is repeated and the median kept: the
 * mean would count the moments when someone else used the machine. Their scalar twins are here too:
 * the difference between the two is what a compiler without vector instructions leaves unused. */
#include "layer2_kernels.h"

#include <stdlib.h>
#include <string.h>

uint32_t roofline_read_scalar(const void *p, int64_t n_bytes)
{
    const char *at = p;
    uint32_t all = 0, word;
    for (int64_t i = 0; i < n_bytes; i += 4) {
        memcpy(&word, at + i, 4);
        all ^= word;
    }
    return all;
}

int64_t roofline_fma_scalar(int64_t rounds, float *out)
{
    float a = 0.5f, s0 = 0, s1 = 1, s2 = 2, s3 = 3;
    for (int64_t r = 0; r < rounds; r++) {
        s0 = s0 * a + 1;
        s1 = s1 * a + 1;
        s2 = s2 * a + 1;
        s3 = s3 * a + 1;
    }
    *out = s0 + s1 + s2 + s3;
    return rounds * 4 * 2;
}

/* One product per round. The empty assembly hides that u never changes: no instruction, but no
 * multiplication by a constant either. */
int64_t roofline_int8_scalar(int64_t rounds, int32_t *out)
{
    int32_t u = 3, w = -2, sum = 0;
    for (int64_t r = 0; r < rounds; r++) {
        __asm__("" : "+r"(u));
        sum += u * w;
    }
    *out = sum;
    return rounds * 2;
}

/* ---------------------------------------------------------------- timing */

enum { MAX_THREADS = 256, MAX_REPEATS = 101, MIN_REPEATS = 5 };

/* One thread's share, padded so that no two threads write to the same cache line. */
typedef struct {
    int64_t operations;
    union { uint32_t word; float number; int32_t integer; } result;
    char padding[52];
} Share;

typedef struct {
    const char *buffer;
    int64_t n_bytes, rounds;
    Share shares[MAX_THREADS];
} Probe;

static void read_share(void *ctx, int64_t begin, int64_t end, int thread)
{
    Probe *p = ctx;
    p->shares[thread].result.word ^= roofline_read(p->buffer + begin * 4096, (end - begin) * 4096);
}

static void fma_share(void *ctx, int64_t begin, int64_t end, int thread)
{
    Probe *p = ctx;
    for (int64_t i = begin; i < end; i++)
        p->shares[thread].operations += roofline_fma(p->rounds, &p->shares[thread].result.number);
}

static void int8_share(void *ctx, int64_t begin, int64_t end, int thread)
{
    Probe *p = ctx;
    for (int64_t i = begin; i < end; i++)
        p->shares[thread].operations += roofline_int8(p->rounds, &p->shares[thread].result.integer);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

/* Median over repeats of (amount of work) / ns, until `seconds` are over. The first run, which warms
 * caches and clocks, does not count. amount is what all threads do together if they do not count
 * their operations themselves. */
static double rate(Pool *pool, int64_t n, PoolFn *fn, Probe *p, double amount, double seconds)
{
    double rates[MAX_REPEATS];
    int n_rates = 0;
    int64_t start = clock_ns();
    pool_for(pool, n, 1, fn, p);
    while (n_rates < MAX_REPEATS &&
           (n_rates < MIN_REPEATS || (double)(clock_ns() - start) < seconds * 1e9)) {
        memset(p->shares, 0, sizeof p->shares);
        int64_t t = clock_ns();
        pool_for(pool, n, 1, fn, p);
        t = clock_ns() - t;
        double work = amount;
        for (int i = 0; i < MAX_THREADS; i++) work += (double)p->shares[i].operations;
        rates[n_rates++] = work / (double)(t > 0 ? t : 1);
    }
    return median(rates, n_rates);
}

/* Rounds that take about `seconds` on one thread, found by doubling. */
static int64_t rounds_for(Probe *p, PoolFn *fn, double seconds)
{
    for (p->rounds = 1024;; p->rounds *= 2) {
        int64_t t = clock_ns();
        fn(p, 0, 1, 0);
        if ((double)(clock_ns() - t) > seconds * 1e9 || p->rounds > INT64_MAX / 4096) return p->rounds;
    }
}

Status roofline_measure(Roofline *r, Pool *pool, int64_t n_bytes, double seconds, Err *err)
{
    enum { PAGE = 4096, SMALLEST = 1 << 20 };
    *r = (Roofline){.n_threads = pool_threads(pool)};
    if (n_bytes < SMALLEST)
        return fail(err, E_ARG, "the buffer to read has %lld bytes, fewer than %d. HINT: take several "
                    "times the largest cache", (long long)n_bytes, SMALLEST);
    n_bytes -= n_bytes % PAGE;
    char *buffer = mem_alloc((size_t)n_bytes);
    Probe *p = mem_alloc(sizeof *p);
    if (!buffer || !p) {
        mem_free(buffer);
        mem_free(p);
        return fail(err, E_MEMORY, "no %lld bytes for measuring bandwidth. HINT: ask for less",
                    (long long)n_bytes);
    }
    /* Written once, or all pages would be the same page of zeros. */
    for (int64_t i = 0; i < n_bytes; i++) buffer[i] = (char)(i * 7);
    *p = (Probe){.buffer = buffer, .n_bytes = n_bytes};

    /* 1. Bandwidth: pages shared out in one piece per thread. */
    r->read_gbs = rate(pool, n_bytes / PAGE, read_share, p, (double)n_bytes, seconds / 3);
    /* 2. Multiply-adds: one burst per thread, about a hundred times. */
    rounds_for(p, fma_share, seconds / 300);
    r->fma_gflops = rate(pool, r->n_threads, fma_share, p, 0, seconds / 3);
    /* 3. Byte products. */
    rounds_for(p, int8_share, seconds / 300);
    r->int8_gops = rate(pool, r->n_threads, int8_share, p, 0, seconds / 3);

    mem_free(buffer);
    mem_free(p);
    return OK;
}
