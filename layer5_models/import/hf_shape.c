/* hf_shape.c: a tensor as its family stores it becomes the matrices that our file has: seen through strides where that
 * is enough, else by a rule for its rows. */
#include "hf_impl.h"

#include <stdio.h>
#include <string.h>

Status hf_bad_shape(const SafeTensor *t, const char *want, Err *err)
{
    char shape[128] = "";
    for (int i = 0; i < t->n_dims; i++) {
        size_t n = strlen(shape);
        snprintf(shape + n, sizeof shape - n, "%s%lld", i ? ", " : "", (long long)t->shape[i]);
    }
    return fail(err, E_FORMAT, "the tensor '%.*s' has shape [%s], expected is %s. HINT: config.json and weights are "
                "of different models", STR_ARG(t->name), shape, want);
}

/* Four-bit numbers come as two tensors, bytes and exponents: x_blocks and x_scales. */
static Status blocks_of(const HfModel *m, const SafeTensor *t, ImportSource *s, Err *err)
{
    char name[HF_NAME_BYTES];
    int n = (int)t->name.len - 7;
    if (n < 1 || n > HF_NAME_BYTES - 16 || memcmp(t->name.ptr + n, "_blocks", 7) != 0 || t->n_dims != 4 || t->shape[3] != 16)
        return hf_bad_shape(t, "[n, rows, blocks, 16] of 4-bit numbers", err);
    snprintf(name, sizeof name, "%.*s_scales", n, t->name.ptr);
    const SafeTensor *scales = safetensors_find(&m->weights, name);
    if (!scales || strcmp(scales->type_name, "U8") != 0 || scales->bytes != t->bytes / 16)
        return fail(err, E_FORMAT, "the tensor '%.*s' has no '%s' of a byte for every 16. HINT: the checkpoint is incomplete",
                    STR_ARG(t->name), name);
    int64_t row = t->shape[2] * 32;
    s->view = (Tensor){.type = DT_MXFP4, .data = t->data, .ne = {row, t->shape[1], t->shape[0], 1},
                       .nb = {0, row / 2, row / 2 * t->shape[1], t->bytes}};
    s->scales = scales->data;
    return OK;
}

/* A vector, or a matrix of one row or one number per row that is one. */
static Status vector_of(const HfModel *m, const SafeTensor *t, HfHow how, Tensor *v, int *n_dims, Err *err)
{
    int64_t n = v->ne[0];
    *n_dims = 1;
    if (how == HF_COLUMN || how == HF_RATE) *n_dims = 2;
    if (how == HF_GROUPS && n % m->n_group) return hf_bad_shape(t, "one row for each group", err);
    if (how == HF_GROUPS) *n_dims = 2;
    *v = how == HF_GROUPS ? tensor_matrix(v->type, v->data, n / m->n_group, m->n_group) : tensor_matrix(v->type, v->data, 1, n);
    return OK;
}

/* The rows of each head: first those for its key, then those for its value. A key's are turned, [nope, rank, heads]. */
static Status latent_of(const HfModel *m, const SafeTensor *t, HfHow how, Tensor *v, int *n_dims, Err *err)
{
    int64_t own = how == HF_KEYS_UP ? m->d_nope : m->d_value, all = m->d_nope + m->d_value;
    if (t->n_dims != 2 || v->ne[0] != m->kv_rank || v->ne[1] != m->n_head * all)
        return hf_bad_shape(t, "rows for key and value of all heads", err);
    if (how == HF_VALUES_UP) v->data = (const char *)v->data + m->d_nope * v->nb[1];
    v->ne[1] = own, v->ne[2] = m->n_head, v->nb[2] = all * v->nb[1];
    if (how == HF_KEYS_UP) *v = tensor_transpose(*v, 0, 1);
    *n_dims = 3;
    return OK;
}

/* Every second row of matrices stored as [in, out]; of vectors, every second number. */
static Status half_of(const SafeTensor *t, HfHow how, Tensor *v, Err *err)
{
    int d = t->n_dims == 3 ? 1 : 0;
    if (d) *v = tensor_transpose(*v, 0, 1);
    if (v->ne[d] % 2) return hf_bad_shape(t, "an even number of rows", err);
    if (how == HF_ODD) v->data = (const char *)v->data + v->nb[d];
    v->ne[d] /= 2;
    v->nb[d] *= 2;
    return OK;
}

Status hf_source_of(const HfModel *m, const SafeTensor *t, HfHow how, ImportSource *s, int *n_dims, Err *err)
{
    int64_t d = m->d_model;
    *s = (ImportSource){.file = t->file >= 0 ? &m->weights.files[t->file] : NULL};
    *n_dims = 3;
    if (t->bytes == 0) return hf_bad_shape(t, "one without zeros", err);
    if (strcmp(t->type_name, "U8") == 0) return blocks_of(m, t, s, err);
    if (t->type != DT_F32 && t->type != DT_F16 && t->type != DT_BF16)
        return fail(err, E_UNSUPPORTED, "the tensor '%.*s' is of type %s, which cannot be converted. HINT: F32, F16 "
                    "and BF16 can; take a checkpoint that is not quantised", STR_ARG(t->name), t->type_name);
    if (t->n_dims < 1 || t->n_dims > 3) return hf_bad_shape(t, "of 1 to 3 dimensions", err);
    s->view = safetensors_view(t);
    *n_dims = t->n_dims;
    Tensor *v = &s->view;
    if (t->n_dims == 1) return vector_of(m, t, how, v, n_dims, err);
    switch (how) {
    case HF_SQUEEZE:
        return v->ne[1] == 1 ? vector_of(m, t, how, v, n_dims, err) : hf_bad_shape(t, "a single row", err);
    case HF_TAPS:
        if (t->n_dims != 3 || v->ne[1] != 1) return hf_bad_shape(t, "one row of taps for each channel", err);
        *v = tensor_matrix(v->type, v->data, v->ne[0], v->ne[2]);
        *n_dims = 2;
        return OK;
    case HF_KEYS_UP:
    case HF_VALUES_UP: return latent_of(m, t, how, v, n_dims, err);
    case HF_EVEN:
    case HF_ODD: return half_of(t, how, v, err);
    case HF_FLIP: *v = tensor_transpose(*v, 0, 1); break;
    default: break;
    }
    /* Stacked experts come both ways round; what goes in is the model's width, what comes out too. */
    bool half = how == HF_GATE || how == HF_UP, down = how == HF_AS_IS;
    if (t->n_dims == 3 && ((half && v->ne[0] != d && v->ne[1] == d) || (down && v->ne[1] != d && v->ne[0] == d)))
        *v = tensor_transpose(*v, 0, 1);
    return OK;
}

/* How rows move; what is moved must have the rows for it. */
Status hf_row_order(const HfModel *m, const SafeTensor *t, HfHow how, int64_t *rows, ImportOrder *o, Err *err)
{
    int64_t d = m->d_head, q = m->n_head * d, kv = m->n_kv_head * d;
    char want[96] = "";
    *o = (ImportOrder){0};
    switch (how) {
    case HF_TURN_Q:
    case HF_TURN_K:
        o->interleave = d;
        if (*rows != (how == HF_TURN_Q ? q : kv) || d % 2)
            snprintf(want, sizeof want, "%lld rows for heads of %lld", (long long)(how == HF_TURN_Q ? q : kv),
                     (long long)d);
        break;
    case HF_QKV:
        *o = (ImportOrder){.n_group = m->n_kv_head, .n_q = m->n_head / m->n_kv_head, .d_head = d};
        if (*rows != q + 2 * kv) snprintf(want, sizeof want, "%lld rows of q, k and v", (long long)(q + 2 * kv));
        break;
    case HF_GATE:
    case HF_UP:
        if (*rows % 2) snprintf(want, sizeof want, "an even number of rows");
        *rows /= 2;
        o->skip = how == HF_UP ? *rows : 0;
        break;
    case HF_PART_Q:
    case HF_PART_K:
    case HF_PART_V:
        *o = (ImportOrder){.n_group = m->n_kv_head, .n_q = m->n_head / m->n_kv_head, .d_head = d};
        if (*rows != q + 2 * kv || d % 2) snprintf(want, sizeof want, "%lld rows of q, k and v", (long long)(q + 2 * kv));
        o->skip = how == HF_PART_Q ? 0 : how == HF_PART_K ? q : q + kv;
        o->interleave = how == HF_PART_V ? 0 : d;
        *rows = how == HF_PART_Q ? q : kv;
        break;
    case HF_EVEN:
    case HF_ODD:
        if (strcmp(t->type_name, "U8") != 0) break; /* else by the view */
        *o = (ImportOrder){.first = how == HF_ODD, .step = 2};
        if (*rows % 2) snprintf(want, sizeof want, "an even number of rows");
        *rows /= 2;
        break;
    case HF_AFTER_PAD:
        o->skip = m->n_skip;
        if (*rows <= m->n_skip) snprintf(want, sizeof want, "more than %lld rows", (long long)m->n_skip);
        *rows -= m->n_skip;
        break;
    default: break;
    }
    return *want ? hf_bad_shape(t, want, err) : OK;
}
