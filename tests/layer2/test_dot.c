/* test_dot.c: every variant of the dot products against sums in double. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

typedef enum { W_F32, W_F16, W_BF16 } WType;
static const char *const ops[] = {"dot_f32", "dot_f16", "dot_bf16"};

static float dot_of(const KernelRow *row, WType t, const void *w, const float *x, int64_t n)
{
    if (t == W_F32) return ((dot_f32_fn *)row->fn)(w, x, n);
    return ((dot_f16_fn *)row->fn)(w, x, n); /* dot_bf16_fn is the same type */
}

static void store_weight(WType t, void *w, int64_t i, float v)
{
    if (t == W_F32) ((float *)w)[i] = v;
    if (t == W_F16) ((uint16_t *)w)[i] = f32_to_f16(v);
    if (t == W_BF16) ((uint16_t *)w)[i] = f32_to_bf16(v);
}

static float load_weight(WType t, const void *w, int64_t i)
{
    if (t == W_F32) return ((const float *)w)[i];
    return t == W_F16 ? f16_to_f32(((const uint16_t *)w)[i]) : bf16_to_f32(((const uint16_t *)w)[i]);
}

/* 1*10 - 2*100 + 4*1000 + ...: each position has a weight of its own. */
static void check_by_hand(const KernelRow *row, void *type)
{
    WType t = *(const WType *)type;
    float x[5] = {10, 100, 1000, -3, 7}, w32[5] = {1, -2, 4, 8, 0.5f};
    float w[5];
    for (int i = 0; i < 5; i++) store_weight(t, w, i, w32[i]);
    assert_true(dot_of(row, t, w, x, 0) == 0.0f);
    assert_true(dot_of(row, t, w, x, 1) == 10.0f);
    assert_true(dot_of(row, t, w, x, 3) == 3810.0f);
    assert_true(dot_of(row, t, w, x, 5) == 3789.5f);
}

static void small_dots_are_exact(void **state)
{
    (void)state;
    for (WType t = W_F32; t <= W_BF16; t++) twins_for_each(ops[t], check_by_hand, &t);
}

static void check_random(const KernelRow *row, void *type)
{
    WType t = *(const WType *)type;
    Rng rng = rng_seed(5);
    for (int s = 0; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int64_t n = twin_size(s);
            TwinBuf bw = twin_buf(n, t == W_F32 ? 4 : 2, offset);
            TwinBuf bx = twin_buf(n, 4, (offset + 3) % TWIN_OFFSETS);
            float *x = bx.data;
            double want = 0, size = 0;
            twin_normals(&rng, x, n);
            for (int64_t i = 0; i < n; i++) {
                store_weight(t, bw.data, i, rng_normal(&rng));
                want += (double)load_weight(t, bw.data, i) * x[i];
                size += fabs((double)load_weight(t, bw.data, i) * x[i]);
            }
            /* A product and an addition per term, each off by half an ulp of a sum <= sum |w x|. */
            double tol = ((double)n + 1) * FLT_EPSILON / 2 * size;
            assert_near(dot_of(row, t, bw.data, x, n), (float)want, tol, row->op, row->variant, n);
            twin_free(bw);
            twin_free(bx);
        }
}

static void dots_are_near_the_exact_sum(void **state)
{
    (void)state;
    for (WType t = W_F32; t <= W_BF16; t++) twins_for_each(ops[t], check_random, &t);
}

/* One special weight at every position of every length: it must reach the result. */
static void check_special(const KernelRow *row, void *type)
{
    WType t = *(const WType *)type;
    for (int64_t n = 1; n <= 67; n++)
        for (int64_t i = 0; i < n; i++) {
            float w[67], x[67];
            for (int64_t j = 0; j < n; j++) {
                store_weight(t, w, j, 0.0f);
                x[j] = 2.0f;
            }
            /* The smallest numbers: 2^-24 is a denormal f16, 2^-133 a denormal bf16 and f32. */
            float tiny = t == W_F16 ? ldexpf(1, -24) : ldexpf(1, -133);
            store_weight(t, w, i, tiny);
            assert_true(dot_of(row, t, w, x, n) == 2 * tiny);
            store_weight(t, w, i, -INFINITY);
            assert_true(dot_of(row, t, w, x, n) == -INFINITY);
            store_weight(t, w, i, NAN);
            assert_true(isnan(dot_of(row, t, w, x, n)));
        }
}

static void nan_infinity_and_denormals_reach_the_result(void **state)
{
    (void)state;
    for (WType t = W_F32; t <= W_BF16; t++) twins_for_each(ops[t], check_special, &t);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_dots_are_exact),
        cmocka_unit_test(dots_are_near_the_exact_sum),
        cmocka_unit_test(nan_infinity_and_denormals_reach_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
