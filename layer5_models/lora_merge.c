/* lora_merge.c: tensor by tensor, a piece of rows at a time: decode to f32, add B A, encode. */
#include "lora_merge.h"

#include "import_tensor.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { PIECE_FLOATS = 1 << 20 };

/* One tensor of the output. */
typedef struct {
    char name[65];
    const GgufTensor *from;
    DType type;
    bool changed;
    bool ones;               /* the scale of a changed matrix (linear.h), which is in its numbers now */
    const float *scale;      /* [n_scale] of a changed matrix, NULL: none */
    int64_t n_scale;
} MergeTensor;

typedef struct {
    const Gguf *base;
    const LoraUse *uses;
    int n_uses;
    const LoraMergeParams *params;
    Pool *pool;
    MergeTensor *tensors; /* [n] */
    int64_t n;
    Arena arena;
} Merge;

/* ---------------------------------------------------------------- the plan */

static bool is_changed(const Merge *m, const char *name)
{
    for (int i = 0; i < m->n_uses; i++)
        if (m->uses[i].scale != 0 && lora_find(m->uses[i].lora, (Str){name, strlen(name)})) return true;
    return false;
}

/* NAME.scale of NAME.weight, or the other way round. */
static void companion(const char *name, const char *from, const char *to, char out[80])
{
    size_t n = strlen(name), k = strlen(from);
    bool fits = n > k && strcmp(name + n - k, from) == 0;
    snprintf(out, 80, "%.*s%s", fits ? (int)(n - k) : 0, name, fits ? to : "");
}

static void add(Merge *m, const char *name, const GgufTensor *from)
{
    MergeTensor *t = &m->tensors[m->n++];
    char other[80];
    *t = (MergeTensor){.from = from, .type = from->view.type, .changed = is_changed(m, name)};
    snprintf(t->name, sizeof t->name, "%s", name);
    companion(name, ".scale", ".weight", other);
    t->ones = from->view.type == DT_F32 && is_changed(m, other);
    if (!t->changed) return;
    companion(name, ".weight", ".scale", other);
    const GgufTensor *scale = gguf_tensor(m->base, other);
    if (scale && scale->view.type == DT_F32 && scale->bytes > 0)
        t->scale = scale->view.data, t->n_scale = tensor_elements(&scale->view);
    if (m->params->wish >= 0) t->type = (DType)m->params->wish;
    else if (dtype_info(t->type)->block > 1) t->type = DT_F16;
    if (from->view.ne[0] % dtype_info(t->type)->block) t->type = DT_F16;
}

/* An output that shares the embedding's tensor and must part from it, or NULL. */
static Status find_parting(const Merge *m, const GgufTensor **out, Err *err)
{
    bool embd = is_changed(m, "token_embd.weight"), output = is_changed(m, "output.weight");
    Str name = {"", 0};
    *out = NULL;
    if ((!embd && !output) || gguf_tensor(m->base, "output.weight")) return OK;
    TRY(gguf_get_str(m->base, "general.architecture", &name, err));
    const ArchDesc *arch = arch_find(name);
    /* An encoder has no output at all. */
    if (arch && arch->flags & ARCH_NO_HEAD) return OK;
    if (!arch || arch->flags & ARCH_OUTPUT_TIED)
        return fail(err, E_UNSUPPORTED, "the adapter changes '%s' alone, and in a model of the architecture '%.*s' embedding "
                    "and output are one tensor. HINT: --lora adds it while the model runs",
                    embd ? "token_embd.weight" : "output.weight", STR_ARG(name));
    *out = gguf_tensor(m->base, "token_embd.weight");
    return OK;
}

static Status plan(Merge *m, Err *err)
{
    const GgufTensor *parting;
    char name[65];
    TRY(find_parting(m, &parting, err));
    m->tensors = ARENA_NEW(&m->arena, MergeTensor, m->base->n_tensors + 1);
    if (!m->tensors) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)m->base->n_tensors);
    for (int64_t i = 0; i < m->base->n_tensors; i++) {
        const GgufTensor *t = &m->base->tensors[i];
        snprintf(name, sizeof name, "%.*s", STR_ARG(t->name));
        add(m, name, t);
    }
    if (parting) add(m, "output.weight", parting);
    for (int i = 0; i < m->n_uses; i++) {
        CHECK(m->uses[i].lora->base == m->base, "an adapter of another model");
        if (!isfinite(m->uses[i].scale))
            return fail(err, E_ARG, "the scale of an adapter is %g, it must be finite. HINT: 1 is as it was trained",
                        (double)m->uses[i].scale);
    }
    for (int64_t i = 0; i < m->n; i++) {
        const MergeTensor *t = &m->tensors[i];
        if (t->changed && !quant_format(t->from->view.type))
            return fail(err, E_UNSUPPORTED, "the tensor '%s' has type %s, which this version cannot compute with. HINT: a "
                        "model of F32, F16 or a usual block format works", t->name, dtype_name(t->from->view.type));
    }
    return OK;
}

/* ---------------------------------------------------------------- rows */

typedef struct {
    const Merge *m;
    const MergeTensor *t;
    const LoraPart **parts; /* [n_uses] of this tensor, NULL where an adapter has none */
    int64_t first_row;
    float *floats;  /* [rows of the piece, ne0] */
    char *encoded;
    _Atomic int64_t bad_row;
} Piece;

static bool all_finite(const float *x, int64_t n)
{
    float sum = 0; /* x * 0 is 0 for every finite x, and NaN else */
    for (int64_t i = 0; i < n; i++) sum += x[i] * 0.0f;
    return sum == 0.0f;
}

//@ begin lora-merge-row
/* Row `row` of all rows of all experts, with what the adapters add. */
static void merged_row(const Piece *p, int64_t row, float *x)
{
    const Tensor *w = &p->t->from->view;
    const char *at = (const char *)w->data + row * w->nb[1];
    row_to_f32(x, at, w->type, w->ne[0]);
    int64_t e = row / w->ne[1];
    if (p->t->scale) vec_scale(x, p->t->scale[e % p->t->n_scale], w->ne[0]);
    for (int i = 0; i < p->m->n_uses; i++) {
        if (!p->parts[i]) continue;
        LowRank l = lora_low_rank(p->parts[i], e, p->m->uses[i].scale);
        lowrank_row(&l, row % w->ne[1], x);
    }
}
//@ end lora-merge-row

static void merge_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    Piece *p = ctx;
    int64_t n = p->t->from->view.ne[0], bytes = dtype_row_bytes(p->t->type, n);
    for (int64_t r = begin; r < end; r++) {
        float *x = p->floats + r * n;
        merged_row(p, p->first_row + r, x);
        bool good = all_finite(x, n);
        if (good) row_from_f32(p->encoded + r * bytes, p->t->type, x, NULL, n);
        if (good) row_to_f32(x, p->encoded + r * bytes, p->t->type, n);
        if (!good || !all_finite(x, n)) atomic_store(&p->bad_row, p->first_row + r);
    }
}

static Status write_pieces(GgufWriter *w, Piece *p, int64_t most, Progress *bar, Err *err)
{
    const int64_t *ne = p->t->from->view.ne;
    int64_t rows = ne[1] * ne[2], bytes = dtype_row_bytes(p->t->type, ne[0]);
    const volatile int *stop = p->m->params->stop;
    for (p->first_row = 0; p->first_row < rows; p->first_row += most) {
        int64_t n = rows - p->first_row < most ? rows - p->first_row : most;
        if (stop && *stop) return fail(err, E_CANCELLED, "stopped on request");
        pool_for_dynamic(p->m->pool, n, 1, merge_rows, p);
        if (atomic_load(&p->bad_row) >= 0)
            return fail(err, E_FORMAT, "row %lld of '%s' with its adapters holds NaN, infinity or numbers too large for %s. "
                        "HINT: --outtype bf16 or f32 reach further; or a smaller scale",
                        (long long)atomic_load(&p->bad_row), p->t->name, dtype_name(p->t->type));
        TRY(gguf_write_data(w, p->encoded, (size_t)(n * bytes), err));
        progress_update(bar, bar->done + n * bytes);
    }
    return OK;
}

static Status write_tensor(GgufWriter *w, const Merge *m, const MergeTensor *t, Progress *bar, Err *err)
{
    const int64_t *ne = t->from->view.ne;
    if (t->ones) {
        const float one = 1;
        for (int64_t i = 0; i < tensor_elements(&t->from->view); i++) TRY(gguf_write_data(w, &one, sizeof one, err));
        return OK;
    }
    if (!t->changed) {
        TRY(gguf_write_data(w, t->from->view.data, (size_t)t->from->bytes, err));
        progress_update(bar, bar->done + t->from->bytes);
        return OK;
    }
    int64_t rows = ne[1] * ne[2], most = PIECE_FLOATS / ne[0] > 0 ? PIECE_FLOATS / ne[0] : 1;
    if (most > rows) most = rows;
    Arena a = {0};
    Piece p = {.m = m, .t = t, .bad_row = -1};
    p.floats = ARENA_NEW(&a, float, most * ne[0]);
    p.encoded = arena_alloc(&a, most, (size_t)dtype_row_bytes(t->type, ne[0]));
    p.parts = ARENA_NEW(&a, const LoraPart *, m->n_uses);
    for (int i = 0; p.parts && i < m->n_uses; i++)
        if (m->uses[i].scale != 0) p.parts[i] = lora_find(m->uses[i].lora, (Str){t->name, strlen(t->name)});
    Status s = p.floats && p.encoded && p.parts ? write_pieces(w, &p, most, bar, err)
                                     : fail(err, E_MEMORY, "no memory for %lld rows of '%s'", (long long)most, t->name);
    arena_close(&a);
    return s;
}

/* ---------------------------------------------------------------- the whole file */

static int64_t bytes_of(const MergeTensor *t)
{
    const int64_t *ne = t->from->view.ne;
    return t->changed ? dtype_row_bytes(t->type, ne[0]) * ne[1] * ne[2] : t->from->bytes;
}

/* What most of the bytes of matrices are, if general.file_type has a number for that. */
static Status put_file_type(GgufWriter *w, const Merge *m, Err *err)
{
    int64_t sums[DT_COUNT] = {0}, best = 0, number = -1;
    for (int64_t i = 0; i < m->n; i++)
        if (m->tensors[i].from->n_dims > 1) sums[m->tensors[i].type] += bytes_of(&m->tensors[i]);
    for (int i = 0; i < DT_COUNT; i++)
        if (sums[i] > sums[best]) best = i;
    TRY(gguf_get_int(m->base, "general.file_type", 0, 4095, &number, err));
    if (best == DT_F32 || best == DT_F16 || best == DT_BF16 || best == DT_Q8_0)
        number = import_file_type((int)best, (DType)best);
    return number < 0 ? OK : gguf_put_u32(w, "general.file_type", (uint32_t)number, err);
}

static Status put_metadata(GgufWriter *w, const Merge *m, Err *err)
{
    for (int64_t i = 0; i < m->base->n_kv; i++) {
        Str key = m->base->kv[i].key;
        if (str_is(key, "general.file_type") || str_is(key, "general.alignment")) continue;
        if (key.len > 6 && memcmp(key.ptr, "split.", 6) == 0) continue;
        TRY(gguf_put_copy(w, &m->base->kv[i], err));
    }
    return put_file_type(w, m, err);
}

static Status write_file(GgufWriter *w, const Merge *m, const char *out, LoraMergeStats *stats, Err *err)
{
    TRY(put_metadata(w, m, err));
    for (int64_t i = 0; i < m->n; i++) {
        const MergeTensor *t = &m->tensors[i];
        TRY(gguf_put_tensor(w, t->name, t->type, t->from->n_dims, t->from->view.ne, err));
        stats->bytes += bytes_of(t);
        stats->n_changed += t->changed;
    }
    stats->n_tensors = m->n;
    TRY(gguf_write_header(w, out, err));
    Progress bar;
    progress_start(&bar, "merge", stats->bytes, "MB", 1e6, m->params->quiet);
    for (int64_t i = 0; i < m->n; i++) TRY(write_tensor(w, m, &m->tensors[i], &bar, err));
    progress_end(&bar);
    return gguf_writer_finish(w, err);
}

Status lora_merge(const Gguf *base, const LoraUse *uses, int n, const char *out, const LoraMergeParams *p, Pool *pool,
                  LoraMergeStats *stats, Err *err)
{
    Merge m = {.base = base, .uses = uses, .n_uses = n, .params = p, .pool = pool};
    GgufWriter *w = NULL;
    *stats = (LoraMergeStats){0};
    Status s = plan(&m, err);
    if (s == OK) s = gguf_writer_open(&w, base->alignment, err);
    if (s == OK) s = write_file(w, &m, out, stats, err);
    gguf_writer_close(w);
    arena_close(&m.arena);
    return s;
}
