/* torchfile.c: an archive, its pickle and its storages become tensors with a place. */
#include "torchfile.h"

#include "pickle.h"
#include "zipview.h"

#include <stdio.h>
#include <string.h>

/* NAME/data.pkl: the archive may be called anything, so the end of the name decides. */
static Status find_pickle(const ZipView *z, const ZipMember **pickle, Err *err)
{
    static const char end[] = "/data.pkl";
    *pickle = NULL;
    for (int64_t i = 0; i < z->n; i++) {
        Str s = z->members[i].name;
        if (s.len < sizeof end - 1 || memcmp(s.ptr + s.len - (sizeof end - 1), end, sizeof end - 1) != 0) continue;
        if (*pickle) return fail(err, E_FORMAT, "the archive holds two data.pkl. HINT: is it one of torch.save?");
        *pickle = &z->members[i];
    }
    return *pickle ? OK : fail(err, E_FORMAT, "the zip archive holds no data.pkl. HINT: is it one of torch.save?");
}

/* A member beside the pickle, NULL if there is none. name is scratch. */
static Status beside(const ZipView *z, Str pickle, Buf *name, const char *folder, Str key, const ZipMember **m,
                     Err *err)
{
    buf_clear(name);
    TRY(buf_append(name, pickle.ptr, pickle.len - strlen("data.pkl"), err));
    TRY(buf_append(name, folder, strlen(folder), err));
    TRY(buf_append(name, key.ptr, key.len, err));
    *m = zipview_find(z, (Str){name->data, name->len});
    return OK;
}

static Status bad(const PickleTensor *p, const char *what, Err *err)
{
    return fail(err, E_FORMAT, "the tensor '%.*s' %s. HINT: the checkpoint is damaged", STR_ARG(p->name), what);
}

/* Numbers in the order of the shape, one next to the other, all of them inside the storage. */
static Status place(SafeTensor *t, const PickleTensor *p, const ZipMember *m, Err *err)
{
    int64_t n = 1, bytes;
    for (int i = 0; i < p->n_dims; i++)
        if (__builtin_mul_overflow(n, p->shape[i], &n)) return bad(p, "has too many numbers", err);
    int64_t step = 1;
    for (int i = p->n_dims - 1; n > 0 && i >= 0; step *= p->shape[i--])
        if (p->shape[i] > 1 && p->stride[i] != step)
            return fail(err, E_UNSUPPORTED, "the tensor '%.*s' does not lie in one piece: dimension %d has the stride %lld, "
                        "expected is %lld. HINT: call .contiguous() on it and save again", STR_ARG(p->name), i,
                        (long long)p->stride[i], (long long)step);
    if (__builtin_mul_overflow(p->numel, p->type->bytes, &bytes) || bytes != m->bytes)
        return fail(err, E_FORMAT, "the storage '%.*s' has %lld bytes, %lld numbers of type %s need others. HINT: the "
                    "checkpoint is damaged", STR_ARG(m->name), (long long)m->bytes, (long long)p->numel, p->type->name);
    if (p->offset > p->numel || n > p->numel - p->offset) return bad(p, "reaches beyond its storage", err);
    *t = (SafeTensor){.name = p->name, .type = p->type->type, .n_dims = p->n_dims,
                      .data = m->data + p->offset * p->type->bytes, .bytes = n * p->type->bytes};
    snprintf(t->type_name, sizeof t->type_name, "%s", p->type->name);
    memcpy(t->shape, p->shape, sizeof t->shape);
    return OK;
}

static Status place_all(const ZipView *z, Str pickle, const PickleTensor *p, int64_t n, SafeTensor *out, Buf *name,
                        Err *err)
{
    const ZipMember *order, *m;
    TRY(beside(z, pickle, name, "byteorder", (Str){"", 0}, &order, err));
    if (order && !(order->bytes == 6 && memcmp(order->data, "little", 6) == 0))
        return fail(err, E_UNSUPPORTED, "the checkpoint has its bytes in the order '%.*s'. HINT: save it again on a "
                    "little-endian machine", (int)(order->bytes > 16 ? 16 : order->bytes), (const char *)order->data);
    for (int64_t i = 0; i < n; i++) {
        TRY(beside(z, pickle, name, "data/", p[i].storage, &m, err));
        if (!m)
            return fail(err, E_FORMAT, "the storage 'data/%.*s' of the tensor '%.*s' is not in the archive. HINT: the "
                        "checkpoint is damaged", STR_ARG(p[i].storage), STR_ARG(p[i].name));
        TRY(place(&out[i], &p[i], m, err));
    }
    return OK;
}

Status torchfile_tensors(Arena *a, const void *data, size_t size, SafeTensor **out, int64_t *n, Err *err)
{
    ZipView z;
    const ZipMember *pickle;
    PickleTensor *tensors;
    TRY(zipview_open(&z, a, data, size, err));
    TRY(find_pickle(&z, &pickle, err));
    TRY(pickle_tensors(a, pickle->data, (size_t)pickle->bytes, &tensors, n, err));
    *out = ARENA_NEW(a, SafeTensor, *n + 1);
    if (!*out) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)*n);
    Buf name = {0};
    Status s = place_all(&z, pickle->name, tensors, *n, *out, &name, err);
    buf_close(&name);
    return s;
}
