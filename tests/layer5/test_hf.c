/* Hugging Face directories, written here: what becomes of names, rows, numbers and vocabularies, and which
 * directories are refused. Logits are compared by tests/fixtures/make_hf_models.py. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"
#include "temp_dir.h"

enum { D = 16, F = 24, H = 4, KV = 2, DH = 4, V = 12 };

/* Tensors of F32 in the order of the list; number i of tensor k is 100 k + i / 8. A shape with n1 = 0 is a
 * vector. */
typedef struct { const char *name; int n0, n1; } Shape;

static int n_blanks; /* after the header: data may begin at any byte */

static float value(int k, int64_t i) { return 100.0f * (float)k + (float)i / 8; }

static void write_tensors(const Shape *shapes, int n)
{
    Buf header = {0}, b = {0};
    int64_t at = 0;
    for (int k = 0; k < n; k++) {
        int64_t size = 4 * (int64_t)shapes[k].n0 * (shapes[k].n1 ? shapes[k].n1 : 1);
        char shape[32];
        if (shapes[k].n1) snprintf(shape, sizeof shape, "%d,%d", shapes[k].n1, shapes[k].n0);
        else snprintf(shape, sizeof shape, "%d", shapes[k].n0);
        MUST(buf_printf(&header, NULL, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%lld,%lld]}",
                        k ? "," : "{", shapes[k].name, shape, (long long)at, (long long)(at + size)), (&(Err){{0}}));
        at += size;
    }
    gb_bytes(&header, "}", 1);
    while (header.len % 4) gb_bytes(&header, " ", 1);
    for (int i = 0; i < n_blanks; i++) gb_bytes(&header, " ", 1);
    gb_u64(&b, header.len);
    gb_bytes(&b, header.data, header.len);
    for (int k = 0; k < n; k++)
        for (int64_t i = 0; i < (int64_t)shapes[k].n0 * (shapes[k].n1 ? shapes[k].n1 : 1); i++) gb_f32(&b, value(k, i));
    temp_write("model.safetensors", b.data, b.len);
    buf_close(&header);
    buf_close(&b);
}

#define L "model.layers.0."
static const Shape llama[] = {
    {"model.embed_tokens.weight", D, V}, {"model.norm.weight", D, 0}, {"lm_head.weight", D, V},
    {L "input_layernorm.weight", D, 0}, {L "post_attention_layernorm.weight", D, 0},
    {L "self_attn.q_proj.weight", D, H * DH}, {L "self_attn.k_proj.weight", D, KV * DH},
    {L "self_attn.v_proj.weight", D, KV * DH}, {L "self_attn.o_proj.weight", H * DH, D},
    {L "mlp.gate_proj.weight", D, F}, {L "mlp.up_proj.weight", D, F}, {L "mlp.down_proj.weight", F, D},
    {L "self_attn.q_proj.bias", H * DH, 0}, {L "self_attn.rotary_emb.inv_freq", 2, 0}};
enum { N_LLAMA = sizeof llama / sizeof *llama };

#define NUMBERS "\"hidden_size\":16,\"num_hidden_layers\":1,\"num_attention_heads\":4,\"num_key_value_heads\":2," \
                "\"intermediate_size\":24,\"rms_norm_eps\":1e-6,\"max_position_embeddings\":64"
#define CONFIG(class, more) "{\"architectures\":[\"" class "\"]," NUMBERS more "}"
#define SCALED(type, more) ",\"rope_scaling\":{\"type\":\"" type "\"" more "}"
#define BPE "{\"added_tokens\":[{\"id\":6,\"content\":\"<s>\",\"special\":true},{\"id\":7,\"content\":\"<|x|>\"}," \
            "{\"id\":8,\"content\":\"w\"}],\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":" \
            "\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|" \
            "\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}}," \
            "{\"type\":\"ByteLevel\",\"use_regex\":false}]},\"post_processor\":{\"type\":\"TemplateProcessing\"," \
            "\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}]},\"model\":{\"type\":" \
            "\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"\\u0120\":3,\"\\u0120a\":4,\"c\":5},\"merges\":[[\"a\"," \
            "\"b\"],\"\\u0120 a\"]}}"

static Status convert(int wish, Err *err)
{
    HfModel m;
    HfParams p = {.wish = wish, .name = "toy"};
    ImportRun run = {.label = "test", .quiet = true};
    Status s = hf_open(&m, temp_dir, MAP_AUTO, err);
    if (s == OK) s = hf_convert(&m, temp_path("out.gguf"), &p, &run, err);
    hf_close(&m);
    return s;
}

static const float *data_of(const Gguf *g, const char *name)
{
    const GgufTensor *t = gguf_tensor(g, name);
    if (!t) FAILED("there is no %s", name);
    assert_int_equal(t->view.type, DT_F32);
    return t->view.data;
}

static void names_and_rows_become_ours(void **state)
{
    (void)state;
    Model m;
    Err err = {0};
    write_tensors(llama, N_LLAMA);
    temp_write_text("config.json", CONFIG("LlamaForCausalLM", ",\"rope_theta\":5000.0" SCALED("dynamic", ",\"factor\":2.5")));
    temp_write_text("tokenizer.json", BPE);
    MUST(convert(-1, &err), &err);
    MUST(model_open(&m, temp_path("out.gguf"), MAP_READ, &err), &err);
    assert_int_equal(m.gguf.n_tensors, N_LLAMA - 1); /* the buffer is left */
    assert_true(m.hp.rope_base == 5000 && m.hp.rope_dynamic == 2.5f && m.hp.n_kv_head == KV && m.hp.d_k == DH);
    const float *q = data_of(&m.gguf, "blk.0.attn_q.weight"), *v = data_of(&m.gguf, "blk.0.attn_v.weight");
    const float *bias = data_of(&m.gguf, "blk.0.attn_q.bias");
    static const int from[] = {0, 2, 1, 3, 4, 6, 5, 7}; /* heads of 4: halves become neighbours */
    for (int r = 0; r < 8; r++) {
        assert_true(q[r * D + 3] == value(5, from[r] * D + 3) && bias[r] == value(12, from[r]));
        assert_true(v[r * D + 3] == value(7, r * D + 3));
    }
    assert_true(data_of(&m.gguf, "output.weight")[5] == value(2, 5));
    model_close(&m);
}

static void the_vocabulary_gets_types_merges_and_a_name(void **state)
{
    (void)state;
    static const char *const want[] = {"a", "b", "ab", "\xC4\xA0", "\304\240a", "c", "<s>", "<|x|>", "w", "[PAD9]",
                                       "[PAD10]", "[PAD11]"};
    static const int types[V] = {1, 1, 1, 1, 1, 1, 3, 3, 4, 5, 5, 5};
    Gguf g;
    Err err = {0};
    Str s;
    bool add = false;
    int64_t eos = -1;
    temp_write_text("tokenizer_config.json", "{\"eos_token\":{\"content\":\"<|x|>\"},\"chat_template\":[{\"name\":\"default\","
               "\"template\":\"one\"},{\"name\":\"rag\",\"template\":\"two\"}]}");
    temp_write_text("generation_config.json", "{\"temperature\":0.6,\"top_k\":20,\"eos_token_id\":[1,2]}");
    MUST(convert(DT_F16, &err), &err);
    MUST(gguf_open(&g, temp_path("out.gguf"), MAP_READ, &err), &err);
    GgufStrings it = gguf_strings(gguf_find(&g, "tokenizer.ggml.tokens"));
    for (int i = 0; gguf_next_string(&it, &s); i++) {
        assert_true(str_is(s, want[i]));
        assert_int_equal(gguf_array_int(gguf_find(&g, "tokenizer.ggml.token_type"), i), types[i]);
    }
    it = gguf_strings(gguf_find(&g, "tokenizer.ggml.merges"));
    assert_true(gguf_next_string(&it, &s) && str_is(s, "a b"));
    assert_true(gguf_next_string(&it, &s) && str_is(s, "\xC4\xA0 a"));
    MUST(gguf_get_str(&g, "tokenizer.ggml.pre", &s, &err), &err);
    assert_true(str_is(s, "qwen2"));
    MUST(gguf_get_str(&g, "tokenizer.chat_template.rag", &s, &err), &err);
    assert_true(str_is(s, "two"));
    MUST(gguf_get_bool(&g, "tokenizer.ggml.add_bos_token", &add, &err), &err);
    MUST(gguf_get_int(&g, "tokenizer.ggml.eos_token_id", 0, V, &eos, &err), &err);
    assert_true(add && eos == 7);
    assert_non_null(gguf_find(&g, "general.sampling.temp"));
    assert_int_equal(gguf_tensor(&g, "blk.0.ffn_up.weight")->view.type, DT_F16);
    assert_int_equal(gguf_tensor(&g, "blk.0.ffn_norm.weight")->view.type, DT_F32);
    gguf_close(&g);
    temp_remove("tokenizer_config.json");
    temp_remove("generation_config.json");
}

/* Two forms of GELU: what a directory means goes into the file, what a file says is computed. */
static void the_form_of_gelu_is_kept(void **state)
{
    (void)state;
    static const Shape neox[] = {
        {"gpt_neox.embed_in.weight", D, V}, {"embed_out.weight", D, V}, {"gpt_neox.final_layer_norm.weight", D, 0},
        {"gpt_neox.final_layer_norm.bias", D, 0}, {"gpt_neox.layers.0.input_layernorm.weight", D, 0},
        {"gpt_neox.layers.0.input_layernorm.bias", D, 0}, {"gpt_neox.layers.0.post_attention_layernorm.weight", D, 0},
        {"gpt_neox.layers.0.post_attention_layernorm.bias", D, 0},
        {"gpt_neox.layers.0.attention.query_key_value.weight", D, 3 * D}, {"gpt_neox.layers.0.attention.dense.weight", D, D},
        {"gpt_neox.layers.0.mlp.dense_h_to_4h.weight", D, F}, {"gpt_neox.layers.0.mlp.dense_4h_to_h.weight", F, D}};
    static const struct { const char *config; ActKind act; } cases[] = {
        {CONFIG("GPTNeoXForCausalLM", ""), ACT_GELU_ERF},
        {CONFIG("GPTNeoXForCausalLM", ",\"hidden_act\":\"gelu\""), ACT_GELU_ERF},
        {CONFIG("GPTNeoXForCausalLM", ",\"hidden_act\":\"gelu_new\""), ACT_GELU_TANH},
        {CONFIG("GPTNeoXForCausalLM", ",\"hidden_act\":\"gelu_pytorch_tanh\""), ACT_GELU_TANH}};
    Model m;
    Err err = {0};
    write_tensors(neox, sizeof neox / sizeof *neox);
    temp_remove("tokenizer.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        temp_write_text("config.json", cases[i].config);
        MUST(convert(-1, &err), &err);
        MUST(model_open(&m, temp_path("out.gguf"), MAP_READ, &err), &err);
        assert_int_equal(m.spec.act, cases[i].act);
        model_close(&m);
    }
    /* Another function than the family's is an error, also in a file. */
    static char bytes[1 << 16];
    temp_write_text("config.json", cases[0].config);
    MUST(convert(-1, &err), &err);
    FILE *f = fopen(temp_path("out.gguf"), "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    char *key = memmem(bytes, n, "gptneox.hidden_activation", 25);
    assert_non_null(key);
    assert_memory_equal(key + 25 + 12, "gelu", 4);
    memcpy(key + 25 + 12, "relu", 4);
    temp_write("out.gguf", bytes, n);
    assert_int_equal(model_open(&m, temp_path("out.gguf"), MAP_READ, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "'relu'"));
    write_tensors(llama, N_LLAMA);
}

static void refused(const char *config, Status want, const char *text)
{
    Err err = {0};
    temp_write_text("config.json", config);
    temp_remove("out.gguf");
    Status s = convert(-1, &err);
    if (s != want || !strstr(err.text, text) || !strstr(err.text, "HINT:"))
        FAILED("expected %s \"%s\", got %s \"%s\"", status_name(want), text, status_name(s), err.text);
    assert_int_equal(access(temp_path("out.gguf"), F_OK), -1);
}

static void what_cannot_be_said_is_refused(void **state)
{
    (void)state;
    refused(CONFIG("SomethingForCausalLM", ""), E_UNSUPPORTED, "SomethingForCausalLM");
    refused("{" NUMBERS "}", E_UNSUPPORTED, "(none)");
    refused("[]", E_UNSUPPORTED, "(none)");
    refused("{", E_FORMAT, "config.json");
    refused(CONFIG("LlamaForCausalLM", ",\"hidden_act\":\"relu\""), E_UNSUPPORTED, "\"relu\"");
    refused(CONFIG("LlamaForCausalLM", ",\"head_dim\":0"), E_FORMAT, "head_dim");
    refused(CONFIG("LlamaForCausalLM", ",\"head_dim\":8"), E_FORMAT, "self_attn.q_proj.weight");
    refused(CONFIG("LlamaForCausalLM", SCALED("magic", "")), E_UNSUPPORTED, "rope_type");
    refused(CONFIG("LlamaForCausalLM", SCALED("dynamic", ",\"factor\":-1")), E_UNSUPPORTED, "dynamic factor");
    refused(CONFIG("LlamaForCausalLM", SCALED("longrope", "")), E_UNSUPPORTED, "rotary factors");
    refused(CONFIG("Gemma2ForCausalLM", ",\"head_dim\":4"), E_UNSUPPORTED, "query_pre_attn_scalar");
    refused("{\"architectures\":[\"LlamaForCausalLM\"],\"hidden_size\":16,\"num_hidden_layers\":99999}", E_FORMAT,
            "num_hidden_layers");
    temp_write_text("tokenizer.json", "{\"model\":{\"type\":\"WordLevel\"}}");
    refused(CONFIG("LlamaForCausalLM", ""), E_UNSUPPORTED, "\"WordLevel\"");
    temp_write_text("tokenizer.json", "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":12},"
               "\"merges\":[]}}");
    refused(CONFIG("LlamaForCausalLM", ""), E_FORMAT, "has the id 12");
    temp_write_text("tokenizer.json", "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"},{\"type\":"
               "\"ByteLevel\"}]},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":1},\"merges\":[]}}");
    refused(CONFIG("LlamaForCausalLM", ""), E_UNSUPPORTED, "none of the known ways");
    temp_remove("tokenizer.json");
}

static void a_tensor_too_many_or_too_few_is_noticed(void **state)
{
    (void)state;
    Shape shapes[N_LLAMA];
    memcpy(shapes, llama, sizeof shapes);
    shapes[N_LLAMA - 1] = (Shape){L "self_attn.surprise.weight", 2, 0};
    write_tensors(shapes, N_LLAMA);
    refused(CONFIG("LlamaForCausalLM", ""), E_UNSUPPORTED, "self_attn.surprise.weight");
    shapes[N_LLAMA - 1] = (Shape){L "self_attn.k_proj.bias", 5, 0};
    write_tensors(shapes, N_LLAMA);
    refused(CONFIG("LlamaForCausalLM", ""), E_FORMAT, "k_proj.bias");
    /* Missing ones are found when the result is opened: the binding knows what a model needs. */
    write_tensors(llama, 5);
    Err err = {0};
    Model m;
    MUST(convert(-1, &err), &err);
    assert_int_equal(model_open(&m, temp_path("out.gguf"), MAP_READ, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "attn_q.weight"));
}

/* A random BF16 Llama 3 in shards, and what PyTorch computes with it (tests/fixtures/make_hf_models.py
 * --fixture). */
static void logits_are_those_of_the_framework(void **state)
{
    (void)state;
    enum { N = 24, N_VOCAB = 96 };
    static float want[N * N_VOCAB], got[N * N_VOCAB];
    static const char fixture[] = "tests/fixtures/hf_llama3";
    HfModel hf;
    Model m;
    Session s;
    Err err = {0};
    HfParams p = {.wish = -1, .name = "fixture"};
    ImportRun run = {.label = "test", .quiet = true};
    BatchItem items[N];
    FILE *f = fopen("tests/fixtures/hf_llama3/logits.f32", "rb");
    assert_non_null(f);
    assert_int_equal(fread(want, sizeof *want, N * N_VOCAB, f), N * N_VOCAB);
    fclose(f);
    MUST(hf_open(&hf, fixture, MAP_AUTO, &err), &err);
    assert_true(hf.weights.n_files > 1);
    MUST(hf_convert(&hf, temp_path("out.gguf"), &p, &run, &err), &err);
    assert_true(hf.notes.no_vocabulary);
    hf_close(&hf);
    MUST(model_open(&m, temp_path("out.gguf"), MAP_READ, &err), &err);
    assert_int_equal(m.weights.blocks[1].q.w.type, DT_BF16); /* kept */
    assert_non_null(m.weights.rope_factors);
    MUST(session_open(&s, &m, NULL, N, N, &err), &err);
    FlatKv kv = flat_kv(&m, DT_F32, N, 1);
    for (int i = 0; i < N; i++) items[i] = (BatchItem){.token = (i * 37 + 11) % N_VOCAB, .pos = i, .want_logits = true};
    MUST(model_forward(&s, items, N, flat_source(&kv), got, NULL, &err), &err);
    float largest = 0, worst = 0;
    for (int i = 0; i < N * N_VOCAB; i++) {
        largest = fmaxf(largest, fabsf(want[i]));
        worst = fmaxf(worst, fabsf(want[i] - got[i]));
    }
    print_message("             largest difference %.1e of the largest logit\n", (double)(worst / largest));
    assert_true(worst <= 1e-4f * largest);
    mem_free(kv.memory);
    session_close(&s);
    model_close(&m);
}

/* Key by key and byte by byte: what import_open makes of the directory is what convert writes. */
static void check_same(const Gguf *a, const Gguf *b)
{
    assert_int_equal(a->n_kv, b->n_kv);
    assert_int_equal(a->n_tensors, b->n_tensors);
    assert_int_equal(a->data_start, b->data_start);
    assert_int_equal(a->file_bytes, b->file_bytes);
    for (int64_t i = 0; i < a->n_kv; i++) {
        const GgufKv *x = &a->kv[i], *y = &b->kv[i];
        assert_true(x->key.len == y->key.len && memcmp(x->key.ptr, y->key.ptr, x->key.len) == 0);
        assert_true(x->type == y->type && x->elem == y->elem && x->count == y->count && x->bytes == y->bytes);
        assert_memory_equal(x->data, y->data, x->bytes);
    }
    for (int64_t i = 0; i < a->n_tensors; i++) {
        const GgufTensor *x = &a->tensors[i], *y = &b->tensors[i];
        assert_true(x->name.len == y->name.len && memcmp(x->name.ptr, y->name.ptr, x->name.len) == 0);
        assert_true(x->view.type == y->view.type && x->offset == y->offset && x->bytes == y->bytes);
        assert_memory_equal(x->view.ne, y->view.ne, sizeof x->view.ne);
        assert_memory_equal(x->view.data, y->view.data, (size_t)x->bytes);
    }
}

/* Converts from to out.gguf under the name that import_open gives it; the bytes laid out in memory. */
static int64_t check_directory(const char *from, MapMode mode)
{
    HfModel hf;
    Gguf file, view;
    ImportNotes notes;
    Err err = {0};
    char name[IMPORT_MODEL_NAME];
    HfParams p = {.wish = -1, .name = import_model_name(from, name)};
    ImportRun run = {.label = "test", .quiet = true};
    MUST(hf_open(&hf, from, MAP_AUTO, &err), &err);
    MUST(hf_convert(&hf, temp_path("out.gguf"), &p, &run, &err), &err);
    int64_t n_left = hf.notes.n_left;
    hf_close(&hf);
    MUST(gguf_open(&file, temp_path("out.gguf"), MAP_READ, &err), &err);
    MUST(import_open(&view, from, mode, false, &notes, &err), &err);
    check_same(&file, &view);
    assert_int_equal(notes.n_left, n_left);
    gguf_close(&view);
    /* Without data: all keys and shapes, nothing laid out. */
    int64_t own = notes.own_bytes;
    MUST(import_open(&view, from, mode, true, &notes, &err), &err);
    assert_int_equal(view.n_tensors, file.n_tensors);
    assert_null(view.tensors[0].view.data);
    assert_int_equal(notes.own_bytes, 0);
    gguf_close(&view);
    gguf_close(&file);
    return own;
}

static void a_directory_is_opened_as_the_file_that_it_would_be(void **state)
{
    (void)state;
    temp_write_text("config.json", CONFIG("LlamaForCausalLM", ""));
    temp_write_text("tokenizer.json", BPE);
    int64_t moved = 4 * (D * H * DH + D * KV * DH) + 64; /* q, k and the bias of q; the rest stays in the file */
    int64_t all = 4 * (2 * D * V + 2 * D * H * DH + 2 * D * KV * DH + 3 * D * F) + 4 * 64;
    for (n_blanks = 0; n_blanks < 4; n_blanks++) {
        write_tensors(llama, N_LLAMA);
        assert_int_equal(check_directory(temp_dir, MAP_AUTO), n_blanks ? all : moved);
    }
    n_blanks = 0;
    write_tensors(llama, N_LLAMA);
    assert_int_equal(check_directory(temp_dir, MAP_READ), moved);
    temp_remove("tokenizer.json");
    /* BF16 in two files, tied, factors of rotary angles: vectors become F32. */
    assert_true(check_directory("tests/fixtures/hf_llama3", MAP_AUTO) < 12000);
    char name[IMPORT_MODEL_NAME];
    assert_string_equal(import_model_name("a/b.c//", name), "b.c");
    assert_string_equal(import_model_name("/", name), "");
    assert_string_equal(import_model_name("x/stories.bin", name), "stories");
    assert_string_not_equal(import_model_name(".", name), ".");
    assert_true(name[0] != 0);
}

static void run_logits(const char *path, float *out, int n, int n_vocab)
{
    Model m;
    Session s;
    Err err = {0};
    BatchItem items[24];
    MUST(model_open(&m, path, MAP_AUTO, &err), &err);
    MUST(session_open(&s, &m, NULL, n, n, &err), &err);
    FlatKv kv = flat_kv(&m, DT_F32, n, 1);
    for (int i = 0; i < n; i++) items[i] = (BatchItem){.token = (i * 37 + 11) % n_vocab, .pos = i, .want_logits = true};
    MUST(model_forward(&s, items, n, flat_source(&kv), out, NULL, &err), &err);
    mem_free(kv.memory);
    session_close(&s);
    model_close(&m);
}

static void its_logits_are_those_of_the_file_bit_by_bit(void **state)
{
    (void)state;
    static float want[24 * 96], got[24 * 96];
    static const char fixture[] = "tests/fixtures/hf_llama3";
    check_directory(fixture, MAP_AUTO);
    run_logits(temp_path("out.gguf"), want, 24, 96);
    run_logits(fixture, got, 24, 96);
    assert_memory_equal(want, got, sizeof want);
    assert_true(got[5] != 0);
    /* Numbers that stand at odd bytes are brought into line. */
    temp_write_text("config.json", CONFIG("LlamaForCausalLM", ""));
    for (n_blanks = 0; n_blanks < 4; n_blanks++) {
        write_tensors(llama, N_LLAMA);
        check_directory(temp_dir, MAP_AUTO);
        run_logits(temp_path("out.gguf"), want, 8, V);
        run_logits(temp_dir, got, 8, V);
        assert_memory_equal(want, got, 8 * V * sizeof *want);
    }
    n_blanks = 0;
}

static bool spend(void *ctx, size_t n)
{
    (void)n;
    return (*(int *)ctx)-- > 0;
}

static void a_directory_that_cannot_be_used_leaves_nothing_open(void **state)
{
    (void)state;
    Gguf g;
    ImportNotes notes;
    Err err = {0};
    Status s = E_MEMORY;
    temp_write_text("config.json", CONFIG("LlamaForCausalLM", ""));
    temp_write_text("tokenizer.json", BPE);
    write_tensors(llama, N_LLAMA);
    for (int most = 0, left; s == E_MEMORY && most < 2000; most++) {
        left = most;
        mem_set_hook(spend, &left);
        s = import_open(&g, temp_dir, MAP_READ, false, &notes, &err);
        mem_set_hook(NULL, NULL);
        if (s != OK) assert_null(g.arena.chunks);
    }
    MUST(s, &err);
    gguf_close(&g);
    temp_remove("tokenizer.json");
    temp_remove("config.json");
    assert_int_equal(import_open(&g, temp_dir, MAP_AUTO, false, &notes, &err), E_IO);
    assert_non_null(strstr(err.text, "has no config.json. HINT:"));
    assert_int_equal(import_open(&g, "tests/fixtures/hf_llama3/config.json", MAP_AUTO, false, &notes, &err), E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_rows_become_ours),
        cmocka_unit_test(the_vocabulary_gets_types_merges_and_a_name),
        cmocka_unit_test(the_form_of_gelu_is_kept),
        cmocka_unit_test(what_cannot_be_said_is_refused),
        cmocka_unit_test(a_tensor_too_many_or_too_few_is_noticed),
        cmocka_unit_test(logits_are_those_of_the_framework),
        cmocka_unit_test(a_directory_is_opened_as_the_file_that_it_would_be),
        cmocka_unit_test(its_logits_are_those_of_the_file_bit_by_bit),
        cmocka_unit_test(a_directory_that_cannot_be_used_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, temp_dir_setup, temp_dir_teardown);
}
