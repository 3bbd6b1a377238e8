/* hf_config.c: config.json becomes keys.
 *
 * The same number has many names: what Llama calls hidden_size is n_embd in GPT-2 and d_model in MPT. One
 * table has them all; what a family computes in its own way follows below it, what only one has is in
 * hf_special.c. */
#include "hf_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMES = 7 };

JsonView hf_value(const HfModel *m, const char *name)
{
    JsonView v = jsonview_get(m->text, name);
    if (jsonview_kind(v) <= JSON_NULL) v = jsonview_get(m->config.root, name);
    return jsonview_kind(v) == JSON_NULL ? (JsonView){0} : v;
}

enum { WRONG_BYTES = 160 };

void hf_note_wrong(const HfModel *m, const char *name, JsonView v, const char *allowed)
{
    int n = v.end - v.s > 40 ? 40 : (int)(v.end - v.s);
    if (jsonview_kind(v) > JSON_NULL && m->wrong && !m->wrong[0])
        snprintf(m->wrong, WRONG_BYTES, "%s in config.json is %.*s, allowed is %s", name, n, v.s, allowed);
}

Status hf_check(const HfModel *m, Err *err)
{
    if (!m->wrong[0]) return OK;
    return fail(err, E_FORMAT, "%s. HINT: the file is damaged, or of a variant of %s that is not known here", m->wrong,
                m->family->arch);
}

int64_t hf_int(const HfModel *m, const char *const *names, int64_t otherwise)
{
    for (; *names; names++) {
        JsonView v = hf_value(m, *names);
        if (jsonview_int(v, INT64_MIN, INT64_MAX, &otherwise)) break;
        hf_note_wrong(m, *names, v, "a whole number from -2^62 to 2^62");
    }
    return otherwise;
}

double hf_real(const HfModel *m, const char *name, double otherwise)
{
    JsonView v = hf_value(m, name);
    if (!jsonview_number(v, &otherwise)) hf_note_wrong(m, name, v, "a number");
    return otherwise;
}

bool hf_bool(const HfModel *m, const char *name, bool otherwise)
{
    JsonView v = hf_value(m, name);
    if (jsonview_kind(v) == JSON_BOOL) return jsonview_true(v);
    hf_note_wrong(m, name, v, "true or false");
    return otherwise;
}

bool hf_is(const HfModel *m, const char *arch) { return strcmp(m->family->arch, arch) == 0; }

const ArchDesc *hf_arch(const HfModel *m)
{
    const ArchDesc *arch = arch_find((Str){m->family->arch, strlen(m->family->arch)});
    CHECK(arch, "the family %s has no architecture", m->family->arch);
    return arch;
}

/* ---------------------------------------------------------------- numbers that others follow from */

//@ begin hf-config-names
static const char *const d_model_names[] = {
    "hidden_size", "n_embd", "d_model", NULL};
static const char *const n_layer_names[] = {
    "num_hidden_layers", "n_layer", "n_layers", "num_layers", NULL};
static const char *const n_head_names[] = {
    "num_attention_heads", "n_head", "n_heads", "num_heads", NULL};
static const char *const n_kv_names[] = {
    "num_key_value_heads", "n_head_kv", "num_kv_heads", NULL};
static const char *const d_ff_names[] = {
    "intermediate_size", "n_inner", "ffn_hidden_size", "d_ff", NULL};
static const char *const d_head_names[] = {"head_dim", "d_kv", NULL};
static const char *const n_expert_names[] = {
    "num_local_experts", "num_experts", "n_routed_experts", NULL};
static const char *const n_ctx_names[] = {
    "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len",
    "seq_length", "model_max_length", NULL};
//@ end hf-config-names

Status hf_in_range(const char *what, int64_t v, int64_t hi, Err *err)
{
    if (v >= 1 && v <= hi) return OK;
    return fail(err, E_FORMAT, "%s in config.json is %lld, allowed is 1..%lld. HINT: the file is damaged or of "
                "another kind of model", what, (long long)v, (long long)hi);
}

/* Falcon: a new decoder has groups; an old one has one key and value head, or as many as queries. */
static int64_t falcon_kv_heads(const HfModel *m)
{
    if (hf_bool(m, "new_decoder_architecture", false)) return hf_int(m, n_kv_names, m->n_head);
    return hf_bool(m, "multi_query", true) ? 1 : m->n_head;
}

static int64_t d_ff_of(const HfModel *m)
{
    if (hf_is(m, "mpt")) return HF_INT(m, "expansion_ratio", 4) * m->d_model;
    if (hf_is(m, "falcon")) return HF_INT(m, "ffn_hidden_size", 4 * m->d_model);
    static const char *const fourfold[] = {"gpt2", "gptj", "starcoder", "bloom"};
    int64_t otherwise = 0;
    for (size_t i = 0; i < sizeof fourfold / sizeof *fourfold; i++)
        if (hf_is(m, fourfold[i])) otherwise = 4 * m->d_model;
    return hf_int(m, d_ff_names, otherwise);
}

static Status check_act(HfModel *m, Err *err)
{
    static const char *const names[] = {"hidden_act", "hidden_activation", "activation_function", "activation"};
    bool gelu = strcmp(m->family->act, "gelu") == 0;
    JsonView v = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names && !v.s; i++) v = hf_value(m, names[i]);
    /* Gemma's hidden_act was wrong at first; what counts is hidden_activation. */
    if (hf_is(m, "gemma") || hf_is(m, "gemma2")) {
        JsonView newer = hf_value(m, "hidden_activation");
        if (newer.s) v = newer;
        if (jsonview_is(v, "gelu")) return OK;
    }
    m->gelu_erf = hf_is(m, "mpt") || hf_is(m, "falcon") || hf_is(m, "gptneox") || hf_is(m, "bert"); /* without saying so */
    if (!v.s || (!gelu && jsonview_is(v, m->family->act))) return OK;
    bool exact = gelu && jsonview_is(v, "gelu");
    m->gelu_erf = exact && !hf_is(m, "bloom");
    if (exact) return OK;
    if (strcmp(m->family->act, "silu") == 0 && (jsonview_is(v, "swish") || jsonview_is(v, "swiglu")))
        return OK;
    if (gelu && (jsonview_is(v, "gelu_new") || jsonview_is(v, "gelu_pytorch_tanh") || jsonview_is(v, "gelu_fast")))
        return OK;
    return fail(err, E_UNSUPPORTED, "the activation %.*s, where %s computes %s. HINT: this variant of the family "
                "has no GGUF form", (int)(v.end - v.s > 40 ? 40 : v.end - v.s), v.s, m->family->arch,
                m->family->act);
}

static Status read_heads(HfModel *m, Err *err)
{
    m->n_head = hf_int(m, n_head_names, 0);
    TRY(hf_in_range("num_attention_heads", m->n_head, 4096, err));
    m->n_kv_head = hf_int(m, n_kv_names, m->n_head);
    /* Families without groups, whatever config.json says besides. */
    if (hf_is(m, "gpt2") || hf_is(m, "gptj") || hf_is(m, "gptneox") || hf_is(m, "bloom") ||
        hf_arch(m)->block.both_ways)
        m->n_kv_head = m->n_head;
    if (hf_is(m, "falcon")) m->n_kv_head = falcon_kv_heads(m);
    if (hf_is(m, "starcoder")) m->n_kv_head = hf_bool(m, "multi_query", true) ? 1 : m->n_head;
    TRY(hf_in_range("num_key_value_heads", m->n_kv_head, m->n_head, err));
    bool wide = hf_is(m, "gemma") || hf_is(m, "gemma2") || hf_is(m, "gemma3");
    m->d_head = hf_int(m, d_head_names, wide ? 256 : m->d_model / m->n_head);
    /* What latent attention keeps of a token is one vector for all heads. */
    if (m->kv_rank) m->n_kv_head = 1, m->d_head = m->kv_rank + m->d_rope;
    TRY(hf_in_range("head_dim", m->d_head, 4096, err));
    if (m->n_head % m->n_kv_head == 0) return OK;
    return fail(err, E_FORMAT, "%lld heads are no multiple of %lld key and value heads. HINT: config.json is "
                "damaged", (long long)m->n_head, (long long)m->n_kv_head);
}

Status hf_read_config(HfModel *m, Err *err)
{
    JsonView name = {0};
    JsonWalk w = jsonview_walk(jsonview_get(m->config.root, "architectures"));
    jsonview_next(&w, NULL, &name);
    m->family = hf_family_find(name);
    if (!m->family) return hf_family_refuse(name, err);
    m->wrong = ARENA_NEW(&m->arena, char, WRONG_BYTES);
    if (!m->wrong) return fail(err, E_MEMORY, "no memory for a setting's name");
    m->text = jsonview_get(m->config.root, "text_config");
    m->d_model = hf_int(m, d_model_names, 0);
    m->n_layer = hf_int(m, n_layer_names, 0);
    TRY(hf_in_range("hidden_size", m->d_model, 1 << 20, err));
    TRY(hf_in_range("num_hidden_layers", m->n_layer, MAX_LAYERS, err));
    TRY(hf_read_special(m, err));
    if (hf_arch(m)->block.ssm.kind) return check_act(m, err); /* no heads, no network */
    TRY(read_heads(m, err));
    m->d_ff = d_ff_of(m);
    TRY(hf_in_range("intermediate_size", m->d_ff, 1 << 24, err));
    m->n_expert = hf_int(m, n_expert_names, 0);
    if (m->n_expert < 0 || m->n_expert > MOE_MAX_EXPERTS) TRY(hf_in_range("num_experts", m->n_expert, MOE_MAX_EXPERTS, err));
    return check_act(m, err);
}

/* ---------------------------------------------------------------- keys */

static const char *full_key(char out[128], const HfModel *m, const char *key)
{
    snprintf(out, 128, "%s.%s", m->family->arch, key);
    return out;
}

Status hf_put_u32(GgufWriter *w, const HfModel *m, const char *key, int64_t v, Err *err)
{
    char full[128];
    return gguf_put_u32(w, full_key(full, m, key), (uint32_t)v, err);
}

Status hf_put_f32(GgufWriter *w, const HfModel *m, const char *key, double v, Err *err)
{
    char full[128];
    return gguf_put_f32(w, full_key(full, m, key), (float)v, err);
}

Status hf_put_str(GgufWriter *w, const HfModel *m, const char *key, const char *v, Err *err)
{
    char full[128];
    return gguf_put_str(w, full_key(full, m, key), v, err);
}

Status hf_put_bool(GgufWriter *w, const HfModel *m, const char *key, bool v, Err *err)
{
    char full[128];
    return gguf_put_bool(w, full_key(full, m, key), v, err);
}

Status hf_cannot(const HfModel *m, const char *what, Err *err)
{
    return fail(err, E_UNSUPPORTED, "%s with %s. HINT: this variant of the family has no GGUF form",
                m->family->arch, what);
}

typedef struct {
    const char *key;          /* after "<arch>." */
    const char *names[NAMES]; /* in config.json */
} KeyRow;

static const KeyRow int_keys[] = {
    {"expert_used_count", {"num_experts_per_tok", "num_experts_per_token", "experts_per_token"}},
    {"expert_feed_forward_length", {"moe_intermediate_size"}},
    {"expert_shared_feed_forward_length", {"shared_expert_intermediate_size", "shared_intermediate_size"}},
};
static const KeyRow real_keys[] = {
    {"attn_logit_softcapping", {"attn_logit_softcapping"}},
    {"final_logit_softcapping", {"final_logit_softcapping"}},
    {"logit_scale", {"logit_scale", "logits_scaling"}},
    {"attention.scale", {"attention_multiplier"}},
    {"embedding_scale", {"embedding_multiplier"}},
    {"residual_scale", {"residual_multiplier"}},
};

static double first_real(const HfModel *m, const char *const *names)
{
    double v = NAN;
    for (; *names && isnan(v); names++) v = hf_real(m, *names, NAN);
    return v;
}

static Status put_tables(GgufWriter *w, const HfModel *m, Err *err)
{
    const ArchDesc *arch = hf_arch(m);
    for (size_t i = 0; i < sizeof int_keys / sizeof *int_keys; i++) {
        int64_t v = hf_int(m, int_keys[i].names, -1);
        if (v > 0 && v <= INT32_MAX && m->n_expert) TRY(hf_put_u32(w, m, int_keys[i].key, v, err));
    }
    for (size_t i = 0; i < sizeof real_keys / sizeof *real_keys; i++) {
        double v = first_real(m, real_keys[i].names);
        if (!isnan(v)) TRY(hf_put_f32(w, m, real_keys[i].key, v, err));
    }
    /* One epsilon, by the name of the norm; and what the classes of these families take if config.json is silent. */
    bool rms = arch->block.norm == NORM_RMS;
    double eps = first_real(m, (const char *const[]){rms ? "rms_norm_eps" : "layer_norm_eps", "layer_norm_eps",
                                                     "layer_norm_epsilon", "norm_epsilon", NULL});
    if (isnan(eps)) eps = rms ? 1e-6 : 1e-5;
    return hf_put_f32(w, m, rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", eps, err);
}

static Status put_sampling(GgufWriter *w, const HfModel *m, Err *err)
{
    static const struct { const char *name, *key; bool whole; } rows[] = {
        {"temperature", "general.sampling.temp", false}, {"top_p", "general.sampling.top_p", false},
        {"min_p", "general.sampling.min_p", false}, {"top_k", "general.sampling.top_k", true},
        {"repetition_penalty", "general.sampling.penalty_repeat", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double v;
        if (!jsonview_number(jsonview_get(m->generation.root, rows[i].name), &v) || !(v >= 0 && v < 1e9)) continue;
        if (rows[i].whole) TRY(gguf_put_i32(w, rows[i].key, (int32_t)v, err));
        else TRY(gguf_put_f32(w, rows[i].key, (float)v, err));
    }
    return OK;
}

/* What attends has heads and a network, what scans says by zeros that it has none. */
static Status put_sizes(GgufWriter *w, const HfModel *m, Err *err)
{
    bool scans = hf_arch(m)->block.ssm.kind;
    const struct { const char *key; int64_t v; } numbers[] = {
        {"context_length", hf_int(m, n_ctx_names, scans ? 1 << 20 : 2048) - m->n_skip}, {"embedding_length", m->d_model},
        {"block_count", m->n_layer}, {"vocab_size", m->n_vocab}, {"feed_forward_length", m->d_ff},
        {"attention.head_count", m->n_head}, {"attention.head_count_kv", m->n_kv_head},
        {"attention.key_length", m->d_head}, {"attention.value_length", m->kv_rank ? m->kv_rank : m->d_head}};
    for (size_t i = 0; i < (scans ? 4 : sizeof numbers / sizeof *numbers); i++) {
        TRY(hf_in_range(numbers[i].key, numbers[i].v, 1 << 30, err));
        TRY(hf_put_u32(w, m, numbers[i].key, numbers[i].v, err));
    }
    if (!scans) return OK;
    TRY(hf_put_u32(w, m, "feed_forward_length", 0, err));
    return hf_put_u32(w, m, "attention.head_count", 0, err);
}

Status hf_put_config(GgufWriter *w, HfModel *m, const HfParams *p, Err *err)
{
    TRY(gguf_put_str(w, "general.architecture", m->family->arch, err));
    TRY(gguf_put_str(w, "general.type", "model", err));
    TRY(gguf_put_str(w, "general.name", p->name, err));
    TRY(gguf_put_u32(w, "general.quantization_version", 2, err));
    TRY(put_sampling(w, m, err));
    TRY(put_sizes(w, m, err));
    if (m->n_expert) TRY(hf_put_u32(w, m, "expert_count", m->n_expert, err));
    TRY(put_tables(w, m, err));
    if (m->gelu_erf) TRY(hf_put_str(w, m, "hidden_activation", "gelu", err));
    TRY(hf_put_special(w, m, err));
    return hf_arch(m)->block.both_ways ? hf_put_encoder(w, m, err) : OK;
}
