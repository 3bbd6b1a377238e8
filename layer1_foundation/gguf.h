/* gguf.h: the GGUF container, versions 2 and 3: key/value metadata and named tensors.
 *
 *   "GGUF" version n_tensors n_kv | n_kv x (key, type, value) | n_tensors x (name, shape, type, offset)
 *   | zeros up to a multiple of the alignment | tensor data, each tensor padded to the alignment
 *
 * Interface:
 * - gguf_open maps a file (and, if it is shard 1 of a split model, all its shards) and checks
 *   everything before anything is used: lengths against what remains of the file, products for
 *   overflow, names for duplicates, tensor ranges for lying inside the file without overlap.
 * - Nothing is copied: keys, strings and tensor data are views into the mapping and live until
 *   gguf_close. Tables are in the Gguf's own arena, bounded by the size of the file.
 * - Typed getters leave the caller's default when the key is absent and fail when it has the wrong
 *   type: integer keys accept any integer type that fits, float keys f32 or f64.
 * - A GGUF is read-only after opening and may be read from several threads.
 * - The writer produces the same layout; its users give the tensor data piece by piece.
 * Source: the GGUF specification (ggml docs/gguf.md), shared facts in the format tables. */
#ifndef SIXFOLD_GGUF_H
#define SIXFOLD_GGUF_H

#include "arena.h"
#include "mapfile.h"
#include "tensor.h"

typedef enum {
    GGUF_U8 = 0, GGUF_I8 = 1, GGUF_U16 = 2, GGUF_I16 = 3, GGUF_U32 = 4, GGUF_I32 = 5,
    GGUF_F32 = 6, GGUF_BOOL = 7, GGUF_STRING = 8, GGUF_ARRAY = 9, GGUF_U64 = 10, GGUF_I64 = 11,
    GGUF_F64 = 12, GGUF_TYPE_COUNT = 13
} GgufType;

/* A string inside the file: not terminated, any bytes. Print with "%.*s", STR_ARG(s). */
typedef struct {
    const char *ptr;
    size_t len;
} Str;
#define STR_ARG(s) (int)((s).len > 200 ? 200 : (s).len), (s).ptr

bool str_is(Str s, const char *text);

typedef struct {
    Str key;
    GgufType type;       /* GGUF_ARRAY for arrays */
    GgufType elem;       /* element type of an array, else = type */
    int64_t count;       /* elements of an array, else 1 */
    const uint8_t *data; /* encoded value(s), unaligned */
    size_t bytes;        /* encoded length */
} GgufKv;

typedef struct {
    Str name;
    Tensor view;    /* type, shape, strides, data */
    int n_dims;     /* as written: 1 to 4, or 0 for a scalar */
    int64_t bytes;  /* size of the data */
    uint64_t offset;/* from the start of its shard's data section */
    int shard;
} GgufTensor;

/* Names hashed with a secret seed: a file cannot be made whose names all collide. */
typedef struct {
    int32_t *slots; /* position of a name in its table, -1 = free; linear probing */
    int32_t size;   /* power of two, at least twice the number of names */
    uint64_t seed;
} GgufIndex;

typedef struct Gguf {
    uint32_t version;
    uint32_t alignment;
    int n_shards;
    MapFile *files;      /* [n_shards]; none for gguf_open_memory */
    uint64_t data_start; /* of shard 0: offset of the data section in the file */
    int64_t n_kv, n_tensors;
    GgufKv *kv;          /* [n_kv] of shard 0, in file order */
    GgufTensor *tensors; /* [n_tensors] of all shards, in file order */
    GgufIndex kv_index;
    GgufIndex tensor_index;
    int64_t file_bytes;  /* all shards */
    Arena arena;
} Gguf;

Status gguf_open(Gguf *g, const char *path, MapMode mode, Err *err);

/* The same for bytes in memory (an embedded model, a fuzzer). data must outlive g and be 8-byte
 * aligned (CHECKed). Split files cannot be opened this way. */
Status gguf_open_memory(Gguf *g, const void *data, size_t size, Err *err);

void gguf_close(Gguf *g);

const char *gguf_type_name(GgufType t); /* "u32", "str", "arr" ... */
size_t gguf_type_bytes(GgufType t);     /* 0 for strings and arrays */

const GgufKv *gguf_find(const Gguf *g, const char *key);           /* NULL if absent */
const GgufTensor *gguf_tensor(const Gguf *g, const char *name);    /* NULL if absent */

/* Scalar getters. Absent key: *out is left as it is and the result is OK (set a default first); wrong
 * type or value out of [lo, hi]: E_FORMAT with a message naming key, value and range. */
Status gguf_get_int(const Gguf *g, const char *key, int64_t lo, int64_t hi, int64_t *out, Err *err);
Status gguf_get_f32(const Gguf *g, const char *key, float *out, Err *err);
Status gguf_get_bool(const Gguf *g, const char *key, bool *out, Err *err);
Status gguf_get_str(const Gguf *g, const char *key, Str *out, Err *err);

/* Arrays. n is the number of elements that the caller expects, or -1 for any. An integer elem accepts
 * every integer type and bool, a float elem both float types: the element functions below convert.
 * Absent key: OK and *out = NULL. Strings are walked with an iterator. */
Status gguf_array(const Gguf *g, const char *key, GgufType elem, int64_t n, const GgufKv **out,
                  Err *err);
int64_t gguf_array_int(const GgufKv *kv, int64_t i); /* integers, bool; u64 beyond i64: INT64_MAX */
float gguf_array_f32(const GgufKv *kv, int64_t i);   /* f32 or f64 */
typedef struct { const uint8_t *at, *end; int64_t left; } GgufStrings;
GgufStrings gguf_strings(const GgufKv *kv);
bool gguf_next_string(GgufStrings *it, Str *out);

/* ---- the writer (gguf_write.c): collect, then write in one go ----
 * Metadata is kept encoded in memory; tensor data is given by the caller when writing, so memory
 * stays small. The result goes to PATH.partial and is renamed when complete. Keys and tensor names
 * that the reader would refuse (empty, too long, given twice) are refused here too. The writer adds
 * general.alignment itself when it is not 32. */
typedef struct GgufWriter GgufWriter;

Status gguf_writer_open(GgufWriter **w, uint32_t alignment, Err *err);
void gguf_writer_close(GgufWriter *w); /* frees; removes an unfinished .partial file */
Status gguf_put_u32(GgufWriter *w, const char *key, uint32_t v, Err *err);
Status gguf_put_i32(GgufWriter *w, const char *key, int32_t v, Err *err);
Status gguf_put_f32(GgufWriter *w, const char *key, float v, Err *err);
Status gguf_put_bool(GgufWriter *w, const char *key, bool v, Err *err);
Status gguf_put_str(GgufWriter *w, const char *key, const char *v, Err *err);
Status gguf_put_array(GgufWriter *w, const char *key, GgufType elem, const void *values, int64_t n,
                      Err *err); /* fixed-size elements, packed */
Status gguf_put_strings(GgufWriter *w, const char *key, const Str *values, int64_t n, Err *err);
/* A key of another file, as it is; general.alignment is skipped, since the writer has its own. */
Status gguf_put_copy(GgufWriter *w, const GgufKv *kv, Err *err);

/* Declares a tensor; data follows in the same order. */
Status gguf_put_tensor(GgufWriter *w, const char *name, DType type, int n_dims, const int64_t *ne,
                       Err *err);
/* Writes the header to path.partial; then one gguf_write_data per tensor (any number of calls that
 * together give its size), then gguf_writer_finish, which renames and brings the name to the disk as well.
 * Who wants to look at the file before an older one of that name is gone calls gguf_writer_seal first:
 * the whole file is then on the disk as *partial, a path of the writer's. */
Status gguf_write_header(GgufWriter *w, const char *path, Err *err);
Status gguf_write_data(GgufWriter *w, const void *bytes, size_t n, Err *err);
Status gguf_writer_seal(GgufWriter *w, const char **partial, Err *err);
Status gguf_writer_finish(GgufWriter *w, Err *err);

#endif
