/* test_formats.c: what every block format must do, for each row of quant_formats.h: decode and
 * quantise as the golden files say, in all variants alike; multiply as if decoded; survive anything. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "quant_formats.h"
#include "must.h"

/* ---------------------------------------------------------------- golden data */

static const char *const selections[] = {"scalar", "avx2", "avx512", "neon"};
enum { N_SELECTIONS = sizeof selections / sizeof *selections };

/* Decodes STEM``BLOCKS and compares with STEM``VALUES; false if the files are not there. */
static bool check_decoding(const Format *f, const char *blocks, const char *values, const char *variant)
{
    int64_t n_blocks, n_values;
    void *b = golden_file(f->stem, blocks, &n_blocks);
    float *want = golden_file(f->stem, values, &n_values);
    bool found = b && want;
    if (found) {
        int64_t n = n_values / 4;
        assert_int_equal(dtype_row_bytes(f->type, n), n_blocks);
        float *y = mem_alloc((size_t)n_values);
        row_to_f32(y, b, f->type, n);
        assert_same_f32(y, want, n, f->stem, variant);
        mem_free(y);
    }
    mem_free(b);
    mem_free(want);
    return found;
}

static void decoding_equals_the_golden_values(void **state)
{
    (void)state;
    int n_found = 0, n_expected = 0;
    Err err;
    for (int s = 0; s < N_SELECTIONS; s++) {
        const char *name = selections[s];
        if (kernels_use(name, &err) != OK) continue;
        for (const Format *f = formats; f < formats + N_FORMATS; f++) {
            bool random = f->files & RANDOM_BLOCKS, im = f->files & WITH_IMPORTANCE;
            n_expected += 1 + random + im;
            n_found += check_decoding(f, ".blocks", ".deq.f32", name);
            if (random) n_found += check_decoding(f, ".rand.blocks", ".rand.deq.f32", name);
            if (im) n_found += check_decoding(f, ".im.blocks", ".im.deq.f32", name);
        }
    }
    MUST(kernels_use(NULL, &err), &err);
    if (n_found == 0) skip();
    print_message("             %d comparisons, bit by bit\n", n_found);
    assert_int_equal(n_found, n_expected);
}

static bool check_quantising(const Format *f, const char *variant)
{
    int64_t n_bytes, n_want;
    float *x = golden_file(f->stem, ".f32", &n_bytes);
    uint8_t *want = golden_file(f->stem, ".blocks", &n_want);
    bool found = x && want;
    if (found) {
        uint8_t *got = mem_alloc((size_t)n_want);
        row_from_f32(got, f->type, x, NULL, n_bytes / 4);
        int64_t block = dtype_info(f->type)->bytes;
        for (int64_t i = 0; i < n_want; i++)
            if (got[i] != want[i])
                twin_fail("%s (%s), block %lld, byte %lld: got %d, want %d", f->stem, variant,
                          (long long)(i / block), (long long)(i % block), got[i], want[i]);
        mem_free(got);
    }
    mem_free(x);
    mem_free(want);
    return found;
}

static void quantising_equals_the_golden_bytes(void **state)
{
    (void)state;
    int n_found = 0, n_expected = 0;
    Err err;
    for (int s = 0; s < N_SELECTIONS; s++) {
        if (kernels_use(selections[s], &err) != OK) continue;
        for (const Format *f = formats; f < formats + N_FORMATS; f++) {
            n_expected += f->same_bytes;
            if (f->same_bytes) n_found += check_quantising(f, selections[s]);
        }
    }
    MUST(kernels_use(NULL, &err), &err);
    if (n_found == 0) skip();
    print_message("             %d comparisons, byte by byte\n", n_found);
    assert_int_equal(n_found, n_expected);
}

/* ---------------------------------------------------------------- twins */

static void check_same_bits(const KernelRow *row, void *ctx)
{
    const Format *f = ctx;
    Rng rng = rng_seed(10);
    char op[32];
    snprintf(op, sizeof op, "dequant_%s", f->stem);
    const KernelRow *scalar = NULL;
    for (int i = 0; !scalar; i++)
        if (strcmp(kernels_row(i)->op, op) == 0) scalar = kernels_row(i);
    int64_t block = dtype_info(f->type)->block;
    for (int64_t n = 0; n <= 20 * block; n += block) {
        TwinBuf b = twin_buf(dtype_row_bytes(f->type, n), 1, 1);
        TwinBuf want = twin_buf(n, 4, 1), got = twin_buf(n, 4, 1);
        fill_blocks(f, &rng, b.data, n, RANDOM);
        ((dequant_fn *)scalar->fn)(want.data, b.data, n);
        ((dequant_fn *)row->fn)(got.data, b.data, n);
        assert_same_f32(got.data, want.data, n, row->op, row->variant);
        twin_free(b);
        twin_free(want);
        twin_free(got);
    }
}

static void every_variant_decodes_to_the_same_bits(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++)
        format_for_each(&formats[i], "dequant", check_same_bits, (void *)(uintptr_t)&formats[i]);
}

/* Weights on which roundings could differ: normal, halves of a step, zeros of both signs, no numbers. */
static void hard_weights(Rng *rng, float *x, int64_t n, int round)
{
    static const float few[] = {0.0f, -0.0f, 1.0f, -1.0f};
    twin_normals(rng, x, n);
    for (int64_t i = 0; i < n; i++) {
        if (round % 4 == 1) x[i] = ((float)rng_below(rng, 509) - 254) * 0.5f;
        if (round % 4 == 1 && i % 32 == 7) x[i] = i & 32 ? 127.0f : -127.0f;
        if (round % 4 == 2) x[i] = few[rng_below(rng, i & 32 ? 2 : i & 64 ? 4 : 3)];
    }
    if (round % 4 == 3) twin_awkward(rng, x, n);
}

static void check_same_bytes(const KernelRow *row, void *ctx)
{
    const Format *f = ctx;
    Rng rng = rng_seed(14);
    char op[32];
    snprintf(op, sizeof op, "quant_%s", f->stem);
    const KernelRow *scalar = NULL;
    for (int i = 0; !scalar; i++)
        if (strcmp(kernels_row(i)->op, op) == 0) scalar = kernels_row(i);
    enum { N = 512 };
    float x[N];
    uint8_t want[N * 4], got[N * 4];
    int64_t bytes = dtype_row_bytes(f->type, N), block = dtype_info(f->type)->bytes;
    for (int round = 0; round < 80; round++) {
        hard_weights(&rng, x, N, round);
        ((quant_fn *)scalar->fn)(want, x, NULL, N);
        ((quant_fn *)row->fn)(got, x, NULL, N);
        for (int64_t i = 0; i < bytes; i++)
            if (got[i] != want[i])
                twin_fail("%s (%s), round %d, block %lld, byte %lld: got %d, want %d", row->op,
                          row->variant, round, (long long)(i / block), (long long)(i % block), got[i],
                          want[i]);
    }
}

static void every_variant_quantises_to_the_same_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++)
        if (quant_format(formats[i].type)->quantise)
            format_for_each(&formats[i], "quant", check_same_bytes, (void *)(uintptr_t)&formats[i]);
}

/* Activations of exactly n elements, so that a read past the end is seen. */
typedef struct { TwinBuf q, scale, sum, half, split, turned, pairs; ActQ8 a; } Acts;
static Acts acts_open(int64_t n)
{
    Acts s = {twin_buf(n, 1, 0), twin_buf(n / 32, 4, 0), twin_buf(n / 32, 4, 0), twin_buf(n / 16, 4, 0),
              twin_buf(act_q8_split_bytes(n), 1, 0), twin_buf(n, 1, 0), twin_buf(n / 16, 4, 0), {0}};
    s.a = (ActQ8){s.q.data, s.scale.data, s.sum.data, s.half.data, s.split.data,
                  s.turned.data, s.pairs.data};
    return s;
}
static void acts_close(Acts s)
{
    twin_free(s.q);
    twin_free(s.scale);
    twin_free(s.sum);
    twin_free(s.half);
    twin_free(s.split);
    twin_free(s.turned);
    twin_free(s.pairs);
}

/* A dot product uses the same real numbers as decoding and multiplying, except for roundings: three
 * in a decoded weight, and in the dot fewer than n / 32 + 16 of the terms, which are at most `most`
 * times the largest scale, 0.5: codes may be used shifted, or a minimum cancel a part of them. */
static void check_dot_of(const Format *f, const KernelRow *row, Rng *rng, int64_t n, Fill fill)
{
    Acts s = acts_open(n);
    TwinBuf x = twin_buf(n, 4, 0), b = twin_buf(dtype_row_bytes(f->type, n), 1, 1);
    float *w = x.data;
    twin_normals(rng, w, n);
    for (int64_t i = 0; fill != RANDOM && i < n; i++) w[i] = fill == ALL_ONES ? 1 : -1;
    act_q8_scalar(s.a, w, n);
    act_q8_arrange(s.a, n);
    fill_blocks(f, rng, b.data, n, fill);
    row_to_f32(w, b.data, f->type, n);
    double want = 0, magnitude = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = (double)s.a.scale[i / 32] * s.a.q[i];
        want += (double)w[i] * v;
        magnitude += fabs(v);
    }
    double tol = (double)(n / 32 + 16) * FLT_EPSILON / 2 * magnitude * (double)f->most * 0.5;
    assert_near(((dot_quant_fn *)row->fn)(b.data, s.a, n), (float)want, tol, row->op, row->variant, n);
    acts_close(s);
    twin_free(x);
    twin_free(b);
}

static void check_dot(const KernelRow *row, void *ctx)
{
    const Format *f = ctx;
    Rng rng = rng_seed(11);
    int64_t block = dtype_info(f->type)->block;
    for (int64_t n = 0; n <= 20 * block; n += block)
        for (Fill fill = RANDOM; fill <= ALL_ZEROS; fill++) check_dot_of(f, row, &rng, n, fill);
}

static void dots_are_near_decoding_and_multiplying(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++)
        format_for_each(&formats[i], "dot", check_dot, (void *)(uintptr_t)&formats[i]);
}

/* ---------------------------------------------------------------- hostile blocks, hostile weights */

/* A scale at `place` is not finite (k < 4 n_scales), or an activation is none. */
static void check_not_finite(const KernelRow *row, void *ctx)
{
    static const uint16_t bad[] = {0x7C00, 0xFC00, 0x7E00, 0xFE01};
    enum { N = 1280 };
    const Format *f = ctx;
    Rng rng = rng_seed(12);
    float x[N];
    uint8_t blocks[N * 2];
    int64_t bytes = dtype_info(f->type)->bytes, n_blocks = N / dtype_info(f->type)->block;
    int n_bad = f->kind == HALF || f->kind == NIBBLES ? 4 * f->n_scales : 0;
    Acts s = acts_open(N);
    for (int64_t place = 0; place < n_blocks; place++)
        for (int k = 0; k < n_bad + 1; k++) {
            twin_normals(&rng, x, N);
            if (k == n_bad) x[place * 32 + 5] = NAN;
            act_q8_scalar(s.a, x, N);
            act_q8_arrange(s.a, N);
            fill_blocks(f, &rng, blocks, N, RANDOM);
            if (k < n_bad) put_half(f, blocks + place * bytes + f->at[k / 4], bad[k % 4]);
            assert_false(isfinite(((dot_quant_fn *)row->fn)(blocks, s.a, N)));
        }
    acts_close(s);
}

static void scales_that_are_not_finite_show_in_the_result(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++)
        format_for_each(&formats[i], "dot", check_not_finite, (void *)(uintptr_t)&formats[i]);
}

/* About 1e-40: too small for every scale; only f32 and bf16 can say such numbers. */
static void subnormal_weights_become_zeros(void **state)
{
    (void)state;
    enum { N = 512 };
    int64_t n_bytes;
    float *golden = golden_file("subnormal", ".f32", &n_bytes), x[N], y[N];
    uint8_t blocks[N * 4];
    for (int i = 0; i < N; i++) x[i] = golden ? golden[i] : (float)(i % 64 - 31) * 1e-41f;
    for (const Format *f = formats; f < formats + N_FORMATS; f++) {
        if (!quant_format(f->type)->quantise) continue;
        bool kept = f->type == DT_F32 || f->type == DT_BF16;
        row_from_f32(blocks, f->type, x, NULL, N);
        row_to_f32(y, blocks, f->type, N);
        for (int i = 0; i < N; i++)
            assert_true(kept ? fabsf(y[i] - x[i]) < 1e-40f : y[i] == 0.0f);
    }
    mem_free(golden);
}

static void weights_that_are_no_numbers_do_not_crash(void **state)
{
    (void)state;
    enum { N = 512 };
    Rng rng = rng_seed(13);
    float x[N], y[N];
    uint8_t blocks[N * 4];
    Err err;
    for (int s = 0; s < N_SELECTIONS; s++) {
        if (kernels_use(selections[s], &err) != OK) continue;
        for (int round = 0; round < 100; round++)
            for (const Format *f = formats; f < formats + N_FORMATS; f++) {
                if (!quant_format(f->type)->quantise) continue;
                twin_awkward(&rng, x, N);
                row_from_f32(blocks, f->type, x, NULL, N);
                row_to_f32(y, blocks, f->type, N);
            }
    }
    MUST(kernels_use(NULL, &err), &err);
}

static void the_table_and_these_tests_know_the_same_formats(void **state)
{
    (void)state;
    for (int t = 0; t < DT_COUNT; t++) {
        bool known = false;
        for (int i = 0; i < N_FORMATS; i++) known |= formats[i].type == (DType)t;
        assert_int_equal(dtype_info(t) && quant_format((DType)t), known);
    }
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_equals_the_golden_values),
        cmocka_unit_test(quantising_equals_the_golden_bytes),
        cmocka_unit_test(every_variant_decodes_to_the_same_bits),
        cmocka_unit_test(every_variant_quantises_to_the_same_bytes),
        cmocka_unit_test(dots_are_near_decoding_and_multiplying),
        cmocka_unit_test(scales_that_are_not_finite_show_in_the_result),
        cmocka_unit_test(subnormal_weights_become_zeros),
        cmocka_unit_test(weights_that_are_no_numbers_do_not_crash),
        cmocka_unit_test(the_table_and_these_tests_know_the_same_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
