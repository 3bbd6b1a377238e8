/* imatrix.c: reading and writing importance matrices. */
#include "imatrix.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static const char SUM2[] = ".in_sum2", COUNTS[] = ".counts";

static Status damaged(Err *err, const char *what, Str name)
{
    return fail(err, E_FORMAT, "importance matrix: %s in '%.*s'. HINT: make it again with `sixfold "
                "imatrix`", what, STR_ARG(name));
}

/* ---------------------------------------------------------------- entries */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ImatrixEntry *)a)->name, ((const ImatrixEntry *)b)->name);
}

/* Copies an entry in; the numbers are raw little-endian f32, at any address. */
static Status add_entry(Imatrix *m, Str name, const void *sum2, int64_t n, const void *count,
                        int64_t n_count, Err *err)
{
    if (name.len == 0 || memchr(name.ptr, 0, name.len)) return damaged(err, "a bad name", name);
    if (n < 1 || n_count < 1 || n % n_count != 0)
        return damaged(err, "sums and counts do not fit together", name);
    ImatrixEntry e = {.n = n, .n_count = n_count};
    char *copy = arena_strndup(&m->arena, name.ptr, name.len);
    e.name = copy;
    e.sum2 = ARENA_NEW(&m->arena, float, n);
    e.count = ARENA_NEW(&m->arena, float, n_count);
    if (!copy || !e.sum2 || !e.count)
        return fail(err, E_MEMORY, "no memory for %lld importances", (long long)n);
    memcpy(e.sum2, sum2, (size_t)n * sizeof *e.sum2);
    memcpy(e.count, count, (size_t)n_count * sizeof *e.count);
    for (int64_t i = 0; i < n; i++)
        if (!(e.sum2[i] >= 0.0f) || isinf(e.sum2[i]))
            return damaged(err, "a sum that is negative or not finite", name);
    for (int64_t i = 0; i < n_count; i++)
        if (!(e.count[i] >= 0.0f) || isinf(e.count[i]))
            return damaged(err, "a count that is negative or not finite", name);
    m->entries[m->n++] = e;
    return OK;
}

static Status sort_entries(Imatrix *m, Err *err)
{
    if (m->n == 0)
        return fail(err, E_FORMAT, "the importance matrix has no entries. HINT: make it again with "
                    "`sixfold imatrix`");
    qsort(m->entries, (size_t)m->n, sizeof *m->entries, by_name);
    for (int64_t i = 1; i < m->n; i++)
        if (strcmp(m->entries[i - 1].name, m->entries[i].name) == 0)
            return damaged(err, "two entries of one name",
                           (Str){m->entries[i].name, strlen(m->entries[i].name)});
    return OK;
}

const ImatrixEntry *imatrix_find(const Imatrix *m, Str name)
{
    int64_t lo = 0, hi = m->n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        const char *have = m->entries[mid].name;
        int order = strncmp(have, name.ptr, name.len);
        if (order == 0 && have[name.len] == 0) return &m->entries[mid];
        if (order < 0) lo = mid + 1;
        else hi = mid;
    }
    return NULL;
}

void imatrix_means(const ImatrixEntry *e, float *mean)
{
    int64_t each = e->n / e->n_count;
    for (int64_t k = 0; k < e->n_count; k++, mean += each) {
        const float *sum2 = e->sum2 + k * each;
        float least = INFINITY;
        /* 1. The least that is above zero; a quotient may be too small for a float. */
        for (int64_t i = 0; i < each; i++) {
            mean[i] = e->count[k] > 0.0f ? sum2[i] / e->count[k] : 0.0f;
            if (mean[i] > 0.0f && mean[i] < least) least = mean[i];
        }
        /* 2. It takes the place of zeros, or 1 if there is none. */
        for (int64_t i = 0; i < each; i++)
            if (!(mean[i] > 0.0f)) mean[i] = isinf(least) ? 1.0f : least;
    }
}

int64_t imatrix_n_unmet(const ImatrixEntry *e)
{
    int64_t n = 0;
    for (int64_t k = 0; k < e->n_count; k++) n += !(e->count[k] > 0.0f);
    return n;
}

/* ---------------------------------------------------------------- the GGUF form */

static Status read_keys(Imatrix *m, const Gguf *g, Err *err)
{
    Str kind = {"", 0}, name;
    TRY(gguf_get_str(g, "general.type", &kind, err));
    if (!str_is(kind, "imatrix"))
        return fail(err, E_FORMAT, "this is no importance matrix: general.type is '%.*s'. HINT: `sixfold "
                    "imatrix` makes one", STR_ARG(kind));
    TRY(gguf_get_int(g, "imatrix.chunk_count", 0, INT32_MAX, &m->n_chunks, err));
    TRY(gguf_get_int(g, "imatrix.chunk_size", 0, INT32_MAX, &m->chunk_size, err));
    const GgufKv *sets;
    TRY(gguf_array(g, "imatrix.datasets", GGUF_STRING, -1, &sets, err));
    GgufStrings it = {0};
    if (sets) it = gguf_strings(sets);
    Str last = {"", 0};
    while (gguf_next_string(&it, &name)) last = name;
    m->dataset = arena_strndup(&m->arena, last.ptr, last.len);
    m->entries = ARENA_NEW(&m->arena, ImatrixEntry, g->n_tensors + 1);
    return m->dataset && m->entries ? OK : fail(err, E_MEMORY, "no memory for an importance matrix");
}

static Status read_gguf(Imatrix *m, const Gguf *g, Err *err)
{
    TRY(read_keys(m, g, err));
    for (int64_t i = 0; i < g->n_tensors; i++) {
        const GgufTensor *t = &g->tensors[i];
        size_t tail = sizeof SUM2 - 1;
        if (t->name.len <= tail || memcmp(t->name.ptr + t->name.len - tail, SUM2, tail) != 0) continue;
        Str name = {t->name.ptr, t->name.len - tail};
        char other[96];
        snprintf(other, sizeof other, "%.*s%s", (int)name.len, name.ptr, COUNTS);
        const GgufTensor *c = gguf_tensor(g, other);
        if (!c) return damaged(err, "no counts", name);
        if (t->view.type != DT_F32 || c->view.type != DT_F32)
            return damaged(err, "numbers that are not F32", name);
        TRY(add_entry(m, name, t->view.data, tensor_elements(&t->view), c->view.data,
                      tensor_elements(&c->view), err));
    }
    return sort_entries(m, err);
}

/* Matrices that no token has met are left out. */
static bool was_counted(const ImatrixEntry *e) { return imatrix_n_unmet(e) < e->n_count; }

Status imatrix_save(const Imatrix *m, const char *path, Err *err)
{
    GgufWriter *w = NULL;
    Str set = {m->dataset, strlen(m->dataset)};
    TRY(gguf_writer_open(&w, 32, err));
    Status s = gguf_put_str(w, "general.type", "imatrix", err);
    if (s == OK) s = gguf_put_strings(w, "imatrix.datasets", &set, 1, err);
    if (s == OK) s = gguf_put_u32(w, "imatrix.chunk_count", (uint32_t)m->n_chunks, err);
    if (s == OK) s = gguf_put_u32(w, "imatrix.chunk_size", (uint32_t)m->chunk_size, err);
    char name[128];
    for (int64_t i = 0; s == OK && i < m->n; i++) {
        const ImatrixEntry *e = &m->entries[i];
        if (!was_counted(e)) continue;
        snprintf(name, sizeof name, "%s%s", e->name, SUM2);
        s = gguf_put_tensor(w, name, DT_F32, 2, (int64_t[]){e->n / e->n_count, e->n_count}, err);
        snprintf(name, sizeof name, "%s%s", e->name, COUNTS);
        if (s == OK) s = gguf_put_tensor(w, name, DT_F32, 2, (int64_t[]){1, e->n_count}, err);
    }
    if (s == OK) s = gguf_write_header(w, path, err);
    for (int64_t i = 0; s == OK && i < m->n; i++) {
        const ImatrixEntry *e = &m->entries[i];
        if (!was_counted(e)) continue;
        s = gguf_write_data(w, e->sum2, (size_t)e->n * sizeof *e->sum2, err);
        if (s == OK) s = gguf_write_data(w, e->count, (size_t)e->n_count * sizeof *e->count, err);
    }
    if (s == OK) s = gguf_writer_finish(w, err);
    gguf_writer_close(w);
    return s;
}

/* ---------------------------------------------------------------- the older form */

typedef struct { const uint8_t *at; size_t left; } Cursor;

/* The next n bytes, or NULL if fewer are left. */
static const uint8_t *take(Cursor *c, int64_t n)
{
    if (n < 0 || (uint64_t)n > c->left) return NULL;
    const uint8_t *p = c->at;
    c->at += n;
    c->left -= (size_t)n;
    return p;
}

static bool take_i32(Cursor *c, int32_t *v)
{
    const uint8_t *p = take(c, 4);
    if (p) memcpy(v, p, 4);
    return p != NULL;
}

/* n_entries | n_entries x (length, name, calls, n, n x f32) | last chunk | length, dataset.
 * The last three are missing in the oldest files. */
static Status read_dat(Imatrix *m, Cursor c, Err *err)
{
    int32_t n = 0, len, calls, values;
    const Str file = {"the file", 8};
    if (!take_i32(&c, &n) || n < 1 || (size_t)n > c.left / 12)
        return fail(err, E_FORMAT, "this is no importance matrix: neither GGUF nor the older form. HINT: "
                    "`sixfold imatrix` makes one");
    m->entries = ARENA_NEW(&m->arena, ImatrixEntry, n);
    if (!m->entries) return fail(err, E_MEMORY, "no memory for %d importances", n);
    for (int32_t i = 0; i < n; i++) {
        const uint8_t *name = NULL, *data = NULL;
        if (take_i32(&c, &len) && len > 0) name = take(&c, len);
        if (!name || !take_i32(&c, &calls) || !take_i32(&c, &values))
            return damaged(err, "an entry that is cut short", file);
        Str str = {(const char *)name, (size_t)len};
        if (values > 0) data = take(&c, (int64_t)values * 4);
        if (!data) return damaged(err, "values that are cut short", str);
        TRY(add_entry(m, str, data, values, &(float){calls > 0 ? (float)calls : 1.0f}, 1, err));
    }
    int32_t chunks = 0;
    Str set = {"", 0};
    if (take_i32(&c, &chunks) && take_i32(&c, &len) && len > 0) {
        const uint8_t *text = take(&c, len);
        if (text) set = (Str){(const char *)text, (size_t)len};
    }
    m->n_chunks = chunks > 0 ? chunks : 0;
    m->dataset = arena_strndup(&m->arena, set.ptr, set.len);
    if (!m->dataset) return fail(err, E_MEMORY, "no memory for an importance matrix");
    return sort_entries(m, err);
}

/* ---------------------------------------------------------------- either */

Status imatrix_open_memory(Imatrix *m, const void *data, size_t size, Err *err)
{
    *m = (Imatrix){0};
    Status s;
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0) {
        Gguf g;
        s = gguf_open_memory(&g, data, size, err);
        if (s == OK) s = read_gguf(m, &g, err);
        gguf_close(&g);
    } else {
        s = read_dat(m, (Cursor){data, size}, err);
    }
    if (s != OK) imatrix_close(m);
    return s;
}

Status imatrix_open(Imatrix *m, const char *path, Err *err)
{
    MapFile file = {0};
    *m = (Imatrix){0};
    TRY(map_open(&file, path, MAP_READ, err));
    Status s = imatrix_open_memory(m, file.data, file.size, err);
    map_close(&file);
    return s == OK ? OK : fail_in(err, s, path);
}

void imatrix_close(Imatrix *m)
{
    arena_close(&m->arena);
    *m = (Imatrix){0};
}
