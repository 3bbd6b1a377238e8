/* gguf_split.c: one model in several files.
 *
 *   prefix-00001-of-00003.gguf   all metadata, split.no = 0, perhaps no tensor
 *   prefix-00002-of-00003.gguf   split keys only, split.no = 1, more tensors
 *   prefix-00003-of-00003.gguf   ...
 *
 * Each file is a complete GGUF. All of them are opened and checked before a single tensor is used:
 * a missing part should stop the program in its first second, not when layer 57 is reached. */
#include "gguf_impl.h"

#include <stdio.h>
#include <string.h>

enum { SUFFIX = 20 }; /* strlen("-00001-of-00003.gguf") */

static bool five_digits(const char *s, int64_t *n)
{
    *n = 0;
    for (int i = 0; i < 5; i++) {
        if (s[i] < '0' || s[i] > '9') return false;
        *n = *n * 10 + (s[i] - '0');
    }
    return true;
}

/* Takes a path apart: number (from 1), count, length of the prefix. */
static bool split_name(const char *path, int64_t *no, int64_t *count, size_t *prefix)
{
    size_t n = strlen(path);
    if (n < SUFFIX) return false;
    const char *s = path + n - SUFFIX;
    *prefix = n - SUFFIX;
    return s[0] == '-' && five_digits(s + 1, no) && memcmp(s + 6, "-of-", 4) == 0 &&
           five_digits(s + 10, count) && strcmp(s + 15, ".gguf") == 0;
}

Status gguf_split_count(const Gguf *g, const char *path, int64_t *n_shards, Err *err)
{
    int64_t count = 1, no = 0, name_no = 0, name_count = 0;
    size_t prefix = 0;
    *n_shards = 1;
    TRY(gguf_get_int(g, "split.count", 0, 65535, &count, err));
    TRY(gguf_get_int(g, "split.no", 0, 65535, &no, err));
    if (count <= 1) return OK;
    if (count > GGUF_MAX_SHARDS)
        return fail(err, E_LIMIT, "key 'split.count' = %lld is above the limit of %d files. HINT: the "
                    "file is damaged", (long long)count, GGUF_MAX_SHARDS);
    if (!path)
        return fail(err, E_UNSUPPORTED, "the model is split into %lld files and cannot be read from "
                    "memory. HINT: open its first file by name", (long long)count);
    if (no != 0)
        return fail(err, E_ARG, "this is part %lld of a model split into %lld files. HINT: open the "
                    "part whose name ends in -00001-of-%05lld.gguf", (long long)no + 1,
                    (long long)count, (long long)count);
    if (!split_name(path, &name_no, &name_count, &prefix) || name_no != 1 || name_count != count)
        return fail(err, E_ARG, "the model is split into %lld files, so the name of this one must end "
                    "in -00001-of-%05lld.gguf. HINT: rename the files as they were published",
                    (long long)count, (long long)count);
    *n_shards = count;
    return OK;
}

static int64_t int_key(const GgufFile *f, const char *key, int64_t otherwise)
{
    int32_t i = gguf_index_find(&f->kv_index, f->kv, sizeof *f->kv, (Str){key, strlen(key)});
    if (i < 0) return otherwise;
    GgufType t = f->kv[i].type;
    bool is_int = t != GGUF_ARRAY && t != GGUF_STRING && t != GGUF_F32 && t != GGUF_F64;
    return is_int ? gguf_array_int(&f->kv[i], 0) : -1;
}

static Status open_shard(Gguf *g, GgufFile *f, int i, const char *path, MapMode mode, Err *err)
{
    TRY(map_open(&g->files[i], path, mode, err));
    Status s = gguf_parse_file(f, g->files[i].data, g->files[i].size, i, &g->arena, err);
    if (s != OK) return fail_in(err, s, path);
    int64_t no = int_key(f, "split.no", -1), count = int_key(f, "split.count", g->n_shards);
    if (no != i)
        return fail(err, E_FORMAT, "part %d of %d ('%.150s') has split.no = %lld, it must be %d. HINT: "
                    "the files were renamed or mixed up", i + 1, g->n_shards, path, (long long)no, i);
    if (count != g->n_shards)
        return fail(err, E_FORMAT, "part %d ('%.150s') says that there are %lld parts, part 1 says %d. "
                    "HINT: the files belong to different models", i + 1, path, (long long)count,
                    g->n_shards);
    return OK;
}

/* Copies the tensor tables one behind the other into g. */
static Status join_tensors(Gguf *g, const GgufFile *parts, Err *err)
{
    int64_t total = 0, said = -1, at = 0;
    for (int i = 0; i < g->n_shards; i++) total += parts[i].n_tensors;
    TRY(gguf_get_int(g, "split.tensors.count", 0, INT32_MAX, &said, err));
    if (said != total)
        return fail(err, E_FORMAT, "the %d parts hold %lld tensors together, split.tensors.count says "
                    "%lld. HINT: a part belongs to another model", g->n_shards, (long long)total,
                    (long long)said);
    if (total > GGUF_MAX_TENSORS)
        return fail(err, E_LIMIT, "the parts hold %lld tensors, the limit is %d. HINT: no known model "
                    "comes near it", (long long)total, GGUF_MAX_TENSORS);
    GgufTensor *all = ARENA_NEW(&g->arena, GgufTensor, total);
    if (!all) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)total);
    for (int i = 0; i < g->n_shards; i++) {
        if (parts[i].n_tensors)
            memcpy(all + at, parts[i].tensors, (size_t)parts[i].n_tensors * sizeof *all);
        at += parts[i].n_tensors;
        g->file_bytes += i ? (int64_t)parts[i].size : 0;
    }
    g->tensors = all;
    g->n_tensors = total;
    return OK;
}

Status gguf_open_shards(Gguf *g, const char *path, int64_t n_shards, MapMode mode, Err *err)
{
    /* 1. Room for all; closed files are zero, so gguf_close may come at any time. */
    size_t prefix = strlen(path) - SUFFIX;
    MapFile *files = ARENA_NEW(&g->arena, MapFile, n_shards);
    GgufFile *parts = ARENA_NEW(&g->arena, GgufFile, n_shards);
    char *name = arena_alloc(&g->arena, (int64_t)prefix + SUFFIX + 1, 1);
    if (!files || !parts || !name)
        return fail(err, E_MEMORY, "no memory for %lld parts of a model", (long long)n_shards);
    files[0] = g->files[0];
    g->files = files;
    g->n_shards = (int)n_shards;
    parts[0] = (GgufFile){.size = files[0].size, .n_tensors = g->n_tensors, .tensors = g->tensors};

    /* 2. The others, each checked like a file of its own. */
    for (int i = 1; i < g->n_shards; i++) {
        snprintf(name, prefix + SUFFIX + 1, "%.*s-%05d-of-%05d.gguf", (int)prefix, path, i + 1,
                 g->n_shards);
        TRY(open_shard(g, &parts[i], i, name, mode, err));
    }

    /* 3. One table of tensors. */
    return join_tensors(g, parts, err);
}
