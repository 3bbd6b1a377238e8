/* test_act_q8.c: activations in 8 bits: every variant gives the integers of the scalar twin. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

enum { MOST = 4096 };
static int8_t q[2][MOST];
static float scale[2][MOST / 32], sum[2][MOST / 32], half[2][MOST / 16];
static const ActQ8 got = {q[0], scale[0], sum[0], half[0], NULL, NULL, NULL};
static const ActQ8 want = {q[1], scale[1], sum[1], half[1], NULL, NULL, NULL};

/* Largest magnitude 127, so the scale is 1 and the codes are the numbers, ties rounded to even. */
static void check_by_hand(const KernelRow *row, void *ctx)
{
    (void)ctx;
    static const float x[32] = {1, -2, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.49f, 126.5f, -127, [31] = 3};
    static const int8_t codes[32] = {1, -2, 0, 2, 2, 0, -2, 0, 126, -127, [31] = 3};
    ((act_q8_fn *)row->fn)(got, x, 32);
    assert_memory_equal(got.q, codes, 32);
    assert_true(got.scale[0] == 1.0f);
    assert_true(got.half[0] == 0.0f); /* 1 - 2 + 0 + 2 + 2 + 0 - 2 + 0 + 126 - 127 */
    assert_true(got.half[1] == 3.0f && got.sum[0] == 3.0f);
}

static void ties_go_to_the_even_code(void **state)
{
    (void)state;
    twins_for_each("act_q8", check_by_hand, NULL);
}

static void check_against_scalar(const KernelRow *row, void *ctx)
{
    const float *x = ctx;
    static const int64_t sizes[] = {0, 32, 64, 96, 160, 2048, 4096};
    for (int i = 0; i < 7; i++) {
        int64_t n = sizes[i];
        act_q8_scalar(want, x, n);
        ((act_q8_fn *)row->fn)(got, x, n);
        assert_memory_equal(got.q, want.q, (size_t)n);
        assert_same_f32(got.scale, want.scale, n / 32, "scale", row->variant);
        assert_same_f32(got.sum, want.sum, n / 32, "sum", row->variant);
        assert_same_f32(got.half, want.half, n / 16, "half", row->variant);
    }
}

static void all_variants_give_the_same_integers(void **state)
{
    (void)state;
    Rng rng = rng_seed(1);
    static float x[MOST];
    for (int round = 0; round < 50; round++) {
        twin_normals(&rng, x, MOST);
        float factor = ldexpf(1.0f, (int)rng_below(&rng, 200) - 140);
        for (int i = 0; i < MOST; i++) x[i] *= factor;
        if (round % 2) twin_awkward(&rng, x + 1024, 512);
        twins_for_each("act_q8", check_against_scalar, x);
    }
}

static void check_spoilt(const KernelRow *row, void *ctx)
{
    (void)ctx;
    static const float bad[] = {NAN, INFINITY, -INFINITY, -NAN};
    for (int k = 0; k < 4; k++)
        for (int place = 0; place < 64; place++) {
            float x[64];
            for (int i = 0; i < 64; i++) x[i] = (float)(i - 20);
            x[place] = bad[k];
            ((act_q8_fn *)row->fn)(got, x, 64);
            assert_true(isnan(got.scale[place / 32]) && isnan(got.sum[place / 32]) && isnan(got.half[place / 16]));
            assert_true(isfinite(got.scale[1 - place / 32]));
            for (int i = 0; i < 32; i++) assert_int_equal(got.q[place / 32 * 32 + i], 0);
        }
}

static void what_is_not_finite_spoils_its_block_only(void **state)
{
    (void)state;
    twins_for_each("act_q8", check_spoilt, NULL);
}

static void rounding_loses_at_most_half_a_step(void **state)
{
    (void)state;
    Rng rng = rng_seed(3);
    static float x[MOST];
    twin_normals(&rng, x, MOST);
    act_q8(got, x, MOST);
    for (int i = 0; i < MOST; i++) {
        float step = got.scale[i / 32];
        /* x / scale is at most 127, with two roundings: 127 * 2 * 2^-24 of a step. */
        assert_true(fabsf(x[i] - step * got.q[i]) <= step * (0.5f + 127 * 2 * FLT_EPSILON));
    }
}

/* Five blocks: the first halves of four, their last halves, then the same of the one left over. */
static void halves_of_four_blocks_stand_together(void **state)
{
    (void)state;
    int8_t q_of_five[160], split[256] = {0};
    for (int i = 0; i < 160; i++) q_of_five[i] = (int8_t)(i - 80);
    ActQ8 a = {.q = q_of_five, .split = split};
    assert_int_equal(act_q8_split_bytes(160), sizeof split);
    act_q8_arrange(a, 160);
    assert_memory_equal(split + 16, q_of_five + 32, 16);
    assert_memory_equal(split + 64, q_of_five + 16, 16);
    assert_memory_equal(split + 112, q_of_five + 112, 16);
    assert_memory_equal(split + 128, q_of_five + 128, 16);
    assert_memory_equal(split + 192, q_of_five + 144, 16);
    assert_int_equal(split[144], 0);
}

/* Code i stands at word i / 4 % 4 * 16 + i / 16 of its 256. What is no whole 256 is left alone. */
static void codes_of_one_place_in_each_16_stand_together(void **state)
{
    enum { N = 512 + 96 };
    (void)state;
    int8_t codes[N], turned[N];
    float scales[N / 32], sums[N / 32], pairs[N / 16];
    for (int i = 0; i < N; i++) codes[i] = (int8_t)((i * 37 + i / 32) % 255 - 127), turned[i] = 99;
    for (int i = 0; i < N / 32; i++) scales[i] = (float)i, sums[i] = (float)-i;
    for (int i = 0; i < N / 16; i++) pairs[i] = 99;
    act_q8_arrange((ActQ8){.q = codes, .scale = scales, .sum = sums, .turned = turned, .pairs = pairs}, N);
    for (int i = 0; i < 512; i++)
        assert_int_equal(turned[i / 256 * 256 + i / 4 % 4 * 64 + i / 16 % 16 * 4 + i % 4], codes[i]);
    for (int i = 0; i < 16; i++)
        assert_true(pairs[2 * i] == scales[i] && pairs[2 * i + 1] == sums[i]);
    for (int i = 512; i < N; i++) assert_int_equal(turned[i], 99);
    for (int i = 512 / 16; i < N / 16; i++) assert_true(pairs[i] == 99);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_go_to_the_even_code),
        cmocka_unit_test(all_variants_give_the_same_integers),
        cmocka_unit_test(what_is_not_finite_spoils_its_block_only),
        cmocka_unit_test(rounding_loses_at_most_half_a_step),
        cmocka_unit_test(halves_of_four_blocks_stand_together),
        cmocka_unit_test(codes_of_one_place_in_each_16_stand_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
