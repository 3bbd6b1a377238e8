/* import_write.c: a model file from a list of tensors, a piece of rows at a time. */
#include "import_tensor.h"

#include <string.h>

enum { PIECE_FLOATS = 1 << 20, COPY_BYTES = 8 << 20 };

static Status stopped(const ImportRun *run, Err *err)
{
    return run->stop && *run->stop ? fail(err, E_CANCELLED, "stopped on request") : OK;
}

/* Pages of a source that were read are no longer ours to keep. */
static void give_back(const ImportSource *s, int64_t from, int64_t n)
{
    if (s->file) map_dontneed(s->file, (size_t)((const uint8_t *)s->view.data - s->file->data + from), (size_t)n);
}

/* The whole tensor is one run of bytes in the source. */
static bool is_copy(const ImportTensor *t)
{
    const ImportOrder *o = &t->order;
    const ImportSource *s = t->sources;
    int64_t size = dtype_info(t->type)->bytes, n = import_row_length(t);
    int64_t per = t->n_dims < 2 ? t->ne[0] : t->ne[1];
    return t->n_sources == 1 && !t->per && s->view.type == t->type && t->add == 0 && !o->interleave && !o->skip &&
           !o->n_group && !o->first && o->step <= 1 && dtype_info(t->type)->block == 1 &&
           (n == 1 || s->view.nb[0] == size) && s->view.nb[1] == n * size &&
           (import_n_rows(t) == per || s->view.nb[2] == per * n * size);
}

static Status copy_bytes(GgufWriter *w, const ImportTensor *t, const ImportRun *run, Progress *bar, Err *err)
{
    int64_t bytes = import_bytes(t);
    for (int64_t at = 0; at < bytes; at += COPY_BYTES) {
        int64_t n = bytes - at < COPY_BYTES ? bytes - at : COPY_BYTES;
        TRY(stopped(run, err));
        TRY(gguf_write_data(w, (const char *)t->sources->view.data + at, (size_t)n, err));
        give_back(t->sources, at, n);
        progress_update(bar, bar->done + n);
    }
    return OK;
}

static Status no_room(const ImportTensor *t, int64_t row, Err *err)
{
    return fail(err, E_FORMAT, "row %lld of '%s' holds NaN, infinity or numbers too large for %s. HINT: "
                "--outtype bf16 or f32 reach further; NaN means that the checkpoint is damaged",
                (long long)row, t->name, dtype_name(t->type));
}

static Status write_rows(GgufWriter *w, const ImportTensor *t, int64_t most, float *floats, char *encoded,
                         const ImportRun *run, Progress *bar, Err *err)
{
    int64_t rows = import_n_rows(t), row_bytes = dtype_row_bytes(t->type, import_row_length(t));
    for (int64_t first = 0; first < rows; first += most) {
        int64_t n = rows - first < most ? rows - first : most;
        TRY(stopped(run, err));
        int64_t bad = import_rows(t, first, n, floats, encoded, run->pool);
        if (bad >= 0) return no_room(t, bad, err);
        TRY(gguf_write_data(w, encoded, (size_t)(n * row_bytes), err));
        progress_update(bar, bar->done + n * row_bytes);
    }
    for (int64_t i = 0; i < t->n_sources; i++) {
        const Tensor *v = &t->sources[i].view;
        if (v->nb[0] > 0 && v->nb[1] >= v->ne[0]) give_back(&t->sources[i], 0, v->nb[1] * v->ne[1] * v->ne[2]);
    }
    return OK;
}

static Status write_tensor(GgufWriter *w, const ImportTensor *t, const ImportRun *run, Progress *bar, Err *err)
{
    if (is_copy(t)) return copy_bytes(w, t, run, bar, err);
    int64_t length = import_row_length(t), rows = import_n_rows(t), most = PIECE_FLOATS / length;
    if (most < 1) most = 1;
    if (most > rows) most = rows;
    Arena a = {0};
    float *floats = arena_alloc_dirty(&a, most * length, sizeof *floats);
    char *encoded = arena_alloc_dirty(&a, most, (size_t)dtype_row_bytes(t->type, length));
    Status s = floats && encoded ? write_rows(w, t, most, floats, encoded, run, bar, err)
                                 : fail(err, E_MEMORY, "no memory for %lld rows of '%s'", (long long)most,
                                        t->name);
    arena_close(&a);
    return s;
}

Status import_write(GgufWriter *w, const char *path, const ImportTensor *t, int64_t n,
                    const ImportRun *run, Err *err)
{
    int64_t bytes = 0;
    for (int64_t i = 0; i < n; i++) {
        TRY(gguf_put_tensor(w, t[i].name, t[i].type, t[i].n_dims, t[i].ne, err));
        bytes += import_bytes(&t[i]);
    }
    TRY(gguf_write_header(w, path, err));
    Progress bar;
    progress_start(&bar, run->label, bytes, "MB", 1e6, run->quiet);
    for (int64_t i = 0; i < n; i++) TRY(write_tensor(w, &t[i], run, &bar, err));
    progress_end(&bar);
    return gguf_writer_finish(w, err);
}
