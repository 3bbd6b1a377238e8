/* The pool's promises: every index once, boundaries that depend on nothing but the numbers, and the
 * same under both variants. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { MAX_N = 1000, MAX_PIECES = 8 * 256 };

/* Which piece each index belongs to, and the pieces as they were handed out. */
typedef struct {
    atomic_int visits[MAX_N];
    int64_t begin[MAX_PIECES], end[MAX_PIECES];
    int thread[MAX_PIECES];
    atomic_int n_pieces;
} Record;

static void record_piece(void *ctx, int64_t begin, int64_t end, int thread)
{
    Record *r = ctx;
    int i = atomic_fetch_add(&r->n_pieces, 1);
    r->begin[i] = begin;
    r->end[i] = end;
    r->thread[i] = thread;
    for (int64_t k = begin; k < end; k++) atomic_fetch_add(&r->visits[k], 1);
}

static Pool *open_pool(int n_threads)
{
    Err err = {""};
    Pool *p;
    MUST(pool_open(&p, n_threads, false, &err), &err);
    return p;
}

static void use(const char *list)
{
    Err err;
    MUST(kernels_use(list, &err), &err);
}

static void check_record(const Record *r, int64_t n, int64_t grain, int n_threads, int64_t most)
{
    for (int64_t i = 0; i < n; i++) assert_int_equal(r->visits[i], 1);
    assert_true(r->n_pieces <= most);
    if (n > 0) assert_true(r->n_pieces >= 1);
    for (int i = 0; i < r->n_pieces; i++) {
        assert_true(r->begin[i] < r->end[i]);
        assert_int_equal(r->begin[i] % grain, 0);
        assert_true(r->end[i] - r->begin[i] >= grain || r->n_pieces == 1);
        assert_in_range(r->thread[i], 0, n_threads - 1);
    }
}

static void every_index_is_visited_once_in(const char *variant)
{
    static const int64_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 31, 64, 100, 999, MAX_N};
    static const int64_t grains[] = {1, 2, 3, 16, 100, 5000};
    static Record r;
    use(variant);
    for (int n_threads = 1; n_threads <= 8; n_threads++) {
        Pool *p = open_pool(n_threads);
        assert_int_equal(pool_threads(p), n_threads);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
                memset(&r, 0, sizeof r);
                pool_for(p, sizes[i], grains[g], record_piece, &r);
                check_record(&r, sizes[i], grains[g], n_threads, n_threads);
                memset(&r, 0, sizeof r);
                pool_for_dynamic(p, sizes[i], grains[g], record_piece, &r);
                check_record(&r, sizes[i], grains[g], n_threads, 8 * n_threads);
            }
        pool_close(p);
    }
    use(NULL);
}

static void every_index_is_visited_once_by_spawned_threads(void **state)
{
    (void)state;
    every_index_is_visited_once_in("pool:spawn");
}

static void every_index_is_visited_once_by_persistent_workers(void **state)
{
    (void)state;
    every_index_is_visited_once_in("pool:persistent");
}

static void store_piece(void *ctx, int64_t begin, int64_t end, int thread)
{
    int64_t(*pieces)[2] = ctx;
    pieces[thread][0] = begin;
    pieces[thread][1] = end;
}

static void hand_checked_split_of_eleven_items(void **state)
{
    (void)state;
    /* Grain 2 makes five units, 2 + 2 + 1 for three threads; the eleventh item joins the last. */
    static const int64_t expected[3][2] = {{0, 4}, {4, 8}, {8, 11}};
    for (int variant = 0; variant < 2; variant++) {
        use(variant ? "pool:persistent" : "pool:spawn");
        int64_t pieces[3][2] = {{0}};
        Pool *p = open_pool(3);
        pool_for(p, 11, 2, store_piece, pieces);
        pool_close(p);
        assert_memory_equal(pieces, expected, sizeof expected);
    }
    use(NULL);
}

static void null_pool_runs_inline_as_thread_zero(void **state)
{
    (void)state;
    static Record r;
    memset(&r, 0, sizeof r);
    pool_for(NULL, 10, 3, record_piece, &r);
    assert_int_equal(r.n_pieces, 1);
    assert_int_equal(r.begin[0], 0);
    assert_int_equal(r.end[0], 10);
    assert_int_equal(r.thread[0], 0);
    assert_int_equal(pool_threads(NULL), 1);
    pool_close(NULL);
}

/* One reader of x and one writer of y per index: a lost or early region shows as a wrong sum. */
typedef struct {
    int64_t x[64], y[64];
} Chain;

static void step_chain(void *ctx, int64_t begin, int64_t end, int thread)
{
    Chain *c = ctx;
    (void)thread;
    for (int64_t i = begin; i < end; i++) c->y[i] = c->x[(i + 17) % 64] + 1;
}

static void ten_thousand_regions_follow_one_another(void **state)
{
    (void)state;
    Rng rng = rng_seed(1);
    for (int n_threads = 2; n_threads <= 5; n_threads += 3) {
        Chain c = {{0}, {0}};
        Pool *p = open_pool(n_threads);
        for (int k = 0; k < 10000; k++) {
            int64_t grain = 1 + (int64_t)rng_below(&rng, 16);
            if (k & 1) pool_for(p, 64, grain, step_chain, &c);
            else pool_for_dynamic(p, 64, grain, step_chain, &c);
            /* Plain memory, no atomics: the pool alone must order these accesses. */
            memcpy(c.x, c.y, sizeof c.x);
            if (k % 1000 == 500) usleep(2000); /* long enough for everyone to park */
        }
        pool_close(p);
        for (int i = 0; i < 64; i++) assert_int_equal(c.x[i], 10000);
    }
}

/* The caller is fast and a worker slow: the caller must park and be woken. */
static void slow_if_not_caller(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)begin, (void)end;
    if (thread > 0) usleep(3000);
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static void parked_caller_is_woken(void **state)
{
    (void)state;
    Pool *p = open_pool(3);
    for (int k = 0; k < 20; k++) {
        atomic_int n = 0;
        pool_for(p, 3, 1, slow_if_not_caller, &n);
        assert_int_equal(n, 3);
    }
    pool_close(p);
}

static void pools_open_and_close_without_work(void **state)
{
    (void)state;
    for (int k = 0; k < 50; k++) pool_close(open_pool(1 + k % 5));
}

static void impossible_thread_numbers_are_refused(void **state)
{
    (void)state;
    static const int bad[] = {-1, 0, 257, 1 << 30};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Err err = {""};
        Pool *p;
        assert_int_equal(pool_open(&p, bad[i], false, &err), E_ARG);
        assert_null(p);
        assert_non_null(strstr(err.text, "HINT:"));
    }
}

static bool refuse(void *ctx, size_t n_bytes)
{
    (void)ctx, (void)n_bytes;
    return false;
}

static void refused_memory_is_an_error_of_opening(void **state)
{
    (void)state;
    Err err = {""};
    Pool *p;
    mem_set_hook(refuse, NULL);
    Status s = pool_open(&p, 2, false, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(s, E_MEMORY);
    assert_null(p);
}

static void count_cores(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)begin, (void)end;
    cpu_set_t mask;
    sched_getaffinity(0, sizeof mask, &mask);
    ((int *)ctx)[thread] = CPU_COUNT(&mask);
}

static void pinned_threads_have_one_core_and_the_caller_gets_its_own_back(void **state)
{
    (void)state;
    cpu_set_t before, after;
    sched_getaffinity(0, sizeof before, &before);
    for (int round = 0; round < 2; round++) { /* the second must not inherit from the first */
        Err err;
        Pool *p;
        int cores[2] = {0, 0};
        assert_int_equal(pool_open(&p, 2, true, &err), OK);
        pool_for(p, 2, 1, count_cores, cores);
        pool_close(p);
        assert_int_equal(cores[0], 1);
        assert_int_equal(cores[1], 1);
        sched_getaffinity(0, sizeof after, &after);
        assert_true(CPU_EQUAL(&before, &after));
    }
}

static void nest(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)begin, (void)end, (void)thread;
    int n = 0;
    if (thread == 0) pool_for(*(Pool **)ctx, 2, 1, slow_if_not_caller, &n);
}

static void open_and_nest(void *ctx)
{
    Pool *p = open_pool(*(int *)ctx);
    pool_for(p, 2, 1, nest, &p);
}

static void nested_pool_for_aborts(void **state)
{
    (void)state;
    for (int n = 1; n <= 2; n++) assert_true(aborts(open_and_nest, &n));
}

int main(void)
{
    layer1_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_checked_split_of_eleven_items),
        cmocka_unit_test(every_index_is_visited_once_by_spawned_threads),
        cmocka_unit_test(every_index_is_visited_once_by_persistent_workers),
        cmocka_unit_test(null_pool_runs_inline_as_thread_zero),
        cmocka_unit_test(ten_thousand_regions_follow_one_another),
        cmocka_unit_test(parked_caller_is_woken),
        cmocka_unit_test(pools_open_and_close_without_work),
        cmocka_unit_test(impossible_thread_numbers_are_refused),
        cmocka_unit_test(refused_memory_is_an_error_of_opening),
        cmocka_unit_test(pinned_threads_have_one_core_and_the_caller_gets_its_own_back),
        cmocka_unit_test(nested_pool_for_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
