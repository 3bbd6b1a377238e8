/* hf_tensors.c: the tensors of a checkpoint, found by the names of its family and given ours. */
#include "hf_impl.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    HfModel *m;
    int wish;
    bool *used;         /* [weights.n] */
    ImportTensor *out;
    int64_t n, cap;
} Lister;

/* Checkpoints of one family put the language model at different depths. */
const char *const hf_prefixes[HF_PREFIXES] = {"", "model.", "transformer.", "gpt_neox.", "language_model.",
                                       "language_model.model.", "model.language_model."};

/* The two numbers of a pattern, in its order. */
const char *hf_fill_name(char out[HF_NAME_BYTES], const char *prefix, const char *pattern, int layer, int second,
                         const char *suffix)
{
    int numbers[2] = {layer, second}, used = 0;
    size_t n = (size_t)snprintf(out, HF_NAME_BYTES, "%s", prefix);
    for (const char *at = pattern; *at && n < HF_NAME_BYTES - 16;) {
        if (at[0] == '%' && at[1] == 'd' && used < 2) {
            n += (size_t)snprintf(out + n, HF_NAME_BYTES - n, "%d", numbers[used++]);
            at += 2;
        } else {
            out[n++] = *at++;
        }
    }
    snprintf(out + n, HF_NAME_BYTES - n, "%s", suffix);
    return out;
}

static const SafeTensor *find(const Lister *l, const HfRow *row, int layer, int second, const char *suffix)
{
    char name[HF_NAME_BYTES];
    for (int p = 0; p < HF_PREFIXES; p++) {
        const SafeTensor *t = safetensors_find(&l->m->weights, hf_fill_name(name, hf_prefixes[p], row->from, layer, second,
                                                                    suffix));
        if (t) return t;
    }
    return NULL;
}

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

/* A source as matrices [n_in, n_rows, n]; a vector as n rows of one number. */
static Status source_of(const Lister *l, const SafeTensor *t, HfHow how, ImportSource *s, int *n_dims, Err *err)
{
    int64_t d = l->m->d_model;
    if (t->type != DT_F32 && t->type != DT_F16 && t->type != DT_BF16)
        return fail(err, E_UNSUPPORTED, "the tensor '%.*s' is of type %s, which cannot be converted. HINT: F32, F16 "
                    "and BF16 can; take a checkpoint that is not quantised", STR_ARG(t->name), t->type_name);
    if (t->bytes == 0) return hf_bad_shape(t, "one without zeros", err);
    if (t->n_dims < 1 || t->n_dims > 3) return hf_bad_shape(t, "of 1 to 3 dimensions", err);
    *s = (ImportSource){.view = safetensors_view(t),
                        .file = t->file >= 0 ? &l->m->weights.files[t->file] : NULL};
    *n_dims = t->n_dims;
    Tensor *v = &s->view;
    if (t->n_dims == 1 || how == HF_SQUEEZE) {
        if (how == HF_SQUEEZE && v->ne[1] != 1) return hf_bad_shape(t, "a single row", err);
        *n_dims = 1;
        *v = tensor_matrix(v->type, v->data, 1, v->ne[0]);
        return OK;
    }
    if (how == HF_FLIP) *v = tensor_transpose(*v, 0, 1);
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
    default: break;
    }
    return *want ? hf_bad_shape(t, want, err) : OK;
}

/* Router, norms and positions are small and decide much. */
static bool is_exact(const char *to)
{
    return strstr(to, "_norm") || strstr(to, "ffn_gate_inp") || strstr(to, "position_embd");
}

static Status add(Lister *l, const HfRow *row, int layer, const char *suffix, const SafeTensor *t, Err *err)
{
    CHECK(l->n < l->cap, "%lld tensors", (long long)l->n);
    ImportTensor *out = &l->out[l->n];
    int64_t n = 1;
    const SafeTensor *next;
    /* 1. How many there are to be put together. */
    if (row->how == HF_STACK)
        while (n < 4096 && find(l, row, layer, (int)n, suffix)) n++;
    *out = (ImportTensor){.sources = ARENA_NEW(&l->m->arena, ImportSource, n), .n_sources = n, .ne = {1, 1, 1, 1}};
    if (!out->sources) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        next = i ? find(l, row, layer, (int)i, suffix) : t;
        l->used[next - l->m->weights.tensors] = true;
        TRY(source_of(l, next, row->how, &out->sources[i], &out->n_dims, err));
        if (next->type != t->type || memcmp(next->shape, t->shape, sizeof t->shape) != 0)
            return hf_bad_shape(next, "that of the others of its kind", err);
    }
    /* 2. Rows and their order. */
    const Tensor *v = &out->sources[0].view;
    int64_t rows = v->ne[1];
    TRY(hf_row_order(l->m, t, row->how, &rows, &out->order, err));
    if (row->how == HF_STACK && out->n_dims == 1) {
        /* Vectors become the rows of a matrix. */
        for (int64_t i = 0; i < n; i++)
            out->sources[i].view = tensor_matrix(v->type, out->sources[i].view.data, rows, 1);
        out->ne[0] = rows, out->ne[1] = n, out->per = 1, out->n_dims = 2;
    } else if (out->n_dims == 1) {
        out->ne[0] = rows;
    } else {
        out->ne[0] = v->ne[0], out->ne[1] = rows, out->ne[2] = n > 1 ? n : v->ne[2];
        if (row->how == HF_STACK) out->n_dims = 3;
    }
    /* 3. Name, type, and what is added to every number. */
    char name[HF_NAME_BYTES];
    hf_fill_name(name, "", row->to, layer, 0, suffix[0] ? suffix : ".weight");
    snprintf(out->name, sizeof out->name, "%.63s", name);
    out->type = import_type(l->wish, v->type, out->ne[0], out->n_dims, is_exact(row->to));
    out->add = row->how == HF_PLUS_ONE && strcmp(suffix, ".bias") != 0 ? 1 : 0;
    l->n++;
    return OK;
}

/* A row of the table with both suffixes; a tensor that two rows give is taken once. */
static Status add_row(Lister *l, const HfRow *row, int layer, Err *err)
{
    static const char *const suffixes[] = {".weight", ".bias", ""};
    for (int i = 0; i < 3; i++) {
        const SafeTensor *t = find(l, row, layer, 0, suffixes[i]);
        HfRow own = *row;
        if (!t || (i == 2 && !strstr(row->from, "experts"))) continue;
        /* A bias is a vector whatever its matrix is; halves of it are not known. */
        if (i == 1 && own.how == HF_FLIP) own.how = HF_AS_IS;
        if (i == 1 && (own.how == HF_GATE || own.how == HF_UP)) return hf_bad_shape(t, "no bias", err);
        TRY(add(l, &own, layer, suffixes[i], t, err));
    }
    return OK;
}

/* The output matrix: left out where it is the embedding, a copy of it where it must be there. */
static Status add_output(Lister *l, const HfRow *row, Err *err)
{
    HfModel *m = l->m;
    const ArchDesc *arch = arch_find((Str){m->family->arch, strlen(m->family->arch)});
    const SafeTensor *t = find(l, row, 0, 0, ".weight");
    bool tied = hf_bool(m, "tie_word_embeddings", false) || arch->flags & ARCH_OUTPUT_TIED;
    if (t && tied) l->used[t - m->weights.tensors] = true;
    if (t && !tied) return add_row(l, row, 0, err);
    for (int64_t i = 0; i < l->n; i++)
        if (strcmp(l->out[i].name, "output.weight") == 0) return OK;
    if (!(arch->flags & ARCH_OUTPUT_REQUIRED)) return OK;
    for (const HfRow *r = m->family->rows; r->to; r++)
        if (strcmp(r->to, "token_embd") == 0 && (t = find(l, r, 0, 0, ".weight")))
            return add(l, &(HfRow){"output", r->from, 0}, 0, ".weight", t, err);
    return OK;
}

/* Buffers that are computed anew, and the eyes of a model that can see. */
static bool may_be_left(Str name)
{
    static const char *const ends[] = {".attention.masked_bias", ".attention.bias", ".attn.bias", ".attn.masked_bias",
                                       ".rotary_emb.inv_freq", "position_ids"};
    static const char *const starts[] = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                                         "model.multi_modal_projector."};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        if (name.len >= n && memcmp(name.ptr + name.len - n, ends[i], n) == 0) return true;
    }
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (name.len > strlen(starts[i]) && memcmp(name.ptr, starts[i], strlen(starts[i])) == 0) return true;
    return false;
}

static Status check_left(Lister *l, Err *err)
{
    const SafeTensors *st = &l->m->weights;
    for (int64_t i = 0; i < st->n; i++) {
        if (l->used[i]) continue;
        if (!may_be_left(st->tensors[i].name))
            return fail(err, E_UNSUPPORTED, "the tensor '%.*s' has no place in %s. HINT: the checkpoint is of a variant "
                        "that is not known here", STR_ARG(st->tensors[i].name), l->m->family->arch);
        l->m->notes.n_left++;
    }
    return OK;
}

Status hf_list_tensors(HfModel *m, int wish, ImportTensor **out, int64_t *n, int64_t extra, Err *err)
{
    int64_t rows = 0;
    while (m->family->rows[rows].to) rows++;
    Lister l = {.m = m, .wish = wish, .cap = 3 * rows * (m->n_layer + 1) + extra};
    l.out = ARENA_NEW(&m->arena, ImportTensor, l.cap);
    l.used = ARENA_NEW(&m->arena, bool, m->weights.n + 1);
    if (!l.out || !l.used) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)l.cap);
    /* The order of the file: ends first, since the table has them first, then block by block. */
    for (const HfRow *r = m->family->rows; r->to; r++) {
        if (strchr(r->to, '%')) continue;
        if (strcmp(r->to, "output") == 0) TRY(add_output(&l, r, err));
        else TRY(add_row(&l, r, 0, err));
        if (strcmp(r->to, "token_embd") == 0 && l.n) m->n_vocab = l.out[0].ne[1];
    }
    for (int64_t layer = 0; layer < m->n_layer; layer++)
        for (const HfRow *r = m->family->rows; r->to; r++)
            if (strchr(r->to, '%')) TRY(add_row(&l, r, (int)layer, err));
    TRY(check_left(&l, err));
    *out = l.out;
    *n = l.n;
    return OK;
}
