/* test_quants.c: block formats, by hand and against golden data. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"
#include "must.h"

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

static const struct { DType type; const char *stem; } files[] = {
    {DT_F32, "f32"}, {DT_F16, "f16"}, {DT_BF16, "bf16"}, {DT_Q8_0, "q8_0"}, {DT_Q4_0, "q4_0"}};
enum { N_FILES = sizeof files / sizeof *files };
static const char *const selections[] = {"scalar", "avx2", "avx512", "neon"};

/* Decodes `stem``blocks` and compares with `stem``values`; false if the files are not there. */
static bool check_decoding(DType type, const char *stem, const char *blocks, const char *values)
{
    int64_t n_blocks, n_values;
    void *b = golden(stem, blocks, &n_blocks);
    float *want = golden(stem, values, &n_values);
    bool found = b && want;
    if (found) {
        int64_t n = n_values / 4;
        assert_int_equal(dtype_row_bytes(type, n), n_blocks);
        float *y = mem_alloc((size_t)n_values);
        row_to_f32(y, b, type, n);
        assert_same_f32(y, want, n, stem, blocks);
        mem_free(y);
    }
    mem_free(b);
    mem_free(want);
    return found;
}

static void decoding_equals_the_golden_values(void **state)
{
    (void)state;
    int n_found = 0;
    Err err;
    for (size_t s = 0; s < sizeof selections / sizeof *selections; s++) {
        if (kernels_use(selections[s], &err) != OK) continue;
        for (int i = 0; i < N_FILES; i++) {
            n_found += check_decoding(files[i].type, files[i].stem, ".blocks", ".deq.f32");
            n_found += check_decoding(files[i].type, files[i].stem, ".rand.blocks", ".rand.deq.f32");
        }
        n_found += check_decoding(DT_Q4_0, "q4_0", ".im.blocks", ".im.deq.f32");
    }
    MUST(kernels_use(NULL, &err), &err);
    if (n_found == 0) skip();
    /* Two selections at least, each with five types; f32 has no random blocks. */
    assert_true(n_found >= 2 * (2 * N_FILES - 1 + 1));
}

static void quantising_equals_the_golden_bytes(void **state)
{
    (void)state;
    int n_found = 0;
    for (int i = 0; i < N_FILES; i++) {
        int64_t n_bytes, n_want;
        float *x = golden(files[i].stem, ".f32", &n_bytes);
        void *want = golden(files[i].stem, ".blocks", &n_want);
        if (x && want) {
            char *got = mem_alloc((size_t)n_want);
            row_from_f32(got, files[i].type, x, NULL, n_bytes / 4);
            assert_memory_equal(got, want, (size_t)n_want);
            mem_free(got);
            n_found++;
        }
        mem_free(x);
        mem_free(want);
    }
    if (n_found == 0) skip();
    assert_int_equal(n_found, N_FILES);
}

static void subnormal_weights_become_zeros(void **state)
{
    (void)state;
    int64_t n_bytes = 4 * 64;
    float *x = golden("subnormal", ".f32", &n_bytes);
    float made[64];
    for (int i = 0; i < 64; i++) made[i] = (float)(i - 31) * 1e-41f;
    const float *from = x ? x : made;
    int64_t n = n_bytes / 4;
    float *y = mem_alloc((size_t)n_bytes);
    void *blocks = mem_alloc((size_t)n_bytes);
    static const DType types[] = {DT_Q8_0, DT_Q4_0, DT_F16};
    for (int t = 0; t < 3; t++) {
        row_from_f32(blocks, types[t], from, NULL, n);
        row_to_f32(y, blocks, types[t], n);
        for (int64_t i = 0; i < n; i++) assert_true(y[i] == 0.0f);
    }
    row_from_f32(blocks, DT_BF16, from, NULL, n);
    row_to_f32(y, blocks, DT_BF16, n);
    for (int64_t i = 0; i < n; i++) assert_true(fabsf(y[i] - from[i]) < 1e-40f);
    mem_free(x);
    mem_free(y);
    mem_free(blocks);
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

static void weights_that_are_no_numbers_do_not_crash(void **state)
{
    (void)state;
    Rng rng = rng_seed(6);
    float x[256], y[256];
    char blocks[256 * 4];
    for (int round = 0; round < 100; round++) {
        twin_awkward(&rng, x, 256);
        for (int i = 0; i < N_FILES; i++) {
            row_from_f32(blocks, files[i].type, x, NULL, 256);
            row_to_f32(y, blocks, files[i].type, 256);
        }
    }
    assert_null(quant_format(DT_Q8_K));
    assert_non_null(quant_format(DT_BF16));
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_gives_these_bytes),
        cmocka_unit_test(the_bytes_decode_to_these_values),
        cmocka_unit_test(decoding_equals_the_golden_values),
        cmocka_unit_test(quantising_equals_the_golden_bytes),
        cmocka_unit_test(subnormal_weights_become_zeros),
        cmocka_unit_test(rounding_errors_stay_within_a_step),
        cmocka_unit_test(weights_that_are_no_numbers_do_not_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
