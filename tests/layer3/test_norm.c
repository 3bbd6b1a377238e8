/* test_norm.c: every variant of RMSNorm and LayerNorm against hand-computed and double-precision
 * vectors. */
#include "twins.h"

#include "layer3.h"

/* Half the distance between 1 and the next f32: the error of one rounding. */
#define U (FLT_EPSILON / 2)

static void rms_by_hand(const KernelRow *row, void *ctx)
{
    (void)ctx;
    /* Mean of squares (1 + 4 + 49) / 3 = 18, plus eps 7 is 25: the scale is 1/5. */
    float x[3] = {1.0f, -2.0f, 7.0f}, w[3] = {10.0f, 5.0f, -1.0f}, y[3];
    ((rmsnorm_fn *)row->fn)(y, x, w, 3, 7.0f);
    static const float want[3] = {2.0f, -2.0f, -1.4f};
    for (int i = 0; i < 3; i++) assert_near(y[i], want[i], 4e-7, "1 -2 7", row->variant, i);
    /* Without gain, in place. */
    ((rmsnorm_fn *)row->fn)(x, x, NULL, 3, 7.0f);
    static const float plain[3] = {0.2f, -0.4f, 1.4f};
    for (int i = 0; i < 3; i++) assert_near(x[i], plain[i], 2e-7, "in place", row->variant, i);
}

static void layer_by_hand(const KernelRow *row, void *ctx)
{
    (void)ctx;
    /* Mean 3, distances -2 -1 3, mean square 14/3, plus eps 4/3 is 6; w and b differ everywhere. */
    float x[3] = {1.0f, 2.0f, 6.0f}, w[3] = {1.0f, 2.0f, 3.0f}, b[3] = {0.5f, 0.0f, -1.0f}, y[3];
    float eps = 4.0f / 3.0f;
    layernorm_fn *fn = (layernorm_fn *)row->fn;
    fn(y, x, w, b, 3, eps);
    static const float want[3] = {-0.31649658f, -0.81649658f, 2.6742346f};
    for (int i = 0; i < 3; i++) assert_near(y[i], want[i], 1e-6, "1 2 6", row->variant, i);
    fn(y, x, NULL, b, 3, eps);
    assert_near(y[2], 0.22474487f, 1e-6, "no gain", row->variant, 2);
    fn(y, x, w, NULL, 3, eps);
    assert_near(y[2], 3.6742346f, 1e-6, "no offset", row->variant, 2);
    fn(x, x, NULL, NULL, 3, eps);
    assert_near(x[0], -0.81649658f, 1e-6, "in place", row->variant, 0);
}

static void small_vectors_by_hand(void **state)
{
    (void)state;
    twins_for_each("rmsnorm", rms_by_hand, NULL);
    twins_for_each("layernorm", layer_by_hand, NULL);
}

/* A sum of n terms is off by at most n roundings, its root by half of that; 6 more operations. */
static void rms_near_f64(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(33);
    for (int s = 1; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int64_t n = twin_size(s);
            TwinBuf bx = twin_buf(n, 4, offset), bw = twin_buf(n, 4, 3 - offset),
                    by = twin_buf(n, 4, (offset + 1) % 4);
            float *x = bx.data, *w = bw.data, *y = by.data, eps = 1e-5f;
            twin_normals(&rng, x, n);
            twin_normals(&rng, w, n);
            double sum = 0.0;
            for (int64_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
            double scale = 1.0 / sqrt(sum / (double)n + eps), slack = U * ((double)n / 2 + 6);
            ((rmsnorm_fn *)row->fn)(y, x, w, n, eps);
            for (int64_t i = 0; i < n; i++) {
                double want = w[i] * (x[i] * scale);
                assert_near(y[i], (float)want, slack * fabs(want), "rmsnorm", row->variant, i);
            }
            ((rmsnorm_fn *)row->fn)(y, x, NULL, n, eps);
            for (int64_t i = 0; i < n; i++)
                assert_near(y[i], (float)(x[i] * scale), slack * fabs(x[i] * scale),
                            "rmsnorm without gain", row->variant, i);
            twin_free(bx);
            twin_free(bw);
            twin_free(by);
        }
}

/* As above, and the mean is off by n roundings of the mean magnitude, which shifts every element. */
static void layer_near_f64(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(34);
    for (int s = 1; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int64_t n = twin_size(s);
            TwinBuf bx = twin_buf(n, 4, offset), bw = twin_buf(n, 4, 3 - offset),
                    bb = twin_buf(n, 4, (offset + 2) % 4);
            float *x = bx.data, *w = bw.data, *b = bb.data, eps = 1e-3f;
            twin_normals(&rng, w, n);
            twin_normals(&rng, b, n);
            double sum = 0.0, sum_abs = 0.0, var = 0.0;
            for (int64_t i = 0; i < n; i++) {
                x[i] = 5.0f + rng_normal(&rng);
                sum += x[i];
                sum_abs += fabsf(x[i]);
            }
            double mean = sum / (double)n;
            for (int64_t i = 0; i < n; i++) var += (x[i] - mean) * (x[i] - mean);
            double scale = 1.0 / sqrt(var / (double)n + eps);
            TwinBuf by = twin_buf(n, 4, offset);
            float *y = by.data;
            memcpy(y, x, (size_t)n * 4);
            ((layernorm_fn *)row->fn)(y, y, w, b, n, eps);
            for (int64_t i = 0; i < n; i++) {
                double core = w[i] * ((x[i] - mean) * scale), want = core + b[i];
                double shift = fabs(w[i] * scale) * U * (double)n * sum_abs / (double)n;
                /* The shift of the mean also changes the scale, by at most as much relatively. */
                double relative = U * ((double)n / 2 + 8) + U * sum_abs * scale;
                assert_near(y[i], (float)want, shift + relative * fabs(core) + 2 * U * fabs(want),
                            "layernorm", row->variant, i);
            }
            twin_free(bx);
            twin_free(bw);
            twin_free(bb);
            twin_free(by);
        }
}

static void every_variant_agrees_with_double_precision(void **state)
{
    (void)state;
    twins_for_each("rmsnorm", rms_near_f64, NULL);
    twins_for_each("layernorm", layer_near_f64, NULL);
}

static void rms_scaled(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(35);
    float x[51], y[51], z[51];
    twin_normals(&rng, x, 51);
    ((rmsnorm_fn *)row->fn)(y, x, NULL, 51, 0.0f);
    /* A power of four changes exponents only: the bits of the result stay. */
    for (int i = 0; i < 51; i++) x[i] *= 1024.0f;
    ((rmsnorm_fn *)row->fn)(z, x, NULL, 51, 0.0f);
    assert_same_f32(z, y, 51, "times 1024", row->variant);
}

static void rmsnorm_is_scale_invariant_without_eps(void **state)
{
    (void)state;
    twins_for_each("rmsnorm", rms_scaled, NULL);
}

static void layer_moments(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(36);
    float x[67];
    for (int i = 0; i < 67; i++) x[i] = 1000.0f + 2.0f * rng_normal(&rng);
    ((layernorm_fn *)row->fn)(x, x, NULL, NULL, 67, 0.0f);
    double mean = 0.0, var = 0.0;
    for (int i = 0; i < 67; i++) mean += x[i] / 67.0;
    for (int i = 0; i < 67; i++) var += (x[i] - mean) * (x[i] - mean) / 67.0;
    /* The mean of numbers near 1000 is off by at most 67 roundings of 1000, here in units of 2. */
    double tol = 67.0 * U * 1000.0 / 1.5;
    assert_near((float)mean, 0.0f, tol, "mean", row->variant, 0);
    assert_near((float)var, 1.0f, tol, "variance", row->variant, 0);
}

static void layernorm_gives_mean_zero_and_variance_one_far_from_zero(void **state)
{
    (void)state;
    twins_for_each("layernorm", layer_moments, NULL);
}

static void rms_special(const KernelRow *row, void *ctx)
{
    (void)ctx;
    rmsnorm_fn *fn = (rmsnorm_fn *)row->fn;
    for (int n = 1; n <= 67; n++)
        for (int at = 0; at < n; at++) {
            float x[67] = {0}, y[67];
            fn(y, x, NULL, n, 1e-5f);
            assert_near(y[at], 0.0f, 0.0, "zero vector", row->variant, at);
            fn(y, x, NULL, n, 0.0f);
            assert_true(isnan(y[at]));
            for (int i = 0; i < n; i++) x[i] = i == at ? NAN : 1.0f;
            fn(y, x, NULL, n, 1e-5f);
            for (int i = 0; i < n; i++) assert_true(isnan(y[i]));
            x[at] = -INFINITY;
            fn(y, x, NULL, n, 1e-5f);
            for (int i = 0; i < n; i++) assert_true(i == at ? isnan(y[i]) : y[i] == 0.0f);
            /* Squares of denormals vanish beside eps; the vector itself must not. */
            for (int i = 0; i < n; i++) x[i] = i == at ? 1e-40f : 0.0f;
            fn(y, x, NULL, n, 1e-6f);
            assert_near(y[at], 1e-37f, 1e-41, "denormal", row->variant, at);
        }
}

static void layer_special(const KernelRow *row, void *ctx)
{
    (void)ctx;
    layernorm_fn *fn = (layernorm_fn *)row->fn;
    for (int n = 1; n <= 67; n++)
        for (int at = 0; at < n; at++) {
            float x[67], y[67];
            /* Equal elements: the sums are exact, no spread. */
            for (int i = 0; i < n; i++) x[i] = 4.0f;
            fn(y, x, NULL, x, n, 1e-5f);
            assert_near(y[at], 4.0f, 0.0, "no spread", row->variant, at);
            fn(y, x, NULL, NULL, n, 0.0f);
            assert_true(isnan(y[at]));
            for (int k = 0; k < 2; k++) {
                x[at] = k ? NAN : INFINITY;
                fn(y, x, NULL, NULL, n, 1e-5f);
                for (int i = 0; i < n; i++) assert_true(isnan(y[i]));
            }
        }
}

static void infinities_nan_and_zeros_follow_the_contract(void **state)
{
    (void)state;
    twins_for_each("rmsnorm", rms_special, NULL);
    twins_for_each("layernorm", layer_special, NULL);
}

int main(void)
{
    layer3_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_vectors_by_hand),
        cmocka_unit_test(every_variant_agrees_with_double_precision),
        cmocka_unit_test(rmsnorm_is_scale_invariant_without_eps),
        cmocka_unit_test(layernorm_gives_mean_zero_and_variance_one_far_from_zero),
        cmocka_unit_test(infinities_nan_and_zeros_follow_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
