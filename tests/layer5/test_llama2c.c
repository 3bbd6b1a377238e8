/* Files of llama2.c, written here byte by byte: the three versions say the same, and wrong ones are
 * refused with a hint. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_bytes.h"
#include "must.h"
#include "layer5.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 16, F = 24, L = 2, H = 4, KV = 2, V = 8, T = 32, GROUP = 8, DKV = D / H * KV };

/* Kinds in the order of v0; n_in, n_out per layer, layers. */
enum { EMBD, ATTN_NORM, Q, K, VV, O, FFN_NORM, W1, W2, W3, NORM, FREQS, OUTPUT, KINDS };
static const int shapes[KINDS][3] = {{D, V, 1}, {D, 1, L}, {D, D, L}, {D, DKV, L}, {D, DKV, L}, {D, D, L},
                                     {D, 1, L}, {D, F, L}, {F, D, L}, {D, F, L}, {D, 1, 1}, {D / H, T, 1},
                                     {D, V, 1}};
static const int v1_order[] = {ATTN_NORM, FFN_NORM, NORM, EMBD, Q, K, VV, O, W1, W2, W3, OUTPUT, -1};

/* Number i of a kind: a multiple of 1/8 from -15.875 to 15.875, so that int8 with scale 1/8 says it
 * exactly. The first of each group is the largest. */
static float value(int kind, int64_t i)
{
    if (i % GROUP == 0) return 127 / 8.0f;
    return (float)((kind * 37 + i * 11) % 255 - 127) / 8.0f;
}

static void put_kind(Buf *b, int kind, bool int8)
{
    int64_t each = shapes[kind][0] * shapes[kind][1];
    for (int64_t m = 0; m < shapes[kind][2]; m++) {
        for (int64_t i = 0; i < each; i++) {
            if (!int8) gb_f32(b, value(kind, m * each + i));
            else gb_u8(b, (uint8_t)(int8_t)(value(kind, m * each + i) * 8));
        }
        for (int64_t i = 0; int8 && i < each / GROUP; i++) gb_f32(b, 0.125f);
    }
}

/* magic: as this number, or 0 for v0. */
static Buf file_of(uint32_t magic, int version, bool tied)
{
    Buf b = {0};
    const int numbers[] = {D, F, L, H, KV, version || tied ? V : -V, T};
    if (magic) gb_u32(&b, magic);
    if (magic) gb_u32(&b, (uint32_t)version);
    for (int i = 0; i < 7; i++) gb_u32(&b, (uint32_t)numbers[i]);
    if (magic) gb_u8(&b, tied);
    if (version == 2) gb_u32(&b, GROUP);
    while (magic && b.len < 256) gb_u8(&b, 0);
    for (int k = 0; version == 0 && k < KINDS; k++)
        if (k != OUTPUT || !tied) put_kind(&b, k, false);
    for (const int *k = v1_order; version > 0 && *k >= 0; k++)
        if (*k != OUTPUT || !tied) put_kind(&b, *k, version == 2 && shapes[*k][1] > 1);
    return b;
}

static Buf tokenizer_of(int n)
{
    static const char *const texts[] = {"<unk>", "\n<s>\n", "\n</s>\n", "<0x00>", " a", "a", " ", "b"};
    Buf b = {0};
    gb_u32(&b, 5);
    for (int i = 0; i < n; i++) {
        gb_f32(&b, (float)-i);
        gb_u32(&b, (uint32_t)strlen(texts[i % 8]));
        gb_bytes(&b, texts[i % 8], strlen(texts[i % 8]));
    }
    return b;
}

static char dir[64], out_path[96], tok_path[96];

static int make_dir(void **state)
{
    (void)state;
    layer5_init();
    strcpy(dir, "/tmp/sixfold-test-XXXXXX");
    if (!mkdtemp(dir)) return -1;
    snprintf(out_path, sizeof out_path, "%s/out.gguf", dir);
    snprintf(tok_path, sizeof tok_path, "%s/tok.bin", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(out_path);
    unlink(tok_path);
    return rmdir(dir); /* fails if anything else was left behind */
}

static void write_tokenizer(int n)
{
    Buf b = tokenizer_of(n);
    FILE *f = fopen(tok_path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
    assert_int_equal(fclose(f), 0);
    buf_close(&b);
}

static Status convert(const Buf *file, int wish, Err *err)
{
    Llama2c m;
    ImportRun run = {.label = "test", .quiet = true};
    Status s = llama2c_open_memory(&m, file->data, file->len, err);
    return s == OK ? llama2c_convert(&m, tok_path, out_path, "toy", wish, &run, err) : s;
}

static float at(const Gguf *g, const char *name, int64_t i0, int64_t i1)
{
    const GgufTensor *t = gguf_tensor(g, name);
    assert_non_null(t);
    float row[64];
    row_to_f32(row, tensor_row(&t->view, i1, 0, 0), t->view.type, t->view.ne[0]);
    return row[i0];
}

static void all_versions_say_the_same(void **state)
{
    (void)state;
    static const struct { uint32_t magic; int version; bool tied; } files[] = {
        {0, 0, true}, {0, 0, false}, {0x616B3432, 1, true}, {0x32346B61, 1, false}, {0x616B3432, 2, true},
        {0x616B3432, 2, false}};
    Err err = {0};
    write_tokenizer(V);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        Buf file = file_of(files[i].magic, files[i].version, files[i].tied);
        Model m;
        MUST(convert(&file, -1, &err), &err);
        MUST(model_open(&m, out_path, MAP_READ, &err), &err);
        const Gguf *g = &m.gguf;
        assert_true(at(g, "token_embd.weight", 3, 2) == value(EMBD, 2 * D + 3));
        assert_true(at(g, "blk.1.attn_norm.weight", 3, 0) == value(ATTN_NORM, D + 3));
        assert_true(at(g, "blk.1.attn_k.weight", 5, 6) == value(K, D * DKV + 6 * D + 5));
        assert_true(at(g, "blk.1.ffn_down.weight", 17, 6) == value(W2, D * F + 6 * F + 17));
        assert_true(at(g, "blk.0.ffn_gate.weight", 7, 6) == value(W1, 6 * D + 7));
        assert_true(at(g, "blk.0.ffn_up.weight", 7, 6) == value(W3, 6 * D + 7));
        assert_true(at(g, "output_norm.weight", 3, 0) == value(NORM, 3));
        if (files[i].tied) assert_null(gguf_tensor(g, "output.weight"));
        else assert_true(at(g, "output.weight", 3, 2) == value(OUTPUT, 2 * D + 3));
        assert_int_equal(m.hp.n_kv_head, KV);
        assert_int_equal(m.hp.n_ctx_train, T);
        model_close(&m);
        buf_close(&file);
    }
}

static void the_vocabulary_gets_its_blanks_and_frames_back(void **state)
{
    (void)state;
    Err err = {0};
    write_tokenizer(V);
    Buf file = file_of(0, 0, true);
    Gguf g;
    MUST(convert(&file, DT_Q8_0, &err), &err);
    MUST(gguf_open(&g, out_path, MAP_READ, &err), &err);
    GgufStrings it = gguf_strings(gguf_find(&g, "tokenizer.ggml.tokens"));
    static const char *const want[] = {"<unk>", "<s>", "</s>", "<0x00>", "\342\226\201a", "a",
                                       "\xE2\x96\x81", "b"};
    static const int types[] = {2, 3, 3, 6, 1, 1, 1, 1};
    Str s;
    for (int i = 0; gguf_next_string(&it, &s); i++) {
        assert_true(str_is(s, want[i]));
        assert_int_equal(gguf_array_int(gguf_find(&g, "tokenizer.ggml.token_type"), i), types[i]);
    }
    /* Rows of 16 are no whole blocks of 32. */
    assert_int_equal(gguf_tensor(&g, "token_embd.weight")->view.type, DT_F16);
    gguf_close(&g);
    buf_close(&file);
}

static void refused(Buf file, Status want, const char *text)
{
    Err err = {0};
    Status s = convert(&file, -1, &err);
    if (s != want || !strstr(err.text, text) || !strstr(err.text, "HINT:"))
        FAILED("expected %s \"%s\", got %s \"%s\"", status_name(want), text, status_name(s), err.text);
    buf_close(&file);
}

static void poke(Buf *b, size_t byte, int32_t v) { memcpy(b->data + byte, &v, 4); }

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    write_tokenizer(V);
    /* 1. Every number of the header, too small and too large. */
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 3; k++) {
            Buf file = file_of(0x616B3432, 1 + k % 2, false);
            poke(&file, 8 + 4 * (size_t)i, (int32_t[]){0, INT32_MAX, -1}[k]);
            refused(file, E_FORMAT, "");
        }
    Buf file = file_of(0x616B3432, 2, false);
    poke(&file, 37, 0);
    refused(file, E_FORMAT, "group_size is 0");
    file = file_of(0x616B3432, 2, false);
    poke(&file, 37, 7);
    refused(file, E_FORMAT, "no whole groups of 7");
    file = file_of(0x616B3432, 3, false);
    refused(file, E_UNSUPPORTED, "version 3");
    /* 2. A byte more or less, and nearly nothing. */
    file = file_of(0, 0, true);
    file.len--;
    refused(file, E_FORMAT, "incomplete");
    file = file_of(0, 0, true);
    gb_u8(&file, 0);
    refused(file, E_FORMAT, "its header describes");
    file = file_of(0, 0, true);
    file.len = 27;
    refused(file, E_FORMAT, "at least 28");
    /* 3. Vocabularies of other models. */
    write_tokenizer(V - 1);
    refused(file_of(0, 0, true), E_FORMAT, "has 7 tokens, the model 8");
    write_tokenizer(V + 1);
    refused(file_of(0, 0, true), E_FORMAT, "more tokens than the model's 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_versions_say_the_same),
        cmocka_unit_test(the_vocabulary_gets_its_blanks_and_frames_back),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
