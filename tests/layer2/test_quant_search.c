/* test_quant_search.c: quantisers that search: never worse than rounding to the range, as good as the
 * reference, guided by importance, the same bytes everywhere, and defined for any float. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "block_search.h"
#include "quant_formats.h"

/* The formats that search, without an importance or only with one. */
static const struct { DType type; const char *stem; bool always; } searched[] = {
    {DT_Q2_K, "q2_k", true},  {DT_Q3_K, "q3_k", true},  {DT_Q4_K, "q4_k", true},
    {DT_Q5_K, "q5_k", true},  {DT_Q6_K, "q6_k", true},  {DT_Q4_0, "q4_0", false},
    {DT_Q4_1, "q4_1", false}, {DT_Q5_0, "q5_0", false}, {DT_Q5_1, "q5_1", false}};
enum { N_SEARCHED = sizeof searched / sizeof *searched, N = 512 };

static void quantise(float *y, DType type, const float *x, const float *importance)
{
    uint8_t blocks[N * 4];
    row_from_f32(blocks, type, x, importance, N);
    row_to_f32(y, blocks, type, N);
}

/* sum w (x - y)^2, w NULL for 1. */
static double error_of(const float *x, const float *y, const float *w, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double e = (double)x[i] - (double)y[i];
        sum += (w ? (double)w[i] : 1.0) * e * e;
    }
    return sum;
}

/* ---------------------------------------------------------------- one group */

/* x = 0.5 code: codes -8, 3, 7, 1. All is explained: gain = sum w x^2 = 1 16 + 2 2.25 + 1 12.25 + 4 0.25,
 * stiffness = 1 64 + 2 9 + 1 49 + 4 1. And x = 2 code - 3 for codes 0, 15, 4, 9. */
static void what_can_be_exact_is_exact(void **state)
{
    (void)state;
    const float x[4] = {-4, 1.5f, 3.5f, 0.5f}, w[4] = {1, 2, 1, 4};
    QuantFit f = quant_fit_scale(x, w, 4, -8, 7);
    assert_true(f.scale == 0.5f && f.least == 0.0f && f.gain == 33.75f && f.stiffness == 135.0f);
    const float line[4] = {-3, 27, 5, 15};
    f = quant_fit_line(line, w, 4, 15, false);
    assert_near(f.scale, 2.0f, 4e-6, "scale", "", 0);
    assert_near(f.least, -3.0f, 2e-5, "least", "", 0);
    /* A minimum above zero cannot be stored in a K format; elsewhere it can. */
    const float high[4] = {10, 40, 18, 28};
    f = quant_fit_line(high, w, 4, 15, false);
    assert_true(f.least <= 0.0f && f.scale > 2.5f);
    f = quant_fit_line(high, w, 4, 15, true);
    assert_near(f.least, 10.0f, 1e-4, "free least", "", 0);
    /* One value only: no scale is needed. */
    const float same[4] = {-5, -5, -5, -5}, none[4] = {0};
    f = quant_fit_line(same, w, 4, 15, false);
    assert_true(f.scale == 0.0f && f.least == -5.0f);
    assert_true(quant_fit_scale(none, w, 4, -8, 7).scale == 0.0f);
}

/* The range of the group, cut into equal steps, and the nearest codes. */
static double naive_error(const float *x, const float *w, int n, int lo, int hi)
{
    float least = 0, most = 0, m = 0, y[32];
    for (int i = 0; i < n; i++) {
        least = fminf(least, x[i]);
        most = fmaxf(most, x[i]);
        if (fabsf(x[i]) > fabsf(m)) m = x[i];
    }
    float scale = lo < 0 ? m / (float)lo : (most - least) / (float)hi;
    for (int i = 0; i < n; i++) {
        float offset = lo < 0 ? 0.0f : least;
        y[i] = scale * fminf(fmaxf(rintf((x[i] - offset) / scale), (float)lo), (float)hi) + offset;
    }
    return error_of(x, y, w, n);
}

static void a_search_is_never_worse_than_rounding_to_the_range(void **state)
{
    (void)state;
    static const int ranges[][2] = {{0, 3}, {0, 15}, {0, 31}, {-4, 3}, {-8, 7}, {-16, 15}, {-32, 31}};
    Rng rng = rng_seed(30);
    float x[32], w[32];
    int better = 0, rounds = 0;
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++)
        for (int round = 0; round < 300; round++, rounds++) {
            int lo = ranges[r][0], hi = ranges[r][1], n = round % 2 ? 32 : 16;
            double all = 0;
            for (int i = 0; i < n; i++) {
                x[i] = rng_normal(&rng) * (round % 3 ? 0.3f : 1.0f) + (round % 5 == 0 ? 0.5f : 0.0f);
                w[i] = round % 4 ? 1.0f : expf(2.0f * rng_normal(&rng));
                all += (double)w[i] * (double)x[i] * (double)x[i];
            }
            QuantFit f = lo < 0 ? quant_fit_scale(x, w, n, lo, hi) : quant_fit_line(x, w, n, hi, false);
            double naive = naive_error(x, w, n, lo, hi), found = all - (double)f.gain;
            /* Sums of n terms in f32: each rounding is at most half an epsilon of all. */
            assert_true(found <= naive + 4.0 * n * (double)FLT_EPSILON * all);
            better += found < 0.99 * naive;
        }
    assert_true(better > rounds * 9 / 10);
}

/* ---------------------------------------------------------------- against the reference */

/* The larger of the two ratios: of errors as they are, and weighted. */
static double check_reference(DType type, const char *stem, const float *importance)
{
    int64_t n_bytes;
    float *x = golden_file(stem, ".f32", &n_bytes), y[N];
    float *want = golden_file(stem, importance ? ".im.deq.f32" : ".deq.f32", &n_bytes);
    assert_true(x && want && n_bytes == 9 * N * 4);
    double plain = 0, weighted = 0, plain_want = 0, weighted_want = 0;
    for (int row = 0; row < 8; row++) { /* row 8 is the edge cases */
        const float *from = x + row * N;
        quantise(y, type, from, importance);
        plain += error_of(from, y, NULL, N);
        weighted += error_of(from, y, importance, N);
        plain_want += error_of(from, want + row * N, NULL, N);
        weighted_want += error_of(from, want + row * N, importance, N);
    }
    double ratio = sqrt(plain / plain_want), weighted_ratio = sqrt(weighted / weighted_want);
    if (!(ratio <= 1.01) || !(weighted_ratio <= 1.01))
        twin_fail("%s%s: error %.4f of the reference's, weighted %.4f", stem,
                  importance ? " with importance" : "", ratio, weighted_ratio);
    mem_free(x);
    mem_free(want);
    return fmax(ratio, weighted_ratio);
}

static void errors_are_not_above_the_reference(void **state)
{
    (void)state;
    int64_t n_bytes;
    float *importance = golden_file("", "imatrix.f32", &n_bytes);
    double worst = 0;
    if (!importance) skip();
    assert_int_equal(n_bytes, N * 4);
    for (int i = 0; i < N_SEARCHED; i++) {
        if (searched[i].always) worst = fmax(worst, check_reference(searched[i].type, searched[i].stem, NULL));
        worst = fmax(worst, check_reference(searched[i].type, searched[i].stem, importance));
    }
    print_message("             %d types, errors at most %.4f of the reference's\n", N_SEARCHED, worst);
    mem_free(importance);
}

/* ---------------------------------------------------------------- importance */

static void importance_lowers_the_weighted_error(void **state)
{
    (void)state;
    Rng rng = rng_seed(31);
    float x[N], y[N], w[N];
    for (int i = 0; i < N_SEARCHED; i++) {
        double with = 0, without = 0;
        for (int round = 0; round < 20; round++) {
            twin_normals(&rng, x, N);
            for (int j = 0; j < N; j++) w[j] = expf(1.5f * rng_normal(&rng));
            quantise(y, searched[i].type, x, w);
            with += error_of(x, y, w, N);
            quantise(y, searched[i].type, x, NULL);
            without += error_of(x, y, w, N);
        }
        if (!(with < 0.9 * without)) twin_fail("%s: %g, %g", searched[i].stem, with, without);
    }
}

static void equal_importance_is_none(void **state)
{
    (void)state;
    static const float values[] = {1.0f, 7.0f, 1e-30f, 3e38f, 1e-44f};
    Rng rng = rng_seed(32);
    float x[N], w[N];
    uint8_t want[N], got[N];
    twin_normals(&rng, x, N);
    for (int i = 0; i < 5; i++) {
        size_t bytes = (size_t)dtype_row_bytes(searched[i].type, N);
        row_from_f32(want, searched[i].type, x, NULL, N);
        for (int v = 0; v < 5; v++) {
            for (int j = 0; j < N; j++) w[j] = values[v];
            row_from_f32(got, searched[i].type, x, w, N);
            assert_memory_equal(got, want, bytes);
        }
    }
}

/* Importances that are none: zeros, negative ones, NaN, infinities. Every weight stays near. */
static void odd_importances_are_survived(void **state)
{
    (void)state;
    Rng rng = rng_seed(33);
    float x[N], y[N], w[N];
    for (int round = 0; round < 100; round++)
        for (int i = 0; i < N_SEARCHED; i++) {
            twin_normals(&rng, x, N);
            for (int j = 0; j < N; j++) w[j] = round % 3 ? rng_normal(&rng) : 0.0f;
            if (round % 3 == 2) twin_awkward(&rng, w, N);
            quantise(y, searched[i].type, x, w);
            for (int j = 0; j < N; j++) assert_true(fabsf(x[j] - y[j]) < 6.0f);
            assert_true(error_of(x, y, NULL, N) < 1.1 * N);
        }
}

/* ---------------------------------------------------------------- any float */

/* A NaN or an infinity makes its own block NaN, and no other. */
static void what_is_no_number_shows(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    Rng rng = rng_seed(34);
    float x[N], y[N], w[N];
    for (int j = 0; j < N; j++) w[j] = 1.0f;
    for (int i = 0; i < N_SEARCHED; i++)
        for (int k = 0; k < 3; k++) {
            int block = (int)dtype_info(searched[i].type)->block, at = (int)rng_below(&rng, N);
            twin_normals(&rng, x, N);
            x[at] = bad[k];
            quantise(y, searched[i].type, x, w);
            for (int j = 0; j < N; j++) assert_int_equal(isnan(y[j]), j / block == at / block);
        }
}

static void all_sizes_of_weights_are_defined(void **state)
{
    (void)state;
    Rng rng = rng_seed(35);
    float x[N], y[N], w[N];
    for (int j = 0; j < N; j++) w[j] = 1.0f;
    for (int i = 0; i < N_SEARCHED; i++)
        for (int e = -149; e <= 124; e++) {
            twin_normals(&rng, x, N);
            double all = 0;
            for (int j = 0; j < N; j++) x[j] = ldexpf(x[j], e);
            for (int j = 0; j < N; j++) all += (double)x[j] * (double)x[j];
            quantise(y, searched[i].type, x, w);
            bool finite = true;
            for (int j = 0; j < N; j++) finite &= isfinite(y[j]);
            /* Where halves are too coarse, hardly worse than zeros; as good as ever where they are not;
             * and where they end, no finite number that is wrong. */
            double error = finite ? error_of(x, y, NULL, N) : 0;
            assert_true(finite || e > 14);
            assert_true(error <= all * (e < -3 ? 1.3 : 0.1));
            if (e <= -41)
                for (int j = 0; j < N; j++) assert_true(y[j] == 0.0f);
        }
}

static void zeros_and_constants(void **state)
{
    (void)state;
    static const float values[] = {0.0f, -0.0f, 1.5f, -1.5f};
    float x[N], y[N], w[N];
    for (int j = 0; j < N; j++) w[j] = (float)(j % 3);
    for (int i = 0; i < N_SEARCHED; i++)
        for (int v = 0; v < 4; v++) {
            for (int j = 0; j < N; j++) x[j] = values[v];
            quantise(y, searched[i].type, x, w);
            for (int j = 0; j < N; j++) assert_near(y[j], x[j], 1.5e-3, searched[i].stem, "", j);
        }
}

/* ---------------------------------------------------------------- the same bytes everywhere */

/* FNV-1a of all blocks of a fixed row. Recorded once; gcc, clang, x86 and ARM must agree. */
static void every_machine_writes_the_same_bytes(void **state)
{
    (void)state;
    static const uint32_t want[N_SEARCHED] = {0xa470e668, 0x3ece6869, 0xfdb3a23c, 0x9e2c7d52,
                                              0x123be375, 0x6514f24d, 0x615daf18, 0x7ae6166b,
                                              0xc076ae28};
    Rng rng = rng_seed(36);
    float x[N], w[N];
    uint8_t blocks[N * 4];
    /* Integers and products only: no library function that may differ in the last bit. */
    for (int j = 0; j < N; j++) {
        x[j] = (float)((int)rng_below(&rng, 2001) - 1000) * (float)(1 + rng_below(&rng, 4)) / 1024.0f;
        w[j] = (float)(1 + rng_below(&rng, 100));
    }
    for (int i = 0; i < N_SEARCHED; i++) {
        uint32_t hash = 2166136261u;
        for (int importance = 0; importance < 2; importance++) {
            row_from_f32(blocks, searched[i].type, x, importance ? w : NULL, N);
            for (int64_t k = 0; k < dtype_row_bytes(searched[i].type, N); k++)
                hash = (hash ^ blocks[k]) * 16777619u;
        }
        if (hash != want[i]) twin_fail("%s: 0x%08x, want 0x%08x", searched[i].stem, hash, want[i]);
    }
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_exact_is_exact),
        cmocka_unit_test(a_search_is_never_worse_than_rounding_to_the_range),
        cmocka_unit_test(errors_are_not_above_the_reference),
        cmocka_unit_test(importance_lowers_the_weighted_error),
        cmocka_unit_test(equal_importance_is_none),
        cmocka_unit_test(odd_importances_are_survived),
        cmocka_unit_test(what_is_no_number_shows),
        cmocka_unit_test(all_sizes_of_weights_are_defined),
        cmocka_unit_test(zeros_and_constants),
        cmocka_unit_test(every_machine_writes_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
