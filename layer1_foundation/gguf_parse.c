/* gguf_parse.c: header and metadata of one GGUF file.
 *
 *   u32 magic | u32 version | u64 n_tensors | u64 n_kv | n_kv x (string key | u32 type | value)
 *
 * Each value is walked once, to find where the next key begins; that walk is also its validation, so
 * later readers of a string array need no checks. A count is compared with the bytes that remain
 * divided by the smallest record before a table of that size is reserved. */
#include "gguf_impl.h"

#include <stdio.h>
#include <string.h>

static const struct { const char *name; size_t bytes; } value_types[GGUF_TYPE_COUNT] = {
    [GGUF_U8] = {"u8", 1},   [GGUF_I8] = {"i8", 1},     [GGUF_U16] = {"u16", 2},
    [GGUF_I16] = {"i16", 2}, [GGUF_U32] = {"u32", 4},   [GGUF_I32] = {"i32", 4},
    [GGUF_F32] = {"f32", 4}, [GGUF_BOOL] = {"bool", 1}, [GGUF_STRING] = {"str", 0},
    [GGUF_ARRAY] = {"arr", 0}, [GGUF_U64] = {"u64", 8}, [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8}};

const char *gguf_type_name(GgufType t)
{
    return (unsigned)t < GGUF_TYPE_COUNT ? value_types[t].name : "?";
}

size_t gguf_type_bytes(GgufType t)
{
    return (unsigned)t < GGUF_TYPE_COUNT ? value_types[t].bytes : 0;
}

Status gguf_cursor_short(const Cursor *c, uint64_t need)
{
    char where[128];
    snprintf(where, sizeof where, c->name.len ? "%s '%.*s'" : "%s", c->what, NAME_ARG(c->name));
    if (c->capped)
        return fail(c->err, E_LIMIT, "metadata exceeds %d MiB: %s at byte %zu needs %llu more bytes. "
                    "HINT: no model needs that much; the file is damaged", GGUF_MAX_METADATA >> 20,
                    where, cursor_position(c), (unsigned long long)need);
    return fail(c->err, E_FORMAT, "the file ends inside %s: %llu bytes needed at byte %zu, %zu left. "
                "HINT: the download may be incomplete; compare the file size", where,
                (unsigned long long)need, cursor_position(c), c->remaining);
}

/* ---------------------------------------------------------------- what kind of file is it? */

static const char *kind_of_stranger(const uint8_t *d, size_t n)
{
    static const struct { const char *magic, *hint; } known[] = {
        {"lmgg", "this is the old GGML format; convert the original model again"},
        {"fmgg", "this is the old GGMF format; convert the original model again"},
        {"tjgg", "this is the old GGJT format; convert the original model again"},
        {"PK\x03\x04", "this is a ZIP archive or a PyTorch checkpoint; unpack or convert it"},
        {"\x1f\x8b", "this is a gzip archive; unpack it first"},
        {"version https://git-lfs", "a Git LFS pointer stands here instead of the model: run git lfs pull"},
        {"<", "this is a web page: the download fetched an error page"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n >= strlen(known[i].magic) && memcmp(d, known[i].magic, strlen(known[i].magic)) == 0)
            return known[i].hint;
    if (n > 8 && d[8] == '{') return "this looks like safetensors; give the directory that it is in";
    return "a GGUF file starts with the letters GGUF";
}

static Status wrong_magic(const uint8_t *d, size_t n, Err *err)
{
    char hex[16] = "", text[8] = "";
    for (size_t i = 0; i < 4 && i < n; i++) {
        snprintf(hex + 3 * i, sizeof hex - 3 * i, "%02x ", d[i]);
        text[i] = d[i] >= 0x20 && d[i] < 0x7f ? (char)d[i] : '.';
    }
    return fail(err, E_FORMAT, "is not a GGUF file: starts with %s\"%s\". HINT: %s", hex, text,
                kind_of_stranger(d, n));
}

static Status check_version(uint32_t version, Err *err)
{
    if (version == 2 || version == 3) return OK;
    if (version == 1)
        return fail(err, E_UNSUPPORTED, "GGUF version 1 (32-bit counts) is not read, versions 2 and 3 "
                    "are. HINT: convert the original model again");
    if (version != 0 && (version & 0xFFFF) == 0)
        return fail(err, E_UNSUPPORTED, "the file is big-endian (version reads 0x%08X), this program "
                    "reads little-endian. HINT: convert the model again for this machine", version);
    return fail(err, version ? E_UNSUPPORTED : E_FORMAT, "GGUF version %u is unknown, versions 2 and "
                "3 are read. HINT: the file is damaged or newer than this program", version);
}

static Status check_count(const char *what, uint64_t n, size_t min_bytes, int64_t limit,
                          const Cursor *c)
{
    if (n > c->remaining / min_bytes)
        return fail(c->err, E_FORMAT, "%s = %llu is impossible: the %zu bytes that follow have room "
                    "for %zu at most. HINT: the file is damaged or cut", what, (unsigned long long)n,
                    c->remaining, c->remaining / min_bytes);
    if (n > (uint64_t)limit)
        return fail(c->err, E_LIMIT, "%s = %llu is above the limit of %lld. HINT: no known model "
                    "comes near it; the file is damaged", what, (unsigned long long)n,
                    (long long)limit);
    return OK;
}

/* ---------------------------------------------------------------- keys and values */

Status gguf_check_key(Str key, Err *err)
{
    if (key.len == 0)
        return fail(err, E_FORMAT, "a key is empty. HINT: the file is damaged");
    if (key.len > GGUF_MAX_KEY)
        return fail(err, E_FORMAT, "key '%.*s...' has %zu bytes, the limit is %d. HINT: the file is "
                    "damaged", NAME_ARG(key), key.len, GGUF_MAX_KEY);
    if (memchr(key.ptr, 0, key.len))
        return fail(err, E_FORMAT, "key '%.*s' contains a zero byte. HINT: the file is damaged or made "
                    "to deceive", NAME_ARG(key));
    return OK;
}

static Status check_value_type(uint32_t type, bool is_element, const Cursor *c)
{
    if (type >= GGUF_TYPE_COUNT)
        return fail(c->err, E_FORMAT, "key '%.*s': %s %u is unknown, the last is %d. HINT: the file "
                    "is damaged or newer than this program", NAME_ARG(c->name),
                    is_element ? "array element type" : "value type", type, GGUF_TYPE_COUNT - 1);
    if (is_element && type == GGUF_ARRAY)
        return fail(c->err, E_UNSUPPORTED, "key '%.*s': arrays of arrays are not read. HINT: no known "
                    "model has one", NAME_ARG(c->name));
    return OK;
}

static Status walk_string(Cursor *c)
{
    uint64_t n = 0;
    const uint8_t *bytes = NULL;
    TRY(rd_u64(c, &n));
    if (n > GGUF_MAX_STRING)
        return fail(c->err, E_FORMAT, "key '%.*s': a string claims %llu bytes, the limit is %d. "
                    "HINT: the file is damaged", NAME_ARG(c->name), (unsigned long long)n,
                    GGUF_MAX_STRING);
    return rd_bytes(c, n, &bytes);
}

//@ begin gguf-array
/* Walks n elements of one type. Fixed sizes need one comparison, strings
 * one per string. */
static Status walk_elements(Cursor *c, GgufType elem, uint64_t n)
{
    const uint8_t *bytes = NULL;
    uint64_t total = 0;
    size_t smallest = elem == GGUF_STRING ? 8 : gguf_type_bytes(elem);
    if (__builtin_mul_overflow(n, smallest, &total) || total > c->remaining)
        return fail(c->err, c->capped ? E_LIMIT : E_FORMAT,
                    "key '%.*s': %llu elements of %s cannot lie in the %zu "
                    "bytes that %s. HINT: the file is damaged or cut",
                    NAME_ARG(c->name), (unsigned long long)n,
                    gguf_type_name(elem), c->remaining,
                    c->capped ? "metadata may still take" : "remain");
    if (elem != GGUF_STRING) return rd_bytes(c, total, &bytes);
    for (uint64_t i = 0; i < n; i++) TRY(walk_string(c));
    return OK;
}
//@ end gguf-array

static Status parse_kv(Cursor *c, GgufKv *kv)
{
    uint32_t type = 0, elem = 0;
    uint64_t n = 1;
    c->what = c->name.len ? "the key after" : "the first key";
    TRY(rd_str(c, &kv->key));
    TRY(gguf_check_key(kv->key, c->err));
    c->what = "the value of key";
    c->name = kv->key;
    TRY(rd_u32(c, &type));
    TRY(check_value_type(type, false, c));
    elem = type;
    if (type == GGUF_ARRAY) {
        TRY(rd_u32(c, &elem));
        TRY(check_value_type(elem, true, c));
        TRY(rd_u64(c, &n));
    }
    kv->type = (GgufType)type;
    kv->elem = (GgufType)elem;
    kv->data = c->at;
    TRY(walk_elements(c, kv->elem, n));
    kv->count = (int64_t)n;
    kv->bytes = (size_t)(c->at - kv->data);
    return OK;
}

static Status read_alignment(GgufFile *f, Err *err)
{
    static const char name[] = "general.alignment";
    Str key = {name, sizeof name - 1};
    int32_t i = gguf_index_find(&f->kv_index, f->kv, sizeof *f->kv, key);
    f->alignment = GGUF_DEFAULT_ALIGNMENT;
    if (i < 0) return OK;
    const GgufKv *kv = &f->kv[i];
    if (kv->type != GGUF_U32)
        return fail(err, E_FORMAT, "key '%s' has type %s, it must be u32. HINT: the file is damaged or "
                    "its writer is wrong", name, gguf_type_name(kv->type));
    uint32_t v = (uint32_t)gguf_array_int(kv, 0);
    if (v < GGUF_MIN_ALIGNMENT || v > GGUF_MAX_ALIGNMENT || (v & (v - 1)) != 0)
        return fail(err, E_FORMAT, "key '%s' = %u must be a power of two from %d to %d. HINT: the file "
                    "is damaged or its writer is wrong", name, v, GGUF_MIN_ALIGNMENT,
                    GGUF_MAX_ALIGNMENT);
    f->alignment = v;
    return OK;
}

Status gguf_parse_head(GgufFile *f, Cursor *c, Arena *a)
{
    uint64_t n_tensors = 0, n_kv = 0;

    /* 1. The fixed header. */
    const uint8_t *magic = c->at;
    if (c->remaining < 4 || memcmp(magic, "GGUF", 4) != 0)
        return wrong_magic(magic, c->remaining, c->err);
    c->what = "the header";
    TRY(rd_bytes(c, 4, &magic));
    TRY(rd_u32(c, &f->version));
    TRY(check_version(f->version, c->err));
    TRY(rd_u64(c, &n_tensors));
    TRY(rd_u64(c, &n_kv));

    /* 2. Counts, before anything of that size is reserved. */
    TRY(check_count("the number of keys", n_kv, GGUF_MIN_KV_BYTES, GGUF_MAX_KV, c));
    TRY(check_count("the number of tensors", n_tensors, GGUF_MIN_TENSOR_BYTES, GGUF_MAX_TENSORS, c));
    f->n_kv = (int64_t)n_kv;
    f->n_tensors = (int64_t)n_tensors;
    f->kv = ARENA_NEW(a, GgufKv, f->n_kv);
    if (!f->kv) return fail(c->err, E_MEMORY, "no memory for %lld keys", (long long)f->n_kv);
    TRY(gguf_index_open(&f->kv_index, f->n_kv, a, c->err));

    /* 3. Keys and values. */
    for (int64_t i = 0; i < f->n_kv; i++) {
        TRY(parse_kv(c, &f->kv[i]));
        if (!gguf_index_add(&f->kv_index, f->kv, sizeof *f->kv, (int32_t)i))
            return fail(c->err, E_FORMAT, "key '%.*s' appears twice. HINT: the file is damaged or "
                        "made to deceive", NAME_ARG(f->kv[i].key));
    }
    return read_alignment(f, c->err);
}
