/* test_roofline.c: the probes do what they claim to count, and the measurement is plausible. How fast
 * they are is never asserted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "must.h"
#include "twins.h"

static void check_read(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(21);
    for (int64_t words = 0; words <= 200; words++) {
        TwinBuf b = twin_buf(words, 4, (int)(words % 4));
        uint32_t *w = b.data, want = 0;
        for (int64_t i = 0; i < words; i++) want ^= w[i] = (uint32_t)rng_u64(&rng);
        assert_int_equal(((roofline_read_fn *)row->fn)(w, words * 4), want);
        twin_free(b);
    }
}

static void every_word_is_read_exactly_once(void **state)
{
    (void)state;
    twins_for_each("roofline_read", check_read, NULL);
}

/* s = s/2 + 1 tends to 2 in every chain, so the result is twice the number of chains and lanes; and
 * a round is 2 operations for each of them. */
static void check_fma(const KernelRow *row, void *ctx)
{
    (void)ctx;
    float out;
    int64_t operations = ((roofline_fma_fn *)row->fn)(200, &out);
    assert_true(out == (float)(operations / 200));
    assert_int_equal(((roofline_fma_fn *)row->fn)(400, &out), 2 * operations);
}

/* Each product is 3 * -2: the sum changes by -6 for every 2 operations. */
static void check_int8(const KernelRow *row, void *ctx)
{
    (void)ctx;
    int32_t none, out;
    ((roofline_int8_fn *)row->fn)(0, &none);
    int64_t operations = ((roofline_int8_fn *)row->fn)(100, &out);
    assert_int_equal(out - none, -6 * operations / 2);
}

static void operations_are_counted_as_done(void **state)
{
    (void)state;
    twins_for_each("roofline_fma", check_fma, NULL);
    twins_for_each("roofline_int8", check_int8, NULL);
}

static void a_measurement_is_plausible(void **state)
{
    (void)state;
    Pool *pool = NULL;
    Err err;
    Roofline r;
    MUST(pool_open(&pool, 2, false, &err), &err);
    MUST(roofline_measure(&r, pool, 1 << 22, 0.1, &err), &err);
    assert_int_equal(r.n_threads, 2);
    /* Anything from an emulator to ten times the machines of today. */
    assert_true(r.read_gbs > 1e-4 && r.read_gbs < 1e5);
    assert_true(r.fma_gflops > 1e-4 && r.fma_gflops < 1e6);
    assert_true(r.int8_gops > 1e-4 && r.int8_gops < 1e6);
    pool_close(pool);
}

static void a_tiny_buffer_is_refused_with_a_hint(void **state)
{
    (void)state;
    Err err;
    Roofline r;
    assert_int_equal(roofline_measure(&r, NULL, 1000, 0.1, &err), E_ARG);
    assert_non_null(strstr(err.text, "1000"));
    assert_non_null(strstr(err.text, "HINT:"));
}

static bool refuse_large(void *ctx, size_t n_bytes)
{
    (void)ctx;
    return n_bytes < 1 << 20;
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    Err err;
    Roofline r;
    mem_set_hook(refuse_large, NULL);
    Status s = roofline_measure(&r, NULL, 1 << 22, 0.1, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(s, E_MEMORY);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_is_read_exactly_once),
        cmocka_unit_test(operations_are_counted_as_done),
        cmocka_unit_test(a_measurement_is_plausible),
        cmocka_unit_test(a_tiny_buffer_is_refused_with_a_hint),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
