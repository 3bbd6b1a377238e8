/* kvview.c: reading and writing a layer's memory through pointers and strides.
 *
 *   key of head g at position p:   k + p k_pos + g k_head        (bytes; d_k elements follow)
 *
 * The flat form puts positions innermost, [head][position][d]: attention visits one head after the
 * other and then reads its keys as one stream. A form with heads innermost, or one cut into pages,
 * would only be other strides. */
#include "kvview.h"

#include "vec.h"

#include <string.h>

static int64_t round_up_64(int64_t n) { return (n + 63) / 64 * 64; }

static void check_type(DType t)
{
    CHECK(t == DT_F32 || t == DT_F16, "a KvView holds F32 or F16, not %s", dtype_name(t));
}

static int64_t keys_bytes(DType type_k, int64_t n_ctx, int n_kv_head, int d_k)
{
    return round_up_64(n_ctx * n_kv_head * dtype_row_bytes(type_k, d_k));
}

int64_t kv_flat_bytes(DType type_k, DType type_v, int64_t n_ctx, int n_kv_head, int d_k, int d_v)
{
    return keys_bytes(type_k, n_ctx, n_kv_head, d_k) +
           round_up_64(n_ctx * n_kv_head * dtype_row_bytes(type_v, d_v));
}

//@ begin kv-flat
KvView kv_flat(void *memory, DType type_k, DType type_v, int64_t n_ctx,
               int n_kv_head, int d_k, int d_v)
{
    check_type(type_k);
    check_type(type_v);
    int64_t row_k = dtype_row_bytes(type_k, d_k);
    int64_t row_v = dtype_row_bytes(type_v, d_v);
    char *k = memory;
    return (KvView){
        .type_k = type_k, .type_v = type_v,
        .k = k, .v = k + keys_bytes(type_k, n_ctx, n_kv_head, d_k),
        .k_pos = row_k, .k_head = n_ctx * row_k,
        .v_pos = row_v, .v_head = n_ctx * row_v,
        .n_ctx = n_ctx, .n_kv_head = n_kv_head, .d_k = d_k, .d_v = d_v};
}
//@ end kv-flat

int64_t kv_flat_shared_bytes(DType type, int64_t n_ctx, int n_kv_head, int d_k)
{
    return keys_bytes(type, n_ctx, n_kv_head, d_k);
}

KvView kv_flat_shared(void *memory, DType type, int64_t n_ctx, int n_kv_head, int d_k, int d_v)
{
    CHECK(d_v <= d_k, "values of %d numbers in keys of %d", d_v, d_k);
    KvView v = kv_flat(memory, type, type, n_ctx, n_kv_head, d_k, d_v);
    v.v = v.k;
    v.v_pos = v.k_pos;
    v.v_head = v.k_head;
    return v;
}

static void check_position(const KvView *kv, int64_t pos)
{
    CHECK(pos >= 0 && pos < kv->n_ctx, "position %lld outside a KvView of %lld", (long long)pos,
          (long long)kv->n_ctx);
}

static void store_row(void *to, DType type, const float *x, int n)
{
    if (type == DT_F16) row_to_f16(to, x, n);
    else memcpy(to, x, (size_t)n * sizeof *x);
}

static void load_row(float *to, DType type, const void *x, int n)
{
    if (type == DT_F16) f16_to_row(to, x, n);
    else memcpy(to, x, (size_t)n * sizeof *to);
}

void kv_store(const KvView *kv, int64_t pos, const float *k, const float *v)
{
    check_position(kv, pos);
    char *to_k = kv->k + pos * kv->k_pos, *to_v = kv->v + pos * kv->v_pos;
    for (int64_t g = 0; g < kv->n_kv_head; g++) {
        store_row(to_k + g * kv->k_head, kv->type_k, k + g * kv->d_k, kv->d_k);
        store_row(to_v + g * kv->v_head, kv->type_v, v + g * kv->d_v, kv->d_v);
    }
}

/* n rows of row_bytes, at any two distances; one piece where both sides are gapless. */
static void copy_rows(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n,
                      int64_t row_bytes)
{
    if (to_step == row_bytes && from_step == row_bytes) {
        memcpy(to, from, (size_t)(n * row_bytes));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        memcpy(to + i * to_step, from + i * from_step, (size_t)row_bytes);
}

void kv_copy(const KvView *dst, const KvView *src, int64_t n)
{
    CHECK(dst->type_k == src->type_k && dst->type_v == src->type_v, "kv_copy from %s/%s to %s/%s",
          dtype_name(src->type_k), dtype_name(src->type_v), dtype_name(dst->type_k),
          dtype_name(dst->type_v));
    CHECK(dst->n_kv_head == src->n_kv_head && dst->d_k == src->d_k && dst->d_v == src->d_v,
          "kv_copy between shapes %d x (%d, %d) and %d x (%d, %d)", src->n_kv_head, src->d_k,
          src->d_v, dst->n_kv_head, dst->d_k, dst->d_v);
    CHECK(n >= 0 && n <= src->n_ctx && n <= dst->n_ctx, "kv_copy of %lld positions", (long long)n);
    int64_t row_k = dtype_row_bytes(src->type_k, src->d_k);
    int64_t row_v = dtype_row_bytes(src->type_v, src->d_v);
    for (int64_t g = 0; g < src->n_kv_head; g++) {
        copy_rows(dst->k + g * dst->k_head, dst->k_pos, src->k + g * src->k_head, src->k_pos, n,
                  row_k);
        copy_rows(dst->v + g * dst->v_head, dst->v_pos, src->v + g * src->v_head, src->v_pos, n,
                  row_v);
    }
}

void kv_load_k(float *out, const KvView *kv, int head, int64_t pos)
{
    check_position(kv, pos);
    load_row(out, kv->type_k, kv->k + pos * kv->k_pos + head * kv->k_head, kv->d_k);
}

void kv_load_v(float *out, const KvView *kv, int head, int64_t pos)
{
    check_position(kv, pos);
    load_row(out, kv->type_v, kv->v + pos * kv->v_pos + head * kv->v_head, kv->d_v);
}
