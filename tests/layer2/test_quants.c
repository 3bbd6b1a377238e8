/* test_quants.c: Q8_0 and Q4_0 by hand. What all formats share is in test_formats.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

/* x_i = ((7 i mod 32) - 15) / 8, and x_5 another 1/16 more. */
static void example(float x[32])
{
    for (int i = 0; i < 32; i++) x[i] = (float)((7 * i) % 32 - 15) * 0.125f;
    x[5] += 0.0625f;
}

static const uint8_t q4_bytes[18] = {0x00, 0xb4, 0x8f, 0x4c, 0x19, 0xd5, 0xa2, 0x6e, 0x3b,
                                     0xf7, 0xc4, 0x80, 0x5d, 0x19, 0xe6, 0xa2, 0x7f, 0x3b};
static const uint8_t q8_bytes[34] = {0x08, 0x24, 0x89, 0xc0, 0xf8, 0x30, 0x67, 0xa5, 0xd8,
                                     0x10, 0x47, 0x7f, 0xb9, 0xf0, 0x28, 0x5f, 0x99, 0xd0,
                                     0x08, 0x40, 0x77, 0xb1, 0xe8, 0x20, 0x57, 0x91, 0xc8,
                                     0x00, 0x38, 0x6f, 0xa9, 0xe0, 0x18, 0x4f};

/* The largest magnitude is x_9 = 2, so Q4_0 has d = 2 / -8 = -0.25 = 0xb400, and x_0 = -1.875 gets
 * trunc(7.5 + 8.5) = 16, cut to 15: byte 0 is 0x8f with x_16 = 0.125, code trunc(-0.5 + 8.5) = 8. */
static void check_example_codes(const KernelRow *row, void *bytes)
{
    float x[32];
    uint8_t got[34];
    example(x);
    ((quant_fn *)row->fn)(got, x, NULL, 32);
    assert_memory_equal(got, bytes, bytes == q4_bytes ? sizeof q4_bytes : sizeof q8_bytes);
}

static void the_worked_example_gives_these_bytes(void **state)
{
    (void)state;
    twins_for_each("quant_q4_0", check_example_codes, (void *)(uintptr_t)q4_bytes);
    twins_for_each("quant_q8_0", check_example_codes, (void *)(uintptr_t)q8_bytes);
}

static void check_example_values(const KernelRow *row, void *bytes)
{
    static const float q4[8] = {-1.75f, -1, -0.25f, 0.75f, 1.5f, -1.5f, -0.75f, 0.25f};
    /* d = 2 / 127 rounded to half: 0x2408 = 1032 * 2^-16; codes -119, -64, -8, 48, 103, ... */
    static const float d = 1032.0f / 65536.0f;
    static const float q8[8] = {-119 * d, -64 * d, -8 * d, 48 * d, 103 * d, -91 * d, -40 * d, 16 * d};
    float y[32];
    ((dequant_fn *)row->fn)(y, bytes, 32);
    assert_same_f32(y, bytes == q4_bytes ? q4 : q8, 8, row->op, row->variant);
    if (bytes == q4_bytes) assert_true(y[16] == 0.0f && signbit(y[16])); /* -0.25 * 0 */
}

static void the_bytes_decode_to_these_values(void **state)
{
    (void)state;
    twins_for_each("dequant_q4_0", check_example_values, (void *)(uintptr_t)q4_bytes);
    twins_for_each("dequant_q8_0", check_example_values, (void *)(uintptr_t)q8_bytes);
}

/* |x - w| <= half a step, and a little for the half-precision scale (2^-11 of the weight). Q4_0 cuts
 * codes above 15, so a weight opposite to the largest one may be off by a whole step. */
static void rounding_errors_stay_within_a_step(void **state)
{
    (void)state;
    Rng rng = rng_seed(5);
    float x[256], y[256];
    char blocks[256 / 32 * 34];
    for (int round = 0; round < 200; round++) {
        twin_normals(&rng, x, 256);
        for (int t = 0; t < 2; t++) {
            DType type = t ? DT_Q4_0 : DT_Q8_0;
            row_from_f32(blocks, type, x, NULL, 256);
            row_to_f32(y, blocks, type, 256);
            for (int i = 0; i < 256; i++) {
                float most = 0;
                for (int j = i & ~31; j < (i | 31) + 1; j++) most = fmaxf(most, fabsf(x[j]));
                float step = t ? most / 8 : most / 127 / 2;
                assert_true(fabsf(x[i] - y[i]) <= step * 1.001f + most * 0x1p-11f);
            }
        }
    }
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_gives_these_bytes),
        cmocka_unit_test(the_bytes_decode_to_these_values),
        cmocka_unit_test(rounding_errors_stay_within_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
