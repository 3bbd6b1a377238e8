/* test_linear.c: y = W x + b for all types and both ways, dots and panels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "linear_parts.h"
#include "twins.h"
#include "must.h"

static const DType types[] = {DT_F32, DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0, DT_Q5_1};
enum { N_TYPES = 6 };

/* A matrix of random weights with its decoded values, and inputs. */
typedef struct {
    Arena a;
    Tensor w;
    float *decoded, *x, *bias;
    int64_t x_stride;
} Case;

static Case case_open(DType type, int64_t n_in, int64_t n_out, int64_t n_tok, uint64_t seed)
{
    Case c = {.x_stride = n_in + 3};
    Rng rng = rng_seed(seed);
    int64_t bytes = dtype_row_bytes(type, n_in);
    char *w = arena_alloc(&c.a, n_out, (size_t)bytes);
    c.decoded = ARENA_NEW(&c.a, float, n_in * n_out);
    c.x = ARENA_NEW(&c.a, float, c.x_stride * n_tok);
    c.bias = ARENA_NEW(&c.a, float, n_out);
    twin_normals(&rng, c.decoded, n_in * n_out);
    twin_normals(&rng, c.x, c.x_stride * n_tok);
    twin_normals(&rng, c.bias, n_out);
    for (int64_t r = 0; r < n_out; r++) {
        row_from_f32(w + r * bytes, type, c.decoded + r * n_in, NULL, n_in);
        row_to_f32(c.decoded + r * n_in, w + r * bytes, type, n_in);
    }
    c.w = tensor_matrix(type, w, n_in, n_out);
    return c;
}

/* Fails unless y is near the sums in double. Rounding: every product, addition and the bias round at
 * most once: (n_in + 2) * eps / 2 * sum |w x|. Quantised types round x to 8 bits first: half a step,
 * max|x| / 254 per block, times |w|; their float sums cancel shifted codes (at most 256 / 127 steps of
 * the largest weight) or an offset, for which 3 max|w| stands. Weights of 16 bits may be rounded to
 * integers, and x with them: half a step, the largest / 5792 / 2 of their group, times the other. */
static void check_result(const Case *c, const float *y, int64_t y_stride, int64_t n_tok, bool bias,
                         const char *what)
{
    int64_t n_in = c->w.ne[0];
    const QuantFormat *f = quant_format(c->w.type);
    bool rounded = n_tok < LINEAR_FEW ? f->dot != NULL : f->unpack != NULL;
    bool halves = n_tok >= LINEAR_FEW && (c->w.type == DT_F16 || c->w.type == DT_BF16);
    for (int64_t t = 0; t < n_tok; t++)
        for (int64_t r = 0; r < c->w.ne[1]; r++) {
            const float *w = c->decoded + r * n_in, *x = c->x + t * c->x_stride;
            double want = bias ? (double)c->bias[r] : 0, magnitude = fabs(want), from_x = 0;
            double most_w = 0, most_x = 0;
            for (int64_t i = 0; i < n_in; i++) most_w = fmax(most_w, fabs((double)w[i]));
            for (int64_t i = 0; i < n_in; i++) most_x = fmax(most_x, fabs((double)x[i]));
            for (int64_t i = 0; i < n_in; i++) {
                double most = 0;
                for (int64_t j = i & ~31; rounded && j < (i | 31) + 1; j++)
                    most = fmax(most, fabs((double)x[j]));
                want += (double)w[i] * (double)x[i];
                magnitude += (rounded ? 3 * most_w : fabs((double)w[i])) * fabs((double)x[i]);
                from_x += fabs((double)w[i]) * most / 254;
                if (halves)
                    from_x += (fabs((double)w[i]) * most_x + fabs((double)x[i]) * most_w) /
                              (2 * PANEL_INT16_MOST);
            }
            double tol = (double)(n_in + 2) * FLT_EPSILON / 2 * magnitude + from_x;
            assert_near(y[t * y_stride + r], (float)want, tol, what, dtype_name(c->w.type), r);
        }
}

/* 2 x 3 by hand, one token and the many-token way: rows {1 2 3}, {4 5 6}, x = {10, 100, 1000}. */
static void a_small_product_by_hand(void **state)
{
    (void)state;
    static const float w[6] = {1, 2, 3, 4, 5, 6}, bias[2] = {0.5f, -0.25f};
    enum { MOST = LINEAR_FEW + 4 };
    float x[3 * MOST], y[2 * MOST];
    Tensor m = tensor_matrix(DT_F32, w, 3, 2);
    Arena a = {0};
    void *scratch = arena_alloc(&a, linear_scratch_bytes(3, MOST, 1), 1);
    for (int n_tok = 1; n_tok <= MOST; n_tok++) {
        for (int t = 0; t < n_tok; t++) {
            x[3 * t] = 10;
            x[3 * t + 1] = 100;
            x[3 * t + 2] = 1000 + (float)t;
        }
        linear(NULL, scratch, y, &m, bias, x, n_tok);
        for (int t = 0; t < n_tok; t++) {
            assert_true(y[2 * t] == 3210.5f + 3 * (float)t);
            assert_true(y[2 * t + 1] == 6539.75f + 6 * (float)t);
        }
    }
    arena_close(&a);
}

static void all_types_and_token_counts(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{32, 1}, {96, 33}, {544, 67}, {2080, 40}};
    for (int k = 0; k < N_TYPES; k++)
        for (int s = 0; s < 4; s++)
            for (int64_t n_tok = 1; n_tok <= 66; n_tok += n_tok < 14 ? 1 : 13) {
                int64_t n_in = shapes[s][0], n_out = shapes[s][1], stride = n_out + 5;
                Case c = case_open(types[k], n_in, n_out, n_tok, (uint64_t)(n_tok + 100 * s));
                void *scratch = arena_alloc(&c.a, linear_scratch_bytes(n_in, n_tok, 1), 1);
                float *y = ARENA_NEW(&c.a, float, stride * n_tok);
                for (int64_t i = 0; i < stride * n_tok; i++) y[i] = 77;
                LinearOut out = {&c.w, n_tok % 2 ? c.bias : NULL, y, stride, NULL};
                linear_n(NULL, scratch, &out, 1, c.x, c.x_stride, n_tok);
                check_result(&c, y, stride, n_tok, out.bias != NULL, "linear");
                for (int64_t t = 0; t < n_tok; t++)
                    for (int64_t r = n_out; r < stride; r++) assert_true(y[t * stride + r] == 77);
                arena_close(&c.a);
            }
}

/* Small whole numbers, so that every format holds them exactly and no sum rounds: weights up to `most`, which
 * stands at the beginning of each group of 16, and inputs up to 127, which stands in each 32; to both, 16-bit
 * weights take 181, an exact part of PANEL_INT16_MOST. */
static void whole_numbers(Case *c, int most, int64_t n_tok, Rng *rng)
{
    int most_x = c->w.type == DT_F16 || c->w.type == DT_BF16 ? 181 : 127;
    int64_t n_in = c->w.ne[0], bytes = c->w.nb[1];
    for (int64_t r = 0; r < c->w.ne[1]; r++) {
        float *w = c->decoded + r * n_in;
        for (int64_t i = 0; i < n_in; i++) w[i] = i % 16 ? (float)rng_below(rng, 4) - 1 : (float)-most;
        row_from_f32((char *)(uintptr_t)c->w.data + r * bytes, c->w.type, w, NULL, n_in);
        float back[256];
        row_to_f32(back, (const char *)c->w.data + r * bytes, c->w.type, n_in);
        assert_same_f32(back, w, n_in, "whole numbers", dtype_name(c->w.type));
    }
    for (int64_t i = 0; i < c->x_stride * n_tok; i++)
        c->x[i] = i % c->x_stride % 32 ? (float)rng_below(rng, 255) - 127 : (float)most_x;
    for (int64_t r = 0; r < c->w.ne[1]; r++) c->bias[r] = (float)rng_below(rng, 100) / 4;
}

/* y = s W x + b, without any rounding, whatever the way; no other number is touched. */
static void a_scale_multiplies_the_product_but_not_the_bias(void **state)
{
    (void)state;
    static const struct { DType type; int most; } kinds[] = {
        {DT_F32, 9}, {DT_F16, 181}, {DT_BF16, 181}, {DT_Q8_0, 127}, {DT_Q4_0, 8}, {DT_MXFP4, 4}, {DT_NVFP4, 6}};
    static const char *const ways[] = {NULL, "scalar", "linear_quantised:float"};
    enum { N_IN = 256, N_OUT = 67, STRIDE = N_OUT + 3 };
    static const float scale = -0.375f;
    Rng rng = rng_seed(12);
    Err err;
    for (int k = 0; k < 7 * 3; k++)
        for (int64_t n_tok = 1; n_tok <= 55; n_tok += n_tok < 13 ? 1 : 7) {
            MUST(kernels_use(ways[k % 3], &err), &err);
            Case c = case_open(kinds[k / 3].type, N_IN, N_OUT, n_tok, 1);
            whole_numbers(&c, kinds[k / 3].most, n_tok, &rng);
            void *scratch = arena_alloc(&c.a, linear_scratch_bytes(N_IN, n_tok, 1), 1);
            float *y = ARENA_NEW(&c.a, float, STRIDE * n_tok);
            for (int64_t i = 0; i < STRIDE * n_tok; i++) y[i] = 77;
            LinearOut out = {&c.w, n_tok % 3 ? c.bias : NULL, y, STRIDE, &scale};
            linear_n(NULL, scratch, &out, 1, c.x, c.x_stride, n_tok);
            for (int64_t t = 0; t < n_tok; t++)
                for (int64_t r = 0; r < STRIDE; r++) {
                    double want = 0;
                    for (int64_t i = 0; r < N_OUT && i < N_IN; i++)
                        want += (double)c.decoded[r * N_IN + i] * (double)c.x[t * c.x_stride + i];
                    want = r < N_OUT ? (double)scale * want + (out.bias ? (double)c.bias[r] : 0) : 77;
                    if ((double)y[t * STRIDE + r] != want)
                        twin_fail("%s %s, %d tokens, y[%d][%d] = %.9g, expected %.9g", ways[k % 3] ? ways[k % 3] : "",
                               dtype_name(c.w.type), (int)n_tok, (int)t, (int)r, (double)y[t * STRIDE + r], want);
                }
            arena_close(&c.a);
        }
    MUST(kernels_use(NULL, &err), &err);
}

/* Three matrices of three types in one call give what three calls give, for any number of threads. */
static void threads_and_grouping_do_not_change_a_bit(void **state)
{
    (void)state;
    enum { N_IN = 512, N_OUTS = 3, MOST = 121 };
    static const int64_t n_out[N_OUTS] = {67, 300, 129};
    static const DType kinds[N_OUTS] = {DT_Q8_0, DT_F16, DT_Q4_0};
    static const int threads[] = {1, 2, 3, 5};
    for (int64_t n_tok = 1; n_tok <= MOST; n_tok = n_tok * 3 + 1) {
        Case c[N_OUTS];
        Arena a = {0};
        float *want[N_OUTS], *got[N_OUTS];
        LinearOut outs[N_OUTS];
        void *scratch = arena_alloc(&a, linear_scratch_bytes(N_IN, n_tok, 5), 1);
        for (int i = 0; i < N_OUTS; i++) {
            c[i] = case_open(kinds[i], N_IN, n_out[i], n_tok, 3);
            want[i] = ARENA_NEW(&a, float, n_out[i] * n_tok);
            got[i] = ARENA_NEW(&a, float, n_out[i] * n_tok);
            LinearOut one = {&c[i].w, c[i].bias, want[i], n_out[i], NULL};
            linear_n(NULL, scratch, &one, 1, c[0].x, c[0].x_stride, n_tok);
            outs[i] = (LinearOut){&c[i].w, c[i].bias, got[i], n_out[i], NULL};
        }
        for (int k = 0; k < 4; k++) {
            Pool *pool = NULL;
            Err err;
            MUST(pool_open(&pool, threads[k], false, &err), &err);
            for (int i = 0; i < N_OUTS; i++) memset(got[i], 0, (size_t)(n_out[i] * n_tok * 4));
            linear_n(pool, scratch, outs, N_OUTS, c[0].x, c[0].x_stride, n_tok);
            for (int i = 0; i < N_OUTS; i++)
                assert_same_f32(got[i], want[i], n_out[i] * n_tok, "linear_n", dtype_name(kinds[i]));
            pool_close(pool);
        }
        for (int i = 0; i < N_OUTS; i++) arena_close(&c[i].a);
        arena_close(&a);
    }
}

typedef struct {
    int thread[2][600]; /* of matrix i, row r; -1: nobody's */
} Owners;

static void own_rows(void *ctx, int i, int64_t from, int64_t to, int thread)
{
    Owners *o = ctx;
    for (int64_t r = from; r < to; r++) {
        assert_int_equal(o->thread[i][r], -1);
        o->thread[i][r] = thread;
    }
}

static Owners owners_of(const Tensor w[2], int n_threads)
{
    Owners o;
    Pool *pool;
    Err err;
    LinearOut outs[2] = {{.w = &w[0]}, {.w = &w[1]}};
    memset(&o, -1, sizeof o);
    MUST(pool_open(&pool, n_threads, false, &err), &err);
    linear_for_rows(pool, outs, 2, own_rows, &o);
    pool_close(pool);
    return o;
}

static void each_thread_has_the_rows_that_begin_in_its_half(void **state)
{
    (void)state;
    /* 3 and 5 rows of 16 KB: 8 units, 4 for each of two threads; the second begins in the second matrix. */
    const Tensor even[2] = {tensor_matrix(DT_F32, NULL, 4096, 3), tensor_matrix(DT_F32, NULL, 4096, 5)};
    static const int want[2][5] = {{0, 0, 0}, {0, 1, 1, 1, 1}};
    Owners o = owners_of(even, 2);
    assert_memory_equal(o.thread[0], want[0], 3 * sizeof(int));
    assert_memory_equal(o.thread[1], want[1], 5 * sizeof(int));
    assert_int_equal(o.thread[0][3], -1);
    /* Rows of two types, none of them a divisor of a piece: each row has one owner, in order. */
    const Tensor odd[2] = {tensor_matrix(DT_Q8_0, NULL, 1056, 67), tensor_matrix(DT_F16, NULL, 1056, 600)};
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        o = owners_of(odd, n_threads);
        int last = 0;
        for (int i = 0; i < 2; i++)
            for (int r = 0; r < odd[i].ne[1]; r++) {
                assert_in_range(o.thread[i][r], last, n_threads - 1);
                last = o.thread[i][r];
            }
        assert_int_equal(last, n_threads - 1);
    }
}

static void products_have_the_bits_of_the_kernels_in_use(void **state)
{
    (void)state;
    Err err;
    MUST(kernels_use("linear_halves:int16,linear_quantised:int8", &err), &err);
    assert_int_equal(linear_product_bits(DT_F32), 0);
    assert_int_equal(linear_product_bits(DT_F16), 16);
    assert_int_equal(linear_product_bits(DT_BF16), 16);
    assert_int_equal(linear_product_bits(DT_Q4_0), 8);
    MUST(kernels_use("linear_halves:float,linear_quantised:float", &err), &err);
    assert_int_equal(linear_product_bits(DT_BF16), 0);
    assert_int_equal(linear_product_bits(DT_Q4_0), 0);
    MUST(kernels_use(NULL, &err), &err);
}

/* A token's result in a large batch does not depend on the others. */
static void tokens_do_not_see_each_other(void **state)
{
    (void)state;
    Case c = case_open(DT_Q8_0, 1056, 67, 40, 8);
    void *scratch = arena_alloc(&c.a, linear_scratch_bytes(1056, 40, 1), 1);
    float *all = ARENA_NEW(&c.a, float, 67 * 40), *part = ARENA_NEW(&c.a, float, 67 * 40);
    LinearOut out = {&c.w, c.bias, all, 67, NULL};
    linear_n(NULL, scratch, &out, 1, c.x, c.x_stride, 40);
    out.y = part;
    for (int64_t from = 0; from + LINEAR_FEW_INT8 <= 40; from += 5) {
        linear_n(NULL, scratch, &out, 1, c.x + from * c.x_stride, c.x_stride, LINEAR_FEW_INT8);
        assert_same_f32(part, all + 67 * from, 67 * LINEAR_FEW_INT8, "part of a batch", "Q8_0");
    }
    arena_close(&c.a);
}

/* With weights of floats a token has the same bits beside itself and beside up to LINEAR_FEW - 2 others. */
static void few_tokens_do_not_see_each_other(void **state)
{
    (void)state;
    enum { N_IN = 2080, N_OUT = 107, MOST = LINEAR_FEW - 1 };
    for (int k = 0; k < 3; k++) {
        Case c = case_open(types[k], N_IN, N_OUT, MOST, 9);
        void *scratch = arena_alloc(&c.a, linear_scratch_bytes(N_IN, MOST, 1), 1);
        float *alone = ARENA_NEW(&c.a, float, N_OUT * (MOST + 1)), *all = ARENA_NEW(&c.a, float, N_OUT * MOST);
        LinearOut out = {&c.w, c.bias, alone, N_OUT, NULL};
        for (int64_t t = 0; t < MOST; t++, out.y += N_OUT)
            linear_n(NULL, scratch, &out, 1, c.x + t * c.x_stride, 0, 2);
        out.y = all;
        for (int64_t n_tok = 2; n_tok <= MOST; n_tok++) {
            linear_n(NULL, scratch, &out, 1, c.x, c.x_stride, n_tok);
            assert_same_f32(all, alone, N_OUT * n_tok, "few tokens", dtype_name(types[k]));
        }
        arena_close(&c.a);
    }
}

static void every_kernel_selection_computes_the_same_thing(void **state)
{
    (void)state;
    static const char *const selections[] = {"naive", "scalar", "avx2", "avxvnni", "avx512",
                                             "scalar,panel_mul:avx2", "scalar,linear_halves:int16",
                                             "linear_halves:int16", "neon", "dotprod"};
    Err err;
    int n_tried = 0;
    for (int s = 0; s < 10; s++) {
        if (kernels_use(selections[s], &err) != OK) continue;
        n_tried++;
        for (int k = 0; k < N_TYPES; k++)
            for (int64_t n_tok = 1; n_tok <= 57; n_tok += 14) {
                Case c = case_open(types[k], 544, 67, n_tok, 4);
                void *scratch = arena_alloc(&c.a, linear_scratch_bytes(544, n_tok, 1), 1);
                float *y = ARENA_NEW(&c.a, float, 67 * n_tok);
                LinearOut out = {&c.w, c.bias, y, 67, NULL};
                linear_n(NULL, scratch, &out, 1, c.x, c.x_stride, n_tok);
                check_result(&c, y, 67, n_tok, true, selections[s]);
                arena_close(&c.a);
            }
        MUST(kernels_use(NULL, &err), &err);
    }
    assert_true(n_tried >= 3);
}

/* Panel kernels one by one: packing is a transpose with zeros, sums are near the scalar twin's. */
static void check_pack(const KernelRow *row, void *ctx)
{
    (void)ctx;
    static const int widths[] = {1, 5, 7, 12, 32};
    Rng rng = rng_seed(2);
    for (int w = 0; w < 5; w++)
        for (int64_t n_k = 1; n_k < 70; n_k += 3)
            for (int n_rows = widths[w] == 32 ? 1 : widths[w]; n_rows <= widths[w]; n_rows += 5) {
                TwinBuf rows = twin_buf((n_rows - 1) * 80 + n_k, 4, 1);
                TwinBuf out = twin_buf(n_k * widths[w], 4, 1);
                TwinBuf want = twin_buf(n_k * widths[w], 4, 0);
                twin_normals(&rng, rows.data, (n_rows - 1) * 80 + n_k);
                panel_pack_scalar(want.data, widths[w], rows.data, 80, n_rows, n_k);
                ((panel_pack_fn *)row->fn)(out.data, widths[w], rows.data, 80, n_rows, n_k);
                assert_same_f32(out.data, want.data, n_k * widths[w], "panel_pack", row->variant);
                twin_free(rows);
                twin_free(out);
                twin_free(want);
            }
}

static void check_mul(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(2);
    for (int n_tok = 1; n_tok <= PANEL_TOKENS; n_tok++)
        for (int64_t n_k = 1; n_k < 300; n_k = n_k * 4 + 1) {
            TwinBuf panel = twin_buf(n_k * PANEL_ROWS, 4, 1), acts = twin_buf(n_k * n_tok, 4, 1);
            float got[PANEL_TOKENS * 40], want[PANEL_TOKENS * 40];
            twin_normals(&rng, panel.data, n_k * PANEL_ROWS);
            twin_normals(&rng, acts.data, n_k * n_tok);
            for (int add = 0; add < 2; add++) {
                panel_mul_scalar(want, 40, panel.data, acts.data, n_tok, n_k, add);
                ((panel_mul_fn *)row->fn)(got, 40, panel.data, acts.data, n_tok, n_k, add);
                for (int t = 0; t < n_tok; t++)
                    for (int r = 0; r < PANEL_ROWS; r++) /* 5.5: no normal number is larger */
                        assert_near(got[t * 40 + r], want[t * 40 + r],
                                    (double)n_k * (double)n_k * 5.5 * 5.5 * FLT_EPSILON, "panel_mul",
                                    row->variant, r);
            }
            twin_free(panel);
            twin_free(acts);
        }
}

static void panel_kernels_match_their_scalar_twins(void **state)
{
    (void)state;
    twins_for_each("panel_pack", check_pack, NULL);
    twins_for_each("panel_mul", check_mul, NULL);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_product_by_hand),
        cmocka_unit_test(all_types_and_token_counts),
        cmocka_unit_test(a_scale_multiplies_the_product_but_not_the_bias),
        cmocka_unit_test(threads_and_grouping_do_not_change_a_bit),
        cmocka_unit_test(each_thread_has_the_rows_that_begin_in_its_half),
        cmocka_unit_test(products_have_the_bits_of_the_kernels_in_use),
        cmocka_unit_test(tokens_do_not_see_each_other),
        cmocka_unit_test(few_tokens_do_not_see_each_other),
        cmocka_unit_test(every_kernel_selection_computes_the_same_thing),
        cmocka_unit_test(panel_kernels_match_their_scalar_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
