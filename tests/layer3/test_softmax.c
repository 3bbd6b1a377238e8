/* test_softmax.c: every variant of softmax against hand-computed and double-precision rows. */
#include "twins.h"

#include "layer3.h"

/* Half the distance between 1 and the next f32: the error of one rounding. */
#define U (FLT_EPSILON / 2)

static void softmax_f64(double *p, const float *x, int64_t n)
{
    double m = x[0], sum = 0.0;
    for (int64_t i = 1; i < n; i++) m = x[i] > m ? x[i] : m;
    for (int64_t i = 0; i < n; i++) sum += p[i] = exp(x[i] - m);
    for (int64_t i = 0; i < n; i++) p[i] /= sum;
}

/* Relative error: 2 range roundings of exponents, and per element one addition and (online) one
 * correction of up to 5 roundings; 16 for the exponentials themselves. Then the smallest f32. */
static double tolerance(double p, int64_t n, double range)
{
    return p * U * (6.0 * (double)n + 2.0 * range + 16.0) + 4.0 * (double)FLT_TRUE_MIN;
}

static void by_hand(const KernelRow *row, void *ctx)
{
    (void)ctx;
    /* 1, 2, 4 -> e^-3, e^-2, 1 -> 0.0497871, 0.1353353, 1; their sum is 1.1851224. */
    float x[3] = {1.0f, 2.0f, 4.0f};
    ((softmax_fn *)row->fn)(x, 3);
    static const float want[3] = {0.042010065f, 0.11419519f, 0.84379475f};
    for (int i = 0; i < 3; i++) assert_near(x[i], want[i], 1e-7, "1 2 4", row->variant, i);
}

static void three_scores_by_hand(void **state)
{
    (void)state;
    twins_for_each("softmax", by_hand, NULL);
}

static void near_f64(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(31);
    static double want[4096];
    for (int s = 1; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int64_t n = twin_size(s);
            TwinBuf b = twin_buf(n, sizeof(float), offset);
            float *x = b.data;
            /* Below zero, so that a lane beyond the end that counts as 0 would win. */
            for (int64_t i = 0; i < n; i++) x[i] = 8.0f * rng_normal(&rng) - 300.0f;
            softmax_f64(want, x, n);
            ((softmax_fn *)row->fn)(x, n);
            double sum = 0.0;
            for (int64_t i = 0; i < n; i++) {
                assert_near(x[i], (float)want[i], tolerance(want[i], n, 80.0) + U * want[i],
                            "random row", row->variant, i);
                sum += x[i];
            }
            assert_near((float)sum, 1.0f, tolerance(1.0, n, 80.0), "sum", row->variant, n);
            twin_free(b);
        }
}

static void every_variant_agrees_with_double_precision_and_sums_to_one(void **state)
{
    (void)state;
    twins_for_each("softmax", near_f64, NULL);
}

static void shifted(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(32);
    float x[45], y[45];
    for (int i = 0; i < 45; i++) {
        /* Multiples of 1/64 below 16: adding 1000 is exact, so equality is exact too. */
        x[i] = (float)rng_below(&rng, 1024) / 64.0f;
        y[i] = x[i] + 1000.0f;
    }
    ((softmax_fn *)row->fn)(x, 45);
    ((softmax_fn *)row->fn)(y, 45);
    assert_same_f32(y, x, 45, "shift by 1000", row->variant);
}

static void softmax_is_shift_invariant(void **state)
{
    (void)state;
    twins_for_each("softmax", shifted, NULL);
}

static void online_equals_two_pass(void **state)
{
    (void)state;
    softmax_fn *online = (softmax_fn *)kernels_find("softmax", "online")->fn;
    softmax_fn *two_pass = (softmax_fn *)kernels_find("softmax", "two_pass")->fn;
    /* Rising scores move the maximum at every element, falling ones never. */
    for (int direction = -1; direction <= 1; direction += 2) {
        float a[100], b[100];
        for (int i = 0; i < 100; i++) a[i] = b[i] = (float)(direction * i) * 0.25f;
        online(a, 100);
        two_pass(b, 100);
        for (int i = 0; i < 100; i++)
            assert_near(a[i], b[i], 2.0 * tolerance(b[i], 100, 25.0), "online", "online", i);
    }
}

static bool all_nan(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isnan(x[i])) return false;
    return true;
}

/* A row of n scores in which one, at every place in turn, is special. */
static void special_rows(const KernelRow *row, void *ctx)
{
    (void)ctx;
    softmax_fn *fn = (softmax_fn *)row->fn;
    for (int n = 1; n <= 67; n++) {
        float x[67];
        for (int i = 0; i < n; i++) x[i] = -INFINITY;
        fn(x, n);
        for (int i = 0; i < n; i++) assert_near(x[i], 0.0f, 0.0, "all -inf", row->variant, i);

        for (int at = 0; at < n; at++) {
            for (int i = 0; i < n; i++) x[i] = i == at ? NAN : -INFINITY;
            fn(x, n);
            assert_true(all_nan(x, n));
            for (int i = 0; i < n; i++) x[i] = i == at ? NAN : (float)i;
            fn(x, n);
            assert_true(all_nan(x, n));
            for (int i = 0; i < n; i++) x[i] = i == at ? INFINITY : (float)i;
            fn(x, n);
            assert_true(all_nan(x, n));
            /* The only finite score takes everything, however small it is. */
            for (int i = 0; i < n; i++) x[i] = i == at ? -3e38f : -INFINITY;
            fn(x, n);
            for (int i = 0; i < n; i++)
                assert_near(x[i], i == at ? 1.0f : 0.0f, 0.0, "one finite", row->variant, i);
            for (int i = 0; i < n; i++) x[i] = i == at ? FLT_MAX : -FLT_MAX;
            fn(x, n);
            for (int i = 0; i < n; i++)
                assert_near(x[i], i == at ? 1.0f : 0.0f, 0.0, "extremes", row->variant, i);
        }
        /* As low as finite scores go, and equal. */
        for (int i = 0; i < n; i++) x[i] = -FLT_MAX;
        fn(x, n);
        for (int i = 0; i < n; i++)
            assert_near(x[i], 1.0f / (float)n, tolerance(1.0 / n, n, 0.0), "lowest", row->variant, i);
        /* Denormal scores are almost equal: 1 / n each. */
        for (int i = 0; i < n; i++) x[i] = i % 2 ? 1e-40f : -3e-42f;
        fn(x, n);
        for (int i = 0; i < n; i++)
            assert_near(x[i], 1.0f / (float)n, tolerance(1.0 / n, n, 0.0), "denormal",
                        row->variant, i);
    }
}

static void infinities_and_nan_follow_the_contract(void **state)
{
    (void)state;
    twins_for_each("softmax", special_rows, NULL);
}

static void denormal_results(const KernelRow *row, void *ctx)
{
    (void)ctx;
    float x[40];
    for (int i = 0; i < 40; i++) x[i] = i == 7 ? 0.0f : -84.0f - 0.5f * (float)i;
    ((softmax_fn *)row->fn)(x, 40);
    for (int i = 0; i < 40; i++) {
        double want = i == 7 ? 1.0 : exp(-84.0 - 0.5 * i);
        assert_near(x[i], (float)want, tolerance(want, 40, 104.0), "e^-84 and less", row->variant, i);
    }
}

static void tiny_probabilities_fade_through_denormals_to_zero(void **state)
{
    (void)state;
    twins_for_each("softmax", denormal_results, NULL);
}

static void online_is_used_only_by_name(void **state)
{
    (void)state;
    Err err;
    assert_string_not_equal(kernels_selected("softmax")->variant, "online");
    assert_int_equal(kernels_use("scalar", &err), OK);
    assert_string_equal(kernels_selected("softmax")->variant, "two_pass");
    assert_int_equal(kernels_use("softmax:online", &err), OK);
    assert_string_equal(kernels_selected("softmax")->variant, "online");
    assert_int_equal(kernels_use(NULL, &err), OK);
}

int main(void)
{
    layer3_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_scores_by_hand),
        cmocka_unit_test(every_variant_agrees_with_double_precision_and_sums_to_one),
        cmocka_unit_test(softmax_is_shift_invariant),
        cmocka_unit_test(online_equals_two_pass),
        cmocka_unit_test(infinities_and_nan_follow_the_contract),
        cmocka_unit_test(tiny_probabilities_fade_through_denormals_to_zero),
        cmocka_unit_test(online_is_used_only_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
