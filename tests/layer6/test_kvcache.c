/* One block of memory cut by arithmetic: the plan, the pieces, the limits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "model_bytes.h"

static Buf file;
static Model m;

static int open_model(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE; /* 2 layers, 2 kv heads of 8 */
    layer6_init();
    file = mb_model(&shape, 3);
    m = mb_opened(&file);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    model_close(&m);
    buf_close(&file);
    return 0;
}

static void the_plan_is_the_product_of_its_factors(void **state)
{
    (void)state;
    /* 2 layers x (k, v) x 10 positions x 2 heads x 8 numbers x 4 bytes = 2 x 2 x 640 */
    assert_int_equal(kvcache_plan(&m, DT_F32, DT_F32, 10, 1), 2560);
    assert_int_equal(kvcache_plan(&m, DT_F32, DT_F32, 10, 3), 3 * 2560);
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, 10, 1), 1280);
    assert_int_equal(kvcache_plan(&m, DT_F32, DT_F16, 10, 1), 1920);
    /* Pieces begin at multiples of 64: 1 position is 32 bytes of f16, rounded up twice per layer. */
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, 1, 1), 2 * 2 * 64);
}

static void impossible_plans_are_minus_one(void **state)
{
    (void)state;
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, 0, 1), -1);
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, -1, 1), -1);
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, 10, 0), -1);
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, (int64_t)INT32_MAX + 1, 1), -1);
    assert_true(kvcache_plan(&m, DT_F16, DT_F16, INT32_MAX, 1) > 0);
    assert_int_equal(kvcache_plan(&m, DT_F32, DT_F32, INT32_MAX, INT32_MAX), -1); /* overflows */
}

static void memory_that_nobody_has_is_refused(void **state)
{
    (void)state;
    KvCache c;
    Err err = {0};
    assert_int_equal(kvcache_open(&c, &m, DT_F32, DT_F32, 0, 1, &err), E_MEMORY);
    assert_non_null(strstr(err.text, "HINT:"));
    kvcache_close(&c);
    assert_int_equal(kvcache_open(&c, &m, DT_F32, DT_F32, INT32_MAX, 100, &err), E_MEMORY);
    assert_non_null(strstr(err.text, "-c"));
    kvcache_close(&c);
    kvcache_close(&c);
}

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    KvCache c;
    Err err = {0};
    enum { N_CTX = 7, N_SEQ = 3 };
    MUST(kvcache_open(&c, &m, DT_F16, DT_F32, N_CTX, N_SEQ, &err), &err);
    const char *end = c.base;
    KvSource source = kvcache_source(&c);
    for (int q = 0; q < N_SEQ; q++)
        for (int l = 0; l < 2; l++) {
            KvView v = kvcache_view(&c, q, l), w = source.lookup(source.ctx, q, l);
            assert_ptr_equal(v.k, w.k);
            assert_int_equal((uintptr_t)v.k % 64, 0);
            assert_int_equal((uintptr_t)v.v % 64, 0);
            assert_true(v.k >= end && v.v >= v.k + N_CTX * 2 * 8 * 2);
            end = v.v + N_CTX * 2 * 8 * 4;
            assert_int_equal(v.n_ctx, N_CTX);
        }
    assert_true(end <= c.base + c.bytes);
    /* What one sequence stores, no other sees. */
    float k[16], v[16], got[8];
    for (int q = 0; q < N_SEQ; q++)
        for (int l = 0; l < 2; l++)
            for (int64_t p = 0; p < N_CTX; p++) {
                for (int i = 0; i < 16; i++) k[i] = v[i] = (float)(((q * 2 + l) * 8 + p) * 16 + i);
                KvView view = kvcache_view(&c, q, l);
                kv_store(&view, p, k, v);
            }
    for (int q = 0; q < N_SEQ; q++)
        for (int l = 0; l < 2; l++)
            for (int64_t p = 0; p < N_CTX; p++)
                for (int g = 0; g < 2; g++) {
                    KvView view = kvcache_view(&c, q, l);
                    kv_load_v(got, &view, g, p);
                    assert_true(got[3] == (float)(((q * 2 + l) * 8 + p) * 16 + g * 8 + 3));
                    kv_load_k(got, &view, g, p);
                    assert_true(got[7] == (float)(((q * 2 + l) * 8 + p) * 16 + g * 8 + 7));
                }
    kvcache_close(&c);
}

static void look_beyond(void *ctx) { kvcache_view(ctx, 1, 0); }
static void look_above(void *ctx) { kvcache_view(ctx, 0, 2); }

static void a_wrong_sequence_is_our_own_mistake(void **state)
{
    (void)state;
    KvCache c;
    Err err = {0};
    MUST(kvcache_open(&c, &m, DT_F16, DT_F16, 4, 1, &err), &err);
    assert_true(aborts(look_beyond, &c));
    assert_true(aborts(look_above, &c));
    kvcache_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plan_is_the_product_of_its_factors),
        cmocka_unit_test(impossible_plans_are_minus_one),
        cmocka_unit_test(memory_that_nobody_has_is_refused),
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(a_wrong_sequence_is_our_own_mistake),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
