/* safetensors.c: a header in JSON, checked against the bytes that it describes. */
#include "safetensors.h"

#include "torchfile.h"
#include "zipview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct { const char *name; int type, bytes; } types[] = {
    {"F32", DT_F32, 4}, {"F16", DT_F16, 2}, {"BF16", DT_BF16, 2}, {"F64", DT_F64, 8}, {"I64", DT_I64, 8},
    {"I32", DT_I32, 4}, {"I16", DT_I16, 2}, {"I8", DT_I8, 1}, {"U8", -1, 1}, {"BOOL", -1, 1},
    {"U16", -1, 2}, {"U32", -1, 4}, {"U64", -1, 8}, {"F8_E4M3", -1, 1}, {"F8_E5M2", -1, 1},
    {"F8_E8M0", -1, 1}, {"C64", -1, 8}};

/* ---------------------------------------------------------------- names */

const SafeTensor *safetensors_find(const SafeTensors *st, const char *name)
{
    if (!st->index.slots) return NULL;
    int32_t at = *import_index_slot(&st->index, st->tensors, sizeof *st->tensors, (Str){name, strlen(name)});
    return at < 0 ? NULL : &st->tensors[at];
}

static Status index_names(SafeTensors *st, Err *err)
{
    TRY(import_index_open(&st->index, &st->arena, st->n, err));
    for (int32_t i = 0; i < (int32_t)st->n; i++) {
        int32_t *slot = import_index_slot(&st->index, st->tensors, sizeof *st->tensors, st->tensors[i].name);
        if (*slot >= 0)
            return fail(err, E_FORMAT, "the tensor '%.*s' is there twice. HINT: the checkpoint is damaged",
                        STR_ARG(st->tensors[i].name));
        *slot = i;
    }
    return OK;
}

/* ---------------------------------------------------------------- one header */

static Status bad(const SafeTensor *t, const char *what, Err *err)
{
    return fail(err, E_FORMAT, "the tensor '%.*s' %s. HINT: the file is damaged; fetch it again",
                STR_ARG(t->name), what);
}

/* data[0 .. size - 1] is what ranges are counted in. */
static Status read_tensor(SafeTensor *t, JsonView v, const uint8_t *data, int64_t size, Err *err)
{
    JsonView item, type = jsonview_get(v, "dtype"), shape = jsonview_get(v, "shape");
    int64_t range[2], each = 0, total, n = 0;
    /* 1. The type. */
    t->type = -1;
    if (jsonview_kind(type) != JSON_TEXT) return bad(t, "has no dtype", err);
    snprintf(t->type_name, sizeof t->type_name, "%.*s", (int)(type.end - type.s - 2 > 11 ? 11 : type.end - type.s - 2),
             type.s + 1);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (jsonview_is(type, types[i].name)) {
            t->type = types[i].type;
            each = types[i].bytes;
        }
    if (!each)
        return fail(err, E_UNSUPPORTED, "the tensor '%.*s' has the unknown dtype %s. HINT: F32, F16, BF16 and "
                    "others are known", STR_ARG(t->name), t->type_name);
    /* 2. The shape. */
    if (jsonview_kind(shape) != JSON_LIST) return bad(t, "has no shape", err);
    total = each;
    for (JsonWalk w = jsonview_walk(shape); jsonview_next(&w, NULL, &item);) {
        if (t->n_dims == SAFETENSORS_DIMS) return bad(t, "has more than 8 dimensions", err);
        int64_t *dim = &t->shape[t->n_dims++];
        if (!jsonview_int(item, 0, (int64_t)1 << 40, dim) || __builtin_mul_overflow(total, *dim, &total))
            return bad(t, "has a dimension that is no number from 0 to 2^40, or too many of them", err);
    }
    /* 3. The range, which must be as long as both say. */
    for (JsonWalk w = jsonview_walk(jsonview_get(v, "data_offsets")); jsonview_next(&w, NULL, &item); n++)
        if (n == 2 || !jsonview_int(item, 0, INT64_MAX, &range[n])) return bad(t, "has wrong data_offsets", err);
    if (n != 2) return bad(t, "has no data_offsets", err);
    if (range[0] > range[1] || range[1] > size)
        return fail(err, E_FORMAT, "the tensor '%.*s' is bytes %lld to %lld of %lld. HINT: the download may be "
                    "incomplete", STR_ARG(t->name), (long long)range[0], (long long)range[1], (long long)size);
    if (range[1] - range[0] != total)
        return fail(err, E_FORMAT, "the tensor '%.*s' needs %lld bytes and has %lld. HINT: the file is damaged",
                    STR_ARG(t->name), (long long)total, (long long)(range[1] - range[0]));
    t->data = data + range[0];
    t->bytes = total;
    return OK;
}

static int by_place(const void *x, const void *y)
{
    const SafeTensor *a = x, *b = y;
    if (a->data != b->data) return a->data < b->data ? -1 : 1;
    return a->bytes < b->bytes ? -1 : a->bytes > b->bytes; /* empty ones first */
}

/* Sorted by place, ranges follow each other from the first byte to the last. */
static Status check_tiles(SafeTensor *t, int64_t n, const uint8_t *data, int64_t size, Err *err)
{
    const uint8_t *at = data;
    qsort(t, (size_t)n, sizeof *t, by_place);
    for (int64_t i = 0; i < n; at += t[i++].bytes)
        if (t[i].data != at)
            return bad(&t[i], t[i].data > at ? "begins after a hole" : "lies over another one", err);
    if (at == data + size) return OK;
    return fail(err, E_FORMAT, "%lld bytes follow after the last tensor. HINT: the file is damaged",
                (long long)(data + size - at));
}

static Status check_metadata(JsonView v, Err *err)
{
    JsonView item;
    bool good = jsonview_kind(v) == JSON_DICT;
    for (JsonWalk w = jsonview_walk(v); good && jsonview_next(&w, NULL, &item);)
        good = jsonview_kind(item) == JSON_TEXT;
    return good ? OK : fail(err, E_FORMAT, "__metadata__ holds something else than texts. HINT: the file is "
                            "damaged");
}

/* Room for n more tensors behind those of the files before. */
static Status grow(SafeTensors *st, int64_t n, Err *err)
{
    SafeTensor *all = ARENA_NEW(&st->arena, SafeTensor, st->n + n);
    if (!all) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)(st->n + n));
    if (st->n) memcpy(all, st->tensors, (size_t)st->n * sizeof *all);
    st->tensors = all;
    return OK;
}

static Status add_archive(SafeTensors *st, int file, const uint8_t *data, size_t size, Err *err)
{
    SafeTensor *t;
    int64_t n;
    TRY(torchfile_tensors(&st->arena, data, size, &t, &n, err));
    TRY(grow(st, n, err));
    for (int64_t i = 0; i < n; i++) {
        t[i].file = file;
        st->tensors[st->n++] = t[i];
    }
    return OK;
}

static Status parse_file(SafeTensors *st, int file, const uint8_t *data, size_t size, Err *err)
{
    uint64_t length = 0;
    JsonView root, key, value;
    int64_t n = 0;
    if (zipview_is(data, size)) return add_archive(st, file, data, size, err);
    if (size > 2 && data[0] == 0x80 && data[1] <= 5 && data[2] != 0)
        return fail(err, E_UNSUPPORTED, "a pickle that is in no zip archive. HINT: it is from PyTorch before 1.6; load it "
                    "there and save it again");
    if (size >= 8) memcpy(&length, data, 8);
    if (size < 8 || length < 2 || length > SAFETENSORS_MAX_HEADER || length > size - 8)
        return fail(err, E_FORMAT, "a header of %llu bytes in a file of %zu (limit %d). HINT: is this a "
                    "safetensors file? Large-file pointers of git are not", (unsigned long long)length, size,
                    SAFETENSORS_MAX_HEADER);
    if (data[8] != '{') return fail(err, E_FORMAT, "the header begins with no '{'. HINT: the file is damaged");
    TRY(jsonview_open(&root, (const char *)data + 8, (size_t)length, err));
    for (JsonWalk w = jsonview_walk(root); jsonview_next(&w, NULL, NULL);) n++;
    if (n > 1 << 20) return fail(err, E_LIMIT, "%lld tensors (limit %d). HINT: no real model has so many",
                                 (long long)n, 1 << 20);
    TRY(grow(st, n, err));
    const uint8_t *start = data + 8 + length;
    int64_t bytes = (int64_t)(size - 8 - length), first = st->n;
    for (JsonWalk w = jsonview_walk(root); jsonview_next(&w, &key, &value);) {
        if (jsonview_is(key, "__metadata__")) {
            TRY(check_metadata(value, err));
            continue;
        }
        SafeTensor *t = &st->tensors[st->n];
        TRY(jsonview_text(key, &st->arena, &t->name, err));
        t->file = file;
        TRY(read_tensor(t, value, start, bytes, err));
        st->n++;
    }
    return check_tiles(st->tensors + first, st->n - first, start, bytes, err);
}

/* ---------------------------------------------------------------- files */

static Status open_file(SafeTensors *st, const char *path, Err *err)
{
    int i = st->n_files;
    TRY(map_open(&st->files[i], path, st->mode, err));
    st->n_files++;
    Status s = parse_file(st, i, st->files[i].data, st->files[i].size, err);
    return s == OK ? OK : fail_in(err, s, path);
}

/* A plain name: whoever writes an index shall not choose files elsewhere. */
static bool is_plain(Str name)
{
    return name.len > 0 && name.len < 256 && !memchr(name.ptr, '/', name.len) &&
           !memchr(name.ptr, 0, name.len) && name.ptr[0] != '.';
}

/* Each file that weight_map names, once; their number is small, so that a list will do. */
static Status list_files(SafeTensors *st, JsonView root, Str *names, int *n, Err *err)
{
    JsonView value;
    JsonView map = jsonview_get(root, "weight_map");
    if (jsonview_kind(map) != JSON_DICT)
        return fail(err, E_FORMAT, "the index has no weight_map. HINT: fetch it again");
    Str name = {"", 0}, last = {"", 0};
    for (JsonWalk w = jsonview_walk(map); jsonview_next(&w, NULL, &value); last = name) {
        TRY(jsonview_text(value, &st->arena, &name, err));
        if (last.len && name.len == last.len && memcmp(name.ptr, last.ptr, name.len) == 0) continue;
        if (!is_plain(name))
            return fail(err, E_FORMAT, "the index names the file '%.*s', allowed are plain names. HINT: the "
                        "index is damaged or hostile", STR_ARG(name));
        int i = 0;
        while (i < *n && !(names[i].len == name.len && memcmp(names[i].ptr, name.ptr, name.len) == 0)) i++;
        if (i < *n) continue;
        if (*n == SAFETENSORS_MAX_FILES)
            return fail(err, E_LIMIT, "the index names more than %d files. HINT: no real model has so many",
                        SAFETENSORS_MAX_FILES);
        names[(*n)++] = name;
    }
    return OK;
}

static Status open_index(SafeTensors *st, const char *path, Err *err)
{
    MapFile index = {0};
    JsonView root;
    Buf full = {0};
    int n = 0;
    Str *names = ARENA_NEW(&st->arena, Str, SAFETENSORS_MAX_FILES);
    st->files = ARENA_NEW(&st->arena, MapFile, SAFETENSORS_MAX_FILES);
    if (!names || !st->files) return fail(err, E_MEMORY, "no memory for the files of '%.300s'", path);
    TRY(map_open(&index, path, MAP_AUTO, err));
    Status s = jsonview_open(&root, (const char *)index.data, index.size, err);
    if (s == OK) s = list_files(st, root, names, &n, err);
    if (s != OK) s = fail_in(err, s, path);
    const char *slash = strrchr(path, '/');
    for (int i = 0; s == OK && i < n; i++) {
        buf_clear(&full);
        s = buf_printf(&full, err, "%.*s%.*s", slash ? (int)(slash + 1 - path) : 0, path, (int)names[i].len, names[i].ptr);
        if (s == OK) s = open_file(st, full.data, err);
    }
    buf_close(&full);
    map_close(&index);
    return s;
}

static Status open_path(SafeTensors *st, const char *path, Err *err)
{
    size_t n = strlen(path);
    if (n > 5 && strcmp(path + n - 5, ".json") == 0) return open_index(st, path, err);
    st->files = ARENA_NEW(&st->arena, MapFile, 1);
    return st->files ? open_file(st, path, err) : fail(err, E_MEMORY, "no memory to open '%.300s'", path);
}

static Status open_any(SafeTensors *st, const char *path, Buf *full, Err *err)
{
    static const char *const names[] = {"model.safetensors.index.json", "model.safetensors",
                                        "pytorch_model.bin.index.json", "pytorch_model.bin"};
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return open_path(st, path, err);
    for (int i = 0; i < 4; i++) {
        buf_clear(full);
        TRY(buf_printf(full, err, "%s/%s", path, names[i]));
        if (stat(full->data, &info) == 0) return open_path(st, full->data, err);
    }
    return fail(err, E_IO, "'%.300s' has neither model.safetensors nor pytorch_model.bin, nor an index of several. HINT: is "
                "the download complete?", path);
}

static Status finish(SafeTensors *st, Status s, Err *err)
{
    if (s == OK) s = index_names(st, err);
    if (s != OK) safetensors_close(st);
    return s;
}

Status safetensors_open(SafeTensors *st, const char *path, MapMode mode, Err *err)
{
    Buf full = {0};
    *st = (SafeTensors){.mode = mode};
    Status s = finish(st, open_any(st, path, &full, err), err);
    buf_close(&full);
    return s;
}

Status safetensors_open_memory(SafeTensors *st, const void *data, size_t size, Err *err)
{
    *st = (SafeTensors){0};
    return finish(st, parse_file(st, -1, data, size, err), err);
}

void safetensors_close(SafeTensors *st)
{
    for (int i = 0; i < st->n_files; i++) map_close(&st->files[i]);
    arena_close(&st->arena);
    *st = (SafeTensors){0};
}

Tensor safetensors_view(const SafeTensor *t)
{
    int64_t ne[4] = {1, 1, 1, 1};
    CHECK(t->type >= 0 && t->n_dims <= 4, "tensor of type %s with %d dimensions", t->type_name, t->n_dims);
    for (int i = 0; i < t->n_dims; i++) ne[i] = t->shape[t->n_dims - 1 - i];
    return tensor_view((DType)t->type, t->data, ne[0], ne[1], ne[2], ne[3]);
}
