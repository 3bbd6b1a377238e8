/* Rows of a foreign checkpoint: where each comes from, and as which numbers; and a file written from a
 * list of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "temp_dir.h"

#include <math.h>

/* A vector of row numbers as a checkpoint has them; what order makes of it. */
static void check_order(ImportOrder o, const int *want, int n)
{
    for (int r = 0; r < n; r++) assert_int_equal(import_source_row(&o, r), want[r]);
}

static void halves_become_neighbours_within_each_head(void **state)
{
    (void)state;
    const int want[] = {0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}; /* two heads of 6 */
    check_order((ImportOrder){.interleave = 6}, want, 12);
}

static void fused_heads_become_all_q_all_k_all_v(void **state)
{
    (void)state;
    /* [3 heads, q k v, 2] and [2 groups, q q k v, 1] */
    const int neox[] = {0, 1, 6, 7, 12, 13, 2, 3, 8, 9, 14, 15, 4, 5, 10, 11, 16, 17};
    check_order((ImportOrder){.n_group = 3, .n_q = 1, .d_head = 2}, neox, 18);
    const int falcon[] = {0, 1, 4, 5, 2, 6, 3, 7};
    check_order((ImportOrder){.n_group = 2, .n_q = 2, .d_head = 1}, falcon, 8);
}

static void a_part_can_be_taken_and_turned_at_once(void **state)
{
    (void)state;
    /* internlm2: k of [2 groups, q q k v, 4], pairs made neighbours: group 0's k is rows 8 to 11. */
    const int k[] = {8, 10, 9, 11, 24, 26, 25, 27};
    check_order((ImportOrder){.interleave = 4, .skip = 16, .n_group = 2, .n_q = 2, .d_head = 4}, k, 8);
    const int odd[] = {1, 3, 5};
    check_order((ImportOrder){.first = 1, .step = 2}, odd, 3);
    const int second_half[] = {3, 4, 5};
    check_order((ImportOrder){.skip = 3}, second_half, 3);
}

static void rows_are_read_through_strides_scales_and_offsets(void **state)
{
    (void)state;
    float y[3];
    /* 1. [3 rows, 2] seen as its transpose. */
    const float m[] = {1, 2, 3, 4, 5, 6};
    ImportSource turned = {.view = tensor_transpose(tensor_matrix(DT_F32, m, 2, 3), 0, 1)};
    ImportTensor t = {.type = DT_F32, .n_dims = 2, .ne = {3, 2, 1, 1}, .sources = &turned, .n_sources = 1};
    import_row_f32(&t, 1, y);
    assert_true(y[0] == 2 && y[1] == 4 && y[2] == 6);
    /* 2. The same at an address that no float has, plus one. */
    char odd[25];
    memcpy(odd + 1, m, sizeof m);
    ImportSource plain = {.view = tensor_matrix(DT_F32, odd + 1, 3, 2)};
    t.sources = &plain, t.add = 1;
    import_row_f32(&t, 1, y);
    assert_true(y[0] == 5 && y[1] == 6 && y[2] == 7);
    /* 3. Bytes with a scale for every two numbers, across rows. */
    const int8_t q[] = {1, -2, 3, 4, 5, -128};
    const float scales[] = {0.5f, 2, 10};
    ImportSource bytes = {.view = tensor_matrix(DT_I8, q, 3, 2), .scales = (const uint8_t *)scales, .group = 2};
    t.sources = &bytes, t.add = 0;
    import_row_f32(&t, 0, y);
    assert_true(y[0] == 0.5f && y[1] == -1 && y[2] == 6);
    import_row_f32(&t, 1, y);
    assert_true(y[0] == 8 && y[1] == 50 && y[2] == -1280);
}

enum { W = 96, R = 200, X = 2 }; /* enough rows for several pieces */
static uint16_t halves[X][R * W];

/* Two matrices of BF16 with heads of 8, as one tensor of the given type. */
static ImportTensor experts(ImportSource sources[X], DType type)
{
    Rng rng = rng_seed(5);
    for (int x = 0; x < X; x++) {
        for (int i = 0; i < R * W; i++) halves[x][i] = f32_to_bf16(rng_normal(&rng));
        sources[x] = (ImportSource){.view = tensor_matrix(DT_BF16, halves[x], W, R)};
    }
    return (ImportTensor){.name = "t", .type = type, .n_dims = 3, .ne = {W, R, X, 1}, .sources = sources,
                          .n_sources = X, .order = {.interleave = 8}};
}

static void serial_and_parallel_give_the_same_bytes(void **state)
{
    (void)state;
    static const DType types[] = {DT_F32, DT_F16, DT_BF16, DT_Q8_0};
    static float x[X * R * W];
    static char a[X * R * W * 4], b[X * R * W * 4];
    Err err = {0};
    for (int threads = 1; threads <= 3; threads++) {
        Pool *pool;
        MUST(pool_open(&pool, threads, false, &err), &err);
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            ImportSource s[X];
            ImportTensor t = experts(s, types[k]);
            size_t n = (size_t)import_bytes(&t);
            assert_true(n <= sizeof a);
            assert_int_equal(import_rows_serial(&t, 0, X * R, x, a, NULL), -1);
            assert_int_equal(import_rows_parallel(&t, 0, X * R, x, b, pool), -1);
            assert_memory_equal(a, b, n);
            /* Row 2 of the second head of the second matrix is row 1 of that head there. */
            float want[W], is[W];
            row_to_f32(want, &halves[1][(8 + 1) * W], DT_BF16, W);
            row_to_f32(is, a + dtype_row_bytes(t.type, W) * (R + 8 + 2), t.type, W);
            for (int i = 0; i < W; i++) assert_true(fabsf(want[i] - is[i]) <= (t.type == DT_Q8_0 ? 0.02f : 2e-3f));
        }
        pool_close(pool);
    }
}

static void numbers_that_do_not_fit_are_found_by_both(void **state)
{
    (void)state;
    static float x[X * R * W];
    static char out[X * R * W * 4];
    ImportSource s[X];
    ImportTensor t = experts(s, DT_F16);
    halves[1][3 * W + 5] = f32_to_bf16(1e6f);
    halves[1][9 * W] = f32_to_bf16(-1e6f);
    Pool *pool;
    Err err = {0};
    MUST(pool_open(&pool, 2, false, &err), &err);
    int64_t serial = import_rows_serial(&t, 0, X * R, x, out, NULL);
    assert_int_equal(serial, R + 6); /* row 3 of a head of 8 becomes row 6 */
    assert_int_equal(import_rows_parallel(&t, 0, X * R, x, out, pool), serial);
    t.type = DT_BF16;
    assert_int_equal(import_rows_serial(&t, 0, X * R, x, out, NULL), -1);
    pool_close(pool);
}

static void types_follow_the_wish_where_they_can(void **state)
{
    (void)state;
    assert_int_equal(import_type(-1, DT_BF16, 64, 2, false), DT_BF16);
    assert_int_equal(import_type(-1, DT_I8, 64, 2, false), DT_F32);
    assert_int_equal(import_type(DT_Q8_0, DT_BF16, 64, 2, false), DT_Q8_0);
    assert_int_equal(import_type(DT_Q8_0, DT_BF16, 172, 2, false), DT_F16);
    assert_int_equal(import_type(DT_Q8_0, DT_BF16, 64, 1, false), DT_F32);
    assert_int_equal(import_type(DT_F16, DT_F32, 64, 2, true), DT_F32);
}

static void a_file_is_there_completely_or_not_at_all(void **state)
{
    (void)state;
    const char *path = temp_path("out.gguf"), *partial = temp_path("out.gguf.partial");
    Err err = {0};
    ImportSource s[X];
    ImportTensor t = experts(s, DT_F16);
    ImportRun run = {.label = "test", .quiet = true};
    for (int wrong = 1; wrong >= 0; wrong--) {
        GgufWriter *w;
        MUST(gguf_writer_open(&w, 32, &err), &err);
        if (wrong) halves[1][7] = f32_to_bf16(INFINITY);
        else t = experts(s, DT_F16);
        assert_int_equal(import_write(w, path, &t, 1, &run, &err), wrong ? E_FORMAT : OK);
        gguf_writer_close(w);
        assert_int_equal(access(path, F_OK), wrong ? -1 : 0);
        assert_int_equal(access(partial, F_OK), -1);
        if (wrong) assert_non_null(strstr(err.text, "HINT:"));
    }
    Gguf g;
    MUST(gguf_open(&g, path, MAP_READ, &err), &err);
    const Tensor *v = &gguf_tensor(&g, "t")->view;
    for (int i = 0; i < W; i++)
        assert_true(tensor_at(v, i, 2, 1, 0) == f16_to_f32(f32_to_f16(bf16_to_f32(halves[1][W + i]))));
    gguf_close(&g);
}

/* What convert does with the result before an older file of that name is gone. */
static Status look(void *ctx, const char *path, Err *err)
{
    Gguf g;
    bool wrong = *(bool *)ctx;
    MUST(gguf_open(&g, path, MAP_READ, err), err); /* it is complete */
    gguf_close(&g);
    assert_string_not_equal(path, temp_path("out.gguf"));
    return wrong ? fail(err, E_FORMAT, "it does not bind") : OK;
}

static void an_older_file_survives_what_does_not_pass(void **state)
{
    (void)state;
    Err err = {0};
    ImportSource s[X];
    for (int k = 0; k < 2; k++) {
        bool wrong = k == 0;
        ImportTensor t = experts(s, DT_F16);
        ImportRun run = {.label = "test", .quiet = true, .check = look, .check_ctx = &wrong};
        GgufWriter *w;
        temp_write_text("out.gguf", "the older one");
        MUST(gguf_writer_open(&w, 32, &err), &err);
        assert_int_equal(import_write(w, temp_path("out.gguf"), &t, 1, &run, &err), wrong ? E_FORMAT : OK);
        gguf_writer_close(w);
        assert_int_equal(access(temp_path("out.gguf.partial"), F_OK), -1);
        Buf b = temp_read(temp_path("out.gguf"));
        assert_int_equal(memcmp(b.data, "the older one", 13) == 0, wrong);
        buf_close(&b);
    }
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_become_neighbours_within_each_head),
        cmocka_unit_test(fused_heads_become_all_q_all_k_all_v),
        cmocka_unit_test(a_part_can_be_taken_and_turned_at_once),
        cmocka_unit_test(rows_are_read_through_strides_scales_and_offsets),
        cmocka_unit_test(serial_and_parallel_give_the_same_bytes),
        cmocka_unit_test(numbers_that_do_not_fit_are_found_by_both),
        cmocka_unit_test(types_follow_the_wish_where_they_can),
        cmocka_unit_test(a_file_is_there_completely_or_not_at_all),
        cmocka_unit_test(an_older_file_survives_what_does_not_pass),
    };
    return cmocka_run_group_tests(tests, temp_dir_setup, temp_dir_teardown);
}
