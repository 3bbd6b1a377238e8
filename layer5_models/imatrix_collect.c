/* imatrix_collect.c: sum over tokens of x[i]^2, for every matrix that the forward pass multiplies. */
#include "imatrix_collect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ImatrixWatched {
    const void *data;    /* of the weights: how the observer knows them */
    int64_t stride;      /* bytes from one expert's matrix to the next one's */
    ImatrixEntry *entry; /* n_count: experts, 1 for other matrices */
    double *chunk;       /* [entry->n] squares of the chunk so far */
    int64_t *n_tok;      /* [entry->n_count] */
};

static bool is_watched(const GgufTensor *t, bool with_output)
{
    bool experts = t->n_dims == 3 && memmem(t->name.ptr, t->name.len, "_exps.", 6);
    if (t->n_dims != 2 && !experts) return false;
    return (t->name.len > 4 && memcmp(t->name.ptr, "blk.", 4) == 0) ||
           (with_output && str_is(t->name, "output.weight"));
}

int64_t imatrix_collect_bytes(const Model *m, bool with_output)
{
    int64_t n = 0, counts = 0;
    for (int64_t i = 0; i < m->gguf.n_tensors; i++) {
        const GgufTensor *t = &m->gguf.tensors[i];
        if (!is_watched(t, with_output)) continue;
        n += t->view.ne[0] * t->view.ne[2];
        counts += t->view.ne[2];
    }
    return (n + counts) * (int64_t)(sizeof(float) + sizeof(double));
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const ImatrixWatched *)a)->data;
    uintptr_t y = (uintptr_t)((const ImatrixWatched *)b)->data;
    return (x > y) - (x < y);
}

static int by_entry(const void *a, const void *b)
{
    return strcmp(((const ImatrixEntry *)a)->name, ((const ImatrixEntry *)b)->name);
}

static Status make_entries(ImatrixCollect *c, const Gguf *g, bool with_output, Err *err)
{
    Imatrix *m = &c->sums;
    bool memory = true;
    for (int64_t i = 0; i < g->n_tensors; i++) {
        const GgufTensor *t = &g->tensors[i];
        if (!is_watched(t, with_output)) continue;
        ImatrixEntry *e = &m->entries[m->n++];
        e->name = arena_strndup(&m->arena, t->name.ptr, t->name.len);
        e->n_count = t->view.ne[2];
        e->n = t->view.ne[0] * e->n_count;
        e->sum2 = ARENA_NEW(&m->arena, float, e->n);
        e->count = ARENA_NEW(&m->arena, float, e->n_count);
        memory = memory && e->name && e->sum2 && e->count;
    }
    if (!memory) return fail(err, E_MEMORY, "no memory for the sums of %lld matrices", (long long)m->n);
    qsort(m->entries, (size_t)m->n, sizeof *m->entries, by_entry);
    return OK;
}

Status imatrix_collect_open(ImatrixCollect *c, const Model *model, bool with_output,
                            const char *dataset, int64_t chunk_size, Err *err)
{
    const Gguf *g = &model->gguf;
    *c = (ImatrixCollect){0};
    Imatrix *m = &c->sums;
    m->chunk_size = chunk_size;
    m->dataset = arena_strndup(&m->arena, dataset, strlen(dataset));
    m->entries = ARENA_NEW(&m->arena, ImatrixEntry, g->n_tensors);
    c->watched = ARENA_NEW(&c->arena, ImatrixWatched, g->n_tensors);
    bool memory = m->dataset && m->entries && c->watched;
    Status s = memory ? make_entries(c, g, with_output, err) : fail(err, E_MEMORY, "no memory for sums");
    for (int64_t i = 0; s == OK && i < m->n; i++) {
        ImatrixWatched *w = &c->watched[i];
        w->entry = &m->entries[i];
        const Tensor *t = &gguf_tensor(g, w->entry->name)->view;
        w->data = t->data;
        w->stride = t->nb[2];
        w->chunk = ARENA_NEW(&c->arena, double, w->entry->n);
        w->n_tok = ARENA_NEW(&c->arena, int64_t, w->entry->n_count);
        if (!w->chunk || !w->n_tok) s = fail(err, E_MEMORY, "no memory for the sums of a chunk");
    }
    if (s != OK) {
        imatrix_collect_close(c);
        return s;
    }
    qsort(c->watched, (size_t)m->n, sizeof *c->watched, by_address);
    return OK;
}

void imatrix_collect_close(ImatrixCollect *c)
{
    imatrix_close(&c->sums);
    arena_close(&c->arena);
    *c = (ImatrixCollect){0};
}

/* The one that begins at `address` or before it and nearest, or NULL. */
static ImatrixWatched *watched_at(ImatrixCollect *c, uintptr_t address)
{
    int64_t lo = 0, hi = c->sums.n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if ((uintptr_t)c->watched[mid].data <= address) lo = mid + 1;
        else hi = mid;
    }
    return lo > 0 ? &c->watched[lo - 1] : NULL;
}

//@ begin imatrix-watch
static void add_squares(void *ctx, const Tensor *w, const float *x,
                        int64_t n_tok)
{
    /* 1. Whose first byte is it? Experts lie one behind the other. */
    uintptr_t address = (uintptr_t)w->data;
    ImatrixWatched *at = watched_at(ctx, address);
    if (!at) return;
    int64_t offset = (int64_t)(address - (uintptr_t)at->data);
    int64_t expert = offset / at->stride, n_expert = at->entry->n_count;
    if (offset % at->stride || expert >= n_expert) return;
    /* 2. Its inputs, each squared. */
    int64_t n = at->entry->n / n_expert;
    double *sum = at->chunk + expert * n;
    for (int64_t t = 0; t < n_tok; t++)
        for (int64_t i = 0; i < n; i++)
            sum[i] += (double)x[t * n + i] * (double)x[t * n + i];
    at->n_tok[expert] += n_tok;
}
//@ end imatrix-watch

BlockWatcher imatrix_collect_watcher(ImatrixCollect *c) { return (BlockWatcher){add_squares, c}; }

Status imatrix_collect_chunk(ImatrixCollect *c, Err *err)
{
    for (int64_t k = 0; k < c->sums.n; k++) {
        ImatrixWatched *w = &c->watched[k];
        for (int64_t i = 0; i < w->entry->n; i++) {
            float sum = w->entry->sum2[i] + (float)w->chunk[i];
            if (!isfinite(sum))
                return fail(err, E_FORMAT, "an input of '%s' is not finite. HINT: `sixfold inspect --tensor` "
                            "counts the numbers of a tensor that are not finite", w->entry->name);
            w->entry->sum2[i] = sum;
        }
        for (int64_t e = 0; e < w->entry->n_count; e++) w->entry->count[e] += (float)w->n_tok[e];
        memset(w->chunk, 0, (size_t)w->entry->n * sizeof *w->chunk);
        memset(w->n_tok, 0, (size_t)w->entry->n_count * sizeof *w->n_tok);
    }
    c->sums.n_chunks++;
    return OK;
}

Status imatrix_collect_resume(ImatrixCollect *c, const Imatrix *before, Err *err)
{
    if (before->chunk_size != c->sums.chunk_size)
        return fail(err, E_ARG, "the earlier run used chunks of %lld tokens, this one %lld. HINT: -c %lld",
                    (long long)before->chunk_size, (long long)c->sums.chunk_size,
                    (long long)before->chunk_size);
    for (int64_t i = 0; i < before->n; i++) {
        const ImatrixEntry *from = &before->entries[i];
        const ImatrixEntry *to = imatrix_find(&c->sums, (Str){from->name, strlen(from->name)});
        if (!to || to->n != from->n || to->n_count != from->n_count)
            return fail(err, E_ARG, "the earlier run has '%s' with %lld numbers, this model has not. HINT: "
                        "resume with the same model and flags", from->name, (long long)from->n);
        memcpy(to->sum2, from->sum2, (size_t)to->n * sizeof *to->sum2);
        memcpy(to->count, from->count, (size_t)to->n_count * sizeof *to->count);
    }
    c->sums.n_chunks = before->n_chunks;
    return OK;
}
