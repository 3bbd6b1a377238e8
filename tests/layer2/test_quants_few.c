/* test_quants_few.c: TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0, Q2_0, Q8_1 and Q8_K by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

/* What n weights must become, and the values that come back. */
typedef struct { const void *bytes; size_t size; const float *x, *y; int64_t n; } Case;

static void check_quantise(const KernelRow *row, void *ctx)
{
    const Case *c = ctx;
    uint8_t got[sizeof(BlockQ8_K)] = {0};
    ((quant_fn *)row->fn)(got, c->x, NULL, c->n);
    assert_memory_equal(got, c->bytes, c->size);
}

static void check_decode(const KernelRow *row, void *ctx)
{
    const Case *c = ctx;
    float y[256];
    ((dequant_fn *)row->fn)(y, c->bytes, c->n);
    assert_same_f32(y, c->y, c->n, row->op, row->variant);
}

/* Digits 2 0 1 2 2 of weights 0, 32, ..., 128: 2*81 + 0*27 + 1*9 + 2*3 + 2 = 179, and
 * (179 * 256 + 242) / 243 = 189. Five digits 1 are 121, byte 128; four of them and a 0: 120, byte 127.
 * Weights 240, 244 have digits 0, 2: 0*81 + 2*27 + 9 + 3 + 0 = 66, byte 70. */
static void three_values_in_two_layouts(void **state)
{
    (void)state;
    float x[256] = {[0] = 0.5f, [32] = -0.5f, [96] = 0.5f, [128] = 0.4f, [240] = -0.26f, [244] = 0.5f};
    float y[256] = {[0] = 0.5f, [32] = -0.5f, [96] = 0.5f, [128] = 0.5f, [240] = -0.5f, [244] = 0.5f};
    x[7] = 0.24f; /* less than half of d */
    BlockTQ1_0 t1 = {.qh = {70, 127, 127, 127}, .d = 0x3800};
    memset(t1.q, 128, sizeof t1.q);
    t1.q[0] = 189;
    /* Two bits each: byte 0 has digits 0, 32, 64, 96; byte 48 has digits 144, 176, 208, 240. */
    BlockTQ2_0 t2 = {.d = 0x3800};
    memset(t2.q, 0x55, sizeof t2.q);
    t2.q[0] = 2 | 0 << 2 | 1 << 4 | 2 << 6;
    t2.q[32] = 2 | 1 << 2 | 1 << 4 | 1 << 6;
    t2.q[48] = 1 | 1 << 2 | 1 << 4 | 0 << 6;
    t2.q[52] = 1 | 1 << 2 | 1 << 4 | 2 << 6;
    Case c1 = {&t1, sizeof t1, x, y, 256}, c2 = {&t2, sizeof t2, x, y, 256};
    twins_for_each("quant_tq1_0", check_quantise, &c1);
    twins_for_each("dequant_tq1_0", check_decode, &c1);
    twins_for_each("quant_tq2_0", check_quantise, &c2);
    twins_for_each("dequant_tq2_0", check_decode, &c2);
    /* A code that no quantiser writes. */
    t2.q[0] = 3;
    y[0] = 1, y[32] = y[64] = y[96] = -0.5f;
    twins_for_each("dequant_tq2_0", check_decode, &c2);
}

/* The largest is 6, floor(log2 6) = 2, e = 2 - 2 + 127, and the scale 2^-1: values 0.5 1 1.5 2 3 4 6.
 * 5 is as near to 4 as to 6, 0.25 as near to 0 as to 0.5: the lower code. */
static void mxfp4_by_hand(void **state)
{
    (void)state;
    float x[32] = {5, -0.8f, 6, [16] = 0.25f, -3.4f}, y[32] = {4, -1, 6, [16] = 0, -3};
    BlockMXFP4 b = {127, {6 | 0 << 4, 10 | 13 << 4, 7}};
    Case c = {&b, sizeof b, x, y, 32};
    twins_for_each("quant_mxfp4", check_quantise, &c);
    twins_for_each("dequant_mxfp4", check_decode, &c);
    /* Scales below the smallest normal number, and the first that is one. */
    for (int e = 0; e < 3; e++) {
        b = (BlockMXFP4){(uint8_t)e, {1, 9, 15}};
        float tiny = e == 0 ? 0x1p-128f : e == 1 ? 0x1p-127f : 0x1p-126f;
        float z[32] = {tiny, -tiny, -12 * tiny};
        Case d = {&b, sizeof b, NULL, z, 32};
        twins_for_each("dequant_mxfp4", check_decode, &d);
    }
}

/* Scales: 6/6 = 1 is 0x38. 0.75/6 = 2^-3 is 0x20. 6.375/6 = 1.0625, half a step above 1: 0x39, that
 * is 1.125. 3000/6 is too much: 448, 0x7E. The halves of these times 0 1 2 3 4 6 8 12 are weights. */
static void nvfp4_by_hand(void **state)
{
    (void)state;
    float x[64] = {6, -0.8f, [8] = 2, [16] = 0.75f, [31] = -0.1875f, [32] = 6.375f, [48] = 3000, -220};
    float y[64] = {6, -1, [8] = 2, [16] = 0.75f, [31] = -0.1875f, [32] = 6.75f, [48] = 2688, -224};
    BlockNVFP4 b = {{0x38, 0x20, 0x39, 0x7E}, {7 | 4 << 4, 10, [8] = 7, [15] = 11 << 4, [16] = 7,
                                              [24] = 7, 9}};
    Case c = {&b, sizeof b, x, y, 64};
    twins_for_each("quant_nvfp4", check_quantise, &c);
    twins_for_each("dequant_nvfp4", check_decode, &c);
    /* No exponent: 3 * 2^-9; NaN counts as 0; a sign bit does not count. */
    b = (BlockNVFP4){{0x03, 0x7F, 0xB8, 0x00}, {1, [8] = 7, [16] = 9, [24] = 15}};
    float z[64] = {1.5f * 0x1p-9f, [32] = -0.5f, [48] = -0.0f};
    Case d = {&b, sizeof b, NULL, z, 64};
    twins_for_each("dequant_nvfp4", check_decode, &d);
}

/* The mean magnitude: (1 + 2 + 0 + 0.5 + 124) / 128 = 255/256, 0x3BF8. -0 counts as positive. */
static void q1_0_by_hand(void **state)
{
    (void)state;
    float x[128], y[128];
    for (int i = 0; i < 128; i++) x[i] = 1, y[i] = 255.0f / 256;
    x[0] = -1, x[1] = 2, x[8] = -0.0f, x[9] = -0.5f;
    y[0] = y[9] = -255.0f / 256;
    BlockQ1_0 b = {.d = 0x3BF8};
    memset(b.q, 0xFF, sizeof b.q);
    b.q[0] = 0xFE, b.q[1] = 0xFD;
    Case c = {&b, sizeof b, x, y, 128};
    twins_for_each("quant_q1_0", check_quantise, &c);
    twins_for_each("dequant_q1_0", check_decode, &c);
}

/* d = 1/2; -0.25 is a tie: away from zero. s = (127 - 1) / 2 = 63, 0x53E0. */
static void q8_1_by_hand(void **state)
{
    (void)state;
    float x[32] = {63.5f, -0.25f, 0.2f}, y[32] = {63.5f, -0.5f, 0};
    BlockQ8_1 b = {0x3800, 0x53E0, {127, -1, 0}};
    Case c = {&b, sizeof b, x, y, 32};
    twins_for_each("quant_q8_1", check_quantise, &c);
    twins_for_each("dequant_q8_1", check_decode, &c);
}

/* The first of the two largest gets -127; 0.25 and 0.75 are ties, to even codes: 0 and 2. */
static void q8_k_by_hand(void **state)
{
    (void)state;
    float x[256] = {[3] = -63.5f, [5] = 0.25f, [6] = 0.75f, [40] = 63.5f};
    float y[256] = {[3] = -63.5f, [6] = 1, [40] = 63.5f};
    BlockQ8_K b = {0.5f, {[3] = -127, [6] = 2, [40] = 127}, {[0] = -125, [2] = 127}};
    Case c = {&b, sizeof b, x, y, 256};
    twins_for_each("quant_q8_k", check_quantise, &c);
    twins_for_each("dequant_q8_k", check_decode, &c);
    x[2] = 63.5f; /* now the first is positive, and d negative */
    for (int i = 0; i < 256; i++) y[i] = i == 3 || i == 6 || i == 40 ? y[i] : -0.0f;
    y[2] = 63.5f;
    b = (BlockQ8_K){-0.5f, {[2] = -127, [3] = 127, [6] = -2, [40] = -127}, {[0] = -2, [2] = -127}};
    twins_for_each("quant_q8_k", check_quantise, &c);
    twins_for_each("dequant_q8_k", check_decode, &c);
}

/* d = 2; 1 and -1 are ties, -0.9 is nearer to 0. */
static void q2_0_by_hand(void **state)
{
    (void)state;
    float x[64] = {-2, 2, 1, -0.9f, -1}, y[64] = {-2, 2, 2, 0, -2};
    BlockQ2_0 b = {.d = 0x4000};
    memset(b.q, 0x55, sizeof b.q);
    b.q[0] = 0 | 2 << 2 | 2 << 4 | 1 << 6;
    b.q[1] = 0x54;
    Case c = {&b, sizeof b, x, y, 64};
    twins_for_each("quant_q2_0", check_quantise, &c);
    twins_for_each("dequant_q2_0", check_decode, &c);
    b.q[15] = 0xC0;
    y[60] = y[61] = y[62] = -2, y[63] = 4;
    twins_for_each("dequant_q2_0", check_decode, &c);
}

/* Weights -1, 1, 3 ... 29 in every order: least -1, step 2, each its own code. */
static void check_q4_1(const KernelRow *row, void *ctx)
{
    const float *x = ctx;
    BlockQ4_1 b;
    float y[32];
    ((quant_fn *)row->fn)(&b, x, NULL, 32);
    dequant_q4_1_scalar(y, &b, 32);
    for (int i = 0; i < 32; i++) assert_true(y[i] == x[i]);
}

static void sixteen_even_levels_fit_q4_1_exactly(void **state)
{
    (void)state;
    float x[32];
    for (int i = 0; i < 32; i++) x[i] = (float)(i * 7 % 16) * 2 - 1;
    twins_for_each("quant_q4_1", check_q4_1, x);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_values_in_two_layouts),
        cmocka_unit_test(sixteen_even_levels_fit_q4_1_exactly),
        cmocka_unit_test(mxfp4_by_hand),
        cmocka_unit_test(nvfp4_by_hand),
        cmocka_unit_test(q1_0_by_hand),
        cmocka_unit_test(q2_0_by_hand),
        cmocka_unit_test(q8_1_by_hand),
        cmocka_unit_test(q8_k_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
