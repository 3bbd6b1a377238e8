/* lesson1_threads: dividing work, the order of a sum, and two ways of starting threads. With --plain
 * the times are left out. */
#include "layer1.h"

#include <stdio.h>
#include <string.h>

enum { N = 1 << 20, BLOCK = 4096, N_BLOCKS = N / BLOCK };

static bool plain;
static float x[N];
static double partial[N_BLOCKS];

static void show_time(double value, const char *unit)
{
    if (!plain) printf("  %9.2f %s", value, unit);
}

static Pool *open_pool(int n_threads)
{
    Pool *p;
    CHECK(pool_open(&p, n_threads, false, NULL) == OK, "no pool of %d threads", n_threads);
    return p;
}

/* 1. Who gets what: a letter per item. */
static void paint(void *ctx, int64_t begin, int64_t end, int thread)
{
    memset((char *)ctx + begin, 'a' + thread, (size_t)(end - begin));
}

/* 2. Two ways to add up x. The first keeps one sum per thread, the second one per block. */
static void sum_per_thread(void *ctx, int64_t begin, int64_t end, int thread)
{
    float sum = 0;
    for (int64_t i = begin; i < end; i++) sum += ((float *)ctx)[i];
    partial[thread] = (double)sum;
}

//@ begin threads-blocks
static void sum_per_block(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread; /* the result must not depend on it */
    for (int64_t b = begin; b < end; b++) {
        float sum = 0;
        for (int i = 0; i < BLOCK; i++) sum += ((float *)ctx)[b * BLOCK + i];
        partial[b] = (double)sum;
    }
}
//@ end threads-blocks

static void show_sum(int n_threads, bool blocks)
{
    Pool *p = open_pool(n_threads);
    int64_t best = INT64_MAX;
    for (int round = 0; round < 5; round++) {
        int64_t start = clock_ns();
        pool_for(p, blocks ? N_BLOCKS : N, 1, blocks ? sum_per_block : sum_per_thread, x);
        if (clock_ns() - start < best) best = clock_ns() - start;
    }
    pool_close(p);
    double sum = 0;
    for (int i = 0; i < (blocks ? N_BLOCKS : n_threads); i++) sum += partial[i];
    printf("   %s %.8f", blocks ? "per block" : "per thread", sum);
    show_time((double)best * 1e-6, "ms");
}

/* 3. The cost of a region is seen best when there is nothing to do in it. */
static void nothing(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)ctx, (void)begin, (void)end, (void)thread;
}

static double us_per_region(const char *variant, Pool *p)
{
    CHECK(kernels_use(variant, NULL) == OK, "no %s", variant);
    int64_t best = INT64_MAX;
    for (int round = 0; round < 5; round++) {
        int64_t start = clock_ns();
        for (int i = 0; i < 200; i++) pool_for(p, 100, 1, nothing, NULL);
        if (clock_ns() - start < best) best = clock_ns() - start;
    }
    return (double)best * 1e-3 / 200;
}

int main(int argc, char **argv)
{
    plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    layer1_init();
    Rng rng = rng_seed(1);
    for (int i = 0; i < N; i++) x[i] = rng_f32(&rng) - 0.5f;
    printf("1. pool_for over 46 items, grain 4: the thread of each item\n\n");
    for (int t = 1; t <= 5; t++) {
        char picture[47] = {0};
        Pool *p = open_pool(t);
        pool_for(p, 46, 4, paint, picture);
        pool_close(p);
        printf("   %d thread%s  %s\n", t, t > 1 ? "s" : " ", picture);
    }

    printf("\n2. the sum of %d numbers, by thread and by block of %d\n\n", N, BLOCK);
    for (int t = 1; t <= 4; t++) {
        printf("   %d thread%s", t, t > 1 ? "s" : " ");
        show_sum(t, false);
        show_sum(t, true);
        printf("\n");
    }
    printf("\n3. two hundred empty regions with two threads, the time of one\n");
    static const char *const variants[] = {"pool:spawn", "pool:persistent"};
    double us[2];
    Pool *p = open_pool(2);
    for (int v = 0; v < 2; v++) {
        us[v] = us_per_region(variants[v], p);
        printf("\n   %-15s", variants[v]);
        show_time(us[v], "us");
    }
    if (!plain) printf("   ratio %.1f", us[0] / us[1]);
    printf("\n");
    pool_close(p);
}
