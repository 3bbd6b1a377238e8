/* Spans and their statistics: hand-made durations first, then real threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int start(void **state)
{
    (void)state;
    Err err;
    return profile_start(&err);
}

static int finish(void **state)
{
    (void)state;
    profile_close();
    return 0;
}

static const ProfileLine *line_of(const ProfileLine *lines, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(lines[i].name, name) == 0) return &lines[i];
    print_error("no line '%s'\n", name);
    return NULL;
}

static void statistics_of_five_hand_made_spans(void **state)
{
    (void)state;
    /* Durations 10 20 30 40 100: mean 40, deviations 30 20 10 0 60, squares 900 400 100 0 3600 sum
     * to 5000, sigma = sqrt(1000) = 31.6. Nearest rank: ceil(0.95 * 5) = 5, the largest. */
    static const int64_t durations[] = {40, 10, 100, 30, 20};
    for (int i = 0; i < 5; i++) profile_record("five", 1000 * i, 1000 * i + durations[i], 8);
    profile_record("pair", 5, 8, 0);
    profile_record("pair", 5, 10, 0);

    Arena a = {0};
    Err err;
    ProfileLine *lines;
    int n;
    MUST(profile_report(&a, &lines, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(lines[0].name, "five"); /* the larger total stands first */
    assert_int_equal(lines[0].count, 5);
    assert_int_equal(lines[0].total_ns, 200);
    assert_int_equal(lines[0].min_ns, 10);
    assert_int_equal(lines[0].median_ns, 30);
    assert_int_equal(lines[0].mean_ns, 40);
    assert_int_equal(lines[0].p95_ns, 100);
    assert_int_equal(lines[0].p99_ns, 100);
    assert_int_equal(lines[0].max_ns, 100);
    assert_int_equal(lines[0].sigma_ns, 32);
    assert_int_equal(lines[0].bytes, 40);
    assert_int_equal(lines[0].n_threads, 1);
    assert_int_equal(lines[1].median_ns, 4); /* between 3 and 5 */
    assert_int_equal(lines[1].p95_ns, 5);
    arena_close(&a);
}

static void percentiles_of_one_to_two_hundred(void **state)
{
    (void)state;
    /* 200 values in mixed order (77 and 200 share no factor): p95 = x_190, p99 = x_198. */
    for (int64_t i = 0; i < 200; i++) profile_record("x", 0, i * 77 % 200 + 1, 0);
    Arena a = {0};
    Err err;
    ProfileLine *lines;
    int n;
    MUST(profile_report(&a, &lines, &n, &err), &err);
    assert_int_equal(lines[0].count, 200);
    assert_int_equal(lines[0].p95_ns, 190);
    assert_int_equal(lines[0].p99_ns, 198);
    assert_int_equal(lines[0].median_ns, 100); /* (100 + 101) / 2, rounded down */
    assert_int_equal(lines[0].sigma_ns, lround(sqrt((200.0 * 200 - 1) / 12)));
    arena_close(&a);
}

static int leave_early(bool early)
{
    PROFILE_SPAN("scope", 0);
    if (early) return 1;
    return 2;
}

static int64_t spans_named(const char *name)
{
    Arena a = {0};
    Err err;
    ProfileLine *lines;
    int n;
    int64_t count = 0;
    MUST(profile_report(&a, &lines, &n, &err), &err);
    for (int i = 0; i < n; i++)
        if (strcmp(lines[i].name, name) == 0) count = lines[i].count;
    arena_close(&a);
    return count;
}

static void a_span_ends_on_every_way_out_of_its_scope(void **state)
{
    (void)state;
    assert_int_equal(leave_early(true) + leave_early(false), 3);
    assert_int_equal(spans_named("scope"), 2);
}

static void nothing_is_recorded_when_off(void **state)
{
    (void)state;
    profile_stop();
    leave_early(true);
    profile_count("tokens", 1);
    Buf out = {0};
    Err err;
    MUST(profile_json(&out, &err), &err);
    assert_string_equal(out.data, "{\"spans\":[],\"counters\":{},\"spans_lost\":0}\n");
    buf_close(&out);
}

static void span_piece(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)ctx, (void)thread;
    for (int64_t i = begin; i < end; i++) {
        PROFILE_SPAN("piece", 10);
        profile_count("items", 1);
    }
}

static void threads_are_merged_into_one_line(void **state)
{
    (void)state;
    enum { N = 6000 }; /* buffers grow beyond their first size */
    Pool *p;
    Err err;
    MUST(pool_open(&p, 3, false, &err), &err);
    pool_for(p, N, 1, span_piece, NULL);
    pool_close(p);

    Arena a = {0};
    ProfileLine *lines;
    int n;
    MUST(profile_report(&a, &lines, &n, &err), &err);
    const ProfileLine *l = line_of(lines, n, "piece");
    assert_non_null(l);
    assert_int_equal(l->count, N);
    assert_int_equal(l->bytes, 10 * N);
    assert_int_equal(l->n_threads, 3);
    assert_true(l->min_ns >= 0 && l->min_ns <= l->median_ns && l->median_ns <= l->p95_ns &&
                l->p95_ns <= l->p99_ns && l->p99_ns <= l->max_ns && l->max_ns <= l->total_ns);
    arena_close(&a);

    Buf out = {0};
    MUST(profile_json(&out, &err), &err);
    assert_non_null(strstr(out.data, "\"counters\":{\"items\":6000}"));
    buf_close(&out);
}

static void *record_once(void *arg)
{
    (void)arg;
    profile_record("short-lived", 1, 2, 0);
    return NULL;
}

static void short_lived_threads_hand_their_buffer_on(void **state)
{
    (void)state;
    enum { N = 1000 }; /* more than there are buffers */
    for (int i = 0; i < N; i++) {
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, record_once, NULL), 0);
        pthread_join(t, NULL);
    }
    assert_int_equal(spans_named("short-lived"), N);
}

static void restarting_drops_what_was_there(void **state)
{
    (void)state;
    Err err;
    profile_record("old", 1, 2, 0);
    profile_count("old", 5);
    MUST(profile_start(&err), &err);
    profile_record("new", 1, 2, 0);
    assert_int_equal(spans_named("old"), 0);
    assert_int_equal(spans_named("new"), 1);
    profile_close();
    profile_record("after close", 1, 2, 0); /* buffers come back when they are needed */
    assert_int_equal(spans_named("after close"), 1);
}

static void table_shows_units_rates_and_counters(void **state)
{
    (void)state;
    Err err;
    Buf out = {0};
    for (int i = 0; i < 4; i++) profile_record("matmul", 0, 2500000, 10000000); /* 4 GB/s */
    profile_record("tiny", 0, 750, 0);
    profile_count("tokens", 12);
    profile_count("tokens", 30);
    MUST(profile_table(&out, &err), &err);
    assert_non_null(strstr(out.data, "matmul                          4   1  10.00 ms   2.50 ms"));
    assert_non_null(strstr(out.data, "    4.00\n"));
    assert_non_null(strstr(out.data, "    750 ns"));
    assert_non_null(strstr(out.data, "tokens                         42\n"));
    assert_true(strstr(out.data, "matmul") < strstr(out.data, "tiny"));
    buf_close(&out);
}

static void json_quotes_names(void **state)
{
    (void)state;
    Err err;
    Buf out = {0};
    profile_record("a\"b\\c\n", 3, 10, 14);
    MUST(profile_json(&out, &err), &err);
    assert_string_equal(out.data,
                        "{\"spans\":[{\"name\":\"a\\\"b\\\\c\\u000a\",\"count\":1,\"threads\":1,"
                        "\"total_ns\":7,\"min_ns\":7,\"median_ns\":7,\"mean_ns\":7,\"p95_ns\":7,"
                        "\"p99_ns\":7,\"max_ns\":7,\"sigma_ns\":0,\"bytes\":14}],\"counters\":{},"
                        "\"spans_lost\":0}\n");
    buf_close(&out);
}

static bool refuse(void *ctx, size_t n_bytes)
{
    (void)ctx, (void)n_bytes;
    return false;
}

static void refused_memory_is_counted_not_fatal(void **state)
{
    (void)state;
    Err err;
    Buf out = {0};
    profile_close();
    mem_set_hook(refuse, NULL);
    Status s = profile_start(&err);
    profile_record("lost", 1, 2, 0);
    profile_record("lost", 1, 2, 0);
    Status t = profile_json(&out, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(s, E_MEMORY);
    assert_int_equal(t, E_MEMORY);
    MUST(profile_table(&out, &err), &err);
    assert_non_null(strstr(out.data, "2 spans found no memory"));
    buf_close(&out);
}

static void the_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_ns(), first = last;
    assert_true(first > 0);
    for (int i = 0; i < 100000; i++) {
        int64_t now = clock_ns();
        assert_true(now >= last);
        last = now;
    }
    assert_true(last > first);
}

static void processor_time_counts_work_and_not_sleep(void **state)
{
    (void)state;
    int64_t from = clock_cpu_ns(), wall = clock_ns();
    assert_int_equal(usleep(20000), 0);
    assert_true(clock_ns() - wall >= 20000000);
    int64_t asleep = clock_cpu_ns() - from;
    assert_true(asleep >= 0 && asleep < 10000000);
    int64_t busy = clock_cpu_ns();
    while (clock_cpu_ns() - busy < 3000000) continue;
    assert_true(clock_ns() - wall >= 23000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(statistics_of_five_hand_made_spans, start, finish),
        cmocka_unit_test_setup_teardown(percentiles_of_one_to_two_hundred, start, finish),
        cmocka_unit_test_setup_teardown(a_span_ends_on_every_way_out_of_its_scope, start, finish),
        cmocka_unit_test_setup_teardown(nothing_is_recorded_when_off, start, finish),
        cmocka_unit_test_setup_teardown(threads_are_merged_into_one_line, start, finish),
        cmocka_unit_test_setup_teardown(short_lived_threads_hand_their_buffer_on, start, finish),
        cmocka_unit_test_setup_teardown(restarting_drops_what_was_there, start, finish),
        cmocka_unit_test_setup_teardown(table_shows_units_rates_and_counters, start, finish),
        cmocka_unit_test_setup_teardown(json_quotes_names, start, finish),
        cmocka_unit_test_setup_teardown(refused_memory_is_counted_not_fatal, start, finish),
        cmocka_unit_test_setup_teardown(the_clock_never_goes_back, start, finish),
        cmocka_unit_test(processor_time_counts_work_and_not_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
