/* test_quants_k.c: Q4_1, Q5_0, Q5_1, Q4_K and Q6_K by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

/* x_i = ((37 i mod 101) - 50) (1 + i / 32) / 256 as a reference quantiser wrote it: the header, and
 * the first bytes of the codes. d = 0x1abc = 1724 * 2^-19, dmin = 0x262b = 1579 * 2^-16.
 * Group 0: scale 0x88 & 63 = 8, min 0x88 & 63 = 8; byte 0 = 0xa0: code 0, so w_0 = -8 dmin.
 * Group 4: scale (0x68 & 15) | 0x88 >> 6 << 4 = 40, min 0x68 >> 4 | 0x88 >> 6 << 4 = 38. */
static void check_q4_k(const KernelRow *row, void *ctx)
{
    (void)ctx;
    BlockQ4_K b = {.d = 0x1abc, .dmin = 0x262b,
                   .scales = {0x88, 0x90, 0xd8, 0xde, 0x88, 0x8f, 0xd7, 0xdf, 0x68, 0xee, 0x78, 0xff},
                   .q = {0xa0, 0x15, 0x6b, 0xc1, [64] = 0x0b, 0xb5}};
    const float d = 1724.0f / 524288.0f, dmin = 1579.0f / 65536.0f;
    const float group0[4] = {-8 * dmin, 8 * d * 5 - 8 * dmin, 8 * d * 11 - 8 * dmin,
                             8 * d * 1 - 8 * dmin};
    const float group1[4] = {16 * d * 10 - 15 * dmin, 16 * d * 1 - 15 * dmin, 16 * d * 6 - 15 * dmin,
                             16 * d * 12 - 15 * dmin};
    const float group4[2] = {40 * d * 11 - 38 * dmin, 40 * d * 5 - 38 * dmin};
    float y[256];
    ((dequant_fn *)row->fn)(y, &b, 256);
    assert_same_f32(y, group0, 4, "group 0", row->variant);
    assert_same_f32(y + 32, group1, 4, "group 1", row->variant);
    assert_same_f32(y + 128, group4, 2, "group 4", row->variant);
}

static void a_q4_k_block_by_hand(void **state)
{
    (void)state;
    twins_for_each("dequant_q4_k", check_q4_k, NULL);
}

/* Of the same weights in Q6_K: run 0 has low bits 0xd2 0x58 (l = 0, 1), 0x67 0xdf in its second half,
 * high bits 0x18 0xb1, scales 0x11 and 0x1f first; d = 0x0e40 = 1600 * 2^-22.
 *   code 0  = 2 | (0x18 & 3) << 4      = 2          code 32 = 7 | (0x18 >> 2 & 3) << 4 = 39
 *   code 1  = 8 | (0xb1 & 3) << 4      = 24         code 64 = 13 | (0x18 >> 4 & 3) << 4 = 29
 *   code 96 = 6 | (0x18 >> 6) << 4     = 6 */
static void check_q6_k(const KernelRow *row, void *ctx)
{
    (void)ctx;
    BlockQ6_K b = {.ql = {0xd2, 0x58, [32] = 0x67, 0xdf}, .qh = {0x18, 0xb1}, .d = 0x0e40,
                   .scales = {0x11, -0x11, 0x1f, 0, 0x2f, 0, 0x40, 1}};
    const float d = 1600.0f / 4194304.0f;
    float y[256];
    ((dequant_fn *)row->fn)(y, &b, 256);
    const float got[] = {y[0], y[1], y[16], y[32], y[64], y[96], y[112]};
    const float want[] = {0x11 * d * (2 - 32),   0x11 * d * (24 - 32), -0x11 * d * (0 - 32),
                          0x1f * d * (39 - 32),  0x2f * d * (29 - 32), 0x40 * d * (6 - 32),
                          1 * d * (0 - 32)};
    assert_same_f32(got, want, 7, "weights 0, 1, 16, 32, 64, 96, 112", row->variant);
}

static void a_q6_k_block_by_hand(void **state)
{
    (void)state;
    twins_for_each("dequant_q6_k", check_q6_k, NULL);
}

/* x_i = ((7 i mod 32) - 15) / 8, and x_5 another 1/16 more. */
static void check_example(const float x[32], DType type, const void *bytes, size_t n, float step)
{
    uint8_t got[24];
    float y[32];
    row_from_f32(got, type, x, NULL, 32);
    assert_memory_equal(got, bytes, n);
    row_to_f32(y, got, type, 32);
    for (int i = 0; i < 32; i++) assert_near(y[i], x[i], (double)step * 0.501, "example", "", i);
}

static void three_quantisers_give_these_bytes(void **state)
{
    (void)state;
    static const uint8_t q4_1[] = {0x22, 0x34, 0x80, 0xbf, 0x80, 0xb3, 0xf7, 0x2a, 0x6e, 0x92,
                                   0xd5, 0x08, 0x4c, 0x7f, 0xb3, 0xe6, 0x2a, 0x5d, 0x91, 0xc4};
    static const uint8_t q5_0[] = {0x00, 0xb0, 0x67, 0xcc, 0x98, 0x33, 0xff, 0x88, 0x11, 0xaa, 0x33,
                                   0xcc, 0x55, 0xee, 0x77, 0x00, 0x99, 0x22, 0xbb, 0x44, 0xdd, 0x66};
    static const uint8_t q5_1[] = {0x00, 0x30, 0x80, 0xbf, 0x98, 0x33, 0x67, 0xcc,
                                   0x00, 0x77, 0xee, 0x55, 0xcc, 0x34, 0xaa, 0x11,
                                   0x88, 0xff, 0x66, 0xdd, 0x44, 0xbb, 0x22, 0x99};
    float x[32];
    for (int i = 0; i < 32; i++) x[i] = (float)((7 * i) % 32 - 15) * 0.125f;
    x[5] += 0.0625f;
    check_example(x, DT_Q4_1, q4_1, sizeof q4_1, 3.875f / 15);
    check_example(x, DT_Q5_0, q5_0, sizeof q5_0, 0.125f);
    check_example(x, DT_Q5_1, q5_1, sizeof q5_1, 0.125f);
}

/* Activations of 1 with a scale of 1, one weight per group of Q6_K: integers only, so exact. */
static void check_dot_q6_k(const KernelRow *row, void *ctx)
{
    (void)ctx;
    BlockQ6_K b = {.d = 0x3C00, .scales = {2, -3}};
    for (int i = 0; i < 128; i++) b.ql[i] = 0;
    memset(b.qh, 0xAA, sizeof b.qh); /* every code 32, weight 0 */
    b.ql[0] = 5;                     /* weight 0: 2 * 5 */
    b.ql[31] = 7;                    /* weight 31: -3 * 7 */
    int8_t q[256] = {10, [31] = 4};
    float scale[8] = {0.5f, 1, 1, 1, 1, 1, 1, 1}, sum[8] = {7}, half[16] = {5, 2};
    int8_t turned[256];
    float pairs[16];
    ActQ8 a = {q, scale, sum, half, NULL, turned, pairs};
    act_q8_arrange(a, 256);
    assert_true(((dot_quant_fn *)row->fn)(&b, a, 256) == 0.5f * (2 * 5 * 10 - 3 * 7 * 4));
}

static void a_q6_k_dot_by_hand(void **state)
{
    (void)state;
    twins_for_each("dot_q6_k", check_dot_q6_k, NULL);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_q4_k_block_by_hand),
        cmocka_unit_test(a_q6_k_block_by_hand),
        cmocka_unit_test(three_quantisers_give_these_bytes),
        cmocka_unit_test(a_q6_k_dot_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
