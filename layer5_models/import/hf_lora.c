/* hf_lora.c: pairs of a PEFT adapter, found by the names of the family's table and given ours. What they are to be
 * multiplied with is in hf_lora_config.c. */
#include "hf_lora_impl.h"
#include "hparams.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Both halves as they are saved. */
typedef struct {
    const SafeTensor *a, *b;
    double scale; /* of B A */
} Pair;

/* ---------------------------------------------------------------- the base model */

static Status base_of_file(HfModel *m, const char *path, Err *err)
{
    Gguf g;
    Hparams h;
    Str arch = {"", 0};
    TRY(gguf_open(&g, path, MAP_AUTO, err));
    Status s = gguf_get_str(&g, "general.architecture", &arch, err);
    if (s == OK) {
        m->family = hf_family_of_arch(arch);
        s = m->family ? hparams_read(&h, &g, err)
                      : fail(err, E_UNSUPPORTED, "the architecture '%.*s' is none that can be converted. HINT: --base DIR with "
                             "the base model's config.json says more", STR_ARG(arch));
    }
    if (s == OK) {
        m->d_model = h.d_model, m->n_layer = h.n_layer, m->n_head = h.n_head, m->n_kv_head = h.n_kv_head;
        m->d_head = h.d_k, m->d_ff = h.d_ff, m->n_expert = h.n_expert;
    }
    gguf_close(&g);
    return s;
}

static Status open_base(HfModel *m, const char *path, Err *err)
{
    struct stat info;
    *m = (HfModel){.dir = path};
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        Status s = base_of_file(m, path, err);
        return s == OK ? OK : fail_in(err, s, path);
    }
    TRY(hf_open_json(&m->config, path, "config.json", true, HF_MAX_CONFIG, err));
    return hf_read_config(m, err);
}

/* ---------------------------------------------------------------- pairs */

static const SafeTensor *half(const Peft *p, const char *module, const char *suffix)
{
    char name[HF_NAME_BYTES + 48];
    snprintf(name, sizeof name, "base_model.model.%s%s", module, suffix);
    return safetensors_find(&p->weights, name);
}

/* alpha / r of a module, or alpha / sqrt(r). */
static Status scale_of(const Peft *p, const char *module, int64_t rank, double *scale, Err *err)
{
    double alpha = p->alpha;
    int which = -1;
    if (p->patterns) TRY(quant_matcher_find(p->patterns, (Str){module, strlen(module)}, &which, err));
    if (which >= 0) alpha = p->alphas[which];
    *scale = alpha / (p->by_root ? sqrt((double)rank) : (double)rank);
    return OK;
}

static Status check_half(const SafeTensor *t, Err *err)
{
    if (t->type != DT_F32 && t->type != DT_F16 && t->type != DT_BF16)
        return fail(err, E_UNSUPPORTED, "the tensor '%.*s' is of type %s, which cannot be converted. HINT: F32, F16 and BF16 "
                    "can", STR_ARG(t->name), t->type_name);
    if (t->n_dims != 2 || t->bytes == 0) return hf_bad_shape(t, "of 2 dimensions, without zeros", err);
    return OK;
}

/* The pair of a row of the table, expert `second`; pair->a NULL: there is none. */
static Status find_pair(Peft *p, const HfRow *row, int layer, int second, Pair *pair, Err *err)
{
    bool embedding = strcmp(row->to, "token_embd") == 0;
    char module[HF_NAME_BYTES];
    *pair = (Pair){0};
    for (int i = 0; i < HF_PREFIXES && !pair->a; i++) {
        hf_fill_name(module, hf_prefixes[i], row->from, layer, second, "");
        pair->a = half(p, module, embedding ? ".lora_embedding_A" : ".lora_A.weight");
        pair->b = half(p, module, embedding ? ".lora_embedding_B" : ".lora_B.weight");
        if (!pair->a != !pair->b)
            return fail(err, E_FORMAT, "'%.*s' has no other half. HINT: the adapter is incomplete",
                        STR_ARG((pair->a ? pair->a : pair->b)->name));
    }
    if (!pair->a) return OK;
    TRY(check_half(pair->a, err));
    TRY(check_half(pair->b, err));
    p->used[pair->a - p->weights.tensors] = p->used[pair->b - p->weights.tensors] = true;
    char want[64];
    snprintf(want, sizeof want, "[n_out, %lld], as its other half", (long long)pair->a->shape[0]);
    if (pair->a->shape[0] != pair->b->shape[1]) return hf_bad_shape(pair->b, want, err);
    return scale_of(p, module, pair->a->shape[0], &pair->scale, err);
}

static ImportSource source_of(const Peft *p, const SafeTensor *t)
{
    return (ImportSource){.view = safetensors_view(t), .file = t->file >= 0 ? &p->weights.files[t->file] : NULL};
}

/* Declares one half of n pairs (experts). */
static Status add_half(Peft *p, const HfRow *row, int layer, const char *suffix, const Pair *pairs, int64_t n, bool is_b,
                       Err *err)
{
    CHECK(p->n < p->cap, "%lld tensors", (long long)p->n);
    bool embedding = strcmp(row->to, "token_embd") == 0;
    ImportTensor *out = &p->out[p->n++];
    *out = (ImportTensor){.sources = ARENA_NEW(&p->arena, ImportSource, n), .n_sources = n, .n_dims = n > 1 ? 3 : 2,
                          .ne = {1, 1, n, 1}};
    if (!out->sources) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        out->sources[i] = source_of(p, is_b ? pairs[i].b : pairs[i].a);
        /* A token's part of an embedding's A becomes a row. */
        if (embedding && !is_b) out->sources[i].view = tensor_transpose(out->sources[i].view, 0, 1);
    }
    const Tensor *v = &out->sources[0].view;
    int64_t rows = v->ne[1];
    if (is_b) TRY(hf_row_order(&p->base, pairs->b, row->how, &rows, &out->order, err));
    out->ne[0] = v->ne[0], out->ne[1] = rows;
    char name[HF_NAME_BYTES];
    hf_fill_name(name, "", row->to, layer, 0, suffix);
    snprintf(out->name, sizeof out->name, "%.63s", name);
    out->type = import_type(p->wish, v->type, out->ne[0], 2, false);
    double scale = pairs->scale * (double)pairs->a->shape[0] / p->file_alpha;
    if (is_b && fabs(scale - 1) > 1e-7) out->scale = (float)scale;
    return OK;
}

/* Matrices that become others by more than the order of their rows have no two thin halves there. */
static bool can_be_adapted(HfHow how)
{
    return how != HF_EVEN && how != HF_ODD && how != HF_KEYS_UP && how != HF_VALUES_UP && how != HF_TAPS && how != HF_AFTER_PAD;
}

static Status add_row(Peft *p, const HfRow *row, int layer, Err *err)
{
    Pair first;
    TRY(find_pair(p, row, layer, 0, &first, err));
    if (first.a && !can_be_adapted(row->how))
        return fail(err, E_UNSUPPORTED, "the adapter changes '%s', of which our file has several tensors or another shape. HINT: "
                    "merge the adapter with PEFT (merge_and_unload) and convert the model", row->from);
    int64_t n = row->how == HF_STACK && p->base.n_expert > 1 ? p->base.n_expert : 1, found = first.a != NULL;
    Pair *pairs = ARENA_NEW(&p->arena, Pair, n);
    if (!pairs) return fail(err, E_MEMORY, "no memory for %lld experts", (long long)n);
    pairs[0] = first;
    /* 1. Experts: all of them or none, and all alike. */
    for (int64_t i = 1; i < n; i++) {
        TRY(find_pair(p, row, layer, (int)i, &pairs[i], err));
        if (!pairs[i].a != !first.a)
            return fail(err, E_UNSUPPORTED, "blk.%d: expert %lld of %lld has %s, expert 0 has %s: a GGUF adapter changes all "
                        "experts or none. HINT: merge the adapter with PEFT (merge_and_unload) and convert the model", layer,
                        (long long)i, (long long)n, pairs[i].a ? "an adapter" : "none", first.a ? "one" : "none");
        if (!first.a) continue;
        found++;
        if (memcmp(pairs[i].a->shape, first.a->shape, sizeof first.a->shape) != 0 || pairs[i].a->type != first.a->type)
            return hf_bad_shape(pairs[i].a, "that of the other experts", err);
        if (memcmp(pairs[i].b->shape, first.b->shape, sizeof first.b->shape) != 0 || pairs[i].b->type != first.b->type)
            return hf_bad_shape(pairs[i].b, "that of the other experts", err);
        if (pairs[i].scale != first.scale)
            return fail(err, E_UNSUPPORTED, "blk.%d: experts 0 and %lld have different alphas. HINT: a GGUF adapter has one "
                        "for all experts of a layer", layer, (long long)i);
    }
    if (!found) return OK;
    /* 2. Both halves. */
    TRY(add_half(p, row, layer, ".weight.lora_a", pairs, n, false, err));
    return add_half(p, row, layer, ".weight.lora_b", pairs, n, true, err);
}

static bool contains(Str name, const char *text)
{
    return memmem(name.ptr, name.len, text, strlen(text)) != NULL;
}

static Status check_left(const Peft *p, HfLoraStats *stats, Err *err)
{
    for (int64_t i = 0; i < p->weights.n; i++) {
        Str name = p->weights.tensors[i].name;
        if (p->used[i]) continue;
        /* PEFT saves the untouched embedding beside its adapter. */
        if (contains(name, ".base_layer.")) {
            stats->n_left++;
            continue;
        }
        const char *why = contains(name, "lora_magnitude_vector") ? "is a magnitude (DoRA)"
                          : contains(name, ".lora_") ? "belongs to a module that has no place in this family"
                                                     : "is no half of a pair: a module saved whole";
        return fail(err, E_UNSUPPORTED, "the tensor '%.*s' %s, which a GGUF adapter of %s cannot say. HINT: merge the adapter "
                    "with PEFT (merge_and_unload) and convert the model", STR_ARG(name), why, p->base.family->arch);
    }
    return OK;
}

static Status list_pairs(Peft *p, HfLoraStats *stats, Err *err)
{
    const HfRow *rows = p->base.family->rows;
    int64_t n_rows = 0;
    while (rows[n_rows].to) n_rows++;
    p->cap = 2 * n_rows * (p->base.n_layer + 1);
    p->out = ARENA_NEW(&p->arena, ImportTensor, p->cap);
    p->used = ARENA_NEW(&p->arena, bool, p->weights.n + 1);
    if (!p->out || !p->used) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)p->cap);
    for (const HfRow *r = rows; r->to; r++)
        if (!strchr(r->to, '%')) TRY(add_row(p, r, 0, err));
    for (int64_t layer = 0; layer < p->base.n_layer; layer++)
        for (const HfRow *r = rows; r->to; r++)
            if (strchr(r->to, '%')) TRY(add_row(p, r, (int)layer, err));
    TRY(check_left(p, stats, err));
    stats->n_pairs = p->n / 2;
    return p->n ? OK : fail(err, E_FORMAT, "the adapter has no pair of tensors. HINT: it is incomplete, or of another base");
}

/* ---------------------------------------------------------------- all together */

static Status open_all(Peft *p, const char *dir, const char *base, Err *err)
{
    char path[1024];
    TRY(hf_open_json(&p->config, dir, "adapter_config.json", true, HF_MAX_CONFIG, err));
    TRY(hf_lora_read_config(p, err));
    if ((size_t)snprintf(path, sizeof path, "%s/adapter_model.safetensors", dir) >= sizeof path)
        return fail(err, E_ARG, "the path '%.100s...' is too long. HINT: go to the directory first", path);
    TRY(safetensors_open(&p->weights, path, MAP_AUTO, err));
    return open_base(&p->base, base, err);
}

static Status write_adapter(GgufWriter *w, Peft *p, const char *out, const HfParams *params, const ImportRun *run, Err *err)
{
    TRY(gguf_put_str(w, "general.architecture", p->base.family->arch, err));
    TRY(gguf_put_str(w, "general.type", "adapter", err));
    TRY(gguf_put_str(w, "general.name", params->name, err));
    TRY(gguf_put_u32(w, "general.quantization_version", 2, err));
    TRY(gguf_put_u32(w, "general.file_type", import_file_type(p->wish, p->out[0].type), err));
    TRY(gguf_put_str(w, "adapter.type", "lora", err));
    TRY(gguf_put_f32(w, "adapter.lora.alpha", (float)p->file_alpha, err));
    return import_write(w, out, p->out, p->n, run, err);
}

bool hf_lora_is(const char *dir)
{
    char path[1024];
    struct stat info;
    return (size_t)snprintf(path, sizeof path, "%s/adapter_config.json", dir) < sizeof path && stat(path, &info) == 0;
}

Status hf_lora_convert(const char *dir, const char *base, const char *out, const HfParams *params, const ImportRun *run,
                       HfLoraStats *stats, Err *err)
{
    Peft p = {.wish = params->wish};
    GgufWriter *w = NULL;
    *stats = (HfLoraStats){0};
    Status s = open_all(&p, dir, base, err);
    if (s == OK) s = list_pairs(&p, stats, err);
    if (s == OK) s = gguf_writer_open(&w, 32, err);
    if (s == OK) s = write_adapter(w, &p, out, params, run, err);
    gguf_writer_close(w);
    quant_matcher_close(p.patterns);
    map_close(&p.config.file);
    safetensors_close(&p.weights);
    hf_close(&p.base);
    arena_close(&p.arena);
    return s;
}
