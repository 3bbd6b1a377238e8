/* model_bytes.h: small random Llama models as bytes of a GGUF file in memory; also wrong ones, which
 * no writer would produce. And a flat KV memory for tests below layer 6. Include it after cmocka.h.
 *
 *     ModelShape shape = MODEL_SHAPE;  shape.n_layer = 3;
 *     Buf file = mb_model(&shape, 7);  model_open_memory(&m, file.data, file.len, &err) */
#ifndef SIXFOLD_TESTS_MODEL_BYTES_H
#define SIXFOLD_TESTS_MODEL_BYTES_H

#include "layer5.h"
#include "gguf_bytes.h"
#include "must.h"

#include <math.h>

#define MB_UNUSED __attribute__((unused))

typedef struct {
    int64_t n_layer, d_model, d_ff, n_head, n_kv_head, n_ctx, n_vocab;
    int64_t n_expert, n_used; /* 0: a dense network; with experts d_ff is the width of one */
    int64_t n_words;          /* tokens of the tokenizer, 0: no tokenizer */
    DType type;               /* of matrices */
    bool tied, zero_output;
    const float *rope_freqs;  /* [d_head / 2] or NULL */
    const char *omit;         /* key (after "llama.") or tensor that is left out */
    const char *int_key;      /* after "llama.": gets int_value instead, or in addition */
    int64_t int_value;
    const char *odd_tensor;   /* gets this shape and type instead */
    int64_t odd_ne[2];
    DType odd_type;
    bool scaled;              /* matrices are smaller by a power of two, and have a scale that says so */
    const char *extra_tensor; /* F32 [1] in addition, of this value */
    float extra_value;
} ModelShape;

#define MODEL_SHAPE                                                                                \
    (ModelShape){.n_layer = 2, .d_model = 32, .d_ff = 64, .n_head = 4, .n_kv_head = 2, .n_ctx = 64, \
                 .n_vocab = 48, .n_words = 40, .type = DT_F32}

enum { MB_MAX_TENSORS = 64 };

typedef struct {
    ModelShape s;
    Buf b, infos, data;
    uint64_t n_kv, n_tensors;
    Rng rng;
} ModelBytes;

static MB_UNUSED void mb_int(ModelBytes *m, const char *key, int64_t v)
{
    char full[80];
    bool given = m->s.int_key && strcmp(m->s.int_key, key) == 0;
    if (m->s.omit && strcmp(m->s.omit, key) == 0) return;
    snprintf(full, sizeof full, "llama.%s", key);
    gb_key(&m->b, full, GGUF_I64);
    gb_u64(&m->b, (uint64_t)(given ? m->s.int_value : v));
    if (given) m->s.int_key = NULL;
    m->n_kv++;
}

static MB_UNUSED void mb_keys(ModelBytes *m)
{
    const ModelShape *s = &m->s;
    gb_kv_str(&m->b, "general.architecture", "llama");
    m->n_kv++;
    mb_int(m, "context_length", s->n_ctx);
    mb_int(m, "embedding_length", s->d_model);
    mb_int(m, "block_count", s->n_layer);
    mb_int(m, "feed_forward_length", s->d_ff);
    mb_int(m, "attention.head_count", s->n_head);
    mb_int(m, "attention.head_count_kv", s->n_kv_head);
    if (s->n_expert) mb_int(m, "expert_count", s->n_expert);
    if (s->n_expert) mb_int(m, "expert_used_count", s->n_used);
    if (s->int_key) mb_int(m, s->int_key, 0);
    if (s->omit && strcmp(s->omit, "attention.layer_norm_rms_epsilon") == 0) return;
    gb_key(&m->b, "llama.attention.layer_norm_rms_epsilon", GGUF_F32);
    gb_f32(&m->b, 1e-5f);
    m->n_kv++;
}

/* <unk> <s> </s>, the blank, letters, words that begin with a blank. */
static MB_UNUSED void mb_word(int64_t i, char text[24])
{
    static const char *const first[] = {"<unk>", "<s>", "</s>", "\xE2\x96\x81"};
    if (i < 4) snprintf(text, 24, "%s", first[i]);
    else if (i < 30) snprintf(text, 24, "%c", (char)('a' + i - 4));
    else if (i < 56) snprintf(text, 24, "\xE2\x96\x81%c", (char)('a' + i - 30));
    else snprintf(text, 24, "w%lld", (long long)i);
}

static MB_UNUSED void mb_tokenizer(ModelBytes *m)
{
    char text[24];
    int64_t n = m->s.n_words;
    if (!n) return;
    gb_kv_str(&m->b, "tokenizer.ggml.model", "llama");
    gb_array(&m->b, "tokenizer.ggml.tokens", GGUF_STRING, (uint64_t)n);
    for (int64_t i = 0; i < n; i++) {
        mb_word(i, text);
        gb_str(&m->b, text);
    }
    gb_array(&m->b, "tokenizer.ggml.scores", GGUF_F32, (uint64_t)n);
    for (int64_t i = 0; i < n; i++) gb_f32(&m->b, (float)-i);
    gb_array(&m->b, "tokenizer.ggml.token_type", GGUF_I32, (uint64_t)n);
    for (int64_t i = 0; i < n; i++) gb_u32(&m->b, i == 0 ? 2 : i < 3 ? 3 : 1);
    m->n_kv += 4;
}

/* Declares a tensor and appends its data: normal numbers around `centre`, times `spread`. n1, n2 0: fewer
 * dimensions. */
static MB_UNUSED void mb_cube(ModelBytes *m, const char *name, int64_t n0, int64_t n1, int64_t n2, DType type,
                              float centre, float spread)
{
    const ModelShape *s = &m->s;
    int64_t ne[3] = {n0, n1, n2};
    if (s->omit && strcmp(s->omit, name) == 0) return;
    if (s->odd_tensor && strcmp(s->odd_tensor, name) == 0) {
        memcpy(ne, s->odd_ne, sizeof s->odd_ne);
        type = s->odd_type;
    }
    gb_pad(&m->data, 32);
    gb_tensor(&m->infos, name, ne[2] ? 3 : ne[1] ? 2 : 1, ne, type, m->data.len);
    m->n_tensors++;
    int64_t rows = (ne[1] ? ne[1] : 1) * (ne[2] ? ne[2] : 1), bytes = dtype_row_bytes(type, ne[0]);
    char *row = mem_alloc((size_t)bytes);
    float *x = mem_alloc((size_t)ne[0] * sizeof *x);
    CHECK(row && x, "no memory for a row");
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < ne[0]; i++) x[i] = centre + spread * rng_normal(&m->rng);
        if (quant_format(type) && quant_format(type)->quantise) row_from_f32(row, type, x, NULL, ne[0]);
        else memset(row, 0, (size_t)bytes);
        gb_bytes(&m->data, row, (size_t)bytes);
    }
    mem_free(row);
    mem_free(x);
}

static MB_UNUSED void mb_tensor(ModelBytes *m, const char *name, int64_t n0, int64_t n1, DType type,
                                float centre, float spread)
{
    mb_cube(m, name, n0, n1, 0, type, centre, spread);
}

/* A power of two for the matrix of this name: 1, or if scaled something up to 8. */
static MB_UNUSED float mb_power(const ModelBytes *m, const char *name)
{
    unsigned sum = 0;
    for (const char *c = name; *c; c++) sum = 5 * sum + (unsigned char)*c;
    return m->s.scaled ? (float)(1 << (1 + sum % 3)) : 1;
}

/* x.scale of each matrix x.weight that was declared, after all others. */
static MB_UNUSED void mb_scale(ModelBytes *m, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "%s.scale", name);
    if (m->s.scaled) mb_tensor(m, full, 1, 0, DT_F32, 1 / mb_power(m, name), 0);
}

/* Router and experts of a block. */
static MB_UNUSED void mb_experts(ModelBytes *m, int block)
{
    const ModelShape *s = &m->s;
    static const char *const names[] = {"ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"};
    int64_t d = s->d_model, f = s->d_ff;
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "blk.%d.%s.weight", block, names[i]);
        if (i == 0) mb_tensor(m, name, d, s->n_expert, DT_F32, 0, 1);
        else mb_cube(m, name, i == 3 ? f : d, i == 3 ? d : f, s->n_expert, s->type, 0, 1.2f / sqrtf((float)d));
    }
}

static MB_UNUSED void mb_layers(ModelBytes *m, bool scales)
{
    const ModelShape *s = &m->s;
    int64_t d = s->d_model, kv = d / s->n_head * s->n_kv_head;
    float spread = 1.2f / sqrtf((float)d);
    const struct { const char *name; int64_t n0, n1; } parts[] = {
        {"attn_norm", d, 0}, {"attn_q", d, d}, {"attn_k", d, kv}, {"attn_v", d, kv},
        {"attn_output", d, d}, {"ffn_norm", d, 0}, {"ffn_gate", d, s->d_ff}, {"ffn_up", d, s->d_ff},
        {"ffn_down", s->d_ff, d}};
    size_t n_parts = s->n_expert ? 6 : sizeof parts / sizeof *parts;
    for (int l = 0; l < (int)s->n_layer; l++) {
        if (s->n_expert && !scales) mb_experts(m, l);
        for (size_t i = 0; i < n_parts; i++) {
            char name[64], weight[72];
            bool norm = parts[i].n1 == 0;
            snprintf(name, sizeof name, "blk.%d.%s", l, parts[i].name);
            snprintf(weight, sizeof weight, "%s.weight", name);
            if (!scales)
                mb_tensor(m, weight, parts[i].n0, parts[i].n1, norm ? DT_F32 : s->type, norm ? 1 : 0,
                          norm ? 0.1f : spread * mb_power(m, name));
            else if (!norm) mb_scale(m, name);
        }
    }
}

/* The whole file; buf_close it. layer2_init must have been called. */
static MB_UNUSED Buf mb_model(const ModelShape *shape, uint64_t seed)
{
    ModelBytes m = {.s = *shape, .rng = rng_seed(seed)};
    const ModelShape *s = &m.s;
    int64_t d = s->d_model, half = d / s->n_head / 2;
    gb_header(&m.b, 3, 0, 0);
    mb_keys(&m);
    mb_tokenizer(&m);
    mb_tensor(&m, "token_embd.weight", d, s->n_vocab, s->type, 0, 1);
    mb_layers(&m, false);
    mb_tensor(&m, "output_norm.weight", d, 0, DT_F32, 1, 0.1f);
    if (!s->tied)
        mb_tensor(&m, "output.weight", d, s->n_vocab, s->type, 0,
                  s->zero_output ? 0 : 0.3f * mb_power(&m, "output"));
    if (s->rope_freqs) {
        mb_tensor(&m, "rope_freqs.weight", half, 0, DT_F32, 0, 0);
        if (m.data.len >= (size_t)half * 4 && !(s->odd_tensor))
            memcpy(m.data.data + m.data.len - (size_t)half * 4, s->rope_freqs, (size_t)half * 4);
    }
    mb_layers(&m, true);
    if (!s->tied) mb_scale(&m, "output");
    if (s->extra_tensor) mb_tensor(&m, s->extra_tensor, 1, 0, DT_F32, s->extra_value, 0);
    memcpy(m.b.data + 8, &m.n_tensors, 8);
    memcpy(m.b.data + 16, &m.n_kv, 8);
    gb_bytes(&m.b, m.infos.data, m.infos.len);
    gb_pad(&m.b, 32);
    gb_bytes(&m.b, m.data.data, m.data.len);
    buf_close(&m.infos);
    buf_close(&m.data);
    return m.b;
}

/* Opens what mb_model made; the bytes must outlive the model. */
static MB_UNUSED Model mb_opened(const Buf *file)
{
    Model m;
    Err err = {0};
    MUST(model_open_memory(&m, file->data, file->len, &err), &err);
    return m;
}

/* The file must be refused with `want` and a message that holds `text` and a hint. Closes it. */
static MB_UNUSED void mb_refused(Buf file, Status want, const char *text)
{
    Model m;
    Err err = {0};
    Status s = model_open_memory(&m, file.data, file.len, &err);
    if (s != want || !strstr(err.text, text) || !strstr(err.text, "HINT:"))
        FAILED("expected %s \"%s\", got %s \"%s\"", status_name(want), text, status_name(s), err.text);
    assert_null(m.gguf.arena.chunks);
    buf_close(&file);
}

/* ---------------------------------------------------------------- keys and values in memory */

typedef struct {
    const Model *model;
    DType type;
    int64_t n_ctx, layer_bytes;
    char *memory;
} FlatKv;

static MB_UNUSED FlatKv flat_kv(const Model *m, DType type, int64_t n_ctx, int n_seq)
{
    FlatKv f = {m, type, n_ctx, 0, NULL};
    for (int64_t l = 0; l < m->hp.n_layer; l++) {
        int64_t bytes = block_kv_bytes(&m->layers[l], type, type, n_ctx);
        if (bytes > f.layer_bytes) f.layer_bytes = bytes;
    }
    f.memory = mem_alloc((size_t)(f.layer_bytes * m->hp.n_layer * n_seq));
    CHECK(f.memory, "no memory for keys and values");
    for (int64_t i = 0; i < m->hp.n_layer * n_seq; i++)
        block_state_clear(&m->layers[i % m->hp.n_layer], f.memory + i * f.layer_bytes);
    return f;
}

static MB_UNUSED SeqState flat_lookup(void *ctx, int seq, int layer)
{
    const FlatKv *f = ctx;
    char *at = f->memory + (seq * f->model->hp.n_layer + layer) * f->layer_bytes;
    return block_state(&f->model->layers[layer], at, f->type, f->type, f->n_ctx);
}

static MB_UNUSED KvSource flat_source(FlatKv *f) { return (KvSource){flat_lookup, f}; }

#endif
