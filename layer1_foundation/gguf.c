/* gguf.c: opening a GGUF: map, parse, join shards, index names; or nothing at all.
 *
 * Every failure on the way ends in gguf_close of a zero-initialised struct, so a half-opened file
 * cannot leak or be used. */
#include "gguf_impl.h"

#include <string.h>

bool str_is(Str s, const char *text)
{
    size_t n = strlen(text);
    return s.len == n && memcmp(s.ptr, text, n) == 0;
}

const GgufKv *gguf_find(const Gguf *g, const char *key)
{
    int32_t i = gguf_index_find(&g->kv_index, g->kv, sizeof *g->kv, (Str){key, strlen(key)});
    return i < 0 ? NULL : &g->kv[i];
}

const GgufTensor *gguf_tensor(const Gguf *g, const char *name)
{
    int32_t i = gguf_index_find(&g->tensor_index, g->tensors, sizeof *g->tensors,
                                (Str){name, strlen(name)});
    return i < 0 ? NULL : &g->tensors[i];
}

static void take_first_file(Gguf *g, const GgufFile *f)
{
    g->version = f->version;
    g->alignment = f->alignment;
    g->data_start = f->data_start;
    g->n_kv = f->n_kv;
    g->kv = f->kv;
    g->kv_index = f->kv_index;
    g->n_tensors = f->n_tensors;
    g->tensors = f->tensors;
    g->file_bytes = (int64_t)f->size;
}

static Status index_tensors(Gguf *g, Err *err)
{
    TRY(gguf_index_open(&g->tensor_index, g->n_tensors, &g->arena, err));
    for (int64_t i = 0; i < g->n_tensors; i++)
        if (!gguf_index_add(&g->tensor_index, g->tensors, sizeof *g->tensors, (int32_t)i))
            return fail(err, E_FORMAT, "tensor '%.*s' appears twice. HINT: the file is damaged or made "
                        "to deceive", NAME_ARG(g->tensors[i].name));
    return OK;
}

/* path is NULL for bytes in memory. */
static Status open_bytes(Gguf *g, const uint8_t *data, size_t size, const char *path, MapMode mode,
                         Err *err)
{
    GgufFile first;
    int64_t n_shards = 1;
    g->n_shards = 1;

    /* 1. The first file, alone. */
    TRY(gguf_parse_file(&first, data, size, 0, &g->arena, err));
    take_first_file(g, &first);

    /* 2. Its companions, if it says that it has any. */
    TRY(gguf_split_count(g, path, &n_shards, err));
    if (n_shards > 1) TRY(gguf_open_shards(g, path, n_shards, mode, err));

    /* 3. All tensors by name. */
    return index_tensors(g, err);
}

static Status open_path(Gguf *g, const char *path, MapMode mode, Err *err)
{
    g->files = ARENA_NEW(&g->arena, MapFile, 1);
    if (!g->files) return fail(err, E_MEMORY, "no memory to open '%.300s'", path);
    g->n_shards = 1;
    TRY(map_open(&g->files[0], path, mode, err));
    Status s = open_bytes(g, g->files[0].data, g->files[0].size, path, mode, err);
    return s == OK ? OK : fail_in(err, s, path);
}

Status gguf_open(Gguf *g, const char *path, MapMode mode, Err *err)
{
    *g = (Gguf){0};
    Status s = open_path(g, path, mode, err);
    if (s != OK) gguf_close(g);
    return s;
}

Status gguf_open_memory(Gguf *g, const void *data, size_t size, Err *err)
{
    CHECK((uintptr_t)data % 8 == 0, "GGUF bytes at %p are not 8-byte aligned", data);
    *g = (Gguf){0};
    Status s = open_bytes(g, data, size, NULL, MAP_AUTO, err);
    if (s != OK) gguf_close(g);
    return s;
}

static Status open_parts(Gguf *g, const GgufParts *p, Err *err)
{
    GgufFile header;
    int64_t n_shards = 1;
    TRY(gguf_parse_parts(&header, p, &g->arena, err));
    take_first_file(g, &header);
    TRY(gguf_split_count(g, NULL, &n_shards, err));
    return index_tensors(g, err);
}

Status gguf_open_parts(Gguf *g, GgufParts *parts, Err *err)
{
    *g = (Gguf){.files = parts->files, .n_shards = parts->n_files, .arena = parts->arena};
    parts->arena = (Arena){0};
    parts->n_files = 0;
    Status s = open_parts(g, parts, err);
    if (s != OK) gguf_close(g);
    return s;
}

void gguf_close(Gguf *g)
{
    for (int i = 0; g->files && i < g->n_shards; i++) map_close(&g->files[i]);
    arena_close(&g->arena);
    *g = (Gguf){0};
}
