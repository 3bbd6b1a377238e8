/* The table of number formats: names, sizes, and ids that must not be trusted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <string.h>

static void bits_per_weight_are_those_of_the_format(void **state)
{
    (void)state;
    /* Bytes of 768 weights, worked out by hand from bits per weight: 768 / 8 * bpw. */
    static const struct { DType t; int64_t bytes; } cases[] = {
        {DT_F32, 3072}, {DT_F16, 1536}, {DT_BF16, 1536}, {DT_F64, 6144}, {DT_I8, 768},
        {DT_I16, 1536}, {DT_I32, 3072}, {DT_I64, 6144},
        {DT_Q4_0, 432} /* 4.5 */, {DT_Q4_1, 480} /* 5 */, {DT_Q5_0, 528} /* 5.5 */,
        {DT_Q5_1, 576} /* 6 */, {DT_Q8_0, 816} /* 8.5 */, {DT_Q8_1, 864} /* 9 */,
        {DT_Q2_K, 252} /* 2.625 */, {DT_Q3_K, 330} /* 3.4375 */, {DT_Q4_K, 432} /* 4.5 */,
        {DT_Q5_K, 528} /* 5.5 */, {DT_Q6_K, 630} /* 6.5625 */, {DT_Q8_K, 876} /* 9.125 */,
        {DT_IQ2_XXS, 198} /* 2.0625 */, {DT_IQ2_XS, 222} /* 2.3125 */, {DT_IQ2_S, 246} /* 2.5625 */,
        {DT_IQ3_XXS, 294} /* 3.0625 */, {DT_IQ3_S, 330} /* 3.4375 */, {DT_IQ1_S, 150} /* 1.5625 */,
        {DT_IQ1_M, 168} /* 1.75 */, {DT_IQ4_NL, 432} /* 4.5 */, {DT_IQ4_XS, 408} /* 4.25 */,
        {DT_TQ1_0, 162} /* 1.6875 */, {DT_TQ2_0, 198} /* 2.0625 */, {DT_MXFP4, 408} /* 4.25 */,
        {DT_NVFP4, 432} /* 4.5 */, {DT_Q1_0, 108} /* 1.125 */, {DT_Q2_0, 216} /* 2.25 */};
    int n_known = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(dtype_row_bytes(cases[i].t, 768), cases[i].bytes);
    for (int id = 0; id < DT_COUNT; id++) n_known += dtype_info(id) != NULL;
    assert_int_equal(n_known, sizeof cases / sizeof *cases);
}

static void fields_stand_where_the_file_has_them(void **state)
{
    (void)state;
    assert_int_equal(offsetof(BlockQ4_0, q), 2);
    assert_int_equal(offsetof(BlockQ5_1, q), 8);
    assert_int_equal(offsetof(BlockQ2_K, d), 80);
    assert_int_equal(offsetof(BlockQ3_K, d), 108);
    assert_int_equal(offsetof(BlockQ4_K, q), 16);
    assert_int_equal(offsetof(BlockQ5_K, q), 48);
    assert_int_equal(offsetof(BlockQ6_K, d), 208);
    assert_int_equal(offsetof(BlockQ8_K, bsums), 260);
    assert_int_equal(offsetof(BlockIQ4_XS, q), 8);
    assert_int_equal(offsetof(BlockTQ1_0, d), 52);
    assert_int_equal(offsetof(BlockMXFP4, q), 1);
    assert_int_equal(_Alignof(BlockQ8_K), 1); /* may lie anywhere in a file */
}

static void unknown_and_retired_ids_have_no_facts(void **state)
{
    (void)state;
    static const int64_t bad[] = {-1, 4, 5, 31, 32, 33, 36, 37, 38, 43, 1 << 20, INT64_MIN, INT64_MAX,
                                  (int64_t)1 << 32};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_null(dtype_info(bad[i]));
    assert_string_equal(dtype_name((DType)4), "?");
}

static void names_lead_back_to_their_types_in_any_case(void **state)
{
    (void)state;
    for (int id = 0; id < DT_COUNT; id++)
        if (dtype_info(id)) assert_int_equal(dtype_by_name(dtype_name((DType)id)), id);
    assert_int_equal(dtype_by_name("q4_k"), DT_Q4_K);
    assert_int_equal(dtype_by_name("bf16"), DT_BF16);
    assert_int_equal(dtype_by_name("q4"), -1);
    assert_int_equal(dtype_by_name(""), -1);
}

static void ask_for_broken_row(void *ctx) { dtype_row_bytes(*(DType *)ctx, 31); }

static void rows_of_broken_blocks_abort(void **state)
{
    (void)state;
    DType q4_0 = DT_Q4_0, f32 = DT_F32, retired = (DType)4;
    assert_true(aborts(ask_for_broken_row, &q4_0));
    assert_true(aborts(ask_for_broken_row, &retired));
    assert_false(aborts(ask_for_broken_row, &f32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_per_weight_are_those_of_the_format),
        cmocka_unit_test(fields_stand_where_the_file_has_them),
        cmocka_unit_test(unknown_and_retired_ids_have_no_facts),
        cmocka_unit_test(names_lead_back_to_their_types_in_any_case),
        cmocka_unit_test(rows_of_broken_blocks_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
