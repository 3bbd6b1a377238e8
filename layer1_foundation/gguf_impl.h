/* gguf_impl.h: what the files of the GGUF reader and writer share.
 *
 * Limits are chosen so that a file cannot make us reserve much more than its own size: tables are
 * bounded by counts, counts by the bytes that remain divided by the smallest possible record. */
#ifndef SIXFOLD_GGUF_IMPL_H
#define SIXFOLD_GGUF_IMPL_H

#include "gguf_cursor_impl.h"
#include "gguf_parts.h"

enum {
    GGUF_HEADER_BYTES = 24,
    GGUF_MIN_KV_BYTES = 8 + 1 + 4 + 1,      /* length, one letter, type, a one-byte value */
    GGUF_MIN_TENSOR_BYTES = 8 + 1 + 4 + 4 + 8, /* length, one letter, n_dims = 0, type, offset */
    GGUF_MAX_KV = 1 << 16,
    GGUF_MAX_TENSORS = 1 << 17,             /* over all shards */
    GGUF_MAX_METADATA = 256 << 20,          /* bytes before the data section, per file */
    GGUF_MAX_KEY = 65535,
    GGUF_MAX_STRING = 1 << 30,
    GGUF_MAX_NAME = 63,                     /* tensor names */
    GGUF_MAX_DIMS = 4,
    GGUF_MIN_ALIGNMENT = 8,
    GGUF_MAX_ALIGNMENT = 1 << 20,
    GGUF_DEFAULT_ALIGNMENT = 32,
    GGUF_MAX_SHARDS = 4096
};

#define GGUF_MAX_DIM ((int64_t)1 << 40)

/* One file of a model while it is parsed. */
typedef struct {
    const uint8_t *data;
    size_t size;
    uint32_t version, alignment;
    uint64_t data_start;
    int64_t n_kv, n_tensors;
    GgufKv *kv;
    GgufIndex kv_index;
    GgufTensor *tensors;
    bool in_parts;           /* data and size are of the header alone */
} GgufFile;

/* gguf_parse.c: header and metadata. gguf_tensors.c: the tensor table, and both together. Tables come
 * from the arena; f points into data. Parts: see gguf_open_parts. */
Status gguf_parse_head(GgufFile *f, Cursor *c, Arena *a);
Status gguf_parse_file(GgufFile *f, const uint8_t *data, size_t size, int shard, Arena *a, Err *err);
Status gguf_parse_parts(GgufFile *f, const GgufParts *p, Arena *a, Err *err);

/* gguf_split.c: how many files the model has, according to its first (1 if it is not split); then
 * the others are opened and their tensors joined to those of g. */
Status gguf_split_count(const Gguf *g, const char *path, int64_t *n_shards, Err *err);
Status gguf_open_shards(Gguf *g, const char *path, int64_t n_shards, MapMode mode, Err *err);

/* gguf_index.c: tables whose records begin with a Str. */
Status gguf_index_open(GgufIndex *ix, int64_t n, Arena *a, Err *err);
uint64_t gguf_hash(uint64_t seed, Str s);
int32_t gguf_index_find(const GgufIndex *ix, const void *table, size_t stride, Str name); /* or -1 */
/* Adds record i under the name it begins with. False (and nothing added) if the name is there. */
bool gguf_index_add(GgufIndex *ix, const void *table, size_t stride, int32_t i);

/* Checks of names, shared by reader and writer. */
Status gguf_check_key(Str key, Err *err);
Status gguf_check_tensor_name(Str name, Err *err);
/* Shape and type rules; *bytes gets the size. n_dims and type as found in a file. */
Status gguf_check_shape(Str name, uint32_t n_dims, const int64_t ne[4], uint32_t type, int64_t *bytes,
                        Err *err);

#endif
