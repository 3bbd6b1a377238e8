/* repack.c: row by row: decode to f32, encode in the type that was asked for. */
#include "repack.h"

#include <string.h>

enum { PER_BLOCK = 13 };

/* Matrix number i of the model: the two ends, then PER_BLOCK for each block. */
static Tensor *matrix_at(const Model *m, int64_t i)
{
    const Weights *w = &m->weights;
    if (i == 0) return (Tensor *)(uintptr_t)&w->token_embd;
    if (i == 1) return (Tensor *)(uintptr_t)&w->output.w;
    BlockWeights *b = &w->blocks[(i - 2) / PER_BLOCK];
    MoeWeights *e = &b->moe;
    Tensor *const parts[PER_BLOCK] = {
        &b->q.w, &b->k.w, &b->v.w, &b->o.w, &b->gate.w, &b->up.w, &b->down.w, &e->gate.w, &e->up.w,
        &e->down.w, &e->shared_gate.w, &e->shared_up.w, &e->shared_down.w};
    return parts[(i - 2) % PER_BLOCK];
}

static int64_t n_matrices(const Model *m) { return 2 + PER_BLOCK * m->hp.n_layer; }

static bool is_tied(const Model *m, int64_t i)
{
    return i == 1 && m->weights.output.w.data == m->weights.token_embd.data;
}

/* Bytes of the new form; 0 if it stays as it is. */
static int64_t new_bytes(const Tensor *t, DType type)
{
    if (!t->data || t->type == type || t->ne[0] % dtype_info(type)->block != 0) return 0;
    return dtype_row_bytes(type, t->ne[0]) * t->ne[1] * t->ne[2];
}

int64_t model_repack_bytes(const Model *m, DType type)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < n_matrices(m); i++)
        if (!is_tied(m, i)) sum += (new_bytes(matrix_at(m, i), type) + 63) / 64 * 64;
    return sum;
}

typedef struct {
    const Tensor *from;
    DType type;
    char *to;
    float *rows; /* [threads, ne0] */
} Repack;

static void repack_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Repack *r = ctx;
    int64_t n = r->from->ne[0], in = dtype_row_bytes(r->from->type, n), out = dtype_row_bytes(r->type, n);
    float *x = r->rows + thread * n;
    for (int64_t row = begin; row < end; row++) {
        row_to_f32(x, (const char *)r->from->data + row * in, r->from->type, n);
        row_from_f32(r->to + row * out, r->type, x, NULL, n);
    }
}

/* A dense [ne0, ne1, ne2] tensor. */
static Tensor experts_of(DType type, void *data, const int64_t ne[3])
{
    Tensor t = tensor_matrix(type, data, ne[0], ne[1]);
    t.ne[2] = ne[2];
    t.nb[3] = t.nb[2] * ne[2];
    return t;
}

static Status repack_one(Model *m, Tensor *t, DType type, Pool *pool, Progress *bar, Err *err)
{
    int64_t bytes = new_bytes(t, type), was = tensor_bytes(t);
    if (!bytes) return OK;
    Arena scratch = {0};
    Repack r = {.from = t, .type = type, .to = arena_alloc_dirty(&m->arena, bytes, 1),
                .rows = ARENA_NEW(&scratch, float, pool_threads(pool) * t->ne[0])};
    Status s = r.to && r.rows ? OK : fail(err, E_MEMORY, "no memory for %lld bytes of weights. HINT: "
                                          "--weights asis", (long long)bytes);
    if (s == OK) {
        pool_for_dynamic(pool, t->ne[1] * t->ne[2], 1, repack_rows, &r);
        *t = experts_of(type, r.to, t->ne);
        m->weights.bytes += bytes - was;
        progress_update(bar, bar->done + bytes);
    }
    arena_close(&scratch);
    return s;
}

Status model_repack(Model *m, DType type, Pool *pool, bool quiet, Err *err)
{
    CHECK(quant_format(type) && quant_format(type)->quantise, "repack to %s", dtype_name(type));
    int64_t total = model_repack_bytes(m, type);
    if (!total) return OK;
    TRY(arena_reserve(&m->arena, (size_t)total, err));
    Progress bar;
    progress_start(&bar, "repack", total, "MB", 1e6, quiet);
    Status s = OK;
    bool tied = is_tied(m, 1);
    for (int64_t i = 0; s == OK && i < n_matrices(m); i++) {
        if (i == 1 && tied) m->weights.output.w = m->weights.token_embd;
        else s = repack_one(m, matrix_at(m, i), type, pool, &bar, err);
    }
    progress_end(&bar);
    return s;
}
