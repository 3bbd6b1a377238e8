/* Formats for models that were trained with two, three or four values for a weight: such a model loses nothing
 * in them, from the file to the logits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"
#include "temp_dir.h"

#include <math.h>

enum { N_TOK = 12, VOCAB = 64 };

/* What each may hold, and how many bits a weight of a block takes with its share of the scale. */
static const struct { DType type; int lowest, highest; double bits; } formats[] = {
    {DT_Q1_0, -1, 1, 1.125}, {DT_Q2_0, -1, 2, 2.25}, {DT_TQ1_0, -1, 1, 1.6875}, {DT_TQ2_0, -1, 1, 2.0625}};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* A model of normal numbers: in.gguf. */
static void write_random(void)
{
    ModelShape shape = MODEL_SHAPE;
    shape.n_layer = 1, shape.d_model = 256, shape.d_ff = 256, shape.n_vocab = VOCAB;
    Buf file = mb_model(&shape, 11);
    temp_write("in.gguf", file.data, file.len);
    buf_close(&file);
}

/* All matrices in one type. */
static void convert(const char *in, const char *out, DType type)
{
    RequantiseStats stats;
    Err err = {0};
    RequantiseParams p = {.quant = {.mix = quant_mix_by_name(dtype_name(type)), .pure = true}, .quiet = true};
    assert_non_null(p.quant.mix);
    MUST(requantise(temp_path(in), temp_path(out), &p, NULL, &stats, &err), &err);
    assert_int_equal(stats.n_changed, 2 + 7);
    assert_int_equal(stats.n_fallen, 0);
}

/* Logits [N_TOK, VOCAB] of some tokens: one at a time, or all in one call. */
static void logits_of(const char *name, bool together, float *out)
{
    Model m;
    Session s;
    Err err = {0};
    MUST(model_open(&m, temp_path(name), MAP_AUTO, &err), &err);
    MUST(session_open(&s, &m, NULL, N_TOK, N_TOK, &err), &err);
    FlatKv kv = flat_kv(&m, DT_F32, N_TOK, 1);
    BatchItem items[N_TOK];
    int step = together ? N_TOK : 1;
    for (int i = 0; i < N_TOK; i++) items[i] = (BatchItem){.token = 5 * i % VOCAB, .pos = i, .want_logits = true};
    for (int i = 0; i < N_TOK; i += step)
        MUST(model_forward(&s, items + i, step, flat_source(&kv), out + i * VOCAB, NULL, &err), &err);
    mem_free(kv.memory);
    session_close(&s);
    model_close(&m);
}

/* The root of the mean square of a - b, of that of b. */
static double distance(const float *a, const float *b)
{
    double error = 0, square = 0;
    for (int i = 0; i < N_TOK * VOCAB; i++) {
        error += pow((double)a[i] - (double)b[i], 2);
        square += pow((double)b[i], 2);
    }
    return sqrt(error / square);
}

/* Every weight is a whole number of the block's steps, within what the format has; both ends occur. */
static void is_on_the_steps(const Tensor *t, const Tensor *coded, int lowest, int highest)
{
    int64_t block = dtype_info(coded->type)->block, n = t->ne[0] * t->ne[1];
    const float *w = t->data;
    bool low = false, high = false;
    for (int64_t at = 0; at < n; at += block) {
        float step = INFINITY;
        for (int64_t i = at; i < at + block; i++)
            if (w[i] != 0) step = fminf(step, fabsf(w[i]));
        for (int64_t i = at; i < at + block; i++) {
            float level = w[i] / step;
            assert_true(level == rintf(level) && level >= (float)lowest && level <= (float)highest);
            low |= level < 0, high |= level > 0;
            if (coded->type == DT_Q1_0) assert_true(level != 0);
        }
    }
    assert_true(low && high);
}

/* in: any numbers. coded: some of the format's values. plain: these as F32. again: coded, a second time. */
static void a_model_of_few_values_is_kept_bit_by_bit(void **state)
{
    (void)state;
    write_random();
    for (int f = 0; f < N_FORMATS; f++) {
        Gguf coded, plain, again;
        Err err = {0};
        convert("in.gguf", "coded.gguf", formats[f].type);
        convert("coded.gguf", "plain.gguf", DT_F32);
        convert("plain.gguf", "again.gguf", formats[f].type);
        MUST(gguf_open(&coded, temp_path("coded.gguf"), MAP_READ, &err), &err);
        MUST(gguf_open(&plain, temp_path("plain.gguf"), MAP_READ, &err), &err);
        MUST(gguf_open(&again, temp_path("again.gguf"), MAP_READ, &err), &err);
        int n_matrices = 0;
        for (int64_t i = 0; i < coded.n_tensors; i++) {
            const GgufTensor *a = &coded.tensors[i], *b = &again.tensors[i], *p = &plain.tensors[i];
            assert_int_equal(a->bytes, b->bytes);
            assert_memory_equal(a->view.data, b->view.data, (size_t)a->bytes);
            if (a->view.type != formats[f].type) continue;
            assert_true(8 * (double)a->bytes == formats[f].bits * (double)tensor_elements(&a->view));
            is_on_the_steps(&p->view, &a->view, formats[f].lowest, formats[f].highest);
            n_matrices++;
        }
        assert_int_equal(n_matrices, 2 + 7);
        gguf_close(&coded), gguf_close(&plain), gguf_close(&again);
    }
}

/* Decoded weights: sums in another order. Products of bytes: 8 bits for an activation, half a step of 127 at most
 * for the largest of a block, which gets through a layer's five products. */
static void it_says_what_the_same_model_in_f32_says(void **state)
{
    (void)state;
    static float plain[N_TOK * VOCAB], coded[N_TOK * VOCAB];
    Err err = {0};
    write_random();
    for (int f = 0; f < N_FORMATS; f++) {
        convert("in.gguf", "coded.gguf", formats[f].type);
        convert("coded.gguf", "plain.gguf", DT_F32);
        for (int together = 0; together < 2; together++) {
            logits_of("plain.gguf", together, plain);
            logits_of("coded.gguf", together, coded);
            double d = distance(coded, plain);
            if (!(d <= 5 * 0.5 / 127 && d > 0)) FAILED("%s: %g", dtype_name(formats[f].type), d);
        }
        MUST(kernels_use("linear_quantised:float", &err), &err);
        logits_of("coded.gguf", true, coded);
        MUST(kernels_use(NULL, &err), &err);
        double d = distance(coded, plain);
        if (!(d <= 1e-5)) FAILED("%s: %g", dtype_name(formats[f].type), d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_of_few_values_is_kept_bit_by_bit),
        cmocka_unit_test(it_says_what_the_same_model_in_f32_says),
    };
    return cmocka_run_group_tests(tests, temp_dir_setup, temp_dir_teardown);
}
