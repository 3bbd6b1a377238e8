/* The generator against the published algorithm: first values computed independently. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

static void first_values_are_those_of_the_published_generators(void **state)
{
    (void)state;
    /* splitmix64 spreads the seed; seed 0 gives this state in every implementation. */
    Rng r = rng_seed(0);
    assert_int_equal(r.s[0], 0xe220a8397b1dcdafu);
    assert_int_equal(r.s[1], 0x6e789e6aa1b965f4u);
    assert_int_equal(r.s[2], 0x06c45d188009454fu);
    assert_int_equal(r.s[3], 0xf88bb8a8724c81ecu);
    assert_int_equal(rng_u64(&r), 0x99ec5f36cb75f2b4u);
    assert_int_equal(rng_u64(&r), 0xbf6e1f784956452au);
    assert_int_equal(rng_u64(&r), 0x1a5f849d4933e6e0u);
    assert_int_equal(rng_u64(&r), 0x6aa594f1262d2d2cu);

    r = rng_seed(1234567);
    assert_int_equal(r.s[0], 6457827717110365317u);
    assert_int_equal(r.s[1], 3203168211198807973u);
    assert_int_equal(r.s[2], 9817491932198370423u);
    assert_int_equal(r.s[3], 4593380528125082431u);

    /* xoshiro256** from the state 1, 2, 3, 4: the first value is rotl(2 * 5, 7) * 9 = 11520. */
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240,
                                        1216172134540287360, 607988272756665600};
    r = (Rng){{1, 2, 3, 4}};
    for (int i = 0; i < 6; i++) assert_int_equal(rng_u64(&r), expected[i]);
}

static void thousandth_value_of_seed_42_is_known(void **state)
{
    (void)state;
    Rng r = rng_seed(42);
    uint64_t v = 0;
    for (int i = 0; i < 1000; i++) v = rng_u64(&r);
    assert_int_equal(v, 0x8de5848c61ab8968u);
}

static void same_seed_gives_the_same_and_another_seed_another_sequence(void **state)
{
    (void)state;
    Rng a = rng_seed(7), b = rng_seed(7), c = rng_seed(8);
    int n_equal = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t v = rng_u64(&a);
        assert_int_equal(v, rng_u64(&b));
        n_equal += v == rng_u64(&c);
    }
    assert_int_equal(n_equal, 0);
}

static void below_stays_in_range_and_is_uniform(void **state)
{
    (void)state;
    enum { N = 7, DRAWS = 70000 };
    Rng r = rng_seed(3);
    int count[N] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t v = rng_below(&r, N);
        assert_true(v < N);
        count[v]++;
    }
    /* Six sigma of a binomial with p = 1/7: sqrt(70000 * 6/49) = 92.6. */
    for (int i = 0; i < N; i++) assert_in_range(count[i], 10000 - 556, 10000 + 556);
    for (int i = 0; i < 100; i++) assert_int_equal(rng_below(&r, 1), 0);
}

static void below_has_no_bias_when_n_is_two_thirds_of_the_range(void **state)
{
    (void)state;
    /* Taking x mod n without refusing would put the value in the lower half of [0, n) in two of
     * three cases instead of one of two. */
    uint64_t n = 0xAAAAAAAAAAAAAAAAu;
    Rng r = rng_seed(4);
    int low = 0;
    for (int i = 0; i < 10000; i++) low += rng_below(&r, n) < n / 2;
    assert_in_range(low, 5000 - 300, 5000 + 300); /* six sigma = 6 * 50 */
}

static void floats_lie_in_the_half_open_unit_interval(void **state)
{
    (void)state;
    Rng r = rng_seed(5);
    double sum_f = 0, sum_d = 0;
    for (int i = 0; i < 100000; i++) {
        float f = rng_f32(&r);
        double d = rng_f64(&r);
        assert_true(f >= 0 && f < 1 && d >= 0 && d < 1);
        sum_f += f;
        sum_d += d;
    }
    /* The mean of n uniform numbers has sigma sqrt(1/12 / n) = 0.00091; six of them. */
    assert_true(sum_f / 1e5 > 0.4945 && sum_f / 1e5 < 0.5055);
    assert_true(sum_d / 1e5 > 0.4945 && sum_d / 1e5 < 0.5055);
}

static void normal_numbers_have_mean_zero_and_variance_one(void **state)
{
    (void)state;
    enum { N = 100000 };
    Rng r = rng_seed(6);
    double sum = 0, squares = 0, fourth = 0;
    for (int i = 0; i < N; i++) {
        double x = rng_normal(&r);
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    /* Six sigma: of the mean 6/sqrt(N), of the variance 6*sqrt(2/N), of the fourth moment (which is
     * 3 for a normal distribution) 6*sqrt(96/N). */
    assert_true(sum / N > -0.019 && sum / N < 0.019);
    assert_true(squares / N > 1 - 0.027 && squares / N < 1 + 0.027);
    assert_true(fourth / N > 3 - 0.186 && fourth / N < 3 + 0.186);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_values_are_those_of_the_published_generators),
        cmocka_unit_test(thousandth_value_of_seed_42_is_known),
        cmocka_unit_test(same_seed_gives_the_same_and_another_seed_another_sequence),
        cmocka_unit_test(below_stays_in_range_and_is_uniform),
        cmocka_unit_test(below_has_no_bias_when_n_is_two_thirds_of_the_range),
        cmocka_unit_test(floats_lie_in_the_half_open_unit_interval),
        cmocka_unit_test(normal_numbers_have_mean_zero_and_variance_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
