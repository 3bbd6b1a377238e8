/* quant_plan.c: from a file and a mix to a type for every tensor.
 *
 * Who decides, strongest first: what is never quantised (vectors, norms, routers, tables of
 * positions); the types that the user asked for; "pure"; the rules of the mix; and last the shape,
 * since a row must be a whole number of blocks. */
#include "quant_mix_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool contains(Str s, const char *part)
{
    return memmem(s.ptr, s.len, part, strlen(part)) != NULL;
}

static bool ends_with(Str s, const char *tail)
{
    size_t n = strlen(tail);
    return s.len >= n && memcmp(s.ptr + s.len - n, tail, n) == 0;
}

static bool is_quantisable(const GgufTensor *t)
{
    static const char *const kept[] = {
        "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "ssm_conv1d",
        "shortconv.conv.weight", "attn_rel_b.weight", "altup", "laurel", "per_layer_model_proj",
        "indexer.k_proj.weight", "indexer.q_proj.weight", "time_mix_first", "time_mix_w0",
        "time_mix_w1", "time_mix_w2", "time_mix_v0", "time_mix_v1", "time_mix_v2", "time_mix_a0",
        "time_mix_a1", "time_mix_a2", "time_mix_g1", "time_mix_g2", "time_mix_decay_w1",
        "time_mix_decay_w2", "time_mix_lerp_fused", "position_embd", "token_types.weight",
        "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger",
        "a.rvq.codebook", "mm.a.code_embd"};
    if (t->n_dims < 2 || !ends_with(t->name, "weight")) return false;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (contains(t->name, kept[i])) return false;
    return dtype_info(t->view.type) && (t->view.type < DT_I8 || t->view.type > DT_F64);
}

static TensorKind kind_of(Str name, bool tied)
{
    static const struct { const char *part; TensorKind kind; } rows[] = {
        {"attn_v.weight", KIND_V}, {"attn_qkv.weight", KIND_V}, {"attn_kv_b.weight", KIND_V},
        {"attn_k.weight", KIND_K}, {"attn_q.weight", KIND_Q}, {"attn_output.weight", KIND_OUT},
        {"ffn_down", KIND_DOWN}, {"ffn_gate", KIND_GATE_UP}, {"ffn_up", KIND_GATE_UP}};
    if (str_is(name, "output.weight")) return KIND_OUTPUT;
    if (str_is(name, "token_embd.weight")) return tied ? KIND_OUTPUT : KIND_EMBD;
    if (str_is(name, "per_layer_token_embd.weight")) return KIND_EMBD;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (contains(name, rows[i].part)) return rows[i].kind;
    return KIND_OTHER;
}

/* N of "blk.N.", or -1. */
static int64_t block_of(Str name)
{
    if (name.len < 6 || memcmp(name.ptr, "blk.", 4) != 0) return -1;
    int64_t n = 0;
    size_t i = 4;
    for (; i < name.len && name.ptr[i] >= '0' && name.ptr[i] <= '9' && n < 1 << 20; i++)
        n = 10 * n + (name.ptr[i] - '0');
    return i > 4 && i < name.len && name.ptr[i] == '.' ? n : -1;
}

/* File order: what belongs to no block, then block by block; by name within. */
static int by_block_and_name(const void *a, const void *b)
{
    const QuantChoice *x = a, *y = b;
    Str s = x->tensor->name, t = y->tensor->name;
    int64_t i = block_of(s), j = block_of(t);
    if (i != j) return i < j ? -1 : 1;
    int order = memcmp(s.ptr, t.ptr, s.len < t.len ? s.len : t.len);
    return order ? order : (s.len > t.len) - (s.len < t.len);
}

/* ---------------------------------------------------------------- what the rules ask */

/* A number of the architecture; the first if there is one per block; 0 if absent. */
static Status read_number(const Gguf *g, Str arch, const char *what, int64_t *out, Err *err)
{
    char key[160];
    snprintf(key, sizeof key, "%.*s.%s", (int)(arch.len < 64 ? arch.len : 64), arch.ptr, what);
    const GgufKv *kv = gguf_find(g, key);
    *out = 0;
    if (!kv || kv->type != GGUF_ARRAY) return gguf_get_int(g, key, 0, INT32_MAX, out, err);
    TRY(gguf_array(g, key, GGUF_I32, -1, &kv, err));
    if (kv->count > 0) *out = gguf_array_int(kv, 0);
    return OK;
}

static Status read_model(MixModel *m, const Gguf *g, const QuantPlan *plan, const QuantParams *p,
                         Err *err)
{
    Str arch = {"", 0};
    int64_t heads, kv_heads;
    TRY(gguf_get_str(g, "general.architecture", &arch, err));
    *m = (MixModel){.llama = str_is(arch, "llama"), .falcon = str_is(arch, "falcon"),
                    .importance = p->has_importance};
    TRY(read_number(g, arch, "block_count", &m->n_blocks, err));
    TRY(read_number(g, arch, "expert_count", &m->n_expert, err));
    TRY(read_number(g, arch, "attention.head_count", &heads, err));
    TRY(read_number(g, arch, "attention.head_count_kv", &kv_heads, err));
    m->gqa = kv_heads > 0 ? heads / kv_heads : heads > 0 ? 1 : 0;
    for (int64_t i = 0; i < plan->n; i++)
        m->n_v += kind_of(plan->choices[i].tensor->name, false) == KIND_V;
    return OK;
}

/* ---------------------------------------------------------------- one tensor */

typedef struct {
    const QuantParams *p;
    MixModel model;
    QuantMatcher *matcher;
    bool tied;
    int64_t n_v, n_down, n_gate, n_up; /* of each kind, so far */
} Planner;

/* The number that the rules know a tensor by. */
static int64_t number_of(Planner *pl, TensorKind kind, Str name)
{
    int64_t running = 0;
    if (kind == KIND_V) return pl->n_v++;
    if (kind == KIND_DOWN) running = pl->n_down++;
    if (kind == KIND_GATE_UP) running = contains(name, "ffn_gate") ? pl->n_gate++ : pl->n_up++;
    return pl->model.n_expert > 1 && block_of(name) >= 0 ? block_of(name) : running;
}

/* What the user asked for by name; false if nothing. */
static Status wanted_by_user(Planner *pl, const GgufTensor *t, TensorKind kind, bool *found,
                             DType *type, Err *err)
{
    const QuantParams *p = pl->p;
    const DType *ends = NULL;
    if (str_is(t->name, "token_embd.weight")) ends = p->token_embd_type;
    if (!ends && kind == KIND_OUTPUT) ends = p->output_type;
    *found = ends != NULL;
    if (ends) {
        *type = *ends;
        return OK;
    }
    int which;
    TRY(quant_matcher_find(pl->matcher, t->name, &which, err));
    *found = which >= 0;
    if (*found) *type = p->overrides[which].type;
    return OK;
}

static bool needs_importance(const QuantMix *mix, DType type, TensorKind kind)
{
    switch (type) {
    case DT_IQ1_S: case DT_IQ2_XXS: case DT_IQ2_XS: return true;
    case DT_IQ1_M: case DT_IQ2_S: case DT_IQ3_XXS: return kind != KIND_EMBD && kind != KIND_OUTPUT;
    case DT_Q2_K: return mix->file_type == FT_Q2_K_S && kind != KIND_EMBD && kind != KIND_OUTPUT;
    default: return false;
    }
}

static Status choose(Planner *pl, QuantChoice *c, Err *err)
{
    const GgufTensor *t = c->tensor;
    const QuantParams *p = pl->p;
    c->type = t->view.type;
    if (!is_quantisable(t)) return OK;
    TensorKind kind = kind_of(t->name, pl->tied);
    if (p->leave_output && str_is(t->name, "output.weight")) return OK;

    /* 1. The user, the mix. */
    MixTensor facts = {kind, number_of(pl, kind, t->name), t->view.ne};
    bool asked;
    DType type = p->mix->base;
    TRY(wanted_by_user(pl, t, kind, &asked, &type, err));
    if (!asked && !p->pure) type = quant_mix_type(p->mix, &pl->model, &facts);

    /* 2. The shape. */
    c->type = quant_mix_fallback(type, t->view.ne[0]);
    c->fell_back = c->type != type;
    c->asked_for = asked;
    c->needs_importance = needs_importance(p->mix, c->type, kind);
    return OK;
}

Status quant_plan_open(QuantPlan *plan, Arena *a, const Gguf *g, const QuantParams *p, Err *err)
{
    *plan = (QuantPlan){.n = g->n_tensors, .choices = ARENA_NEW(a, QuantChoice, g->n_tensors)};
    if (!plan->choices)
        return fail(err, E_MEMORY, "no memory to plan %lld tensors", (long long)g->n_tensors);
    for (int64_t i = 0; i < plan->n; i++) plan->choices[i].tensor = &g->tensors[i];
    qsort(plan->choices, (size_t)plan->n, sizeof *plan->choices, by_block_and_name);

    Planner pl = {.p = p, .tied = !gguf_tensor(g, "output.weight")};
    TRY(read_model(&pl.model, g, plan, p, err));
    TRY(quant_matcher_open(&pl.matcher, p->overrides, p->n_overrides, err));
    Status s = OK;
    for (int64_t i = 0; s == OK && i < plan->n; i++) s = choose(&pl, &plan->choices[i], err);
    quant_matcher_close(pl.matcher);
    return s;
}
