/* test_rope.c: angles, pairings, and the property that makes rotary embedding worth having. */
#include "twins.h"

#include "layer3.h"

/* Half the distance between 1 and the next f32: the error of one rounding. */
#define U (FLT_EPSILON / 2)

static void angles_by_hand(void **state)
{
    (void)state;
    /* R = 4, base 100: theta_0 = pos, theta_1 = pos / 10. */
    float t[4];
    rope_angles(t, 3, 4, 100.0f, 1.0f, NULL);
    static const float at3[4] = {-0.9899925f, 0.9553365f, 0.1411200f, 0.2955202f};
    for (int i = 0; i < 4; i++) assert_near(t[i], at3[i], 6e-8, "position 3", "angles", i);
    /* Half the frequency; then the second pair ten times slower. */
    rope_angles(t, 6, 4, 100.0f, 0.5f, NULL);
    for (int i = 0; i < 4; i++) assert_near(t[i], at3[i], 6e-8, "6 scaled by 1/2", "angles", i);
    float factors[2] = {1.0f, 10.0f};
    rope_angles(t, 3, 4, 100.0f, 1.0f, factors);
    assert_near(t[0], at3[0], 6e-8, "factor 1", "angles", 0);
    assert_near(t[1], 0.9995500f, 6e-8, "factor 10: cos 0.03", "angles", 1);
    assert_near(t[3], 0.0299955f, 6e-8, "factor 10: sin 0.03", "angles", 3);
    /* Position 0 turns nothing. */
    rope_angles(t, 0, 4, 100.0f, 1.0f, factors);
    static const float at0[4] = {1.0f, 1.0f, 0.0f, 0.0f};
    assert_same_f32(t, at0, 4, "position 0", "angles");
}

static void angles_stay_exact_at_distant_positions(void **state)
{
    (void)state;
    float t[128];
    for (int64_t pos = 1; pos <= 1000000; pos *= 10) {
        rope_angles(t, pos, 128, 10000.0f, 1.0f, NULL);
        for (int j = 0; j < 64; j++) {
            long double theta = (long double)pos * powl(10000.0L, -2.0L * j / 128);
            /* Double precision keeps 1e6 to 1e-10; one rounding to f32 remains. */
            assert_near(t[j], (float)cosl(theta), 1e-7, "cosine", "angles", j);
            assert_near(t[64 + j], (float)sinl(theta), 1e-7, "sine", "angles", j);
        }
    }
}

static void pairs_by_hand(void **state)
{
    (void)state;
    /* Two heads of 5, of which 4 rotate: pair 0 by 90 degrees, pair 1 by 180. */
    static const float table[4] = {0.0f, -1.0f, 1.0f, 0.0f};
    static const float in[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const float interleaved[10] = {-2, 1, -3, -4, 5, -7, 6, -8, -9, 10};
    static const float half[10] = {-3, -2, 1, -4, 5, -8, -7, 6, -9, 10};
    float x[10];
    memcpy(x, in, sizeof x);
    rope_apply(ROPE_INTERLEAVED, x, 2, 5, 4, table);
    for (int i = 0; i < 10; i++) assert_near(x[i], interleaved[i], 0.0, "interleaved", "default", i);
    memcpy(x, in, sizeof x);
    rope_apply(ROPE_HALF, x, 2, 5, 4, table);
    for (int i = 0; i < 10; i++) assert_near(x[i], half[i], 0.0, "half", "default", i);
    memcpy(x, in, sizeof x);
    rope_apply(ROPE_NONE, x, 2, 5, 4, NULL);
    assert_same_f32(x, in, 10, "none", "default");
}

static void same_bits(const KernelRow *row, void *ctx)
{
    rope_fn *scalar = ctx;
    Rng rng = rng_seed(51);
    for (int half = 0; half <= 67; half++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int n_rot = 2 * half, d_head = n_rot + offset, n_head = 3;
            int64_t n = (int64_t)n_head * d_head;
            TwinBuf bx = twin_buf(n, 4, offset), by = twin_buf(n, 4, 3 - offset),
                    bt = twin_buf(n_rot, 4, offset);
            float *x = bx.data, *y = by.data;
            twin_normals(&rng, x, n);
            if (offset == 1) twin_awkward(&rng, x, n);
            memcpy(y, x, (size_t)n * 4);
            rope_angles(bt.data, 17 * half + offset, n_rot, 500.0f, 1.0f, NULL);
            scalar(x, n_head, d_head, n_rot, bt.data);
            ((rope_fn *)row->fn)(y, n_head, d_head, n_rot, bt.data);
            assert_same_f32(y, x, n, row->op, row->variant);
            twin_free(bx);
            twin_free(by);
            twin_free(bt);
        }
}

static void every_variant_gives_the_same_bits(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const char *op = k ? "rope_half" : "rope_interleaved";
        twins_for_each(op, same_bits, (void *)kernels_find(op, "scalar")->fn);
    }
}

static double dot_f64(const float *a, const float *b, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

/* A rotated element is off by 3 roundings (table, product, sum) of |a| + |b| of its pair. */
static void keeps_length(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(52);
    float x[80], y[80], table[64];
    twin_normals(&rng, x, 80);
    memcpy(y, x, sizeof x);
    rope_angles(table, 12345, 64, 10000.0f, 1.0f, NULL);
    ((rope_fn *)row->fn)(y, 1, 80, 64, table);
    double before = dot_f64(x, x, 80), after = dot_f64(y, y, 80);
    assert_near((float)after, (float)before, 16.0 * U * before, row->op, row->variant, 0);
    assert_same_f32(y + 64, x + 64, 16, "elements beyond n_rot", row->variant);
    assert_true(fabs(dot_f64(x, y, 64)) < 0.9 * before); /* it did turn */
}

static void rotation_keeps_lengths_and_the_rest(void **state)
{
    (void)state;
    twins_for_each("rope_interleaved", keeps_length, NULL);
    twins_for_each("rope_half", keeps_length, NULL);
}

static double score(rope_fn *fn, const float *q, const float *k, int64_t m, int64_t n)
{
    float a[64], b[64], table[64];
    memcpy(a, q, sizeof a);
    memcpy(b, k, sizeof b);
    rope_angles(table, m, 64, 10000.0f, 1.0f, NULL);
    fn(a, 1, 64, 64, table);
    rope_angles(table, n, 64, 10000.0f, 1.0f, NULL);
    fn(b, 1, 64, 64, table);
    return dot_f64(a, b, 64);
}

static void relative(const KernelRow *row, void *ctx)
{
    (void)ctx;
    rope_fn *fn = (rope_fn *)row->fn;
    Rng rng = rng_seed(53);
    float q[64], k[64];
    twin_normals(&rng, q, 64);
    twin_normals(&rng, k, 64);
    double tol = 16.0 * U * sqrt(dot_f64(q, q, 64) * dot_f64(k, k, 64));
    for (int64_t distance = 0; distance < 50; distance += 7) {
        double want = score(fn, q, k, distance, 0);
        for (int64_t shift = 1; shift <= 4096; shift *= 8)
            assert_near((float)score(fn, q, k, distance + shift, shift), (float)want, tol, row->op,
                        row->variant, shift);
    }
    /* Distance matters, and so does its sign. */
    assert_true(fabs(score(fn, q, k, 9, 2) - score(fn, q, k, 9, 8)) > 100.0 * tol);
    assert_true(fabs(score(fn, q, k, 9, 2) - score(fn, q, k, 2, 9)) > 100.0 * tol);
}

static void dot_products_depend_on_distance_only(void **state)
{
    (void)state;
    twins_for_each("rope_interleaved", relative, NULL);
    twins_for_each("rope_half", relative, NULL);
}

static void pairings_differ_by_a_permutation(void **state)
{
    (void)state;
    float x[32], y[32], table[32];
    Rng rng = rng_seed(54);
    twin_normals(&rng, x, 32);
    /* Place element 2j of x at j, element 2j+1 at j + 16. */
    for (int j = 0; j < 16; j++) {
        y[j] = x[2 * j];
        y[16 + j] = x[2 * j + 1];
    }
    rope_angles(table, 77, 32, 10000.0f, 1.0f, NULL);
    rope_interleaved(x, 1, 32, 32, table);
    rope_half(y, 1, 32, 32, table);
    for (int j = 0; j < 16; j++) {
        assert_near(y[j], x[2 * j], 0.0, "first of pair", "half", j);
        assert_near(y[16 + j], x[2 * j + 1], 0.0, "second of pair", "half", j);
    }
}

/* Gemma-like numbers by hand: R = 64, base 10000, 4096 tokens trained.
 *   pairs turning 32 times: 64 ln(4096 / (32 * 2 pi)) / (2 ln 10000) = 10.47 -> 10
 *   pairs turning once:     64 ln(4096 / (2 pi)) / (2 ln 10000)      = 22.51 -> 23 */
static void yarn_slows_far_pairs_only(void **state)
{
    (void)state;
    RopeYarn y = rope_yarn(64, 10000, 4096, 32, 1, true);
    assert_true(y.low == 10 && y.high == 23);
    RopeYarn exact = rope_yarn(64, 10000, 4096, 32, 1, false); /* 64 ln(4096 / 64 pi) / 2 ln 10000, and with 2 pi */
    assert_true(fabsf(exact.low - 10.4722f) < 1e-3f && fabsf(exact.high - 22.5134f) < 1e-3f);
    float plain[64], slow[64], yarn[64];
    rope_angles(plain, 300, 64, 10000, 1, NULL);
    rope_angles(slow, 300, 64, 10000, 0.25f, NULL);
    rope_angles_yarn(yarn, 300, 64, 10000, 0.25f, NULL, y);
    for (int j = 0; j <= 10; j++) assert_true(yarn[j] == plain[j] && yarn[32 + j] == plain[32 + j]);
    for (int j = 23; j < 32; j++) assert_true(yarn[j] == slow[j] && yarn[32 + j] == slow[32 + j]);
    for (int j = 11; j < 23; j++) {
        double trained = 1 - (j - 10) / 13.0, theta = 300 * pow(10000, -2.0 * j / 64);
        theta *= trained + 0.25 * (1 - trained);
        assert_true(fabs(yarn[j] - cos(theta)) < 1e-6);
    }
}

int main(void)
{
    layer3_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(angles_by_hand),
        cmocka_unit_test(angles_stay_exact_at_distant_positions),
        cmocka_unit_test(pairs_by_hand),
        cmocka_unit_test(every_variant_gives_the_same_bits),
        cmocka_unit_test(rotation_keeps_lengths_and_the_rest),
        cmocka_unit_test(dot_products_depend_on_distance_only),
        cmocka_unit_test(pairings_differ_by_a_permutation),
        cmocka_unit_test(yarn_slows_far_pairs_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
