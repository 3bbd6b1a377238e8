/* repack.c: row by row: decode to f32, encode in the type that was asked for.
 *
 * The matrices that the forward pass reads in one call are repacked together, and each thread writes
 * the rows that it will read for a token (linear_for_rows): memory belongs to the node whose thread
 * touches it first. The split is tested; what it is worth could not be measured, for want of a machine
 * with two nodes. */
#include "repack.h"
#include "matrices.h"

#include <string.h>

enum { PER_BLOCK = MODEL_MATRICES_PER_BLOCK, GROUP_MAX = 3 };

/* How many matrices from number i on are read in one call: q k v, o, and up gate, down of the dense
 * network, of an expert, of the shared expert; the two ways down of latent attention, its others, those of a
 * scan and the ends alone; so the routers, which stay as they are. */
static int group_at(int64_t i)
{
    static const int sizes[PER_BLOCK] = {3, 0, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    return i < 2 ? 1 : sizes[(i - 2) % PER_BLOCK];
}

static bool is_repacked(int64_t i) { return i < 2 || (i - 2) % PER_BLOCK < MODEL_MATRICES_REPACKED; }

/* Bytes of the new form; 0 if it stays as it is. */
static int64_t new_bytes(const Tensor *t, DType type)
{
    if (!t->data || t->type == type || t->ne[0] % dtype_info(type)->block != 0) return 0;
    return dtype_row_bytes(type, t->ne[0]) * t->ne[1] * t->ne[2];
}

int64_t model_repack_bytes(const Model *m, DType type)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < model_n_matrices(m); i++)
        if (!model_is_tied(m, i) && is_repacked(i)) sum += (new_bytes(model_matrix(m, i), type) + 63) / 64 * 64;
    return sum;
}

typedef struct {
    int n;
    Tensor *at[GROUP_MAX]; /* in the model */
    Tensor to[GROUP_MAX];  /* as it will be; the same if it stays */
    int64_t expert;        /* at hand; 0 where there are none */
    float *rows;           /* [threads, n_in] */
    int64_t n_in;
} Group;

static void repack_rows(void *ctx, int i, int64_t from, int64_t to, int thread)
{
    const Group *g = ctx;
    const Tensor *old = g->at[i], *new = &g->to[i];
    const char *in = (const char *)old->data + g->expert * old->nb[2];
    char *out = (char *)new->data + g->expert * new->nb[2];
    float *x = g->rows + thread * g->n_in;
    if (new->data == old->data) return;
    for (int64_t row = from; row < to; row++) {
        row_to_f32(x, in + row * old->nb[1], old->type, old->ne[0]);
        row_from_f32(out + row * new->nb[1], new->type, x, NULL, new->ne[0]);
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

/* Matrices i to i + n - 1, as far as the model has them. */
static Status repack_group(Model *m, int64_t i, int n, DType type, Pool *pool, Progress *bar, Err *err)
{
    Group g = {0};
    LinearOut outs[GROUP_MAX] = {{0}};
    int64_t bytes = 0, was = 0;
    Arena scratch = {0};
    Status s = OK;

    /* 1. Room for the new ones, not touched yet. */
    for (int k = 0; k < n; k++) {
        Tensor *t = model_matrix(m, i + k);
        int64_t need = new_bytes(t, type);
        if (!t->data) continue;
        g.at[g.n] = t;
        g.to[g.n] = *t;
        if (t->ne[0] > g.n_in) g.n_in = t->ne[0];
        if (need) {
            void *data = arena_alloc_dirty(&m->arena, need, 1);
            if (!data) s = E_MEMORY;
            else g.to[g.n] = experts_of(type, data, t->ne);
            bytes += need;
            was += tensor_bytes(t);
        }
        outs[g.n].w = &g.to[g.n];
        g.n++;
    }
    if (!bytes) return OK;
    g.rows = ARENA_NEW(&scratch, float, pool_threads(pool) * g.n_in);
    if (s != OK || !g.rows)
        s = fail(err, E_MEMORY, "no memory for %lld bytes of weights. HINT: --weights asis", (long long)bytes);

    /* 2. Each thread its rows, expert by expert. */
    if (s == OK) {
        for (g.expert = 0; g.expert < g.to[0].ne[2]; g.expert++)
            linear_for_rows(pool, outs, g.n, repack_rows, &g);
        for (int k = 0; k < g.n; k++) *g.at[k] = g.to[k];
        m->weights.bytes += bytes - was;
        progress_update(bar, bar->done + bytes);
    }
    arena_close(&scratch);
    return s;
}

/* Where all matrices lie in the file: adapters are of the file's tensors. */
static Status remember_file(Model *m, Err *err)
{
    int64_t n = model_n_matrices(m);
    const void **data = m->file_data ? NULL : ARENA_NEW(&m->arena, const void *, n);
    if (m->file_data) return OK;
    if (!data) return fail(err, E_MEMORY, "no memory for %lld matrices", (long long)n);
    for (int64_t i = 0; i < n; i++) data[i] = model_matrix(m, i)->data;
    m->file_data = data;
    return OK;
}

Status model_repack(Model *m, DType type, Pool *pool, bool quiet, Err *err)
{
    CHECK(quant_format(type) && quant_format(type)->quantise, "repack to %s", dtype_name(type));
    int64_t total = model_repack_bytes(m, type);
    if (!total) return OK;
    TRY(remember_file(m, err));
    TRY(arena_reserve(&m->arena, (size_t)total, err));
    Progress bar;
    progress_start(&bar, "repack", total, "MB", 1e6, quiet);
    Status s = OK;
    bool tied = model_is_tied(m, 1);
    for (int64_t i = 0, n; s == OK && i < model_n_matrices(m); i += n) {
        n = group_at(i);
        if (i == 1 && tied) m->weights.output.w = m->weights.token_embd;
        else if (is_repacked(i)) s = repack_group(m, i, (int)n, type, pool, &bar, err);
    }
    progress_end(&bar);
    return s;
}
