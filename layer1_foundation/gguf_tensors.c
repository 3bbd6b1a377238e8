/* gguf_tensors.c: the tensor table, and the proof that every tensor lies inside the file.
 *
 *   string name | u32 n_dims | n_dims x i64 ne | u32 type | u64 offset from the data section
 *   bytes = ne0 / block * block_bytes * ne1 * ne2 * ne3
 *
 * The sizes are products of numbers from the file; one that wraps around 2^64 would look small and
 * pass every later test, so each multiplication is checked. When this file is done, a kernel that
 * stays inside a tensor stays inside the file. */
#include "gguf_impl.h"

#include <string.h>

Status gguf_check_tensor_name(Str name, Err *err)
{
    if (name.len == 0) return fail(err, E_FORMAT, "a tensor has no name. HINT: the file is damaged");
    if (name.len > GGUF_MAX_NAME)
        return fail(err, E_FORMAT, "tensor name '%.*s...' has %zu bytes, the limit is %d. HINT: the "
                    "file is damaged or its writer is wrong", NAME_ARG(name), name.len, GGUF_MAX_NAME);
    if (memchr(name.ptr, 0, name.len))
        return fail(err, E_FORMAT, "tensor name '%.*s' contains a zero byte. HINT: the file is damaged "
                    "or made to deceive", NAME_ARG(name));
    return OK;
}

static Status unknown_type(Str name, uint32_t type, Err *err)
{
    bool retired = type == 4 || type == 5 || (type >= 31 && type <= 33) || (type >= 36 && type <= 38);
    if (retired)
        return fail(err, E_UNSUPPORTED, "tensor '%.*s' has type id %u, which is retired. HINT: the file "
                    "is from an old converter; quantise the original model again", NAME_ARG(name),
                    type);
    return fail(err, E_UNSUPPORTED, "tensor '%.*s' has type id %u, which is unknown (the last known is "
                "%d). HINT: the file is damaged or newer than this program", NAME_ARG(name), type,
                DT_COUNT - 1);
}

static Status check_dim(Str name, int i, int64_t n, Err *err)
{
    if (n >= 1 && n <= GGUF_MAX_DIM) return OK;
    return fail(err, E_FORMAT, "tensor '%.*s': dimension %d is %lld, it must be from 1 to 2^40. HINT: "
                "the file is damaged", NAME_ARG(name), i, (long long)n);
}

//@ begin gguf-shape
Status gguf_check_shape(Str name, uint32_t n_dims, const int64_t ne[4],
                        uint32_t type, int64_t *bytes, Err *err)
{
    const DTypeInfo *info = dtype_info(type);
    int64_t n = 1, row;
    if (n_dims > GGUF_MAX_DIMS)
        return fail(err, E_FORMAT, "tensor '%.*s' has %u dimensions, at most "
                    "%d are possible. HINT: the file is damaged",
                    NAME_ARG(name), n_dims, GGUF_MAX_DIMS);
    if (!info) return unknown_type(name, type, err);
    for (int i = 0; i < 4; i++) TRY(check_dim(name, i, ne[i], err));
    if (ne[0] % info->block != 0)
        return fail(err, E_FORMAT, "tensor '%.*s': rows of %lld elements are "
                    "no whole blocks of %d (%s). HINT: the file is damaged",
                    NAME_ARG(name), (long long)ne[0], info->block, info->name);
    bool wraps = __builtin_mul_overflow(ne[0] / info->block, info->bytes, &row);
    *bytes = row;
    for (int i = 0; i < 4; i++) wraps |= __builtin_mul_overflow(n, ne[i], &n);
    for (int i = 1; i < 4; i++)
        wraps |= __builtin_mul_overflow(*bytes, ne[i], bytes);
    if (wraps)
        return fail(err, E_FORMAT, "tensor '%.*s': %lld x %lld x %lld x %lld "
                    "elements of %s exceed 2^63. HINT: the file is damaged",
                    NAME_ARG(name), (long long)ne[0], (long long)ne[1],
                    (long long)ne[2], (long long)ne[3], info->name);
    return OK;
}
//@ end gguf-shape

static Status parse_tensor(Cursor *c, GgufTensor *t)
{
    uint32_t n_dims = 0, type = 0;
    int64_t ne[4] = {1, 1, 1, 1};
    c->what = c->name.len ? "the tensor after" : "the first tensor";
    TRY(rd_str(c, &t->name));
    TRY(gguf_check_tensor_name(t->name, c->err));
    c->what = "the shape of tensor";
    c->name = t->name;
    TRY(rd_u32(c, &n_dims));
    for (uint32_t i = 0; i < n_dims && i < GGUF_MAX_DIMS; i++) {
        uint64_t n = 0;
        TRY(rd_u64(c, &n));
        ne[i] = (int64_t)n;
    }
    if (n_dims <= GGUF_MAX_DIMS) {
        TRY(rd_u32(c, &type));
        TRY(rd_u64(c, &t->offset));
    }
    TRY(gguf_check_shape(t->name, n_dims, ne, type, &t->bytes, c->err));
    t->n_dims = (int)n_dims;
    t->view = tensor_view((DType)type, NULL, ne[0], ne[1], ne[2], ne[3]);
    return OK;
}

/* Position in the file, aligned, and inside. Only then may a pointer be formed. */
static Status place_tensor(const GgufFile *f, GgufTensor *t, Err *err)
{
    if (t->offset % f->alignment != 0)
        return fail(err, E_FORMAT, "tensor '%.*s' starts at offset %llu, which is no multiple of the "
                    "alignment %u. HINT: the file is damaged or its writer is wrong",
                    NAME_ARG(t->name), (unsigned long long)t->offset, f->alignment);
    if (f->in_parts) return OK;
    uint64_t have = f->data_start < f->size ? f->size - f->data_start : 0;
    if (t->offset > have || (uint64_t)t->bytes > have - t->offset)
        return fail(err, E_FORMAT, "tensor '%.*s' (%lld bytes at offset %llu of the data) ends beyond "
                    "the file, which has %llu bytes of data. HINT: the download may be incomplete",
                    NAME_ARG(t->name), (long long)t->bytes, (unsigned long long)t->offset,
                    (unsigned long long)have);
    t->view.data = f->data + f->data_start + t->offset;
    return OK;
}

/* ---------------------------------------------------------------- overlap */

/* Restores the heap (largest offset on top) below `at`. */
static void sift_down(const GgufTensor **heap, int64_t at, int64_t n)
{
    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heap[child + 1]->offset > heap[child]->offset) child++;
        if (heap[at]->offset >= heap[child]->offset) return;
        const GgufTensor *t = heap[at];
        heap[at] = heap[child];
        heap[child] = t;
    }
}

/* Heap sort: n log n for any input, no memory, no recursion. */
static void sort_by_offset(const GgufTensor **t, int64_t n)
{
    for (int64_t i = n / 2; i-- > 0;) sift_down(t, i, n);
    for (int64_t last = n - 1; last > 0; last--) {
        const GgufTensor *top = t[0];
        t[0] = t[last];
        t[last] = top;
        sift_down(t, 0, last);
    }
}

static Status check_overlap(const GgufFile *f, Arena *a, Err *err)
{
    const GgufTensor **order = ARENA_NEW(a, const GgufTensor *, f->n_tensors);
    if (!order) return fail(err, E_MEMORY, "no memory to sort %lld tensors", (long long)f->n_tensors);
    for (int64_t i = 0; i < f->n_tensors; i++) order[i] = &f->tensors[i];
    sort_by_offset(order, f->n_tensors);
    for (int64_t i = 1; i < f->n_tensors; i++) {
        const GgufTensor *p = order[i - 1], *q = order[i];
        if ((uint64_t)p->bytes > q->offset - p->offset)
            return fail(err, E_FORMAT, "tensors '%.*s' and '%.*s' overlap at offset %llu of the data. "
                        "HINT: the file is damaged or made to deceive", NAME_ARG(p->name),
                        NAME_ARG(q->name), (unsigned long long)q->offset);
    }
    return OK;
}

static Status parse_tensors(GgufFile *f, Cursor *c, Arena *a, int shard)
{
    /* 1. The table. */
    f->tensors = ARENA_NEW(a, GgufTensor, f->n_tensors);
    if (!f->tensors)
        return fail(c->err, E_MEMORY, "no memory for %lld tensors", (long long)f->n_tensors);
    c->name = (Str){"", 0};
    for (int64_t i = 0; i < f->n_tensors; i++) {
        TRY(parse_tensor(c, &f->tensors[i]));
        f->tensors[i].shard = shard;
    }

    /* 2. The data section begins at the next multiple of the alignment. */
    uint64_t mask = f->alignment - 1;
    f->data_start = (cursor_position(c) + mask) & ~mask;

    /* 3. Each tensor in its place. */
    for (int64_t i = 0; i < f->n_tensors; i++) TRY(place_tensor(f, &f->tensors[i], c->err));
    return check_overlap(f, a, c->err);
}

static Status parse_bytes(GgufFile *f, int shard, Arena *a, Err *err)
{
    const uint8_t *data = f->data;
    size_t size = f->size;
    bool capped = size > GGUF_MAX_METADATA;
    size_t n = capped ? GGUF_MAX_METADATA : size;
    Cursor c = {.at = data, .remaining = n, .start = n, .capped = capped, .name = {"", 0},
                .what = "", .err = err};
    TRY(gguf_parse_head(f, &c, a));
    return parse_tensors(f, &c, a, shard);
}

Status gguf_parse_file(GgufFile *f, const uint8_t *data, size_t size, int shard, Arena *a, Err *err)
{
    *f = (GgufFile){.data = data, .size = size};
    return parse_bytes(f, shard, a, err);
}

/* The sizes are those that the file would have. */
Status gguf_parse_parts(GgufFile *f, const GgufParts *p, Arena *a, Err *err)
{
    *f = (GgufFile){.data = p->header, .size = p->header_bytes, .in_parts = true};
    TRY(parse_bytes(f, 0, a, err));
    f->size = f->data_start;
    for (int64_t i = 0; i < f->n_tensors; i++) {
        GgufTensor *t = &f->tensors[i];
        uint64_t mask = f->alignment - 1, end = f->data_start + t->offset + (((uint64_t)t->bytes + mask) & ~mask);
        t->view.data = p->data ? p->data[i] : NULL;
        if (end > f->size) f->size = (size_t)end;
    }
    return OK;
}
