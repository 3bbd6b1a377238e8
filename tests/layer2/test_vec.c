/* test_vec.c: every variant of the vector operations against the scalar one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

/* One operation in the common form y = f(y, a, x), so that one loop tests all four. */
typedef void RunFn(const KernelRow *row, float *y, float a, const float *x, int64_t n);

static void run_add(const KernelRow *row, float *y, float a, const float *x, int64_t n)
{
    (void)a;
    ((vec_add_fn *)row->fn)(y, x, n);
}
static void run_mul(const KernelRow *row, float *y, float a, const float *x, int64_t n)
{
    (void)a;
    ((vec_mul_fn *)row->fn)(y, x, n);
}
static void run_scale(const KernelRow *row, float *y, float a, const float *x, int64_t n)
{
    (void)x;
    ((vec_scale_fn *)row->fn)(y, a, n);
}
static void run_axpy(const KernelRow *row, float *y, float a, const float *x, int64_t n)
{
    ((vec_axpy_fn *)row->fn)(y, a, x, n);
}

static void compare_map(const KernelRow *row, RunFn *run, int64_t n, int offset, bool awkward)
{
    const KernelRow *spec = kernels_find(row->op, "scalar");
    Rng rng = rng_seed((uint64_t)(n * 8 + offset));
    TwinBuf x = twin_buf(n, 4, offset), y = twin_buf(n, 4, (offset + 1) % TWIN_OFFSETS);
    TwinBuf want = twin_buf(n, 4, 0);
    twin_normals(&rng, x.data, n);
    twin_normals(&rng, y.data, n);
    if (awkward) {
        twin_awkward(&rng, x.data, n);
        twin_awkward(&rng, y.data, n);
    }
    memcpy(want.data, y.data, (size_t)n * 4);
    run(spec, want.data, 1.7f, x.data, n);
    run(row, y.data, 1.7f, x.data, n);
    assert_same_f32(y.data, want.data, n, row->op, row->variant);
    /* y = x is allowed. */
    memcpy(want.data, x.data, (size_t)n * 4);
    run(spec, want.data, -0.3f, want.data, n);
    run(row, x.data, -0.3f, x.data, n);
    assert_same_f32(x.data, want.data, n, row->op, row->variant);
    twin_free(x);
    twin_free(y);
    twin_free(want);
}

static void check_map(const KernelRow *row, void *run)
{
    RunFn *fn;
    memcpy(&fn, run, sizeof fn);
    for (int s = 0; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            compare_map(row, fn, twin_size(s), offset, false);
            compare_map(row, fn, twin_size(s), offset, true);
        }
}

static void maps_have_the_bits_of_their_scalar_twin(void **state)
{
    (void)state;
    static const struct { const char *op; RunFn *run; } maps[] = {
        {"vec_add", run_add}, {"vec_mul", run_mul}, {"vec_scale", run_scale}, {"vec_axpy", run_axpy}};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        RunFn *run = maps[i].run;
        twins_for_each(maps[i].op, check_map, &run);
    }
}

static void check_small_sums(const KernelRow *row, void *ctx)
{
    (void)ctx;
    vec_sum_fn *sum = (vec_sum_fn *)row->fn;
    static const float x[] = {1, -2, 4, 8, -16, 32, 64, 128, 256, -512, 1024, 2, 3, 5, 7, 11, 13};
    assert_true(sum(x, 0) == 0.0f);
    assert_true(sum(x, 3) == 3.0f);
    assert_true(sum(x, 17) == 1028.0f);
}

static void check_sum(const KernelRow *row, void *ctx)
{
    (void)ctx;
    vec_sum_fn *sum = (vec_sum_fn *)row->fn;
    Rng rng = rng_seed(2);
    for (int s = 0; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int64_t n = twin_size(s);
            TwinBuf b = twin_buf(n, 4, offset);
            float *x = b.data;
            twin_normals(&rng, x, n);
            double want = 0, size = 0;
            for (int64_t i = 0; i < n; i++) {
                want += x[i];
                size += fabsf(x[i]);
            }
            /* n additions, each off by at most half an ulp of a partial sum <= sum |x_i|. */
            double tol = (double)n * FLT_EPSILON / 2 * size;
            assert_near(sum(x, n), (float)want, tol, row->op, row->variant, n);
            if (n > 0) {
                x[n / 2] = INFINITY;
                assert_true(sum(x, n) == INFINITY);
                x[n - 1] = NAN;
                assert_true(isnan(sum(x, n)));
            }
            twin_free(b);
        }
}

static void sums_are_near_the_exact_sum(void **state)
{
    (void)state;
    twins_for_each("vec_sum", check_small_sums, NULL);
    twins_for_each("vec_sum", check_sum, NULL);
}

static void check_max(const KernelRow *row, void *ctx)
{
    (void)ctx;
    vec_max_fn *max = (vec_max_fn *)row->fn;
    Rng rng = rng_seed(3);
    for (int s = 0; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++)
            for (int awkward = 0; awkward < 2; awkward++) {
                int64_t n = twin_size(s);
                TwinBuf b = twin_buf(n, 4, offset);
                float *x = b.data;
                /* All negative, so that a zero read beyond the end would win. */
                for (int64_t i = 0; i < n; i++) x[i] = -1.0f - fabsf(rng_normal(&rng));
                if (awkward) twin_awkward(&rng, x, n);
                assert_true(max(x, n) == vec_max_scalar(x, n));
                twin_free(b);
            }
    float nans[19];
    for (int i = 0; i < 19; i++) nans[i] = NAN;
    assert_true(max(nans, 19) == -INFINITY);
    for (int i = 0; i < 19; i++) {
        nans[i] = -5.0f;
        assert_true(max(nans, 19) == -5.0f);
        nans[i] = NAN;
    }
}

static void max_ignores_nan_and_lanes_beyond_the_end(void **state)
{
    (void)state;
    assert_true(vec_max_scalar(NULL, 0) == -INFINITY);
    twins_for_each("vec_max", check_max, NULL);
}

/* ---------------------------------------------------------------- conversions */

static bool is_nan_f16(uint16_t h) { return (h & 0x7FFF) > 0x7C00; }
static bool is_nan_bf16(uint16_t h) { return (h & 0x7FFF) > 0x7F80; }

/* All 65536 patterns, in pieces of every size. */
static void check_widen(const KernelRow *row, void *narrow_to)
{
    bool f16 = *(const bool *)narrow_to;
    static uint16_t h[65536];
    static float y[65536];
    for (int i = 0; i < 65536; i++) h[i] = (uint16_t)(i * 40503u); /* a permutation of them */
    for (int64_t at = 0, n = 0; at < 65536; at += n, n = n < 67 ? n + 1 : 67) {
        int64_t len = at + n <= 65536 ? n : 65536 - at;
        ((f16_to_row_fn *)row->fn)(y + at, h + at, len);
    }
    for (int i = 0; i < 65536; i++) {
        float want = f16 ? f16_to_f32(h[i]) : bf16_to_f32(h[i]);
        assert_same_f32(&y[i], &want, 1, row->op, row->variant);
    }
}

static void check_narrow(const KernelRow *row, void *narrow_to)
{
    bool f16 = *(const bool *)narrow_to;
    Rng rng = rng_seed(4);
    for (int s = 0; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int64_t n = twin_size(s);
            TwinBuf bx = twin_buf(n, 4, offset), by = twin_buf(n, 2, offset);
            float *x = bx.data;
            uint16_t *y = by.data;
            /* Any exponent that f16 can or nearly can hold, or any bits at all. */
            for (int64_t i = 0; i < n; i++) {
                uint32_t bits = (uint32_t)rng_u64(&rng);
                if (i & 1) bits = (bits & 0x80FFFFFF) | (uint32_t)(0x32 + rng_below(&rng, 18)) << 24;
                /* Every fourth is exactly half way between two 16-bit numbers. */
                if ((i & 3) == 3) bits = f16 ? (bits & ~0x1FFFu) | 0x1000 : (bits & ~0xFFFFu) | 0x8000;
                memcpy(&x[i], &bits, 4);
            }
            twin_awkward(&rng, x, n);
            ((row_to_f16_fn *)row->fn)(y, x, n);
            for (int64_t i = 0; i < n; i++) {
                uint16_t want = f16 ? f32_to_f16(x[i]) : f32_to_bf16(x[i]);
                if (isnan(x[i])) assert_true(f16 ? is_nan_f16(y[i]) : is_nan_bf16(y[i]));
                else if (y[i] != want)
                    twin_fail("%s (%s): %.9g gave %04x, want %04x", row->op, row->variant,
                             (double)x[i], y[i], want);
            }
            twin_free(bx);
            twin_free(by);
        }
}

static void all_16_bit_patterns_widen_exactly(void **state)
{
    (void)state;
    bool yes = true, no = false;
    twins_for_each("f16_to_row", check_widen, &yes);
    twins_for_each("bf16_to_row", check_widen, &no);
}

static void narrowing_rounds_to_nearest_even(void **state)
{
    (void)state;
    bool yes = true, no = false;
    twins_for_each("row_to_f16", check_narrow, &yes);
    twins_for_each("row_to_bf16", check_narrow, &no);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_have_the_bits_of_their_scalar_twin),
        cmocka_unit_test(sums_are_near_the_exact_sum),
        cmocka_unit_test(max_ignores_nan_and_lanes_beyond_the_end),
        cmocka_unit_test(all_16_bit_patterns_widen_exactly),
        cmocka_unit_test(narrowing_rounds_to_nearest_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
