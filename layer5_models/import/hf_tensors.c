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
                                       "language_model.model.", "model.language_model.", "backbone.", "bert.",
                                       "roberta.", "nomic_bert."};

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

/* Old checkpoints call the two halves of a LayerNorm gamma and beta. */
static const char *old_suffix(const char *from, const char *suffix)
{
    size_t n = strlen(from);
    if (n < 9 || strcmp(from + n - 9, "LayerNorm") != 0) return NULL;
    return strcmp(suffix, ".weight") == 0 ? ".gamma" : strcmp(suffix, ".bias") == 0 ? ".beta" : NULL;
}

static const SafeTensor *find(const Lister *l, const HfRow *row, int layer, int second, const char *suffix)
{
    char name[HF_NAME_BYTES];
    const char *from = row->from + (row->from[0] == '='), *old = old_suffix(from, suffix);
    const SafeTensor *t = NULL;
    for (int p = 0; p < HF_PREFIXES && !t; p++) {
        t = safetensors_find(&l->m->weights, hf_fill_name(name, hf_prefixes[p], from, layer, second, suffix));
        if (!t && old) t = safetensors_find(&l->m->weights, hf_fill_name(name, hf_prefixes[p], from, layer, second, old));
    }
    return t;
}

/* Router, norms and positions are small and decide much. */
static bool is_exact(const char *to)
{
    static const char *const parts[] = {"_norm", "ffn_gate_inp", "position_embd", "token_types", "ssm_conv1d", "ssm_a",
                                        "ssm_d", ".bias"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(to, parts[i])) return true;
    return false;
}

/* The exponents that blocks_of found beside the bytes. */
static void use_scales(Lister *l, const SafeTensor *t)
{
    char name[HF_NAME_BYTES];
    snprintf(name, sizeof name, "%.*s_scales", (int)t->name.len - 7, t->name.ptr);
    const SafeTensor *scales = safetensors_find(&l->m->weights, name);
    if (scales) l->used[scales - l->m->weights.tensors] = true;
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
        TRY(hf_source_of(l->m, next, row->how, &out->sources[i], &out->n_dims, err));
        if (next->type != t->type || memcmp(next->shape, t->shape, sizeof t->shape) != 0)
            return hf_bad_shape(next, "that of the others of its kind", err);
    }
    /* 2. Rows and their order. */
    const Tensor *v = &out->sources[0].view;
    int64_t rows = v->ne[1];
    TRY(hf_row_order(l->m, t, row->how, &rows, &out->order, err));
    bool one = row->to[0] == '=';
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
    hf_fill_name(name, "", row->to + one, layer, 0, one ? "" : suffix[0] ? suffix : ".weight");
    snprintf(out->name, sizeof out->name, "%.63s", name);
    out->type = import_type(l->wish, v->type, out->ne[0], out->n_dims, is_exact(row->to));
    out->add = row->how == HF_PLUS_ONE && strcmp(suffix, ".bias") != 0 ? 1 : 0;
    out->rate = row->how == HF_RATE;
    if (t->type < 0) use_scales(l, t); /* 4-bit numbers */
    l->n++;
    return OK;
}

/* A row of the table with both suffixes; a tensor that two rows give is taken once. */
static Status add_row(Lister *l, const HfRow *row, int layer, Err *err)
{
    static const char *const suffixes[] = {".weight", ".bias", ""};
    bool one = row->from[0] == '=';
    for (int i = one ? 2 : 0; i < 3; i++) {
        const SafeTensor *t = find(l, row, layer, 0, suffixes[i]);
        HfRow own = *row;
        if (!t || (i == 2 && !one && !strstr(row->from, "experts"))) continue;
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
    const ArchDesc *arch = hf_arch(m);
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

/* Buffers that are computed anew, the eyes of a model that can see, and what was of use in training alone. */
static bool may_be_left(const HfModel *m, Str name)
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
    /* An encoder's heads for training; layers that guess further tokens. */
    static const char *const heads[] = {"pooler.dense.", "cls.predictions.", "cls.seq_relationship.", "lm_head."};
    for (size_t i = 0; i < sizeof heads / sizeof *heads && hf_arch(m)->block.both_ways; i++)
        if (memmem(name.ptr, name.len, heads[i], strlen(heads[i]))) return true;
    char start[32];
    int64_t n_more = HF_INT(m, "num_nextn_predict_layers", 0);
    for (int64_t i = 0; i < n_more && i < 16; i++) {
        int n = snprintf(start, sizeof start, "model.layers.%lld.", (long long)(m->n_layer + i));
        if (name.len > (size_t)n && memcmp(name.ptr, start, (size_t)n) == 0) return true;
    }
    return false;
}

static Status check_left(Lister *l, Err *err)
{
    const SafeTensors *st = &l->m->weights;
    for (int64_t i = 0; i < st->n; i++) {
        if (l->used[i]) continue;
        if (!may_be_left(l->m, st->tensors[i].name))
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
