/* test_quants_k.c: Q4_1, Q5_0, Q5_1 and the K formats, by hand and against golden data. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

typedef struct { DType type; const char *stem; int64_t scales[2]; int n_scales; } Format;

/* scales: where in a block its halves are. */
static const Format formats[] = {
    {DT_Q4_1, "q4_1", {0, 2}, 2},   {DT_Q5_0, "q5_0", {0}, 1},    {DT_Q5_1, "q5_1", {0, 2}, 2},
    {DT_Q2_K, "q2_k", {80, 82}, 2}, {DT_Q3_K, "q3_k", {108}, 1},  {DT_Q4_K, "q4_k", {0, 2}, 2},
    {DT_Q5_K, "q5_k", {0, 2}, 2},   {DT_Q6_K, "q6_k", {208}, 1}};
enum { N_FORMATS = sizeof formats / sizeof *formats };

static const KernelRow *next_row(const Format *f, const char *prefix, int *at)
{
    char op[32];
    snprintf(op, sizeof op, "%s_%s", prefix, f->stem);
    for (; *at < kernels_count(); (*at)++)
        if (strcmp(kernels_row(*at)->op, op) == 0 && kernels_usable(kernels_row(*at)))
            return kernels_row((*at)++);
    return NULL;
}

/* ---------------------------------------------------------------- by hand */

/* x_i = ((37 i mod 101) - 50) (1 + i / 32) / 256 as a reference quantiser wrote it: the header, and
 * the first bytes of the codes. d = 0x1abc = 1724 * 2^-19, dmin = 0x262b = 1579 * 2^-16.
 * Group 0: scale 0x88 & 63 = 8, min 0x88 & 63 = 8; byte 0 = 0xa0: code 0, so w_0 = -8 dmin.
 * Group 4: scale (0x68 & 15) | 0x88 >> 6 << 4 = 40, min 0x68 >> 4 | 0x88 >> 6 << 4 = 38. */
static void a_q4_k_block_by_hand(void **state)
{
    (void)state;
    BlockQ4_K b = {.d = 0x1abc, .dmin = 0x262b,
                   .scales = {0x88, 0x90, 0xd8, 0xde, 0x88, 0x8f, 0xd7, 0xdf, 0x68, 0xee, 0x78, 0xff},
                   .q = {0xa0, 0x15, 0x6b, 0xc1, [64] = 0x0b, 0xb5}};
    const float d = 1724.0f / 524288.0f, dmin = 1579.0f / 65536.0f;
    const float group0[4] = {-8 * dmin, 8 * d * 5 - 8 * dmin, 8 * d * 11 - 8 * dmin,
                             8 * d * 1 - 8 * dmin};
    const float group1[4] = {16 * d * 10 - 15 * dmin, 16 * d * 1 - 15 * dmin, 16 * d * 6 - 15 * dmin,
                             16 * d * 12 - 15 * dmin};
    const float group4[2] = {40 * d * 11 - 38 * dmin, 40 * d * 5 - 38 * dmin};
    int at = 0;
    const KernelRow *row;
    while ((row = next_row(&formats[5], "dequant", &at))) {
        float y[256];
        ((dequant_fn *)row->fn)(y, &b, 256);
        assert_same_f32(y, group0, 4, "group 0", row->variant);
        assert_same_f32(y + 32, group1, 4, "group 1", row->variant);
        assert_same_f32(y + 128, group4, 2, "group 4", row->variant);
    }
    assert_true(at > 0);
}

/* Of the same weights in Q6_K: run 0 has low bits 0xd2 0x58 (l = 0, 1), 0x67 0xdf in its second half,
 * high bits 0x18 0xb1, scales 0x11 and 0x1f first; d = 0x0e40 = 1600 * 2^-22.
 *   code 0  = 2 | (0x18 & 3) << 4      = 2          code 32 = 7 | (0x18 >> 2 & 3) << 4 = 39
 *   code 1  = 8 | (0xb1 & 3) << 4      = 24         code 64 = 13 | (0x18 >> 4 & 3) << 4 = 29
 *   code 96 = 6 | (0x18 >> 6) << 4     = 6 */
static void a_q6_k_block_by_hand(void **state)
{
    (void)state;
    BlockQ6_K b = {.ql = {0xd2, 0x58, [32] = 0x67, 0xdf}, .qh = {0x18, 0xb1}, .d = 0x0e40,
                   .scales = {0x11, -0x11, 0x1f, 0, 0x2f, 0, 0x40, 1}};
    const float d = 1600.0f / 4194304.0f;
    int at = 0;
    const KernelRow *row;
    while ((row = next_row(&formats[7], "dequant", &at))) {
        float y[256];
        ((dequant_fn *)row->fn)(y, &b, 256);
        const float got[] = {y[0], y[1], y[16], y[32], y[64], y[96], y[112]};
        const float want[] = {0x11 * d * (2 - 32),   0x11 * d * (24 - 32), -0x11 * d * (0 - 32),
                              0x1f * d * (39 - 32),  0x2f * d * (29 - 32), 0x40 * d * (6 - 32),
                              1 * d * (0 - 32)};
        assert_same_f32(got, want, 7, "weights 0, 1, 16, 32, 64, 96, 112", row->variant);
    }
    assert_true(at > 0);
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

/* ---------------------------------------------------------------- golden data */

/* The whole golden file, or NULL if this checkout has no golden data. */
static void *golden(const char *type, const char *what, int64_t *n_bytes)
{
    char path[256];
    snprintf(path, sizeof path, "../shared/golden/quants/%s%s", type, what);
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    *n_bytes = ftell(f);
    rewind(f);
    void *data = mem_alloc((size_t)*n_bytes);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)*n_bytes, f), *n_bytes);
    fclose(f);
    return data;
}

static int check_decoding(const Format *f, const char *blocks, const char *values)
{
    int64_t n_blocks, n_values;
    void *b = golden(f->stem, blocks, &n_blocks);
    float *want = golden(f->stem, values, &n_values);
    int checked = 0, at = 0;
    const KernelRow *row;
    while (b && want && (row = next_row(f, "dequant", &at))) {
        int64_t n = n_values / 4;
        assert_int_equal(dtype_row_bytes(f->type, n), n_blocks);
        float *y = mem_alloc((size_t)n_values);
        ((dequant_fn *)row->fn)(y, b, n);
        assert_same_f32(y, want, n, f->stem, row->variant);
        mem_free(y);
        checked = 1;
    }
    mem_free(b);
    mem_free(want);
    return checked;
}

static void decoding_equals_the_golden_values(void **state)
{
    (void)state;
    int n_found = 0;
    for (int i = 0; i < N_FORMATS; i++)
        n_found += check_decoding(&formats[i], ".blocks", ".deq.f32") +
                   check_decoding(&formats[i], ".rand.blocks", ".rand.deq.f32") +
                   check_decoding(&formats[i], ".im.blocks", ".im.deq.f32");
    if (n_found == 0) skip();
    assert_int_equal(n_found, 3 * N_FORMATS);
}

static void quantising_equals_the_golden_bytes(void **state)
{
    (void)state;
    int n_found = 0;
    for (int i = 0; i < 3; i++) {
        int64_t n_bytes, n_want;
        float *x = golden(formats[i].stem, ".f32", &n_bytes);
        void *want = golden(formats[i].stem, ".blocks", &n_want);
        if (x && want) {
            char *got = mem_alloc((size_t)n_want);
            row_from_f32(got, formats[i].type, x, NULL, n_bytes / 4);
            assert_memory_equal(got, want, (size_t)n_want);
            mem_free(got);
            n_found++;
        }
        mem_free(x);
        mem_free(want);
    }
    if (n_found == 0) skip();
    assert_int_equal(n_found, 3);
}

/* ---------------------------------------------------------------- dot products */

typedef enum { RANDOM, ALL_ONES, ALL_ZEROS } Fill;

static void fill_blocks(const Format *f, Rng *rng, uint8_t *b, int64_t n, Fill fill)
{
    int64_t block = dtype_info(f->type)->bytes, bytes = dtype_row_bytes(f->type, n);
    for (int64_t i = 0; i < bytes; i++)
        b[i] = fill == RANDOM ? (uint8_t)rng_u64(rng) : fill == ALL_ONES ? 0xFF : 0;
    for (int64_t i = 0; i < bytes; i += block)
        for (int k = 0; k < f->n_scales; k++) {
            uint16_t h = f32_to_f16(rng_normal(rng) * 0.1f);
            memcpy(b + i + f->scales[k], &h, 2);
        }
}

static void every_variant_decodes_to_the_same_bits(void **state)
{
    (void)state;
    Rng rng = rng_seed(10);
    for (int i = 0; i < N_FORMATS; i++) {
        const Format *f = &formats[i];
        int at = 0;
        dequant_fn *first = (dequant_fn *)next_row(f, "dequant", &at)->fn;
        const KernelRow *row;
        while ((row = next_row(f, "dequant", &at)))
            for (int64_t n = 0; n <= 5 * 256; n += 256) {
                TwinBuf b = twin_buf(dtype_row_bytes(f->type, n), 1, 1);
                TwinBuf want = twin_buf(n, 4, 1), got = twin_buf(n, 4, 1);
                fill_blocks(f, &rng, b.data, n, RANDOM);
                first(want.data, b.data, n);
                ((dequant_fn *)row->fn)(got.data, b.data, n);
                assert_same_f32(got.data, want.data, n, row->op, row->variant);
                twin_free(b);
                twin_free(want);
                twin_free(got);
            }
    }
}

/* A dot product uses the same real numbers as decoding and multiplying, except for roundings: three
 * in a decoded weight, and in the dot fewer than n / 32 + 16 of the terms, which are at most `most`
 * per block: codes are shifted by no more than their range, so |w| <= 2 d scale range + dmin min. */
static void check_dot(const Format *f, const KernelRow *row, Rng *rng, int64_t n, Fill fill)
{
    TwinBuf x = twin_buf(n, 4, 0), q = twin_buf(n, 1, 0), scale = twin_buf(n / 32, 4, 0);
    TwinBuf sum = twin_buf(n / 32, 4, 0), b = twin_buf(dtype_row_bytes(f->type, n), 1, 1);
    ActQ8 a = {q.data, scale.data, sum.data};
    float *w = x.data;
    twin_normals(rng, w, n);
    for (int64_t i = 0; fill != RANDOM && i < n; i++) w[i] = fill == ALL_ONES ? 1 : -1;
    act_q8_scalar(a, w, n);
    fill_blocks(f, rng, b.data, n, fill);
    row_to_f32(w, b.data, f->type, n);
    double want = 0, magnitude = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = (double)a.scale[i / 32] * a.q[i];
        want += (double)w[i] * v;
        magnitude += fabs(v);
    }
    /* The largest weight that the largest scales, 0.5, could make: it bounds every partial term. */
    float largest = f->type == DT_Q6_K ? 128 * 64 : f->type <= DT_Q5_1 ? 64 : 64 * 32;
    double tol = (double)(n / 32 + 16) * FLT_EPSILON / 2 * magnitude * (double)largest * 0.5;
    assert_near(((dot_quant_fn *)row->fn)(b.data, a, n), (float)want, tol, row->op, row->variant, n);
    twin_free(x);
    twin_free(q);
    twin_free(scale);
    twin_free(sum);
    twin_free(b);
}

static void dots_are_near_decoding_and_multiplying(void **state)
{
    (void)state;
    Rng rng = rng_seed(11);
    for (int i = 0; i < N_FORMATS; i++) {
        int64_t block = dtype_info(formats[i].type)->block;
        int at = 0;
        const KernelRow *row;
        while ((row = next_row(&formats[i], "dot", &at)))
            for (int64_t n = 0; n <= 20 * block; n += block)
                for (Fill fill = RANDOM; fill <= ALL_ZEROS; fill++)
                    check_dot(&formats[i], row, &rng, n, fill);
        assert_true(at > 0);
    }
}

/* Activations of 1 with a scale of 1, one weight per group of Q6_K: integers only, so exact. */
static void a_q6_k_dot_by_hand(void **state)
{
    (void)state;
    BlockQ6_K b = {.d = 0x3C00, .scales = {2, -3}};
    for (int i = 0; i < 128; i++) b.ql[i] = 0;
    memset(b.qh, 0xAA, sizeof b.qh); /* every code 32, weight 0 */
    b.ql[0] = 5;                     /* weight 0: 2 * 5 */
    b.ql[31] = 7;                    /* weight 31: -3 * 7 */
    int8_t q[256] = {10, [31] = 4};
    float scale[8] = {0.5f, 1, 1, 1, 1, 1, 1, 1}, sum[8] = {7};
    int at = 0;
    const KernelRow *row;
    while ((row = next_row(&formats[7], "dot", &at)))
        assert_true(((dot_quant_fn *)row->fn)(&b, (ActQ8){q, scale, sum}, 256) ==
                    0.5f * (2 * 5 * 10 - 3 * 7 * 4));
}

/* ---------------------------------------------------------------- hostile blocks */

static void scales_that_are_not_finite_show_in_the_result(void **state)
{
    (void)state;
    static const uint16_t bad[] = {0x7C00, 0xFC00, 0x7E00, 0xFE01};
    Rng rng = rng_seed(12);
    enum { N = 1280 };
    static float x[N], scale[N / 32], sum[N / 32];
    static int8_t q[N];
    static uint8_t blocks[N * 2];
    ActQ8 a = {q, scale, sum};
    for (int i = 0; i < N_FORMATS; i++) {
        const Format *f = &formats[i];
        int64_t bytes = dtype_info(f->type)->bytes, n_blocks = N / dtype_info(f->type)->block;
        int at = 0;
        const KernelRow *row;
        while ((row = next_row(f, "dot", &at)))
            for (int64_t place = 0; place < n_blocks; place++)
                for (int k = 0; k < 4 * f->n_scales + 1; k++) {
                    twin_normals(&rng, x, N);
                    if (k == 4 * f->n_scales) x[place * 32 + 5] = NAN;
                    act_q8_scalar(a, x, N);
                    fill_blocks(f, &rng, blocks, N, RANDOM);
                    if (k < 4 * f->n_scales)
                        memcpy(blocks + place * bytes + f->scales[k / 4], &bad[k % 4], 2);
                    assert_false(isfinite(((dot_quant_fn *)row->fn)(blocks, a, N)));
                }
    }
}

static void weights_that_are_no_numbers_do_not_crash(void **state)
{
    (void)state;
    Rng rng = rng_seed(13);
    float x[256], y[256];
    uint8_t blocks[256];
    for (int round = 0; round < 200; round++)
        for (int i = 0; i < 3; i++) {
            twin_awkward(&rng, x, 256);
            row_from_f32(blocks, formats[i].type, x, NULL, 256);
            row_to_f32(y, blocks, formats[i].type, 256);
        }
    /* A format that is only read says so. */
    for (int i = 3; i < N_FORMATS; i++) assert_null(quant_format(formats[i].type)->quantise);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_q4_k_block_by_hand),
        cmocka_unit_test(a_q6_k_block_by_hand),
        cmocka_unit_test(three_quantisers_give_these_bytes),
        cmocka_unit_test(decoding_equals_the_golden_values),
        cmocka_unit_test(quantising_equals_the_golden_bytes),
        cmocka_unit_test(every_variant_decodes_to_the_same_bits),
        cmocka_unit_test(dots_are_near_decoding_and_multiplying),
        cmocka_unit_test(a_q6_k_dot_by_hand),
        cmocka_unit_test(scales_that_are_not_finite_show_in_the_result),
        cmocka_unit_test(weights_that_are_no_numbers_do_not_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
