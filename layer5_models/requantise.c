/* requantise.c: tensor by tensor, a piece of rows at a time: decode to f32, encode, write. */
#include "requantise.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { PIECE_FLOATS = 1 << 20 };

/* ---------------------------------------------------------------- the plan */

int64_t requantise_bytes(const QuantChoice *c)
{
    const Tensor *t = &c->tensor->view;
    return dtype_row_bytes(c->type, t->ne[0]) * (tensor_elements(t) / t->ne[0]);
}

/* The entry for a tensor, or NULL; one that is there must fit. */
static Status find_importance(const Imatrix *m, const GgufTensor *t, const ImatrixEntry **out,
                              Err *err)
{
    *out = m ? imatrix_find(m, t->name) : NULL;
    int64_t want = t->view.ne[0] * t->view.ne[2];
    if (!*out || (*out)->n == want) return OK;
    return fail(err, E_FORMAT, "the importance matrix has %lld numbers for '%.*s', which needs %lld. HINT: "
                "it is of another model", (long long)(*out)->n, STR_ARG(t->name), (long long)want);
}

static bool is_writable(DType t) { return quant_format(t) && quant_format(t)->quantise; }

/* *n_unmet: experts of it that the importance matrix knows nothing about. */
static Status check_choice(const QuantChoice *c, const RequantiseParams *p, int64_t *n_unmet, Err *err)
{
    const ImatrixEntry *e;
    *n_unmet = 0;
    Str name = c->tensor->name;
    if (c->type == c->tensor->view.type) return OK;
    if (!is_writable(c->type))
        return fail(err, E_UNSUPPORTED, "the tensor '%.*s' should become %s, which this version cannot "
                    "write. HINT: --pure, --tensor-type or another type avoid it", STR_ARG(name),
                    dtype_name(c->type));
    TRY(find_importance(p->imatrix, c->tensor, &e, err));
    if (e) *n_unmet = imatrix_n_unmet(e);
    if (e || !c->needs_importance) return OK;
    return fail(err, E_ARG, "%s for '%.*s' is of no use without an importance matrix%s. HINT: make one "
                "with `sixfold imatrix -m MODEL -f TEXT -o FILE.gguf` and give it with --imatrix",
                dtype_name(c->type), STR_ARG(name),
                p->imatrix ? ", and the one given has no entry for it" : "");
}

Status requantise_plan(QuantPlan *plan, RequantiseStats *stats, Arena *a, const Gguf *g,
                       const RequantiseParams *p, Err *err)
{
    QuantParams q = p->quant;
    q.has_importance = p->imatrix != NULL;
    *stats = (RequantiseStats){.n_tensors = g->n_tensors};
    TRY(quant_plan_open(plan, a, g, &q, err));
    for (int64_t i = 0; i < plan->n; i++) {
        QuantChoice *c = &plan->choices[i];
        DType from = c->tensor->view.type;
        if (c->type == DT_Q6_K && !c->asked_for && !is_writable(DT_Q6_K)) c->type = DT_Q8_0;
        int64_t n_unmet;
        TRY(check_choice(c, p, &n_unmet, err));
        stats->n_unmet += n_unmet;
        stats->bytes_in += c->tensor->bytes;
        stats->bytes_out += requantise_bytes(c);
        stats->n_fallen += c->fell_back;
        stats->n_changed += c->type != from;
        stats->n_quantised += c->type != from && dtype_info(from)->block > 1;
    }
    return OK;
}

/* ---------------------------------------------------------------- one piece of rows */

typedef struct {
    const GgufTensor *t;
    DType type;
    const float *importance; /* [ne2, ne0] one vector per expert, or NULL */
    int64_t first_row;
    float *floats;  /* [rows of the piece, ne0] */
    char *encoded;
    _Atomic int64_t bad_row; /* a row with numbers that are not finite, -1 if none */
} Piece;

static bool all_finite(const float *x, int64_t n)
{
    float sum = 0; /* x * 0 is 0 for every finite x, and NaN else */
    for (int64_t i = 0; i < n; i++) sum += x[i] * 0.0f;
    return sum == 0.0f;
}

static void convert_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    Piece *p = ctx;
    int64_t n = p->t->view.ne[0], in = dtype_row_bytes(p->t->view.type, n);
    int64_t out = dtype_row_bytes(p->type, n);
    for (int64_t r = begin; r < end; r++) {
        int64_t row = p->first_row + r;
        float *x = p->floats + r * n;
        const float *weights = p->importance;
        if (weights) weights += row / p->t->view.ne[1] % p->t->view.ne[2] * n;
        /* 1. Decode. 2. Encode. 3. Decode again: scales may overflow a half. */
        row_to_f32(x, (const char *)p->t->view.data + row * in, p->t->view.type, n);
        bool good = all_finite(x, n);
        if (good) row_from_f32(p->encoded + r * out, p->type, x, weights, n);
        if (good) row_to_f32(x, p->encoded + r * out, p->type, n);
        if (!good || !all_finite(x, n)) atomic_store(&p->bad_row, row);
    }
}

static Status convert_pieces(GgufWriter *w, Piece *p, int64_t most, Pool *pool,
                             const volatile int *stop, Progress *bar, Err *err)
{
    const int64_t *ne = p->t->view.ne;
    int64_t rows = ne[1] * ne[2] * ne[3], row_bytes = dtype_row_bytes(p->type, ne[0]);
    for (p->first_row = 0; p->first_row < rows; p->first_row += most) {
        int64_t n = rows - p->first_row < most ? rows - p->first_row : most;
        if (stop && *stop) return fail(err, E_CANCELLED, "stopped on request");
        pool_for_dynamic(pool, n, 1, convert_rows, p);
        if (atomic_load(&p->bad_row) >= 0)
            return fail(err, E_FORMAT, "row %lld of '%.*s' holds NaN, infinity or numbers too large for "
                        "%s. HINT: `sixfold inspect --tensor` counts what is not finite",
                        (long long)atomic_load(&p->bad_row), STR_ARG(p->t->name), dtype_name(p->type));
        TRY(gguf_write_data(w, p->encoded, (size_t)(n * row_bytes), err));
        progress_update(bar, bar->done + n * dtype_row_bytes(p->t->view.type, ne[0]));
    }
    return OK;
}

/* The means of an entry; NULL without one. */
static Status open_importance(Arena *a, const ImatrixEntry *e, const float **out, Err *err)
{
    float *mean = e ? ARENA_NEW(a, float, e->n) : NULL;
    if (e && !mean) return fail(err, E_MEMORY, "no memory for %lld importances", (long long)e->n);
    if (e) imatrix_means(e, mean);
    *out = mean;
    return OK;
}

static Status convert_tensor(GgufWriter *w, const QuantChoice *c, const RequantiseParams *params,
                             Pool *pool, Progress *bar, Err *err)
{
    const GgufTensor *t = c->tensor;
    const int64_t *ne = t->view.ne;
    if (c->type == t->view.type) {
        TRY(gguf_write_data(w, t->view.data, (size_t)t->bytes, err));
        progress_update(bar, bar->done + t->bytes);
        return OK;
    }
    int64_t rows = ne[1] * ne[2] * ne[3];
    int64_t most = PIECE_FLOATS / ne[0] > 0 ? PIECE_FLOATS / ne[0] : 1;
    if (most > rows) most = rows;
    const ImatrixEntry *entry;
    TRY(find_importance(params->imatrix, t, &entry, err));
    Arena a = {0};
    Piece p = {.t = t, .type = c->type, .bad_row = -1};
    Status s = open_importance(&a, entry, &p.importance, err);
    if (s == OK) {
        p.floats = ARENA_NEW(&a, float, most * ne[0]);
        p.encoded = arena_alloc(&a, most, (size_t)dtype_row_bytes(c->type, ne[0]));
        if (!p.floats || !p.encoded)
            s = fail(err, E_MEMORY, "no memory for %lld rows of '%.*s'", (long long)most,
                     STR_ARG(t->name));
    }
    if (s == OK) s = convert_pieces(w, &p, most, pool, params->stop, bar, err);
    arena_close(&a);
    return s;
}

/* ---------------------------------------------------------------- the whole file */

static Status put_metadata(GgufWriter *w, const Gguf *g, const RequantiseParams *p, Err *err)
{
    static const char *const ours[] = {"general.file_type", "general.quantization_version",
                                       "general.alignment", "split.", "quantize.imatrix."};
    for (int64_t i = 0; i < g->n_kv; i++) {
        Str key = g->kv[i].key;
        bool skip = false;
        for (size_t k = 0; k < sizeof ours / sizeof *ours; k++) {
            size_t n = strlen(ours[k]);
            skip |= key.len >= n && memcmp(key.ptr, ours[k], n) == 0;
        }
        if (!skip) TRY(gguf_put_copy(w, &g->kv[i], err));
    }
    TRY(gguf_put_u32(w, "general.quantization_version", 2, err));
    TRY(gguf_put_u32(w, "general.file_type", (uint32_t)p->quant.mix->file_type, err));
    if (!p->imatrix) return OK;
    TRY(gguf_put_str(w, "quantize.imatrix.file", p->imatrix_path ? p->imatrix_path : "", err));
    TRY(gguf_put_str(w, "quantize.imatrix.dataset", p->imatrix->dataset, err));
    TRY(gguf_put_u32(w, "quantize.imatrix.entries_count", (uint32_t)p->imatrix->n, err));
    return gguf_put_u32(w, "quantize.imatrix.chunks_count", (uint32_t)p->imatrix->n_chunks, err);
}

static Status write_file(GgufWriter *w, const Gguf *g, const char *out, const RequantiseParams *p,
                         const QuantPlan *plan, int64_t bytes_in, Pool *pool, Err *err)
{
    TRY(put_metadata(w, g, p, err));
    for (int64_t i = 0; i < plan->n; i++) {
        const QuantChoice *c = &plan->choices[i];
        char name[65];
        snprintf(name, sizeof name, "%.*s", STR_ARG(c->tensor->name));
        TRY(gguf_put_tensor(w, name, c->type, c->tensor->n_dims, c->tensor->view.ne, err));
    }
    TRY(gguf_write_header(w, out, err));
    Progress bar;
    progress_start(&bar, "quantize", bytes_in, "MB", 1e6, p->quiet);
    for (int64_t i = 0; i < plan->n; i++)
        TRY(convert_tensor(w, &plan->choices[i], p, pool, &bar, err));
    progress_end(&bar);
    return gguf_writer_finish(w, err);
}

Status requantise(const char *in, const char *out, const RequantiseParams *p, Pool *pool,
                  RequantiseStats *stats, Err *err)
{
    Gguf g = {0};
    QuantPlan plan;
    Arena a = {0};
    GgufWriter *w = NULL;
    *stats = (RequantiseStats){0};
    Status s = gguf_open(&g, in, MAP_AUTO, err);
    if (s != OK) return fail_in(err, s, in);
    s = requantise_plan(&plan, stats, &a, &g, p, err);
    if (s == OK) s = gguf_writer_open(&w, g.alignment, err);
    if (s == OK) s = write_file(w, &g, out, p, &plan, stats->bytes_in, pool, err);
    gguf_writer_close(w);
    arena_close(&a);
    gguf_close(&g);
    return s;
}
