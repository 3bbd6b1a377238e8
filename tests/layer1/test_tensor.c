/* Views: addresses by strides, transposing without moving anything. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <string.h>

static void matrix_of_two_rows_and_three_columns(void **state)
{
    (void)state;
    static const float x[6] = {1, 2, 3, 4, 5, 6};
    Tensor t = tensor_matrix(DT_F32, x, 3, 2);
    assert_int_equal(t.nb[0], 4);
    assert_int_equal(t.nb[1], 12);
    assert_int_equal(tensor_elements(&t), 6);
    assert_int_equal(tensor_bytes(&t), 24);
    assert_true(tensor_is_dense(&t));
    assert_true(tensor_at(&t, 2, 0, 0, 0) == 3);
    assert_true(tensor_at(&t, 0, 1, 0, 0) == 4);
    assert_ptr_equal(tensor_row(&t, 1, 0, 0), x + 3);

    Tensor u = tensor_transpose(t, 0, 1);
    assert_int_equal(u.ne[0], 2);
    assert_int_equal(u.ne[1], 3);
    assert_false(tensor_is_dense(&u));
    assert_ptr_equal(u.data, x);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            assert_true(tensor_at(&u, j, i, 0, 0) == tensor_at(&t, i, j, 0, 0));
    Tensor back = tensor_transpose(u, 1, 0);
    assert_memory_equal(&back, &t, sizeof t);
}

static void four_dimensions_step_over_one_another(void **state)
{
    (void)state;
    float x[2 * 3 * 4 * 5];
    for (int i = 0; i < 120; i++) x[i] = (float)i;
    Tensor t = tensor_view(DT_F32, x, 2, 3, 4, 5);
    for (int l = 0; l < 5; l++)
        for (int k = 0; k < 4; k++)
            for (int j = 0; j < 3; j++)
                for (int i = 0; i < 2; i++)
                    assert_true(tensor_at(&t, i, j, k, l) == (float)(i + 2 * (j + 3 * (k + 4 * l))));
    Tensor swapped = tensor_transpose(t, 1, 3); /* allowed for any type: rows stay whole */
    assert_true(tensor_at(&swapped, 1, 4, 2, 0) == tensor_at(&t, 1, 0, 2, 4));
}

static void half_elements_are_widened(void **state)
{
    (void)state;
    uint16_t f16[3] = {0x3C00, 0xC000, 0x3800}, bf16[3] = {0x3F80, 0xC000, 0x3F00};
    Tensor a = tensor_vector(DT_F16, f16, 3), b = tensor_vector(DT_BF16, bf16, 3);
    static const float expected[3] = {1, -2, 0.5f};
    for (int i = 0; i < 3; i++) {
        assert_true(tensor_at(&a, i, 0, 0, 0) == expected[i]);
        assert_true(tensor_at(&b, i, 0, 0, 0) == expected[i]);
    }
}

static void quantised_rows_are_found_by_blocks(void **state)
{
    (void)state;
    static BlockQ4_0 blocks[3 * 2]; /* three rows of 64 weights */
    Tensor t = tensor_matrix(DT_Q4_0, blocks, 64, 3);
    assert_int_equal(t.nb[0], 18);
    assert_int_equal(t.nb[1], 36);
    assert_int_equal(tensor_bytes(&t), 108);
    assert_ptr_equal(tensor_row(&t, 2, 0, 0), blocks + 4);
}

static void row_outside(void *ctx) { tensor_row(ctx, 2, 0, 0); }
static void row_negative(void *ctx) { tensor_row(ctx, -1, 0, 0); }
static void element_outside(void *ctx) { tensor_at(ctx, 32, 0, 0, 0); }
static void element_of_type(void *ctx) { tensor_at(ctx, 0, 0, 0, 0); }
static void transpose_blocks(void *ctx) { tensor_transpose(*(Tensor *)ctx, 0, 1); }

static void misuse_aborts(void **state)
{
    (void)state;
    static float x[64];
    static BlockQ4_0 blocks[2];
    Tensor f = tensor_matrix(DT_F32, x, 32, 2), q = tensor_matrix(DT_Q4_0, blocks, 32, 2);
    assert_true(aborts(row_outside, &f));
    assert_true(aborts(row_negative, &f));
    assert_true(aborts(element_outside, &f));
    assert_true(aborts(element_of_type, &q));
    assert_true(aborts(transpose_blocks, &q));
    assert_false(aborts(element_of_type, &f));
    assert_false(aborts(transpose_blocks, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrix_of_two_rows_and_three_columns),
        cmocka_unit_test(four_dimensions_step_over_one_another),
        cmocka_unit_test(half_elements_are_widened),
        cmocka_unit_test(quantised_rows_are_found_by_blocks),
        cmocka_unit_test(misuse_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
