/* hf_config.c: config.json becomes keys.
 *
 * The same number has many names: what Llama calls hidden_size is n_embd in GPT-2 and d_model in MPT. One
 * table has them all; what a family computes in its own way follows below it. */
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

int64_t hf_int(const HfModel *m, const char *const *names, int64_t otherwise)
{
    for (; *names; names++)
        if (jsonview_int(hf_value(m, *names), INT64_MIN, INT64_MAX, &otherwise)) break;
    return otherwise;
}

double hf_real(const HfModel *m, const char *name, double otherwise)
{
    jsonview_number(hf_value(m, name), &otherwise);
    return otherwise;
}

bool hf_bool(const HfModel *m, const char *name, bool otherwise)
{
    JsonView v = hf_value(m, name);
    return jsonview_kind(v) == JSON_BOOL ? jsonview_true(v) : otherwise;
}

bool hf_is(const HfModel *m, const char *arch) { return strcmp(m->family->arch, arch) == 0; }

#define ONE_INT(m, name, otherwise) hf_int(m, (const char *const[]){name, NULL}, otherwise)

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

static Status in_range(const char *what, int64_t v, int64_t hi, Err *err)
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
    if (hf_is(m, "mpt")) return ONE_INT(m, "expansion_ratio", 4) * m->d_model;
    if (hf_is(m, "falcon")) return ONE_INT(m, "ffn_hidden_size", 4 * m->d_model);
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
    m->gelu_erf = hf_is(m, "mpt") || hf_is(m, "falcon") || hf_is(m, "gptneox"); /* without saying so */
    if (!v.s || (!gelu && jsonview_is(v, m->family->act))) return OK;
    bool exact = gelu && jsonview_is(v, "gelu");
    m->gelu_erf = exact && !hf_is(m, "bloom");
    if (exact) return OK;
    if (strcmp(m->family->act, "silu") == 0 && jsonview_is(v, "swish")) return OK;
    if (gelu && (jsonview_is(v, "gelu_new") || jsonview_is(v, "gelu_pytorch_tanh") || jsonview_is(v, "gelu_fast")))
        return OK;
    return fail(err, E_UNSUPPORTED, "the activation %.*s, where %s computes %s. HINT: this variant of the family "
                "has no GGUF form", (int)(v.end - v.s > 40 ? 40 : v.end - v.s), v.s, m->family->arch,
                m->family->act);
}

Status hf_read_config(HfModel *m, Err *err)
{
    JsonView name = {0};
    JsonWalk w = jsonview_walk(jsonview_get(m->config.root, "architectures"));
    jsonview_next(&w, NULL, &name);
    m->family = hf_family_find(name);
    if (!m->family) return hf_family_refuse(name, err);
    m->text = jsonview_get(m->config.root, "text_config");
    m->d_model = hf_int(m, d_model_names, 0);
    m->n_layer = hf_int(m, n_layer_names, 0);
    m->n_head = hf_int(m, n_head_names, 0);
    TRY(in_range("hidden_size", m->d_model, 1 << 20, err));
    TRY(in_range("num_hidden_layers", m->n_layer, MAX_LAYERS, err));
    TRY(in_range("num_attention_heads", m->n_head, 4096, err));
    m->n_kv_head = hf_int(m, n_kv_names, m->n_head);
    /* Families without groups, whatever config.json says besides. */
    if (hf_is(m, "gpt2") || hf_is(m, "gptj") || hf_is(m, "gptneox") || hf_is(m, "bloom")) m->n_kv_head = m->n_head;
    if (hf_is(m, "falcon")) m->n_kv_head = falcon_kv_heads(m);
    if (hf_is(m, "starcoder")) m->n_kv_head = hf_bool(m, "multi_query", true) ? 1 : m->n_head;
    TRY(in_range("num_key_value_heads", m->n_kv_head, m->n_head, err));
    bool wide = hf_is(m, "gemma") || hf_is(m, "gemma2") || hf_is(m, "gemma3");
    m->d_head = hf_int(m, d_head_names, wide ? 256 : m->d_model / m->n_head);
    TRY(in_range("head_dim", m->d_head, 4096, err));
    m->d_ff = d_ff_of(m);
    TRY(in_range("intermediate_size", m->d_ff, 1 << 24, err));
    m->n_expert = hf_int(m, n_expert_names, 0);
    if (m->n_expert < 0 || m->n_expert > MOE_MAX_EXPERTS) TRY(in_range("num_experts", m->n_expert, MOE_MAX_EXPERTS, err));
    if (m->n_head % m->n_kv_head)
        return fail(err, E_FORMAT, "%lld heads are no multiple of %lld key and value heads. HINT: config.json is "
                    "damaged", (long long)m->n_head, (long long)m->n_kv_head);
    return check_act(m, err);
}

/* ---------------------------------------------------------------- keys */

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
    {"attention.layer_norm_rms_epsilon", {"rms_norm_eps"}},
    {"attention.layer_norm_epsilon", {"layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"}},
    {"attn_logit_softcapping", {"attn_logit_softcapping"}},
    {"final_logit_softcapping", {"final_logit_softcapping"}},
    {"logit_scale", {"logit_scale", "logits_scaling"}},
    {"attention.scale", {"attention_multiplier"}},
    {"embedding_scale", {"embedding_multiplier"}},
    {"residual_scale", {"residual_multiplier"}},
};

static Status put_u32(GgufWriter *w, const HfModel *m, const char *key, int64_t v, Err *err)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", m->family->arch, key);
    return gguf_put_u32(w, full, (uint32_t)v, err);
}

static Status put_f32(GgufWriter *w, const HfModel *m, const char *key, double v, Err *err)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", m->family->arch, key);
    return gguf_put_f32(w, full, (float)v, err);
}

static Status put_str(GgufWriter *w, const HfModel *m, const char *key, const char *v, Err *err)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", m->family->arch, key);
    return gguf_put_str(w, full, v, err);
}

static Status put_tables(GgufWriter *w, const HfModel *m, Err *err)
{
    const ArchDesc *arch = arch_find((Str){m->family->arch, strlen(m->family->arch)});
    CHECK(arch, "the family %s has no architecture", m->family->arch);
    for (size_t i = 0; i < sizeof int_keys / sizeof *int_keys; i++) {
        int64_t v = hf_int(m, int_keys[i].names, -1);
        if (v > 0 && v <= INT32_MAX && m->n_expert) TRY(put_u32(w, m, int_keys[i].key, v, err));
    }
    bool eps = false;
    for (size_t i = 0; i < sizeof real_keys / sizeof *real_keys; i++) {
        double v = NAN;
        for (const char *const *n = real_keys[i].names; *n && isnan(v); n++) v = hf_real(m, *n, NAN);
        bool is_eps = strstr(real_keys[i].key, "epsilon");
        if (isnan(v) || (is_eps && strstr(real_keys[i].key, "rms") && arch->block.norm != NORM_RMS)) continue;
        TRY(put_f32(w, m, real_keys[i].key, v, err));
        eps |= is_eps;
    }
    if (eps) return OK;
    /* What the classes of these families take if config.json is silent. */
    return arch->block.norm == NORM_RMS ? put_f32(w, m, "attention.layer_norm_rms_epsilon", 1e-6, err)
                                        : put_f32(w, m, "attention.layer_norm_epsilon", 1e-5, err);
}

static Status cannot(const HfModel *m, const char *what, Err *err)
{
    return fail(err, E_UNSUPPORTED, "%s with %s. HINT: this variant of the family has no GGUF form",
                m->family->arch, what);
}

/* Which layers see a window only: written if it is not the family's usual pattern. */
static Status put_window(GgufWriter *w, const HfModel *m, int64_t period, Err *err)
{
    int64_t window = ONE_INT(m, "sliding_window", 0), n = 0;
    if (window <= 0) return OK;
    TRY(put_u32(w, m, "attention.sliding_window", window, err));
    int64_t own = hf_int(m, (const char *const[]){"sliding_window_pattern", "_sliding_window_pattern", NULL}, period);
    bool slides[MAX_LAYERS], usual = own == period;
    JsonView item;
    for (JsonWalk walk = jsonview_walk(hf_value(m, "layer_types")); jsonview_next(&walk, NULL, &item); n++) {
        if (n == m->n_layer) return cannot(m, "more layer_types than layers", err);
        slides[n] = jsonview_is(item, "sliding_attention");
        usual &= slides[n] == (n % period < period - 1);
    }
    if (n && n != m->n_layer) return cannot(m, "fewer layer_types than layers", err);
    for (; n == 0 && !usual && n < m->n_layer; n++) slides[n] = own > 0 && n % own < own - 1;
    char key[96];
    snprintf(key, sizeof key, "%s.attention.sliding_window_pattern", m->family->arch);
    return usual ? OK : gguf_put_array(w, key, GGUF_BOOL, slides, m->n_layer, err);
}

static Status put_gemma(GgufWriter *w, const HfModel *m, Err *err)
{
    if (hf_is(m, "gemma")) return OK;
    /* Scores are divided by the root of this; here it follows from the number of layers. */
    bool large = m->n_layer == (hf_is(m, "gemma2") ? 46 : 62);
    double scalar = hf_real(m, "query_pre_attn_scalar", 256), is = large ? (double)(m->d_model / m->n_head) : (double)m->d_head;
    if (scalar != is) return cannot(m, "a query_pre_attn_scalar that is not the width of a head", err);
    /* A cap that is switched off must say so: an absent key means the usual one. */
    if (hf_is(m, "gemma2") && !hf_value(m, "attn_logit_softcapping").s) TRY(put_f32(w, m, "attn_logit_softcapping", 0, err));
    if (hf_is(m, "gemma2") && !hf_value(m, "final_logit_softcapping").s) TRY(put_f32(w, m, "final_logit_softcapping", 0, err));
    return put_window(w, m, hf_is(m, "gemma2") ? 2 : 6, err);
}

static Status put_alibi(GgufWriter *w, const HfModel *m, Err *err)
{
    if (hf_is(m, "falcon") && hf_bool(m, "alibi", false)) return cannot(m, "alibi", err);
    if (!hf_is(m, "mpt")) return OK;
    JsonView attn = hf_value(m, "attn_config");
    double clip = 0, bias = 8;
    JsonView alibi = jsonview_get(attn, "alibi");
    jsonview_number(jsonview_get(attn, "clip_qkv"), &clip);
    jsonview_number(jsonview_get(attn, "alibi_bias_max"), &bias);
    if (clip > 0) TRY(put_f32(w, m, "attention.clamp_kqv", clip, err));
    return put_f32(w, m, "attention.max_alibi_bias", !alibi.s || jsonview_true(alibi) ? bias : 0, err);
}

/* What only one family has, and what it must not have. */
static Status put_special(GgufWriter *w, const HfModel *m, Err *err)
{
    TRY(put_alibi(w, m, err));
    if (m->gelu_erf) TRY(put_str(w, m, "hidden_activation", "gelu", err));
    if (strncmp(m->family->arch, "gemma", 5) == 0) return put_gemma(w, m, err);
    if (hf_is(m, "olmo2")) return put_window(w, m, 4, err);
    if (hf_is(m, "gptneox"))
        return gguf_put_bool(w, "gptneox.use_parallel_residual", hf_bool(m, "use_parallel_residual", true), err);
    if (hf_is(m, "falcon") && !hf_bool(m, "parallel_attn", true) && !hf_bool(m, "new_decoder_architecture", false))
        return cannot(m, "parallel_attn off", err);
    if (hf_is(m, "starcoder") && !hf_bool(m, "multi_query", true)) return cannot(m, "multi_query off", err);
    if (hf_is(m, "bloom") && hf_bool(m, "apply_residual_connection_post_layernorm", false))
        return cannot(m, "residuals after the norm", err);
    if (hf_is(m, "stablelm") && hf_bool(m, "use_parallel_residual", false) !=
        !safetensors_find(&m->weights, "model.layers.0.post_attention_layernorm.weight"))
        return cannot(m, "a second norm that does not fit use_parallel_residual", err);
    if (hf_is(m, "qwen2moe") && hf_bool(m, "norm_topk_prob", false)) return cannot(m, "norm_topk_prob", err);
    if (hf_is(m, "qwen3moe") && !hf_bool(m, "norm_topk_prob", false)) return cannot(m, "norm_topk_prob off", err);
    if (!strstr(m->family->arch, "moe") || strncmp(m->family->arch, "qwen", 4) != 0) return OK;
    /* Layers that are dense between others with experts have no GGUF form. */
    JsonWalk dense = jsonview_walk(hf_value(m, "mlp_only_layers"));
    if (jsonview_next(&dense, NULL, NULL) || ONE_INT(m, "decoder_sparse_step", 1) != 1)
        return cannot(m, "dense layers between those with experts", err);
    return OK;
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

Status hf_put_config(GgufWriter *w, HfModel *m, const HfParams *p, Err *err)
{
    TRY(gguf_put_str(w, "general.architecture", m->family->arch, err));
    TRY(gguf_put_str(w, "general.type", "model", err));
    TRY(gguf_put_str(w, "general.name", p->name, err));
    TRY(gguf_put_u32(w, "general.quantization_version", 2, err));
    TRY(put_sampling(w, m, err));
    const struct { const char *key; int64_t v; } numbers[] = {
        {"context_length", hf_int(m, n_ctx_names, 2048)}, {"embedding_length", m->d_model},
        {"block_count", m->n_layer}, {"feed_forward_length", m->d_ff}, {"attention.head_count", m->n_head},
        {"attention.head_count_kv", m->n_kv_head}, {"attention.key_length", m->d_head},
        {"attention.value_length", m->d_head}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        TRY(in_range(numbers[i].key, numbers[i].v, 1 << 30, err));
        TRY(put_u32(w, m, numbers[i].key, numbers[i].v, err));
    }
    if (m->n_expert) TRY(put_u32(w, m, "expert_count", m->n_expert, err));
    TRY(put_tables(w, m, err));
    return put_special(w, m, err);
}
