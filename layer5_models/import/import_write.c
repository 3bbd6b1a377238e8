/* import_write.c: a model file from a list of tensors, a piece of rows at a time. */
#include "import_tensor.h"

#include <string.h>

enum { COPY_BYTES = 8 << 20 };

static Status stopped(const ImportRun *run, Err *err)
{
    return run->stop && *run->stop ? fail(err, E_CANCELLED, "stopped on request") : OK;
}

static Status copy_bytes(GgufWriter *w, const ImportTensor *t, const ImportRun *run, Progress *bar, Err *err)
{
    int64_t bytes = import_bytes(t);
    for (int64_t at = 0; at < bytes; at += COPY_BYTES) {
        int64_t n = bytes - at < COPY_BYTES ? bytes - at : COPY_BYTES;
        TRY(stopped(run, err));
        TRY(gguf_write_data(w, (const char *)t->sources->view.data + at, (size_t)n, err));
        import_give_back(t->sources, at, n);
        progress_update(bar, bar->done + n);
    }
    return OK;
}

static Status write_rows(GgufWriter *w, const ImportTensor *t, int64_t most, float *floats, char *encoded,
                         const ImportRun *run, Progress *bar, Err *err)
{
    int64_t rows = import_n_rows(t), row_bytes = dtype_row_bytes(t->type, import_row_length(t));
    for (int64_t first = 0; first < rows; first += most) {
        int64_t n = rows - first < most ? rows - first : most;
        TRY(stopped(run, err));
        TRY(import_rows_checked(t, first, n, floats, encoded, run->pool, err));
        TRY(gguf_write_data(w, encoded, (size_t)(n * row_bytes), err));
        progress_update(bar, bar->done + n * row_bytes);
    }
    import_release(t);
    return OK;
}

static Status write_tensor(GgufWriter *w, const ImportTensor *t, const ImportRun *run, Progress *bar, Err *err)
{
    if (import_is_copy(t)) return copy_bytes(w, t, run, bar, err);
    int64_t length = import_row_length(t), most = import_piece_rows(t);
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
    const char *partial;
    TRY(gguf_writer_seal(w, &partial, err));
    if (run->check) TRY(run->check(run->check_ctx, partial, err));
    return gguf_writer_finish(w, err);
}
