/* A file again in another type: which tensors change, that values are layer 2's, and that the output
 * is there completely or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"

#include <stdlib.h>
#include <sys/stat.h>

static char dir[64], in_path[96], out_path[96], partial_path[128];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/sixfold-test-XXXXXX");
    if (!mkdtemp(dir)) return -1;
    snprintf(in_path, sizeof in_path, "%s/in.gguf", dir);
    snprintf(out_path, sizeof out_path, "%s/out.gguf", dir);
    snprintf(partial_path, sizeof partial_path, "%s/out.gguf.partial", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(in_path);
    unlink(out_path);
    return rmdir(dir); /* fails if anything else was left behind */
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static void write_in(const ModelShape *shape)
{
    Buf file = mb_model(shape, 31);
    FILE *f = fopen(in_path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file.data, 1, file.len, f), file.len);
    assert_int_equal(fclose(f), 0);
    buf_close(&file);
    unlink(out_path);
}

static Gguf opened(const char *path)
{
    Gguf g;
    Err err = {0};
    MUST(gguf_open(&g, path, MAP_READ, &err), &err);
    return g;
}

/* The parameters of a file type whose base has this name. */
static RequantiseParams params(DType type)
{
    const QuantMix *mix = quant_mix_by_name(dtype_name(type));
    assert_non_null(mix);
    return (RequantiseParams){.quant = {.mix = mix}, .quiet = true};
}

static RequantiseStats convert(DType type, bool pure, Pool *pool)
{
    RequantiseStats stats;
    Err err = {0};
    RequantiseParams p = params(type);
    p.quant.pure = pure;
    MUST(requantise(in_path, out_path, &p, pool, &stats, &err), &err);
    assert_false(exists(partial_path));
    return stats;
}

/* Every tensor of the output is what row_from_f32 makes of the input's. */
static void check_values(void)
{
    Gguf a = opened(in_path), b = opened(out_path);
    assert_int_equal(a.n_tensors, b.n_tensors);
    static float x[4096];
    static char row[32768];
    for (int64_t i = 0; i < a.n_tensors; i++) {
        char name[65];
        snprintf(name, sizeof name, "%.*s", STR_ARG(b.tensors[i].name));
        assert_non_null(gguf_tensor(&a, name));
        const Tensor *from = &gguf_tensor(&a, name)->view, *to = &b.tensors[i].view;
        assert_memory_equal(from->ne, to->ne, sizeof from->ne);
        size_t bytes = (size_t)dtype_row_bytes(to->type, to->ne[0]);
        for (int64_t r = 0; r < from->ne[1]; r++) {
            row_to_f32(x, tensor_row(from, r, 0, 0), from->type, from->ne[0]);
            row_from_f32(row, to->type, x, NULL, from->ne[0]);
            assert_memory_equal(row, tensor_row(to, r, 0, 0), bytes);
        }
    }
    gguf_close(&a);
    gguf_close(&b);
}

static DType type_in(const char *path, const char *name)
{
    Gguf g = opened(path);
    const GgufTensor *t = gguf_tensor(&g, name);
    assert_non_null(t);
    DType type = t->view.type;
    gguf_close(&g);
    return type;
}

static DType type_of(const char *name) { return type_in(out_path, name); }

static void matrices_change_and_vectors_stay(void **state)
{
    (void)state;
    static const DType types[] = {DT_Q8_0, DT_Q4_0, DT_F16, DT_BF16, DT_F32};
    ModelShape shape = MODEL_SHAPE;
    write_in(&shape);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        RequantiseStats stats = convert(types[i], false, NULL);
        DType ends = types[i] == DT_Q4_0 ? DT_Q8_0 : types[i];
        assert_int_equal(stats.n_tensors, 3 + 2 * 9);
        assert_int_equal(stats.n_changed, types[i] == DT_F32 ? 0 : 2 + 2 * 7);
        assert_int_equal(type_of("blk.0.attn_q.weight"), types[i]);
        assert_int_equal(type_of("blk.1.ffn_down.weight"), types[i]);
        assert_int_equal(type_of("token_embd.weight"), types[i]);
        assert_int_equal(type_of("output.weight"), ends);
        assert_int_equal(type_of("blk.1.attn_norm.weight"), DT_F32);
        assert_int_equal(type_of("output_norm.weight"), DT_F32);
        check_values();
    }
}

static void the_output_matrix_is_spared_unless_pure(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    write_in(&shape);
    convert(DT_Q4_0, true, NULL);
    assert_int_equal(type_of("output.weight"), DT_Q4_0);
    check_values();
    shape.tied = true; /* then the embedding is the output */
    write_in(&shape);
    convert(DT_Q4_0, false, NULL);
    assert_int_equal(type_of("token_embd.weight"), DT_Q8_0);
    assert_int_equal(type_of("blk.0.attn_q.weight"), DT_Q4_0);
    convert(DT_Q4_0, true, NULL);
    assert_int_equal(type_of("token_embd.weight"), DT_Q4_0);
}

static void rows_of_broken_blocks_become_f16(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.d_model = 40; /* 40 is no multiple of 32, 64 (ffn_down's rows) is */
    write_in(&shape);
    convert(DT_Q8_0, false, NULL);
    assert_int_equal(type_of("blk.0.attn_q.weight"), DT_F16);
    assert_int_equal(type_of("blk.0.ffn_down.weight"), DT_Q8_0);
    check_values();
}

static void metadata_is_kept_and_brought_up_to_date(void **state)
{
    (void)state;
    static const struct { DType type; int64_t file_type; } rows[] = {
        {DT_F32, 0}, {DT_F16, 1}, {DT_Q4_0, 2}, {DT_Q8_0, 7}, {DT_BF16, 32}};
    ModelShape shape = MODEL_SHAPE;
    write_in(&shape);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        convert(rows[i].type, false, NULL);
        Gguf a = opened(in_path), b = opened(out_path);
        Err err = {0};
        int64_t v = -1;
        assert_int_equal(b.n_kv, a.n_kv + 2);
        for (int64_t k = 0; k < a.n_kv; k++) {
            assert_int_equal(a.kv[k].bytes, b.kv[k].bytes);
            assert_int_equal(a.kv[k].type, b.kv[k].type);
            assert_memory_equal(a.kv[k].data, b.kv[k].data, a.kv[k].bytes);
        }
        MUST(gguf_get_int(&b, "general.file_type", 0, 99, &v, &err), &err);
        assert_int_equal(v, rows[i].file_type);
        MUST(gguf_get_int(&b, "general.quantization_version", 0, 99, &v, &err), &err);
        assert_int_equal(v, 2);
        gguf_close(&a);
        gguf_close(&b);
    }
}

static void the_result_is_a_model(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    write_in(&shape);
    convert(DT_Q8_0, false, NULL);
    Model m;
    Err err = {0};
    MUST(model_open(&m, out_path, MAP_AUTO, &err), &err);
    assert_int_equal(m.weights.blocks[0].q.w.type, DT_Q8_0);
    model_close(&m);
    /* And can be the input again: Q8_0 to F32 holds the rounded values. */
    assert_int_equal(rename(out_path, in_path), 0);
    convert(DT_F32, false, NULL);
    assert_int_equal(type_of("blk.0.attn_q.weight"), DT_F32);
    check_values();
}

static Buf whole(const char *path)
{
    Buf b = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;) gb_u8(&b, (uint8_t)c);
    fclose(f);
    return b;
}

static void threads_change_no_byte(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Pool *pool = NULL;
    Err err = {0};
    write_in(&shape);
    RequantiseStats stats = convert(DT_Q4_0, false, NULL);
    Buf one = whole(out_path);
    MUST(pool_open(&pool, 3, false, &err), &err);
    convert(DT_Q4_0, false, pool);
    Buf three = whole(out_path);
    assert_int_equal(one.len, three.len);
    assert_memory_equal(one.data, three.data, one.len);
    Gguf g = opened(out_path);
    int64_t bytes = 0;
    for (int64_t i = 0; i < g.n_tensors; i++) bytes += g.tensors[i].bytes;
    assert_int_equal(stats.bytes_out, bytes);
    gguf_close(&g);
    pool_close(pool);
    buf_close(&one);
    buf_close(&three);
}

/* A conversion that must fail with `want` and leave no output of any name. */
static void fails(const char *in, const char *out, const RequantiseParams *p, Status want,
                  const char *text)
{
    RequantiseStats stats;
    Err err = {0};
    Status s = requantise(in, out, p, NULL, &stats, &err);
    if (s != want || !strstr(err.text, text)) FAILED("%s: %s", status_name(s), err.text);
    if (exists(partial_path) || exists(out_path)) FAILED("%s: output left behind", text);
}

static void errors_leave_nothing_behind(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    RequantiseParams p = params(DT_Q8_0);
    write_in(&shape);
    fails("/no/such/file.gguf", out_path, &p, E_IO, "/no/such/file.gguf");
    fails(in_path, "/no/such/dir/out.gguf", &p, E_IO, "HINT:");
    /* A type that is not for weights. */
    p.quant.overrides = &(QuantOverride){"blk.1.ffn_up", DT_I8}, p.quant.n_overrides = 1;
    fails(in_path, out_path, &p, E_UNSUPPORTED, "blk.1.ffn_up.weight");
    p.quant.n_overrides = 0;
    FILE *f = fopen(in_path, "wb");
    assert_non_null(f);
    fputs("no model", f);
    fclose(f);
    fails(in_path, out_path, &p, E_FORMAT, "in.gguf");
}

/* Writes the first number of a tensor of the input. */
static void poison(const char *name, float v)
{
    Gguf g = opened(in_path);
    const GgufTensor *t = gguf_tensor(&g, name);
    assert_non_null(t);
    long at = (long)(g.data_start + t->offset);
    gguf_close(&g);
    FILE *f = fopen(in_path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(&v, sizeof v, 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    static const struct { float v; DType type; bool good; } rows[] = {
        {NAN, DT_Q8_0, false}, {-INFINITY, DT_Q4_0, false}, {1e6f, DT_F16, false},
        {1e6f, DT_BF16, true}, {1e9f, DT_Q8_0, false}, {60000.0f, DT_F16, true}};
    ModelShape shape = MODEL_SHAPE;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        RequantiseParams p = params(rows[i].type);
        write_in(&shape);
        poison("blk.1.ffn_up.weight", rows[i].v);
        if (rows[i].good) convert(rows[i].type, false, NULL);
        else fails(in_path, out_path, &p, E_FORMAT, "row 0 of 'blk.1.ffn_up.weight'");
    }
}

static void importance_reaches_the_quantiser(void **state)
{
    (void)state;
    static float sum2[32];
    float count = 4;
    for (int i = 0; i < 32; i++) sum2[i] = i < 16 ? 4000.0f : 0.04f;
    ImatrixEntry e = {"blk.0.attn_q.weight", 32, 1, sum2, &count};
    Imatrix m = {.entries = &e, .n = 1, .n_chunks = 3, .dataset = "text"};
    RequantiseParams p = params(DT_Q4_0);
    RequantiseStats stats;
    Err err = {0};
    p.imatrix = &m;
    p.imatrix_path = "some.gguf";
    ModelShape shape = MODEL_SHAPE;
    write_in(&shape);
    MUST(requantise(in_path, out_path, &p, NULL, &stats, &err), &err);
    Gguf a = opened(in_path), b = opened(out_path);
    const Tensor *from = &gguf_tensor(&a, "blk.0.attn_q.weight")->view;
    const Tensor *to = &gguf_tensor(&b, "blk.0.attn_q.weight")->view;
    float mean[32];
    char row[32], plain[32];
    imatrix_means(&e, mean);
    assert_true(mean[0] == 1000.0f && mean[31] == 0.01f);
    int differ = 0;
    for (int64_t r = 0; r < from->ne[1]; r++) {
        row_from_f32(row, DT_Q4_0, tensor_row(from, r, 0, 0), mean, 32);
        row_from_f32(plain, DT_Q4_0, tensor_row(from, r, 0, 0), NULL, 32);
        assert_memory_equal(row, tensor_row(to, r, 0, 0), sizeof(BlockQ4_0));
        differ += memcmp(row, plain, sizeof(BlockQ4_0)) != 0;
    }
    if (differ == 0) print_message("this build's Q4_0 ignores importances\n");
    Str text = {0};
    MUST(gguf_get_str(&b, "quantize.imatrix.file", &text, &err), &err);
    assert_true(str_is(text, "some.gguf"));
    gguf_close(&a);
    gguf_close(&b);
    /* One that is of another model. */
    unlink(out_path);
    e.n = 16;
    fails(in_path, out_path, &p, E_FORMAT, "another model");
}

/* Expert 1 of 3 was never chosen: ones for it, and it is counted. */
static void each_expert_has_its_own_importance(void **state)
{
    (void)state;
    static float sum2[3 * 32];
    float count[3] = {4, 0, 2}, mean[3 * 32], plain[3 * 32];
    for (int i = 0; i < 32; i++) sum2[i] = i < 16 ? 4000.0f : 0.04f, sum2[64 + i] = i < 16 ? 0.0f : 7.0f;
    ImatrixEntry e = {"blk.0.ffn_up_exps.weight", 3 * 32, 3, sum2, count};
    Imatrix m = {.entries = &e, .n = 1, .n_chunks = 3, .dataset = "text"};
    imatrix_means(&e, mean);
    for (int i = 0; i < 32; i++) assert_true(mean[32 + i] == 1 && mean[64 + i] == 3.5f);
    ModelShape shape = MODEL_SHAPE;
    shape.n_expert = 3, shape.n_used = 1;
    write_in(&shape);
    static const DType types[] = {DT_Q4_0, DT_IQ4_NL};
    for (int k = 0; k < 2; k++) {
        RequantiseParams p = params(types[k]);
        RequantiseStats stats;
        Err err = {0};
        p.imatrix = &m;
        MUST(requantise(in_path, out_path, &p, NULL, &stats, &err), &err);
        assert_int_equal(stats.n_unmet, 1);
        Gguf a = opened(in_path), b = opened(out_path);
        const Tensor *from = &gguf_tensor(&a, e.name)->view, *to = &gguf_tensor(&b, e.name)->view;
        assert_int_equal(to->type, types[k]);
        size_t bytes = (size_t)dtype_row_bytes(types[k], 32);
        for (int x = 0; x < 3; x++)
            for (int64_t r = 0; r < from->ne[1]; r++) {
                char row[64];
                row_from_f32(row, types[k], tensor_row(from, r, x, 0), mean + 32 * x, 32);
                assert_memory_equal(row, tensor_row(to, r, x, 0), bytes);
                row_to_f32(plain, row, types[k], 32);
                assert_true(isfinite(plain[0]) && (plain[0] != 0 || plain[1] != 0 || plain[2] != 0));
            }
        gguf_close(&a);
        gguf_close(&b);
    }
    /* Numbers of another count of experts. */
    unlink(out_path);
    e.n = 64, e.n_count = 2;
    RequantiseParams p = params(DT_Q4_0);
    p.imatrix = &m;
    fails(in_path, out_path, &p, E_FORMAT, "another model");
}

static void a_stop_leaves_nothing_behind(void **state)
{
    (void)state;
    volatile int stop = 1;
    ModelShape shape = MODEL_SHAPE;
    write_in(&shape);
    RequantiseParams p = params(DT_Q8_0);
    p.stop = &stop;
    fails(in_path, out_path, &p, E_CANCELLED, "stopped");
}

static void an_old_output_survives_an_error(void **state)
{
    (void)state;
    volatile int stop = 1;
    RequantiseStats stats;
    Err err;
    ModelShape shape = MODEL_SHAPE;
    write_in(&shape);
    convert(DT_F16, false, NULL);
    Buf before = whole(out_path);
    RequantiseParams p = params(DT_Q8_0);
    p.stop = &stop;
    assert_int_equal(requantise(in_path, out_path, &p, NULL, &stats, &err), E_CANCELLED);
    Buf after = whole(out_path);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    buf_close(&before);
    buf_close(&after);
}

static bool refuse_big(void *ctx, size_t n)
{
    size_t *limit = ctx;
    return n < *limit;
}

static void long_tensors_go_in_pieces(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.n_vocab = 70001; /* x 32 = 2.2 million numbers: three pieces */
    shape.tied = true;
    write_in(&shape);
    convert(DT_Q8_0, false, NULL);
    check_values();
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.d_ff = 8192; /* one piece of rows is then a megabyte */
    write_in(&shape);
    size_t limit = 700 * 1024;
    RequantiseParams p = params(DT_Q8_0);
    RequantiseStats stats;
    Err err = {0};
    mem_set_hook(refuse_big, &limit);
    Status s = requantise(in_path, out_path, &p, NULL, &stats, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(s, E_MEMORY);
    assert_false(exists(partial_path) || exists(out_path));
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrices_change_and_vectors_stay),
        cmocka_unit_test(the_output_matrix_is_spared_unless_pure),
        cmocka_unit_test(rows_of_broken_blocks_become_f16),
        cmocka_unit_test(metadata_is_kept_and_brought_up_to_date),
        cmocka_unit_test(the_result_is_a_model),
        cmocka_unit_test(threads_change_no_byte),
        cmocka_unit_test(errors_leave_nothing_behind),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(importance_reaches_the_quantiser),
        cmocka_unit_test(each_expert_has_its_own_importance),
        cmocka_unit_test(a_stop_leaves_nothing_behind),
        cmocka_unit_test(an_old_output_survives_an_error),
        cmocka_unit_test(long_tensors_go_in_pieces),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
