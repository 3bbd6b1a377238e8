/* gguf_write.c: the collecting half of the GGUF writer.
 *
 * Records are encoded when they are put, so that what is kept is what will be in the file. Offsets of
 * tensors follow from the sizes of those before them, so nothing has to be patched afterwards:
 *
 *   offset_0 = 0,   offset_(i+1) = offset_i + round_up(bytes_i, alignment)
 *
 * Whatever is refused here would be refused by the reader: we do not write files that we cannot
 * read. */
#include "gguf_write_impl.h"

#include <string.h>

/* ---------------------------------------------------------------- names */

/* Makes room for one more name. Old tables stay in the arena: doubling keeps their sum below twice
 * the last one. */
static Status grow_names(GgufWriter *w, NameSet *set, Err *err)
{
    int32_t cap = set->cap ? 2 * set->cap : 64;
    Str *names = ARENA_NEW(&w->arena, Str, cap);
    if (!names) return fail(err, E_MEMORY, "no memory for %d names", cap);
    TRY(gguf_index_open(&set->index, cap, &w->arena, err));
    for (int32_t i = 0; i < set->n; i++) {
        names[i] = set->names[i];
        gguf_index_add(&set->index, names, sizeof *names, i);
    }
    set->names = names;
    set->cap = cap;
    return OK;
}

static Status add_name(GgufWriter *w, NameSet *set, Str name, const char *what, Err *err)
{
    CHECK(w->fd < 0 && !w->path, "%s '%.*s' is put after the header", what, NAME_ARG(name));
    if (set->n == set->cap) TRY(grow_names(w, set, err));
    char *copy = arena_strndup(&w->arena, name.ptr, name.len);
    if (!copy) return fail(err, E_MEMORY, "no memory for %s '%.*s'", what, NAME_ARG(name));
    set->names[set->n] = (Str){copy, name.len};
    if (!gguf_index_add(&set->index, set->names, sizeof *set->names, set->n))
        return fail(err, E_ARG, "%s '%.*s' is given twice. HINT: each name may appear once", what,
                    NAME_ARG(name));
    set->n++;
    return OK;
}

/* ---------------------------------------------------------------- encoding */

/* Integers of a host that is little-endian, as all of ours are, are in file order already. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF is little-endian");

static Status add_u32(Buf *b, uint32_t v, Err *err) { return buf_append(b, &v, sizeof v, err); }
static Status add_u64(Buf *b, uint64_t v, Err *err) { return buf_append(b, &v, sizeof v, err); }

static Status add_str(Buf *b, Str s, Err *err)
{
    TRY(add_u64(b, s.len, err));
    return buf_append(b, s.ptr, s.len, err);
}

static Status check_room(const GgufWriter *w, size_t n, Err *err)
{
    size_t limit = GGUF_MAX_METADATA - GGUF_HEADER_BYTES;
    if (n > limit || w->kv.len + w->infos.len > limit - n)
        return fail(err, E_LIMIT, "metadata of more than %d MiB would not be read again. HINT: leave "
                    "keys out", GGUF_MAX_METADATA >> 20);
    return OK;
}

//@ begin gguf-put
/* key | type | [element type | count] | value: the layout in four lines. */
static Status add_kv(Buf *b, Str key, const GgufKv *v, Err *err)
{
    TRY(add_str(b, key, err));
    TRY(add_u32(b, v->type, err));
    if (v->type == GGUF_ARRAY) {
        TRY(add_u32(b, v->elem, err));
        TRY(add_u64(b, (uint64_t)v->count, err));
    }
    return buf_append(b, v->data, v->bytes, err);
}
//@ end gguf-put

Status gguf_writer_put(GgufWriter *w, const GgufKv *v, Err *err)
{
    if (gguf_check_key(v->key, NULL) != OK)
        return fail(err, E_ARG, "key '%.*s' cannot be written. HINT: a key has 1 to %d bytes, none of "
                    "them zero", NAME_ARG(v->key), GGUF_MAX_KEY);
    if (w->keys.n == GGUF_MAX_KV)
        return fail(err, E_LIMIT, "key '%.*s' is one above the limit of %d keys. HINT: leave keys out",
                    NAME_ARG(v->key), GGUF_MAX_KV);
    TRY(check_room(w, v->key.len + 24 + v->bytes, err));
    /* Room first: after that nothing can fail, and no half record can stay behind. */
    TRY(buf_reserve(&w->kv, v->key.len + 24 + v->bytes, err));
    TRY(add_name(w, &w->keys, v->key, "key", err));
    return add_kv(&w->kv, v->key, v, err);
}

static Str str_of(const char *text) { return (Str){text, strlen(text)}; }

static Status put_scalar(GgufWriter *w, const char *key, GgufType type, const void *v, Err *err)
{
    GgufKv kv = {.key = str_of(key), .type = type, .elem = type, .count = 1, .data = v,
                 .bytes = gguf_type_bytes(type)};
    if (str_is(kv.key, "general.alignment"))
        return fail(err, E_ARG, "key 'general.alignment' is written by the writer itself. HINT: give "
                    "the alignment to gguf_writer_open");
    return gguf_writer_put(w, &kv, err);
}

Status gguf_put_u32(GgufWriter *w, const char *key, uint32_t v, Err *err)
{
    return put_scalar(w, key, GGUF_U32, &v, err);
}

Status gguf_put_i32(GgufWriter *w, const char *key, int32_t v, Err *err)
{
    return put_scalar(w, key, GGUF_I32, &v, err);
}

Status gguf_put_f32(GgufWriter *w, const char *key, float v, Err *err)
{
    return put_scalar(w, key, GGUF_F32, &v, err);
}

Status gguf_put_bool(GgufWriter *w, const char *key, bool v, Err *err)
{
    uint8_t byte = v;
    return put_scalar(w, key, GGUF_BOOL, &byte, err);
}

static Status put_encoded(GgufWriter *w, const char *key, GgufType type, const Str *values, int64_t n,
                          Err *err)
{
    Buf b = {0};
    Status s = OK;
    size_t total = 0;
    for (int64_t i = 0; i < n && s == OK; i++) {
        total += 8 + (values[i].len < GGUF_MAX_METADATA ? values[i].len : GGUF_MAX_METADATA);
        s = check_room(w, total, err);
        if (s == OK) s = add_str(&b, values[i], err);
    }
    if (s == OK)
        s = gguf_writer_put(w, &(GgufKv){.key = str_of(key), .type = type, .elem = GGUF_STRING, .count = n,
                             .data = (const uint8_t *)b.data, .bytes = b.len}, err);
    buf_close(&b);
    return s;
}

Status gguf_put_str(GgufWriter *w, const char *key, const char *v, Err *err)
{
    Str s = str_of(v);
    return put_encoded(w, key, GGUF_STRING, &s, 1, err);
}

Status gguf_put_strings(GgufWriter *w, const char *key, const Str *values, int64_t n, Err *err)
{
    return put_encoded(w, key, GGUF_ARRAY, values, n, err);
}

Status gguf_put_array(GgufWriter *w, const char *key, GgufType elem, const void *values, int64_t n,
                      Err *err)
{
    size_t bytes = 0, size = gguf_type_bytes(elem);
    CHECK(size > 0 && n >= 0, "array '%s' of %lld x %s", key, (long long)n, gguf_type_name(elem));
    if (__builtin_mul_overflow((size_t)n, size, &bytes)) bytes = SIZE_MAX;
    TRY(check_room(w, bytes, err));
    return gguf_writer_put(w, &(GgufKv){.key = str_of(key), .type = GGUF_ARRAY, .elem = elem, .count = n,
                            .data = values, .bytes = bytes}, err);
}

Status gguf_put_copy(GgufWriter *w, const GgufKv *kv, Err *err)
{
    return str_is(kv->key, "general.alignment") ? OK : gguf_writer_put(w, kv, err);
}

/* ---------------------------------------------------------------- tensors */

static Status add_info(GgufWriter *w, Str name, DType type, int n_dims, const int64_t *ne, Err *err)
{
    TRY(add_str(&w->infos, name, err));
    TRY(add_u32(&w->infos, (uint32_t)n_dims, err));
    for (int i = 0; i < n_dims; i++) TRY(add_u64(&w->infos, (uint64_t)ne[i], err));
    TRY(add_u32(&w->infos, (uint32_t)type, err));
    return add_u64(&w->infos, w->data_bytes, err);
}

Status gguf_put_tensor(GgufWriter *w, const char *name, DType type, int n_dims, const int64_t *ne,
                       Err *err)
{
    Str s = str_of(name);
    int64_t shape[4] = {1, 1, 1, 1}, bytes = 0;
    CHECK(n_dims >= 0 && n_dims <= GGUF_MAX_DIMS, "tensor '%s' with %d dimensions", name, n_dims);
    for (int i = 0; i < n_dims; i++) shape[i] = ne[i];
    if (gguf_check_tensor_name(s, NULL) != OK)
        return fail(err, E_ARG, "tensor name '%.*s' (%zu bytes) cannot be written. HINT: a name has 1 "
                    "to %d bytes", NAME_ARG(s), s.len, GGUF_MAX_NAME);
    if (gguf_check_shape(s, (uint32_t)n_dims, shape, (uint32_t)type, &bytes, NULL) != OK ||
        (uint64_t)bytes > ((uint64_t)1 << 62) - w->data_bytes)
        return fail(err, E_ARG, "tensor '%.*s' cannot be written as %s [%lld, %lld, %lld, %lld]. HINT: "
                    "dimensions are from 1 to 2^40 and rows are whole blocks", NAME_ARG(s),
                    dtype_name(type), (long long)shape[0], (long long)shape[1], (long long)shape[2],
                    (long long)shape[3]);
    if (w->tensors.n == GGUF_MAX_TENSORS)
        return fail(err, E_LIMIT, "tensor '%.*s' is one above the limit of %d tensors. HINT: split the "
                    "model", NAME_ARG(s), GGUF_MAX_TENSORS);
    TRY(check_room(w, s.len + 64, err));
    TRY(buf_reserve(&w->infos, s.len + 64, err));
    TRY(buf_reserve(&w->tensor_bytes, sizeof bytes, err));
    TRY(add_name(w, &w->tensors, s, "tensor", err));
    TRY(buf_append(&w->tensor_bytes, &bytes, sizeof bytes, err));
    TRY(add_info(w, s, type, n_dims, ne, err));
    uint64_t mask = w->alignment - 1;
    w->data_bytes += ((uint64_t)bytes + mask) & ~mask;
    return OK;
}
