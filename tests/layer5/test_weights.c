/* Names become pointers, and nothing is bound that does not fit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"

static const char *const layer_parts[] = {"attn_norm", "attn_q", "attn_k", "attn_v", "attn_output",
                                          "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"};
enum { N_PARTS = sizeof layer_parts / sizeof *layer_parts };

/* The i-th tensor that must be there, of the last layer where it has one; NULL past the end. */
static const char *needed_tensor(int i, char name[64])
{
    static const char *const ends[] = {"token_embd.weight", "output_norm.weight"};
    if (i < 2) return ends[i];
    if (i >= 2 + N_PARTS) return NULL;
    snprintf(name, 64, "blk.1.%s.weight", layer_parts[i - 2]);
    return name;
}

static void a_good_model_binds(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 1);
    Model m = mb_opened(&file);
    /* token_embd, output: 32 x 48 each; output_norm 32; two layers of norms 2 x 32, q o 32 x 32, k v
     * 32 x 16, gate up down 32 x 64. */
    int64_t n = 2 * 32 * 48 + 32 + 2 * (2 * 32 + 2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64);
    assert_int_equal(m.weights.n_params, n);
    assert_int_equal(m.weights.bytes, 4 * n);
    assert_int_equal(m.hp.n_vocab, 48);
    assert_true(m.weights.output.w.data != m.weights.token_embd.data);
    assert_null(m.weights.rope_factors);
    const GgufTensor *down = gguf_tensor(&m.gguf, "blk.1.ffn_down.weight");
    assert_ptr_equal(m.weights.blocks[1].down.w.data, down->view.data); /* nothing is copied */
    assert_null(m.weights.blocks[1].down.bias);
    model_close(&m);
    buf_close(&file);
}

static void a_missing_tensor_is_named(void **state)
{
    (void)state;
    char name[64];
    for (int i = 0; needed_tensor(i, name); i++) {
        ModelShape shape = MODEL_SHAPE;
        shape.omit = needed_tensor(i, name);
        mb_refused(mb_model(&shape, 2), E_FORMAT, shape.omit);
        mb_refused(mb_model(&shape, 2), E_FORMAT, "missing");
    }
}

static void a_wrong_shape_is_refused(void **state)
{
    (void)state;
    char name[64];
    for (int i = 0; needed_tensor(i, name); i++) {
        ModelShape shape = MODEL_SHAPE;
        shape.odd_tensor = needed_tensor(i, name);
        shape.odd_type = DT_F32;
        shape.odd_ne[0] = 31;
        shape.odd_ne[1] = strstr(shape.odd_tensor, "norm") ? 0 : 33;
        mb_refused(mb_model(&shape, 3), E_FORMAT, shape.odd_tensor);
        mb_refused(mb_model(&shape, 3), E_FORMAT, "[31, ");
    }
    /* Exchanged dimensions, the classic: 64 x 32 instead of 32 x 64. */
    ModelShape shape = MODEL_SHAPE;
    shape.odd_tensor = "blk.0.ffn_up.weight";
    shape.odd_type = DT_F32;
    shape.odd_ne[0] = 64;
    shape.odd_ne[1] = 32;
    mb_refused(mb_model(&shape, 3), E_FORMAT, "expected is [32, 64]");
}

static void types_without_a_kernel_are_refused(void **state)
{
    (void)state;
    static const DType types[] = {DT_I32, DT_F64, DT_I8, DT_I16, DT_I64};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ModelShape shape = MODEL_SHAPE;
        shape.odd_tensor = "blk.1.attn_v.weight";
        shape.odd_ne[0] = 32;
        shape.odd_ne[1] = 16;
        shape.odd_type = types[i];
        mb_refused(mb_model(&shape, 4), E_UNSUPPORTED, "blk.1.attn_v.weight");
        mb_refused(mb_model(&shape, 4), E_UNSUPPORTED, dtype_name(types[i]));
    }
}

static void vectors_must_be_f32(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.odd_tensor = "blk.1.ffn_norm.weight"; /* the message names the block too */
    shape.odd_ne[0] = 32;
    shape.odd_type = DT_F16;
    mb_refused(mb_model(&shape, 5), E_UNSUPPORTED, "blk.1.ffn_norm.weight");
    shape.odd_tensor = "output_norm.weight";
    mb_refused(mb_model(&shape, 5), E_UNSUPPORTED, "expected is F32");
}

static void every_type_we_compute_with_binds(void **state)
{
    (void)state;
    static const DType types[] = {DT_F32, DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0, DT_MXFP4};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ModelShape shape = MODEL_SHAPE;
        shape.type = types[i];
        Buf file = mb_model(&shape, 6);
        Model m = mb_opened(&file);
        assert_int_equal(m.weights.blocks[0].q.w.type, types[i]);
        model_close(&m);
        buf_close(&file);
    }
}

/* Of 64 weights a row, one scale for each 16; the second scale is for the whole matrix. */
static void a_second_scale_is_bound_where_it_counts(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.d_model = 64;
    shape.type = DT_NVFP4;
    shape.extra_tensor = "blk.1.ffn_up.scale";
    shape.extra_value = 0.75f;
    Buf file = mb_model(&shape, 6);
    Model m = mb_opened(&file);
    assert_true(*m.weights.blocks[1].up.scale == 0.75f);
    assert_null(m.weights.blocks[0].up.scale);
    assert_null(m.weights.blocks[1].gate.scale);
    model_close(&m);
    buf_close(&file);

    shape.extra_value = INFINITY;
    mb_refused(mb_model(&shape, 6), E_FORMAT, "blk.1.ffn_up.scale[0] is inf");
    /* Rows of the embedding are read as they are; a head that is the embedding has no scale of its own. */
    shape.extra_value = 0.75f;
    shape.extra_tensor = "token_embd.scale";
    mb_refused(mb_model(&shape, 6), E_UNSUPPORTED, "'token_embd.scale'");
    shape.extra_tensor = "output.scale";
    shape.tied = true;
    mb_refused(mb_model(&shape, 6), E_UNSUPPORTED, "'output.scale'");
    shape.extra_value = 1;
    file = mb_model(&shape, 6);
    m = mb_opened(&file);
    model_close(&m);
    buf_close(&file);
    /* One number, of type F32. */
    shape.extra_tensor = "blk.0.attn_q.scale";
    shape.odd_tensor = shape.extra_tensor;
    shape.odd_ne[0] = 2;
    mb_refused(mb_model(&shape, 6), E_FORMAT, "blk.0.attn_q.scale");
    shape.odd_ne[0] = 1;
    shape.odd_type = DT_F16;
    mb_refused(mb_model(&shape, 6), E_UNSUPPORTED, "expected is F32");
}

static void a_tied_output_is_the_embedding(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.tied = true;
    Buf file = mb_model(&shape, 7);
    Model m = mb_opened(&file);
    assert_ptr_equal(m.weights.output.w.data, m.weights.token_embd.data);
    /* Counted once. */
    ModelShape untied = MODEL_SHAPE;
    Buf other = mb_model(&untied, 7);
    Model n = mb_opened(&other);
    assert_int_equal(n.weights.bytes - m.weights.bytes, 32 * 48 * 4);
    model_close(&m);
    model_close(&n);
    buf_close(&file);
    buf_close(&other);
}

static void rope_factors_must_be_positive(void **state)
{
    (void)state;
    static const float good[] = {1, 2, 4, 8};
    const float bad[] = {0, -1, NAN, -INFINITY};
    ModelShape shape = MODEL_SHAPE;
    shape.rope_freqs = good;
    Buf file = mb_model(&shape, 8);
    Model m = mb_opened(&file);
    assert_memory_equal(m.spec.rope_factors, good, sizeof good);
    model_close(&m);
    buf_close(&file);
    for (int i = 0; i < 4; i++) {
        float factors[4] = {1, 2, 4, bad[i]};
        shape.rope_freqs = factors;
        mb_refused(mb_model(&shape, 8), E_FORMAT, "rope_freqs.weight[3]");
    }
    shape.odd_tensor = "rope_freqs.weight";
    shape.odd_ne[0] = 5;
    mb_refused(mb_model(&shape, 8), E_FORMAT, "rope_freqs.weight");
}

static void the_embedding_decides_about_the_vocabulary(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.n_words = 49; /* one text more than rows */
    mb_refused(mb_model(&shape, 9), E_FORMAT, "49 tokens");
    shape = MODEL_SHAPE;
    shape.int_key = "vocab_size";
    shape.int_value = 47;
    mb_refused(mb_model(&shape, 9), E_FORMAT, "llama.vocab_size' is 47, allowed is 48");
    shape.int_value = 48;
    Buf file = mb_model(&shape, 9);
    Model m = mb_opened(&file);
    assert_int_equal(m.hp.n_vocab, 48);
    assert_int_equal(tokenizer_n_vocab(m.tokenizer), 40); /* padding rows are allowed */
    model_close(&m);
    buf_close(&file);
    /* The output must agree with the embedding. */
    shape = MODEL_SHAPE;
    shape.odd_tensor = "output.weight";
    shape.odd_ne[0] = 32;
    shape.odd_ne[1] = 49;
    mb_refused(mb_model(&shape, 9), E_FORMAT, "output.weight");
}

static void more_blocks_than_tensors_is_refused(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.int_key = "block_count";
    shape.int_value = 512;
    mb_refused(mb_model(&shape, 10), E_FORMAT, "blk.2.attn_norm.weight");
}

typedef struct { int64_t left; } Allowance;

static bool allow(void *ctx, size_t n)
{
    (void)n;
    Allowance *a = ctx;
    return a->left-- > 0;
}

static void a_refused_allocation_is_an_error(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 11);
    for (int64_t n = 0;; n++) {
        Model m;
        Err err = {0};
        Allowance a = {n};
        mem_set_hook(allow, &a);
        Status s = model_open_memory(&m, file.data, file.len, &err);
        mem_set_hook(NULL, NULL);
        model_close(&m);
        if (s == OK) {
            assert_true(n > 1);
            break;
        }
        assert_int_equal(s, E_MEMORY);
        assert_true(strlen(err.text) > 0);
    }
    buf_close(&file);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_model_binds),
        cmocka_unit_test(a_missing_tensor_is_named),
        cmocka_unit_test(a_wrong_shape_is_refused),
        cmocka_unit_test(types_without_a_kernel_are_refused),
        cmocka_unit_test(vectors_must_be_f32),
        cmocka_unit_test(every_type_we_compute_with_binds),
        cmocka_unit_test(a_second_scale_is_bound_where_it_counts),
        cmocka_unit_test(a_tied_output_is_the_embedding),
        cmocka_unit_test(rope_factors_must_be_positive),
        cmocka_unit_test(the_embedding_decides_about_the_vocabulary),
        cmocka_unit_test(more_blocks_than_tensors_is_refused),
        cmocka_unit_test(a_refused_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
