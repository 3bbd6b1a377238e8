/* tensor.c: a tensor is a pointer with arithmetic.
 *
 *   address(i0, i1, i2, i3) = data + i0*nb[0] + i1*nb[1] + i2*nb[2] + i3*nb[3]
 *
 * Transposing, slicing and broadcasting change nb and ne, never the data. */
#include "tensor.h"

#include "half.h"

#include <string.h>

//@ begin tensor-view
Tensor tensor_view(DType type, const void *data, int64_t n0, int64_t n1,
                   int64_t n2, int64_t n3)
{
    Tensor t = {.type = type, .ne = {n0, n1, n2, n3}, .data = data};
    /* Neighbours in dimension 0 are one block apart; each further
     * dimension steps over everything before it. */
    t.nb[0] = dtype_info(type)->bytes;
    t.nb[1] = dtype_row_bytes(type, n0);
    t.nb[2] = t.nb[1] * n1;
    t.nb[3] = t.nb[2] * n2;
    return t;
}
//@ end tensor-view

Tensor tensor_matrix(DType type, const void *data, int64_t n_in, int64_t n_out)
{
    return tensor_view(type, data, n_in, n_out, 1, 1);
}

Tensor tensor_vector(DType type, const void *data, int64_t n)
{
    return tensor_view(type, data, n, 1, 1, 1);
}

const void *tensor_row(const Tensor *t, int64_t i1, int64_t i2, int64_t i3)
{
    CHECK(i1 >= 0 && i1 < t->ne[1] && i2 >= 0 && i2 < t->ne[2] && i3 >= 0 && i3 < t->ne[3],
          "row (%lld, %lld, %lld) of a tensor with (%lld, %lld, %lld) rows", (long long)i1,
          (long long)i2, (long long)i3, (long long)t->ne[1], (long long)t->ne[2],
          (long long)t->ne[3]);
    return (const char *)t->data + i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3];
}

Tensor tensor_transpose(Tensor t, int a, int b)
{
    CHECK((a && b) || dtype_info(t.type)->block == 1, "%s has whole rows only", dtype_name(t.type));
    int64_t n = t.ne[a], stride = t.nb[a];
    t.ne[a] = t.ne[b];
    t.nb[a] = t.nb[b];
    t.ne[b] = n;
    t.nb[b] = stride;
    return t;
}

float tensor_at(const Tensor *t, int64_t i0, int64_t i1, int64_t i2, int64_t i3)
{
    CHECK(i0 >= 0 && i0 < t->ne[0], "element %lld of %lld", (long long)i0, (long long)t->ne[0]);
    const char *p = (const char *)tensor_row(t, i1, i2, i3) + i0 * t->nb[0];
    float f;
    uint16_t h;
    switch (t->type) {
    case DT_F32: memcpy(&f, p, sizeof f); return f;
    case DT_F16: memcpy(&h, p, sizeof h); return f16_to_f32(h);
    case DT_BF16: memcpy(&h, p, sizeof h); return bf16_to_f32(h);
    default: CHECK(false, "no single elements in %s", dtype_name(t->type));
    }
    return 0;
}

int64_t tensor_elements(const Tensor *t) { return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]; }

int64_t tensor_bytes(const Tensor *t)
{
    return dtype_row_bytes(t->type, t->ne[0]) * t->ne[1] * t->ne[2] * t->ne[3];
}

bool tensor_is_dense(const Tensor *t)
{
    Tensor dense = tensor_view(t->type, t->data, t->ne[0], t->ne[1], t->ne[2], t->ne[3]);
    return memcmp(dense.nb, t->nb, sizeof dense.nb) == 0;
}
