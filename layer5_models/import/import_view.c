/* import_view.c: the container that import_write would write, in memory and at once.
 *
 *   header     collected by the same writer, kept instead of written
 *   tensor     one run of bytes in its source, aligned for its numbers: a pointer into the mapped file
 *              anything else (rows that move, vectors as F32, experts put together): memory of our own
 *
 * So a checkpoint is run as it came. What has to be copied of a Llama are q and k, whose rows move. */
#include "gguf_parts.h"
#include "import_tensor.h"
#include "meminfo.h"

#include <string.h>

//@ begin import-stays
/* Numbers may stand at any byte in their file; kernels read them through
 * typed pointers. */
static bool stays(const ImportTensor *t)
{
    const ImportSource *s = t->sources;
    uintptr_t at = (uintptr_t)s->view.data;
    return s->file && import_is_copy(t) &&
           at % (uintptr_t)dtype_info(t->type)->bytes == 0;
}
//@ end import-stays

/* What must be laid out anew, and the most scratch that one piece of it takes. */
static Status plan(const ImportTensor *t, int64_t n, int64_t *bytes, int64_t *floats, Err *err)
{
    *bytes = *floats = 0;
    for (int64_t i = 0; i < n; i++) {
        if (stays(&t[i])) continue;
        int64_t scratch = import_piece_rows(&t[i]) * import_row_length(&t[i]), room;
        bool wraps = __builtin_add_overflow(import_bytes(&t[i]), 63, &room);
        if (wraps || __builtin_add_overflow(*bytes, room & ~(int64_t)63, bytes))
            return fail(err, E_LIMIT, "the tensors up to '%s' have more than 2^63 bytes. HINT: the checkpoint is damaged",
                        t[i].name);
        if (scratch > *floats) *floats = scratch;
    }
    int64_t have = mem_available(), need = *bytes + 4 * *floats;
    if (need <= have) return OK;
    return fail(err, E_MEMORY, "tensors that are stored in another order need %.1f MiB, %.1f MiB are available. HINT: "
                "`sixfold convert DIR -o FILE` once; the file is mapped and needs no memory", (double)need / 1048576,
                (double)have / 1048576);
}

/* Small ones are there before a bar could be drawn. */
enum { WORTH_A_BAR = 64 << 20 };

static Status lay_out(const ImportTensor *t, const ImportRun *run, Progress *bar, float *floats, char *out, Err *err)
{
    int64_t rows = import_n_rows(t), row_bytes = dtype_row_bytes(t->type, import_row_length(t));
    int64_t most = import_piece_rows(t);
    for (int64_t first = 0; first < rows; first += most) {
        int64_t n = rows - first < most ? rows - first : most;
        if (run->stop && *run->stop) return fail(err, E_CANCELLED, "stopped on request");
        TRY(import_rows_checked(t, first, n, floats, out + first * row_bytes, run->pool, err));
        progress_update(bar, bar->done + n * row_bytes);
    }
    import_release(t);
    return OK;
}

/* data[i]: where tensor i lies from now on. Memory from a, scratch of its own. */
static Status place_all(const ImportTensor *t, int64_t n, const ImportRun *run, const void **data, Arena *a,
                        int64_t *own_bytes, Err *err)
{
    static const ImportRun alone = {.quiet = true};
    int64_t n_floats;
    Arena scratch = {0};
    Progress bar;
    if (!run) run = &alone;
    TRY(plan(t, n, own_bytes, &n_floats, err));
    if (*own_bytes) TRY(arena_reserve(a, (size_t)*own_bytes, err));
    float *floats = arena_alloc_dirty(&scratch, n_floats + 1, sizeof *floats);
    Status s = floats ? OK : fail(err, E_MEMORY, "no memory for %lld numbers", (long long)n_floats);
    progress_start(&bar, run->label, *own_bytes, "MB", 1e6, run->quiet || *own_bytes < WORTH_A_BAR);
    for (int64_t i = 0; s == OK && i < n; i++) {
        if (stays(&t[i])) {
            data[i] = t[i].sources->view.data;
            continue;
        }
        char *own = arena_alloc_dirty(a, import_bytes(&t[i]), 1);
        data[i] = own;
        s = own ? lay_out(&t[i], run, &bar, floats, own, err)
                : fail(err, E_MEMORY, "no memory for '%s', %lld bytes", t[i].name, (long long)import_bytes(&t[i]));
    }
    if (s == OK) progress_end(&bar);
    arena_close(&scratch);
    return s;
}

static Status collect(GgufParts *parts, GgufWriter *w, const ImportTensor *t, int64_t n, ImportPlace place,
                      int64_t *own_bytes, Buf *header, Err *err)
{
    /* 1. The header, in memory that the container will own. */
    for (int64_t i = 0; i < n; i++) TRY(gguf_put_tensor(w, t[i].name, t[i].type, t[i].n_dims, t[i].ne, err));
    TRY(gguf_writer_header(w, header, err));
    char *bytes = arena_alloc_dirty(&parts->arena, (int64_t)header->len, 1);
    parts->files = ARENA_NEW(&parts->arena, MapFile, *place.n_files);
    if (!bytes || !parts->files) return fail(err, E_MEMORY, "no memory for a header of %zu bytes", header->len);
    memcpy(bytes, header->data, header->len);
    parts->header = bytes;
    parts->header_bytes = header->len;

    /* 2. The tensors, while their files are still where the list says. */
    *own_bytes = 0;
    const void **data = place.shapes_only ? NULL : ARENA_NEW(&parts->arena, const void *, n);
    if (!data && !place.shapes_only) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)n);
    if (data) TRY(place_all(t, n, place.run, data, &parts->arena, own_bytes, err));
    parts->data = data;

    /* 3. The files, which the tensors that stayed are in. */
    memcpy(parts->files, place.files, (size_t)*place.n_files * sizeof *place.files);
    parts->n_files = *place.n_files;
    *place.n_files = 0;
    return OK;
}

Status import_view(Gguf *g, GgufWriter *w, const ImportTensor *t, int64_t n, ImportPlace place, int64_t *own_bytes,
                   Err *err)
{
    GgufParts parts = {0};
    Buf header = {0};
    *g = (Gguf){0};
    Status s = collect(&parts, w, t, n, place, own_bytes, &header, err);
    buf_close(&header);
    if (s == OK) return gguf_open_parts(g, &parts, err);
    arena_close(&parts.arena);
    return s;
}
