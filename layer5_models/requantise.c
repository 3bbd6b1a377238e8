/* requantise.c: tensor by tensor, a piece of rows at a time: decode to f32, encode, write. */
#include "requantise.h"

#include <stdio.h>
#include <string.h>

enum { PIECE_FLOATS = 1 << 20 };

/* ---------------------------------------------------------------- what becomes what */

static bool ends_with(Str s, const char *tail)
{
    size_t n = strlen(tail);
    return s.len >= n && memcmp(s.ptr + s.len - n, tail, n) == 0;
}

static bool contains(Str s, const char *part)
{
    return memmem(s.ptr, s.len, part, strlen(part)) != NULL;
}

static bool is_matrix_weight(const GgufTensor *t)
{
    static const char *const kept[] = {"_norm.weight", "ffn_gate_inp", "position_embd", "token_types",
                                       "ssm_conv1d", "attn_rel_b", "rope_freqs", "rope_factors"};
    if (t->n_dims < 2 || !ends_with(t->name, ".weight")) return false;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (contains(t->name, kept[i])) return false;
    return true;
}

DType requantise_type(const Gguf *g, const GgufTensor *t, const RequantiseParams *p)
{
    if (!is_matrix_weight(t)) return t->view.type;
    DType type = p->type;
    bool is_output = str_is(t->name, "output.weight") ||
                     (str_is(t->name, "token_embd.weight") && !gguf_tensor(g, "output.weight"));
    if (type == DT_Q4_0 && is_output && !p->pure) type = DT_Q8_0;
    if (t->view.ne[0] % dtype_info(type)->block != 0) type = DT_F16;
    return type;
}

/* ---------------------------------------------------------------- one piece of rows */

typedef struct {
    const GgufTensor *t;
    DType type;
    int64_t first_row;
    float *floats;  /* [rows of the piece, ne0] */
    char *encoded;
} Piece;

static void convert_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Piece *p = ctx;
    int64_t n = p->t->view.ne[0], in = dtype_row_bytes(p->t->view.type, n);
    int64_t out = dtype_row_bytes(p->type, n);
    for (int64_t r = begin; r < end; r++) {
        const char *row = (const char *)p->t->view.data + (p->first_row + r) * in;
        row_to_f32(p->floats + r * n, row, p->t->view.type, n);
        row_from_f32(p->encoded + r * out, p->type, p->floats + r * n, NULL, n);
    }
}

static Status convert_tensor(GgufWriter *w, const GgufTensor *t, DType type, Pool *pool,
                             const volatile int *stop, Progress *bar, Err *err)
{
    const int64_t *ne = t->view.ne;
    int64_t rows = ne[1] * ne[2] * ne[3];
    if (type == t->view.type) {
        TRY(gguf_write_data(w, t->view.data, (size_t)t->bytes, err));
        progress_update(bar, bar->done + t->bytes);
        return OK;
    }
    if (!quant_format(t->view.type))
        return fail(err, E_UNSUPPORTED, "the tensor '%.*s' has type %s, which this version cannot decode. "
                    "HINT: start from an F16, BF16, F32 or Q8_0 file",
                    STR_ARG(t->name), dtype_name(t->view.type));
    int64_t most = PIECE_FLOATS / ne[0] > 0 ? PIECE_FLOATS / ne[0] : 1;
    if (most > rows) most = rows;
    Arena a = {0};
    Piece p = {.t = t, .type = type};
    p.floats = ARENA_NEW(&a, float, most * ne[0]);
    p.encoded = arena_alloc(&a, most, (size_t)dtype_row_bytes(type, ne[0]));
    Status s = p.floats && p.encoded ? OK : fail(err, E_MEMORY, "no memory for %lld rows of '%.*s'",
                                                 (long long)most, STR_ARG(t->name));
    for (p.first_row = 0; s == OK && p.first_row < rows; p.first_row += most) {
        int64_t n = rows - p.first_row < most ? rows - p.first_row : most;
        if (stop && *stop) s = fail(err, E_CANCELLED, "stopped on request");
        pool_for_dynamic(pool, n, 1, convert_rows, &p);
        if (s == OK)
            s = gguf_write_data(w, p.encoded, (size_t)(n * dtype_row_bytes(type, ne[0])), err);
        progress_update(bar, bar->done + n * dtype_row_bytes(t->view.type, ne[0]));
    }
    arena_close(&a);
    return s;
}

/* ---------------------------------------------------------------- the whole file */

/* general.file_type of a file made of one type; -1 if the list has none for it. */
static int file_type_of(DType t)
{
    switch (t) {
    case DT_F32: return 0;
    case DT_F16: return 1;
    case DT_Q4_0: return 2;
    case DT_Q8_0: return 7;
    case DT_BF16: return 32;
    default: return -1;
    }
}

static Status put_metadata(GgufWriter *w, const Gguf *g, const RequantiseParams *p, Err *err)
{
    for (int64_t i = 0; i < g->n_kv; i++) {
        Str key = g->kv[i].key;
        bool ours = str_is(key, "general.file_type") || str_is(key, "general.quantization_version") ||
                    str_is(key, "general.alignment") || (key.len > 6 && memcmp(key.ptr, "split.", 6) == 0);
        if (!ours) TRY(gguf_put_copy(w, &g->kv[i], err));
    }
    TRY(gguf_put_u32(w, "general.quantization_version", 2, err));
    return gguf_put_u32(w, "general.file_type", (uint32_t)file_type_of(p->type), err);
}

static Status write_file(GgufWriter *w, const Gguf *g, const char *out, const RequantiseParams *p,
                         Pool *pool, RequantiseStats *stats, Err *err)
{
    TRY(put_metadata(w, g, p, err));
    for (int64_t i = 0; i < g->n_tensors; i++) {
        const GgufTensor *t = &g->tensors[i];
        char name[65];
        snprintf(name, sizeof name, "%.*s", STR_ARG(t->name));
        DType type = requantise_type(g, t, p);
        TRY(gguf_put_tensor(w, name, type, t->n_dims, t->view.ne, err));
        stats->n_tensors++;
        stats->n_changed += type != t->view.type;
        stats->bytes_in += t->bytes;
        stats->bytes_out += dtype_row_bytes(type, t->view.ne[0]) * (tensor_elements(&t->view) /
                                                                    t->view.ne[0]);
    }
    TRY(gguf_write_header(w, out, err));
    Progress bar;
    progress_start(&bar, "quantize", stats->bytes_in, "MB", 1e6, p->quiet);
    for (int64_t i = 0; i < g->n_tensors; i++)
        TRY(convert_tensor(w, &g->tensors[i], requantise_type(g, &g->tensors[i], p), pool, p->stop,
                           &bar, err));
    progress_end(&bar);
    return gguf_writer_finish(w, err);
}

Status requantise(const char *in, const char *out, const RequantiseParams *p, Pool *pool,
                  RequantiseStats *stats, Err *err)
{
    *stats = (RequantiseStats){0};
    if (file_type_of(p->type) < 0)
        return fail(err, E_ARG, "cannot write type %s. HINT: F32, F16, BF16, Q8_0 and Q4_0 can be "
                    "written", dtype_name(p->type));
    Gguf g = {0};
    GgufWriter *w = NULL;
    Status s = gguf_open(&g, in, MAP_AUTO, err);
    if (s != OK) return fail_in(err, s, in);
    s = gguf_writer_open(&w, g.alignment, err);
    if (s == OK) s = write_file(w, &g, out, p, pool, stats, err);
    gguf_writer_close(w);
    gguf_close(&g);
    return s;
}
