/* llama2c.c: reading the three versions of a llama2.c file.
 *
 * Each version is a list of kinds of tensors in a certain order; a kind is n matrices [n_in, n_out] one
 * after the other. So the place of everything follows from seven numbers, and their sum must be the
 * size of the file: a v0 file has nothing else to be known by. */
#include "llama2c.h"

#include <stdio.h>
#include <string.h>

enum { HEADER_V0 = 28, HEADER = 256, MAGIC = 0x616B3432, MAGIC_TURNED = 0x32346B61, N_NUMBERS = 7 };

typedef struct { int64_t n_in, n_out, n; } PartShape;

static PartShape shape_of(const Llama2c *m, int part)
{
    int64_t d = m->d_model, f = m->d_ff, l = m->n_layer, kv = d / m->n_head * m->n_kv_head;
    const PartShape shapes[LLAMA2C_PARTS] = {
        [LLAMA2C_EMBD] = {d, m->n_vocab, 1}, [LLAMA2C_ATTN_NORM] = {d, 1, l}, [LLAMA2C_Q] = {d, d, l},
        [LLAMA2C_K] = {d, kv, l}, [LLAMA2C_V] = {d, kv, l}, [LLAMA2C_O] = {d, d, l},
        [LLAMA2C_FFN_NORM] = {d, 1, l}, [LLAMA2C_W1] = {d, f, l}, [LLAMA2C_W2] = {f, d, l},
        [LLAMA2C_W3] = {d, f, l}, [LLAMA2C_NORM] = {d, 1, 1},
        [LLAMA2C_FREQS] = {d / m->n_head, m->n_ctx, 1}, [LLAMA2C_OUTPUT] = {d, m->n_vocab, 1}};
    return shapes[part];
}

//@ begin llama2c-orders
static const uint8_t order_v0[] = {
    LLAMA2C_EMBD, LLAMA2C_ATTN_NORM, LLAMA2C_Q, LLAMA2C_K, LLAMA2C_V,
    LLAMA2C_O, LLAMA2C_FFN_NORM, LLAMA2C_W1, LLAMA2C_W2, LLAMA2C_W3,
    LLAMA2C_NORM, LLAMA2C_FREQS, LLAMA2C_OUTPUT};
static const uint8_t order_v1[] = {
    LLAMA2C_ATTN_NORM, LLAMA2C_FFN_NORM, LLAMA2C_NORM, LLAMA2C_EMBD,
    LLAMA2C_Q, LLAMA2C_K, LLAMA2C_V, LLAMA2C_O, LLAMA2C_W1, LLAMA2C_W2,
    LLAMA2C_W3, LLAMA2C_OUTPUT};
//@ end llama2c-orders

static bool is_norm(int part)
{
    return part == LLAMA2C_ATTN_NORM || part == LLAMA2C_FFN_NORM || part == LLAMA2C_NORM;
}

/* Bytes of one matrix of a kind. */
static int64_t matrix_bytes(const Llama2c *m, int part)
{
    PartShape s = shape_of(m, part);
    int64_t n = s.n_in * s.n_out;
    return m->version < 2 || is_norm(part) ? 4 * n : n + n / m->group * 4;
}

static int32_t read_i32(const uint8_t *at)
{
    int32_t v;
    memcpy(&v, at, 4);
    return v;
}

static Status bad(const char *what, int64_t value, int64_t lo, int64_t hi, Err *err)
{
    return fail(err, E_FORMAT, "%s is %lld, allowed is %lld..%lld. HINT: is this a model of llama2.c? GGUF "
                "files need no conversion", what, (long long)value, (long long)lo, (long long)hi);
}

/* Limits first: with them no product below can overflow. */
static Status check_numbers(const Llama2c *m, Err *err)
{
    const struct { const char *name; int64_t value, hi; } rules[] = {
        {"dim", m->d_model, 1 << 20}, {"hidden_dim", m->d_ff, 1 << 24}, {"n_layers", m->n_layer, 512},
        {"n_heads", m->n_head, 4096}, {"n_kv_heads", m->n_kv_head, 4096},
        {"vocab_size", m->n_vocab, 1 << 26}, {"max_seq_len", m->n_ctx, 1 << 30}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].value < 1 || rules[i].value > rules[i].hi)
            return bad(rules[i].name, rules[i].value, 1, rules[i].hi, err);
    if (m->d_model % m->n_head || m->d_model / m->n_head % 2 || m->n_head % m->n_kv_head)
        return fail(err, E_FORMAT, "%lld numbers, %lld heads and %lld key and value heads do not divide each "
                    "other. HINT: is this a model of llama2.c?", (long long)m->d_model,
                    (long long)m->n_head, (long long)m->n_kv_head);
    if (m->version != 2) return OK;
    if (m->group < 1 || m->group > 1 << 24) return bad("group_size", m->group, 1, 1 << 24, err);
    for (int p = 0; p < LLAMA2C_PARTS; p++) {
        PartShape s = shape_of(m, p);
        if (!is_norm(p) && p != LLAMA2C_FREQS && s.n_in * s.n_out % m->group)
            return fail(err, E_FORMAT, "matrices of %lld numbers are no whole groups of %lld. HINT: the file is "
                        "damaged", (long long)(s.n_in * s.n_out), (long long)m->group);
    }
    return OK;
}

/* Gives each kind its place; the end must be the end of the file. */
static Status place_parts(Llama2c *m, Err *err)
{
    const uint8_t *order = m->version ? order_v1 : order_v0;
    size_t n = m->version ? sizeof order_v1 : sizeof order_v0;
    int64_t at = m->version ? HEADER : HEADER_V0;
    for (size_t i = 0; i < n; i++) {
        if (order[i] == LLAMA2C_OUTPUT && m->tied) continue;
        m->starts[order[i]] = at;
        at += matrix_bytes(m, order[i]) * shape_of(m, order[i]).n;
    }
    if ((int64_t)m->file.size == at) return OK;
    return fail(err, E_FORMAT, "the file has %zu bytes, its header describes %lld (version %d). HINT: %s",
                m->file.size, (long long)at, m->version, (int64_t)m->file.size < at
                ? "the download may be incomplete" : "is this a model of llama2.c?");
}

static Status read_header(Llama2c *m, Err *err)
{
    const uint8_t *at = m->file.data;
    if (m->file.size < HEADER_V0)
        return fail(err, E_FORMAT, "the file has %zu bytes, a llama2.c model at least %d. HINT: fetch it again",
                    m->file.size, HEADER_V0);
    /* Some exporters write the letters in their order, others the number. */
    bool magic = read_i32(at) == MAGIC || read_i32(at) == MAGIC_TURNED;
    if (magic) {
        m->version = read_i32(at + 4);
        if (m->version < 1 || m->version > 2)
            return fail(err, E_UNSUPPORTED, "a llama2.c file of version %d. HINT: 0, 1 and 2 are known",
                        m->version);
        if (m->file.size < HEADER) return fail(err, E_FORMAT, "the header breaks off. HINT: fetch it again");
        at += 8;
    }
    int64_t *const numbers[N_NUMBERS] = {&m->d_model, &m->d_ff, &m->n_layer, &m->n_head, &m->n_kv_head,
                                         &m->n_vocab, &m->n_ctx};
    for (int i = 0; i < N_NUMBERS; i++) *numbers[i] = read_i32(at + 4 * i);
    if (magic) {
        m->tied = at[4 * N_NUMBERS] != 0;
        if (m->version == 2) m->group = read_i32(at + 4 * N_NUMBERS + 1); /* not aligned: after one byte */
    } else {
        m->tied = m->n_vocab > 0; /* a minus sign says that the output matrix is its own */
        if (m->n_vocab < 0) m->n_vocab = -m->n_vocab;
    }
    return OK;
}

static Status open_bytes(Llama2c *m, Err *err)
{
    TRY(read_header(m, err));
    TRY(check_numbers(m, err));
    return place_parts(m, err);
}

Status llama2c_open_memory(Llama2c *m, const void *data, size_t size, Err *err)
{
    *m = (Llama2c){.file = {.data = data, .size = size}};
    return open_bytes(m, err);
}

Status llama2c_open(Llama2c *m, const char *path, Err *err)
{
    *m = (Llama2c){0};
    TRY(map_open(&m->file, path, MAP_AUTO, err));
    Status s = open_bytes(m, err);
    if (s == OK) return OK;
    llama2c_close(m);
    return fail_in(err, s, path);
}

void llama2c_close(Llama2c *m)
{
    map_close(&m->file);
    *m = (Llama2c){0};
}

/* ---------------------------------------------------------------- as GGUF */

static const struct { int part; const char *name; bool per_layer; } tensor_names[] = {
    {LLAMA2C_EMBD, "token_embd", false}, {LLAMA2C_ATTN_NORM, "attn_norm", true}, {LLAMA2C_Q, "attn_q", true},
    {LLAMA2C_K, "attn_k", true}, {LLAMA2C_V, "attn_v", true}, {LLAMA2C_O, "attn_output", true},
    {LLAMA2C_FFN_NORM, "ffn_norm", true}, {LLAMA2C_W1, "ffn_gate", true}, {LLAMA2C_W3, "ffn_up", true},
    {LLAMA2C_W2, "ffn_down", true}, {LLAMA2C_NORM, "output_norm", false}, {LLAMA2C_OUTPUT, "output", false}};
enum { N_NAMES = sizeof tensor_names / sizeof *tensor_names };

/* Matrix i of a kind. */
static ImportTensor tensor_of(const Llama2c *m, int part, const char *name, int64_t i, bool in_layer, int wish,
                              ImportSource *source)
{
    PartShape s = shape_of(m, part);
    bool vector = is_norm(part), int8 = m->version == 2 && !vector;
    const uint8_t *at = m->file.data + m->starts[part] + i * matrix_bytes(m, part);
    ImportTensor t = {.n_dims = vector ? 1 : 2, .ne = {s.n_in, s.n_out, 1, 1}, .sources = source,
                      .n_sources = 1};
    *source = (ImportSource){.view = vector ? tensor_matrix(DT_F32, at, 1, s.n_in)
                                            : tensor_matrix(int8 ? DT_I8 : DT_F32, at, s.n_in, s.n_out),
                             .file = &m->file};
    if (int8) source->scales = at + s.n_in * s.n_out;
    source->group = m->group;
    t.type = import_type(wish, source->view.type, s.n_in, t.n_dims, false);
    if (in_layer) snprintf(t.name, sizeof t.name, "blk.%d.%s.weight", (int)i, name);
    else snprintf(t.name, sizeof t.name, "%s.weight", name);
    return t;
}

static Status put_keys(GgufWriter *w, const Llama2c *m, const char *name, int wish, Err *err)
{
    int64_t d_head = m->d_model / m->n_head;
    const struct { const char *key; int64_t v; } numbers[] = {
        {"llama.context_length", m->n_ctx}, {"llama.embedding_length", m->d_model},
        {"llama.block_count", m->n_layer}, {"llama.feed_forward_length", m->d_ff},
        {"llama.attention.head_count", m->n_head}, {"llama.attention.head_count_kv", m->n_kv_head},
        {"llama.rope.dimension_count", d_head}, {"llama.vocab_size", m->n_vocab},
        {"general.quantization_version", 2}, {"general.file_type", import_file_type(wish, DT_F32)}};
    TRY(gguf_put_str(w, "general.architecture", "llama", err));
    TRY(gguf_put_str(w, "general.type", "model", err));
    TRY(gguf_put_str(w, "general.name", name, err));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        TRY(gguf_put_u32(w, numbers[i].key, (uint32_t)numbers[i].v, err));
    TRY(gguf_put_f32(w, "llama.rope.freq_base", 10000, err));
    return gguf_put_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-5f, err);
}

static Status write_model(GgufWriter *w, const Llama2c *m, const char *out, int wish, const ImportRun *run,
                          Arena *a, Err *err)
{
    int64_t most = m->n_layer * N_NAMES, n = 0;
    ImportTensor *tensors = ARENA_NEW(a, ImportTensor, most);
    ImportSource *sources = ARENA_NEW(a, ImportSource, most);
    if (!tensors || !sources) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)most);
    for (int64_t layer = 0; layer < m->n_layer; layer++)
        for (int k = 0; k < N_NAMES; k++) {
            int part = tensor_names[k].part;
            bool once = !tensor_names[k].per_layer;
            int64_t when = part == LLAMA2C_EMBD ? 0 : m->n_layer - 1; /* the embedding first, the head last */
            if (!m->starts[part] || (once && layer != when)) continue;
            tensors[n] = tensor_of(m, part, tensor_names[k].name, once ? 0 : layer, !once, wish, &sources[n]);
            n++;
        }
    return import_write(w, out, tensors, n, run, err);
}

Status llama2c_convert(const Llama2c *m, const char *tokenizer_path, const char *out, const char *name,
                       int wish, const ImportRun *run, Err *err)
{
    GgufWriter *w = NULL;
    MapFile tokenizer = {0};
    Arena a = {0};
    TRY(map_open(&tokenizer, tokenizer_path, MAP_AUTO, err));
    Status s = gguf_writer_open(&w, 32, err);
    if (s == OK) s = put_keys(w, m, name, wish, err);
    if (s == OK) {
        s = llama2c_put_vocabulary(w, tokenizer.data, tokenizer.size, m->n_vocab, err);
        if (s != OK) s = fail_in(err, s, tokenizer_path);
    }
    if (s == OK) s = write_model(w, m, out, wish, run, &a, err);
    gguf_writer_close(w);
    map_close(&tokenizer);
    arena_close(&a);
    return s;
}
