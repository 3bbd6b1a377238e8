/* Directories of the families whose tensors change more than their names, against the framework that they come from
 * (tests/fixtures/make_hf_models.py --fixtures), and settings that are refused because our file cannot say them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"
#include "temp_dir.h"

#define FIXTURES "tests/fixtures/hf/"
enum { N = 24, ROWS = 6, WIDEST = 96, RANK = 4 };

static const struct { const char *name; int pooling; } all[] = {
    {"internlm2", 0}, {"falcon-rw", 0}, {"deepseek2-lite", 0}, {"deepseek2-groups", 0}, {"deepseek3-yarn", 0},
    {"gpt-oss", 0}, {"gpt-oss-mxfp4", 0}, {"mamba", 0}, {"falcon-mamba", 0}, {"mamba2", 0}, {"bert", 1},
    {"bert-rank", RANK}, {"roberta", 1}, {"nomic-bert", 1}};

static Status convert(const char *from, int wish, const char *to, Err *err)
{
    HfModel m;
    HfParams p = {.wish = wish, .name = "fixture"};
    ImportRun run = {.label = "test", .quiet = true};
    Status s = hf_open(&m, from, MAP_AUTO, err);
    if (s == OK) s = hf_convert(&m, temp_path(to), &p, &run, err);
    hf_close(&m);
    return s;
}

/* Logits, or an encoder's hidden states, of N fixed ids. */
static int64_t forward(const Model *m, float *out)
{
    Session s;
    Err err = {0};
    BatchItem items[N];
    bool encoder = m->spec.both_ways;
    MUST(encoder ? session_open_hidden(&s, m, NULL, N, N, &err) : session_open(&s, m, NULL, N, N, &err), &err);
    FlatKv kv = flat_kv(m, DT_F32, N, 1);
    for (int i = 0; i < N; i++) items[i] = (BatchItem){.token = (i * 37 + 11) % 96, .pos = i, .want_logits = true};
    MUST(model_forward(&s, items, N, flat_source(&kv), out, NULL, &err), &err);
    int64_t width = session_row(&s);
    mem_free(kv.memory);
    session_close(&s);
    return width;
}

static void rows_are_those_of_the_framework(void **state)
{
    (void)state;
    static float got[N * WIDEST];
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        char path[96];
        Model m;
        Err err = {0};
        snprintf(path, sizeof path, FIXTURES "%s", all[k].name);
        MUST(convert(path, DT_F32, "out.gguf", &err), &err);
        MUST(model_open(&m, temp_path("out.gguf"), MAP_READ, &err), &err);
        assert_int_equal(m.hp.pooling, all[k].pooling);
        assert_int_equal(m.weights.cls_out.w.data != NULL, all[k].pooling == RANK);
        int64_t width = forward(&m, got);
        snprintf(path, sizeof path, FIXTURES "%s/rows.f32", all[k].name);
        Buf b = temp_read(path);
        assert_int_equal(b.len, 4 * ROWS * (size_t)width);
        float largest = 0, worst = 0, want;
        for (int64_t i = 0; i < ROWS * width; i++) {
            memcpy(&want, b.data + 4 * i, 4);
            largest = fmaxf(largest, fabsf(want));
            worst = fmaxf(worst, fabsf(want - got[(N - ROWS) * width + i]));
        }
        print_message("             %-16s %.1e of the largest\n", all[k].name, (double)(worst / largest));
        if (!(worst <= 1e-4f * largest)) FAILED("%s differs by %g of %g", all[k].name, (double)worst, (double)largest);
        buf_close(&b);
        model_close(&m);
    }
}

/* The same container without a file; its numbers as they were published. */
static void directories_are_opened_as_the_files_that_they_would_be(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        char path[96];
        Gguf file, view;
        ImportNotes notes;
        Err err = {0};
        snprintf(path, sizeof path, FIXTURES "%s", all[k].name);
        MUST(convert(path, -1, "out.gguf", &err), &err);
        MUST(gguf_open(&file, temp_path("out.gguf"), MAP_READ, &err), &err);
        MUST(import_open(&view, path, MAP_AUTO, false, &notes, &err), &err);
        assert_int_equal(file.n_tensors, view.n_tensors);
        for (int64_t i = 0; i < file.n_tensors; i++) {
            const GgufTensor *x = &file.tensors[i], *y = &view.tensors[i];
            assert_true(x->name.len == y->name.len && memcmp(x->name.ptr, y->name.ptr, x->name.len) == 0);
            assert_true(x->view.type == y->view.type && x->bytes == y->bytes);
            assert_memory_equal(x->view.ne, y->view.ne, sizeof x->view.ne);
            assert_memory_equal(x->view.data, y->view.data, (size_t)x->bytes);
        }
        gguf_close(&view);
        gguf_close(&file);
    }
}

/* Numbers of 4 bits stay that, byte by byte in another order, and are worth what they were. */
static void four_bits_stay_four_bits(void **state)
{
    (void)state;
    static float x[64], y[64];
    Gguf bits, floats;
    Err err = {0};
    MUST(convert(FIXTURES "gpt-oss-mxfp4", -1, "out.gguf", &err), &err);
    MUST(convert(FIXTURES "gpt-oss-mxfp4", DT_F32, "floats.gguf", &err), &err);
    MUST(gguf_open(&bits, temp_path("out.gguf"), MAP_READ, &err), &err);
    MUST(gguf_open(&floats, temp_path("floats.gguf"), MAP_READ, &err), &err);
    int64_t type = 0, n_rows = 0;
    MUST(gguf_get_int(&bits, "general.file_type", 0, 100, &type, &err), &err);
    assert_int_equal(type, 32); /* most of so small a model is its embedding */
    assert_int_equal(import_file_type(-1, DT_MXFP4), 38);
    for (int64_t i = 0; i < bits.n_tensors; i++) {
        const Tensor *a = &bits.tensors[i].view, *b = &floats.tensors[i].view;
        if (a->type != DT_MXFP4) continue;
        for (int64_t r = 0; r < a->ne[1] * a->ne[2]; r++, n_rows++) {
            row_to_f32(x, (const char *)a->data + r * a->nb[1], a->type, a->ne[0]);
            row_to_f32(y, (const char *)b->data + r * b->nb[1], b->type, b->ne[0]);
            assert_memory_equal(x, y, (size_t)a->ne[0] * sizeof *x);
        }
    }
    assert_int_equal(n_rows, 2 * 4 * 3 * 32); /* layers, experts, matrices, rows */
    gguf_close(&bits);
    gguf_close(&floats);
}

/* A fixture with one piece of its config.json replaced, or something put before its end. */
static Status changed(const char *name, const char *from, const char *to, Err *err)
{
    char path[96];
    snprintf(path, sizeof path, FIXTURES "%s/config.json", name);
    Buf b = temp_read(path), out = {0};
    char *at = from ? strstr(b.data, from) : strrchr(b.data, '}');
    if (!at) FAILED("%s has no %s", path, from);
    MUST(buf_append(&out, b.data, (size_t)(at - b.data), err), err);
    MUST(buf_append(&out, to, strlen(to), err), err);
    at += from ? strlen(from) : 0;
    MUST(buf_append(&out, at, strlen(at), err), err);
    temp_write("config.json", out.data, out.len);
    snprintf(path, sizeof path, FIXTURES "%s/model.safetensors", name);
    Buf weights = temp_read(path);
    temp_write("model.safetensors", weights.data, weights.len);
    buf_close(&weights);
    buf_close(&b);
    buf_close(&out);
    err->text[0] = 0;
    return convert(temp_dir, -1, "out.gguf", err);
}

typedef struct { const char *name, *from, *to, *text; } Case;

static void settings_without_a_word_are_refused(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"deepseek2-lite", "\"attention_bias\": false", "\"attention_bias\": true", "attention_bias"},
        {"deepseek2-lite", "\"n_group\": null", "\"n_group\": 2, \"topk_method\": \"other\"", "topk_method"},
        {"deepseek2-lite", NULL, ",\"moe_layer_freq\": 2", "dense layers"},
        {"deepseek2-lite", "\"kv_lora_rank\": 24", "\"kv_lora_rank\": 0", "kv_lora_rank"},
        {"deepseek2-lite", "\"qk_nope_head_dim\": 12", "\"qk_nope_head_dim\": 11", "kv_b_proj"},
        {"deepseek3-yarn", "\"rope_interleave\": true", "\"rope_interleave\": false", "rope_interleave"},
        {"deepseek3-yarn", "\"mscale\": 1.0", "\"mscale\": 0.5", "mscale"},
        {"gpt-oss", "\"swiglu_limit\": 7.0", "\"swiglu_limit\": 9.0", "swiglu"},
        {"gpt-oss", "\"sliding_window\": 8", "\"sliding_window\": null", "sliding_window"},
        {"mamba", "\"conv_kernel\": 4", "\"conv_kernel\": 99", "ssm.conv_kernel"},
        {"mamba2", "\"n_groups\": 2", "\"n_groups\": 7", "norm.weight"},
        {"mamba2", "\"n_groups\": 2", "\"n_groups\": 0", "n_groups"},
        {"mamba2", "\"time_step_limit\": [\n    0.0", "\"time_step_limit\": [\n    0.1", "time step"},
        {"falcon-rw", "\"layer_norm_epsilon\": 1e-05", "\"layer_norm_epsilon\": \"small\"", "is \"small\", allowed is a number"},
        {"falcon-rw", "\"max_position_embeddings\": 128", "\"max_position_embeddings\": 9223372036854775808", "a whole number"},
        {"falcon-rw", "\"alibi\": true", "\"alibi\": 1", "allowed is true or false"},
        {"deepseek2-lite", "\"rope_theta\": 10000.0", "\"rope_theta\": [1e4]", "rope_theta in config.json is [1e4]"},
        {"deepseek2-lite", NULL, ",\"moe_layer_freq\": [1, 1]", "moe_layer_freq"},
        {"bert", "\"is_decoder\": false", "\"is_decoder\": true", "is_decoder"},
        {"bert", NULL, ",\"position_embedding_type\": \"relative_key\"", "position_embedding_type"},
        {"bert", "\"gelu\"", "\"relu\"", "\"relu\""},
        {"nomic-bert", NULL, ",\"num_experts\": 8, \"num_experts_per_tok\": 2", "experts"},
        {"roberta", "\"pad_token_id\": 1", "\"pad_token_id\": 300", "position_embeddings"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err err = {0};
        const Case *c = &cases[i];
        Status s = changed(c->name, c->from, c->to, &err);
        if (s == OK || !strstr(err.text, c->text) || !strstr(err.text, "HINT:"))
            FAILED("%s, %s: expected \"%s\", got %s \"%s\"", c->name, c->to, c->text, status_name(s), err.text);
    }
}

/* What stands beside config.json decides how vectors are pooled. */
static void pooling_is_read_or_refused(void **state)
{
    (void)state;
#define STEP(type, path) "{\"type\":\"sentence_transformers.models." type "\",\"path\":\"" path "\"}"
#define USUAL "[" STEP("Transformer", "") "," STEP("Pooling", "1_Pooling") "]"
    static const struct { const char *modules, *pooling; int want; const char *text; } cases[] = {
        {USUAL, "{\"pooling_mode_cls_token\":true}", 2, ""},
        {USUAL, "{\"pooling_mode_lasttoken\":true,\"pooling_mode_mean_tokens\":false}", 3, ""},
        {USUAL, "{\"pooling_mode\":\"mean\"}", 1, ""},
        {"[" STEP("Transformer", "") "]", "{}", 0, ""},
        {USUAL, "{\"pooling_mode_max_tokens\":true}", -1, "no GGUF form"},
        {USUAL, "{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":true}", -1, "mixture"},
        {USUAL, "{}", -1, "unknown kind"},
        {"[" STEP("Transformer", "") "," STEP("Dense", "2_Dense") "]", "{}", -1, "Dense"},
        {"[" STEP("Pooling", "../1_Pooling") "]", "{}", -1, "beside it"},
        {"[" STEP("Pooling", "") "]", "{}", -1, "beside it"},
        {"[{}]", "{}", -1, "(none)"},
        {"[", "{}", -1, "modules.json"}};
    mkdir(temp_path("1_Pooling"), 0700);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Gguf g;
        Err err = {0};
        int64_t got = 0;
        temp_write_text("modules.json", cases[i].modules);
        temp_write_text("1_Pooling/config.json", cases[i].pooling);
        Status s = changed("bert", NULL, "", &err);
        if ((s == OK) != (cases[i].want >= 0) || (s != OK && (!strstr(err.text, cases[i].text) || !strstr(err.text, "HINT:"))))
            FAILED("case %zu: expected \"%s\", got %s \"%s\"", i, cases[i].text, status_name(s), err.text);
        if (s != OK) continue;
        MUST(gguf_open(&g, temp_path("out.gguf"), MAP_READ, &err), &err);
        MUST(gguf_get_int(&g, "bert.pooling_type", 0, 9, &got, &err), &err);
        assert_int_equal(got, cases[i].want);
        gguf_close(&g);
    }
}

/* A thin change of a matrix that becomes two of another shape cannot be said. */
static void an_adapter_of_such_a_matrix_is_refused(void **state)
{
    (void)state;
    static const char header[] = "{\"base_model.model.model.layers.0.self_attn.kv_b_proj.lora_A.weight\":{\"dtype\":\"F32\","
        "\"shape\":[1,24],\"data_offsets\":[0,96]},\"base_model.model.model.layers.0.self_attn.kv_b_proj.lora_B.weight\":"
        "{\"dtype\":\"F32\",\"shape\":[88,1],\"data_offsets\":[96,448]}}";
    char bytes[8 + sizeof header - 1 + 448] = {0};
    uint64_t n = sizeof header - 1;
    memcpy(bytes, &n, 8);
    memcpy(bytes + 8, header, sizeof header - 1);
    temp_write("adapter_model.safetensors", bytes, sizeof bytes);
    temp_write_text("adapter_config.json", "{\"peft_type\":\"LORA\",\"r\":1,\"lora_alpha\":2}");
    HfParams p = {.wish = -1, .name = "adapter"};
    ImportRun run = {.label = "test", .quiet = true};
    HfLoraStats stats;
    Err err = {0};
    assert_int_equal(hf_lora_convert(temp_dir, FIXTURES "deepseek2-lite", temp_path("lora.gguf"), &p, &run, &stats, &err),
                     E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "kv_b_proj"));
    assert_non_null(strstr(err.text, "HINT:"));
    assert_int_equal(access(temp_path("lora.gguf"), F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_the_framework),
        cmocka_unit_test(directories_are_opened_as_the_files_that_they_would_be),
        cmocka_unit_test(four_bits_stay_four_bits),
        cmocka_unit_test(settings_without_a_word_are_refused),
        cmocka_unit_test(pooling_is_read_or_refused),
        cmocka_unit_test(an_adapter_of_such_a_matrix_is_refused),
    };
    return cmocka_run_group_tests(tests, temp_dir_setup, temp_dir_teardown);
}
