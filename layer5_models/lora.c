/* lora.c: an adapter file is opened: pairs are found, checked against the model's file, and turned the way
 * that lowrank.h wants them. */
#include "lora.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static Status check_keys(Lora *l, const Gguf *g, Err *err)
{
    Str type = {"model", 5}, kind = {"", 0}, arch = {"", 0}, ours = {"", 0};
    TRY(gguf_get_str(g, "general.type", &type, err));
    if (!str_is(type, "adapter"))
        return fail(err, E_FORMAT, "general.type is '%.*s', expected is 'adapter'. HINT: a model is given with -m; a "
                    "PEFT directory becomes an adapter with `sixfold convert`", STR_ARG(type));
    TRY(gguf_get_str(g, "adapter.type", &kind, err));
    if (!str_is(kind, "lora"))
        return fail(err, E_UNSUPPORTED, "adapter.type is '%.*s', expected is 'lora'. HINT: other kinds of adapters "
                    "are not known here", STR_ARG(kind));
    TRY(gguf_get_str(g, "general.architecture", &arch, err));
    TRY(gguf_get_str(l->base, "general.architecture", &ours, err));
    if (arch.len != ours.len || memcmp(arch.ptr, ours.ptr, arch.len) != 0)
        return fail(err, E_FORMAT, "general.architecture is '%.*s', that of the model is '%.*s'. HINT: the adapter is of "
                    "another model", STR_ARG(arch), STR_ARG(ours));
    TRY(gguf_get_f32(g, "adapter.lora.alpha", &l->alpha, err));
    if (!isfinite(l->alpha))
        return fail(err, E_FORMAT, "adapter.lora.alpha is %g, it must be finite. HINT: the file is damaged",
                    (double)l->alpha);
    if (!gguf_find(g, "adapter.alora.invocation_tokens")) return OK;
    return fail(err, E_UNSUPPORTED, "adapter.alora.invocation_tokens: the adapter wants to begin in the middle of a "
                "text, which this version cannot do. HINT: an adapter without invocation tokens works");
}

/* ---------------------------------------------------------------- numbers */

static Status decode_row(const GgufTensor *t, int64_t row, float *x, Err *err)
{
    int64_t n = t->view.ne[0];
    row_to_f32(x, (const char *)t->view.data + row * t->view.nb[1], t->view.type, n);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return fail(err, E_FORMAT, "number %lld of row %lld of '%.*s' is %g, it must be finite. HINT: the file is "
                        "damaged, or its training failed", (long long)i, (long long)row, STR_ARG(t->name), (double)x[i]);
    return OK;
}

/* [rank, n, n_expert] of the file as [n_expert, rank, n]: column by column. */
static Status decode_turned(const GgufTensor *t, float *out, float *row, Err *err)
{
    int64_t rank = t->view.ne[0], n = t->view.ne[1];
    for (int64_t r = 0; r < n * t->view.ne[2]; r++) {
        TRY(decode_row(t, r, row, err));
        float *to = out + r / n * rank * n + r % n;
        for (int64_t k = 0; k < rank; k++) to[k * n] = row[k];
    }
    return OK;
}

static Status decode_plain(const GgufTensor *t, float *out, Err *err)
{
    for (int64_t r = 0; r < t->view.ne[1] * t->view.ne[2]; r++) TRY(decode_row(t, r, out + r * t->view.ne[0], err));
    return OK;
}

/* ---------------------------------------------------------------- pairs */

static Status misfit(const GgufTensor *t, const int64_t want[3], const char *base, Err *err)
{
    const int64_t *is = t->view.ne;
    return fail(err, E_FORMAT, "the tensor '%.*s' has shape [%lld, %lld, %lld, %lld], expected for '%s' is [%lld, %lld, "
                "%lld, 1]. HINT: the adapter is of another model", STR_ARG(t->name), (long long)is[0], (long long)is[1],
                (long long)is[2], (long long)is[3], base, (long long)want[0], (long long)want[1], (long long)want[2]);
}

static Status check_shape(const GgufTensor *t, int64_t n0, int64_t n1, int64_t n2, const char *base, Err *err)
{
    const int64_t *is = t->view.ne, want[3] = {n0, n1, n2};
    if (is[0] != n0 || is[1] != n1 || is[2] != n2 || is[3] != 1) return misfit(t, want, base, err);
    if (linear_supports(t->view.type)) return OK;
    return fail(err, E_UNSUPPORTED, "the tensor '%.*s' has type %s, which this version cannot compute with. HINT: F32, "
                "F16 and BF16 are usual in adapters", STR_ARG(t->name), dtype_name(t->view.type));
}

static Status check_pair(LoraPart *p, const GgufTensor *a, const GgufTensor *b, bool embedding, Err *err)
{
    const Tensor *w = &p->base->view;
    int64_t rank = b->view.ne[0];
    if (p->base->n_dims < 2 || w->ne[3] != 1)
        return fail(err, E_UNSUPPORTED, "'%s' has %d dimensions in the model, an adapter can change matrices only, also "
                    "one for each expert: 2 or 3. HINT: the adapter is of another model", p->name, p->base->n_dims);
    if (rank < 1 || rank > LORA_MAX_RANK)
        return fail(err, E_LIMIT, "'%.*s' is of rank %lld, the limits are 1 and %d. HINT: a tensor [rank, n_out] is "
                    "expected", STR_ARG(b->name), (long long)rank, LORA_MAX_RANK);
    p->rank = (int)rank;
    p->n_in = w->ne[0], p->n_out = w->ne[1], p->n_expert = w->ne[2];
    if (embedding) {
        TRY(check_shape(a, rank, p->n_out, p->n_expert, p->name, err));
        return check_shape(b, rank, p->n_in, p->n_expert, p->name, err);
    }
    TRY(check_shape(a, p->n_in, rank, p->n_expert, p->name, err));
    return check_shape(b, rank, p->n_out, p->n_expert, p->name, err);
}

//@ begin lora-part
static Status load_part(Lora *l, LoraPart *p, const GgufTensor *a,
                        const GgufTensor *b, Err *err)
{
    /* 1. Both halves fit the matrix and each other. */
    bool embedding = strcmp(p->name, "token_embd.weight") == 0;
    TRY(check_pair(p, a, b, embedding, err));
    /* 2. One factor, from alpha and the rank. */
    p->scale = l->alpha != 0 ? l->alpha / (float)p->rank : 1;
    int64_t n_a = p->n_expert * p->rank * p->n_in;
    int64_t n_b = p->n_expert * p->rank * p->n_out;
    float *to_a = ARENA_NEW(&l->arena, float, n_a), row[LORA_MAX_RANK];
    float *to_b = ARENA_NEW(&l->arena, float, n_b);
    if (!to_a || !to_b)
        return fail(err, E_MEMORY, "no memory for %lld numbers of '%s'",
                    (long long)(n_a + n_b), p->name);
    p->a = to_a, p->b = to_b;
    l->n_params += n_a + n_b;
    if (p->rank > l->max_rank) l->max_rank = p->rank;
    /* 3. The numbers. Of an embedding both halves are turned. */
    TRY(embedding ? decode_turned(b, to_a, row, err)
                  : decode_plain(a, to_a, err));
    return decode_turned(embedding ? a : b, to_b, row, err);
}
//@ end lora-part

/* The name without `suffix`, if it ends so. */
static bool without(Str name, const char *suffix, char out[64])
{
    size_t n = strlen(suffix);
    if (name.len <= n || name.len > 63 || memcmp(name.ptr + name.len - n, suffix, n) != 0) return false;
    snprintf(out, 64, "%.*s", (int)(name.len - n), name.ptr);
    return true;
}

/* The tensor of the model that is changed. */
static Status find_base(const Lora *l, LoraPart *p, Err *err)
{
    p->base = gguf_tensor(l->base, p->name);
    if (!p->base && strcmp(p->name, "output.weight") == 0) p->base = gguf_tensor(l->base, "token_embd.weight");
    return p->base ? OK
                   : fail(err, E_FORMAT, "the adapter changes '%s', which the model does not have. HINT: it is of another "
                          "model", p->name);
}

static Status read_parts(Lora *l, const Gguf *g, Err *err)
{
    char name[64], other[72];
    l->parts = ARENA_NEW(&l->arena, LoraPart, g->n_tensors + 1);
    if (!l->parts) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)g->n_tensors);
    for (int64_t i = 0; i < g->n_tensors; i++) {
        const GgufTensor *t = &g->tensors[i];
        bool a = without(t->name, ".lora_a", name), b = !a && without(t->name, ".lora_b", name);
        if (!a && !b && without(t->name, "_norm.weight", name)) {
            l->n_norms++;
            continue;
        }
        if (!a && !b)
            return fail(err, E_FORMAT, "the tensor '%.*s' is neither a .lora_a nor a .lora_b. HINT: the file is no LoRA "
                        "adapter, or has more than one can say", STR_ARG(t->name));
        snprintf(other, sizeof other, "%s.lora_%c", name, a ? 'b' : 'a');
        const GgufTensor *pair = gguf_tensor(g, other);
        if (!pair)
            return fail(err, E_FORMAT, "'%.*s' is there, but not '%s'. HINT: the file is incomplete", STR_ARG(t->name),
                        other);
        if (b) continue;
        LoraPart *p = &l->parts[l->n_parts];
        *p = (LoraPart){0};
        memcpy(p->name, name, sizeof name);
        TRY(find_base(l, p, err));
        TRY(load_part(l, p, t, pair, err));
        l->n_parts++;
    }
    return l->n_parts ? OK : fail(err, E_FORMAT, "the adapter changes nothing: it has no pair of tensors. HINT: the file is "
                                  "incomplete");
}

static Status finish(Lora *l, Gguf *g, Status s, Err *err)
{
    if (s == OK) s = check_keys(l, g, err);
    if (s == OK) s = read_parts(l, g, err);
    gguf_close(g);
    if (s != OK) lora_close(l);
    return s;
}

Status lora_open(Lora *l, const char *path, const Gguf *base, Err *err)
{
    Gguf g;
    *l = (Lora){.base = base};
    Status s = finish(l, &g, gguf_open(&g, path, MAP_AUTO, err), err);
    return s == OK ? OK : fail_in(err, s, path);
}

Status lora_open_memory(Lora *l, const void *data, size_t size, const Gguf *base, Err *err)
{
    Gguf g;
    *l = (Lora){.base = base};
    return finish(l, &g, gguf_open_memory(&g, data, size, err), err);
}

void lora_close(Lora *l)
{
    arena_close(&l->arena);
    *l = (Lora){0};
}

const LoraPart *lora_find(const Lora *l, Str name)
{
    for (int64_t i = 0; i < l->n_parts; i++)
        if (str_is(name, l->parts[i].name)) return &l->parts[i];
    return NULL;
}

LowRank lora_low_rank(const LoraPart *p, int64_t e, float s)
{
    return (LowRank){.rank = p->rank, .n_in = p->n_in, .n_out = p->n_out, .a = p->a + e * p->rank * p->n_in,
                     .b = p->b + e * p->rank * p->n_out, .b_stride = p->n_out, .scale = s * p->scale};
}
