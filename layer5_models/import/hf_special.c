/* hf_special.c: what only one family says in its config.json, and what it must not say. A setting that our file has no
 * word for is an error: a model that is computed otherwise than it was trained answers badly, and nobody knows why. */
#include "hf_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- sizes that come from other numbers */

static Status read_latent(HfModel *m, Err *err)
{
    m->kv_rank = HF_INT(m, "kv_lora_rank", 0);
    m->d_rope = HF_INT(m, "qk_rope_head_dim", 64);
    m->d_nope = HF_INT(m, "qk_nope_head_dim", 128);
    m->d_value = HF_INT(m, "v_head_dim", 128);
    TRY(hf_in_range("kv_lora_rank", m->kv_rank, 4096, err));
    TRY(hf_in_range("qk_rope_head_dim", m->d_rope, 4096, err));
    TRY(hf_in_range("qk_nope_head_dim", m->d_nope, 4096, err));
    return hf_in_range("v_head_dim", m->d_value, 4096, err);
}

Status hf_read_special(HfModel *m, Err *err)
{
    if (hf_is(m, "deepseek2")) return read_latent(m, err);
    m->n_group = HF_INT(m, "n_groups", 8);
    if (hf_is(m, "mamba2")) return hf_in_range("n_groups", m->n_group, 4096, err);
    if (hf_has_row(m->family, HF_AFTER_PAD)) {
        m->n_skip = HF_INT(m, "pad_token_id", 1) + 1;
        return hf_in_range("pad_token_id", m->n_skip, 4096, err);
    }
    return OK;
}

/* ---------------------------------------------------------------- families */

static Status put_window(GgufWriter *w, const HfModel *m, int64_t period, Err *err)
{
    int64_t window = HF_INT(m, "sliding_window", 0), n = 0;
    if (window <= 0) return OK;
    TRY(hf_put_u32(w, m, "attention.sliding_window", window, err));
    int64_t own = hf_int(m, (const char *const[]){"sliding_window_pattern", "_sliding_window_pattern", NULL}, period);
    bool slides[MAX_LAYERS], usual = own == period;
    JsonView item;
    for (JsonWalk walk = jsonview_walk(hf_value(m, "layer_types")); jsonview_next(&walk, NULL, &item); n++) {
        if (n == m->n_layer) return hf_cannot(m, "more layer_types than layers", err);
        slides[n] = jsonview_is(item, "sliding_attention");
        usual &= slides[n] == (n % period < period - 1);
    }
    if (n && n != m->n_layer) return hf_cannot(m, "fewer layer_types than layers", err);
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
    if (scalar != is) return hf_cannot(m, "a query_pre_attn_scalar that is not the width of a head", err);
    /* A cap that is switched off must say so: an absent key means the usual one. */
    if (hf_is(m, "gemma2") && !hf_value(m, "attn_logit_softcapping").s) TRY(hf_put_f32(w, m, "attn_logit_softcapping", 0, err));
    if (hf_is(m, "gemma2") && !hf_value(m, "final_logit_softcapping").s) TRY(hf_put_f32(w, m, "final_logit_softcapping", 0, err));
    return put_window(w, m, hf_is(m, "gemma2") ? 2 : 6, err);
}

static Status put_alibi(GgufWriter *w, const HfModel *m, Err *err)
{
    if (hf_is(m, "falcon") && hf_bool(m, "alibi", false)) return hf_put_f32(w, m, "attention.max_alibi_bias", 8, err);
    if (!hf_is(m, "mpt")) return OK;
    JsonView attn = hf_value(m, "attn_config");
    double clip = 0, bias = 8;
    JsonView alibi = jsonview_get(attn, "alibi");
    jsonview_number(jsonview_get(attn, "clip_qkv"), &clip);
    jsonview_number(jsonview_get(attn, "alibi_bias_max"), &bias);
    if (clip > 0) TRY(hf_put_f32(w, m, "attention.clamp_kqv", clip, err));
    return hf_put_f32(w, m, "attention.max_alibi_bias", !alibi.s || jsonview_true(alibi) ? bias : 0, err);
}

/* Routers: V2 has a softmax, V3 a sigmoid whose choice is balanced by a bias. */
static Status put_router(GgufWriter *w, const HfModel *m, bool v3, Err *err)
{
    JsonView how = hf_value(m, "topk_method"), scoring = hf_value(m, "scoring_func");
    int64_t groups = HF_INT(m, "n_group", 1), used = HF_INT(m, "topk_group", 1), shared = HF_INT(m, "n_shared_experts", 0);
    bool norm = hf_bool(m, "norm_topk_prob", v3);
    if (groups < 1) groups = 1;
    if (used < 1) used = 1;
    if (HF_INT(m, "moe_layer_freq", 1) != 1) return hf_cannot(m, "dense layers between those with experts", err);
    if (scoring.s && !jsonview_is(scoring, v3 ? "sigmoid" : "softmax")) return hf_cannot(m, "another scoring_func", err);
    /* V3 counts a group by its two best experts; V2 counts it by one, or does not look at groups at all. */
    bool by_one = !v3 && jsonview_is(how, "group_limited_greedy");
    if (how.s && !by_one && !jsonview_is(how, v3 ? "noaux_tc" : "greedy")) return hf_cannot(m, "another topk_method", err);
    if (!v3 && !by_one) groups = used = 1;
    if (!v3 && norm) return hf_cannot(m, "norm_topk_prob", err);
    const struct { const char *key; int64_t v; } numbers[] = {
        {"expert_shared_count", shared}, {"expert_gating_func", v3 ? 2 : 1},
        {"leading_dense_block_count", HF_INT(m, "first_k_dense_replace", 0)},
        {"expert_group_count", groups > 1 ? groups : 0}, {"expert_group_used_count", groups > 1 ? used : 0}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].v < 0 || numbers[i].v > MOE_MAX_EXPERTS) TRY(hf_in_range(numbers[i].key, numbers[i].v, MOE_MAX_EXPERTS, err));
        TRY(hf_put_u32(w, m, numbers[i].key, numbers[i].v, err));
    }
    TRY(hf_put_bool(w, m, "expert_weights_norm", norm, err));
    if (by_one && groups > 1) TRY(hf_put_bool(w, m, "expert_group_by_best", true, err));
    return hf_put_f32(w, m, "expert_weights_scale", hf_real(m, "routed_scaling_factor", 1), err);
}

static Status put_deepseek(GgufWriter *w, const HfModel *m, Err *err)
{
    JsonView name = {0};
    JsonWalk walk = jsonview_walk(jsonview_get(m->config.root, "architectures"));
    int64_t q_rank = HF_INT(m, "q_lora_rank", 0);
    jsonview_next(&walk, NULL, &name);
    if (hf_bool(m, "attention_bias", false)) return hf_cannot(m, "attention_bias", err);
    if (!hf_bool(m, "rope_interleave", true)) return hf_cannot(m, "rope_interleave off", err);
    TRY(hf_put_u32(w, m, "attention.kv_lora_rank", m->kv_rank, err));
    if (q_rank > 0) TRY(hf_put_u32(w, m, "attention.q_lora_rank", q_rank, err));
    TRY(hf_put_u32(w, m, "attention.key_length_mla", m->d_nope + m->d_rope, err));
    TRY(hf_put_u32(w, m, "attention.value_length_mla", m->d_value, err));
    return m->n_expert ? put_router(w, m, jsonview_is(name, "DeepseekV3ForCausalLM"), err) : OK;
}

static Status put_gpt_oss(GgufWriter *w, const HfModel *m, Err *err)
{
    if (hf_real(m, "swiglu_alpha", 1.702) != 1.702 || hf_real(m, "swiglu_limit", 7) != 7)
        return hf_cannot(m, "a swiglu_alpha or swiglu_limit other than 1.702 and 7", err);
    if (HF_INT(m, "sliding_window", 0) <= 0) return hf_cannot(m, "no sliding_window", err);
    TRY(hf_put_u32(w, m, "expert_feed_forward_length", m->d_ff, err));
    return put_window(w, m, 2, err);
}

/* Mamba, whose channels have a step each, and Mamba-2, whose heads have. */
static Status put_scan(GgufWriter *w, const HfModel *m, Err *err)
{
    bool heads = hf_is(m, "mamba2");
    int64_t inner = heads ? 0 : HF_INT(m, "intermediate_size", 0);
    double expand = hf_real(m, "expand", 2);
    if (inner <= 0 && expand > 0 && expand < 1024) inner = (int64_t)(expand * (double)m->d_model);
    int64_t rank = hf_int(m, (const char *const[]){heads ? "num_heads" : "time_step_rank", NULL},
                          heads ? 128 : (m->d_model + 15) / 16);
    const struct { const char *key; int64_t v, hi; } numbers[] = {
        {"ssm.conv_kernel", HF_INT(m, "conv_kernel", 4), 64}, {"ssm.inner_size", inner, 1 << 20},
        {"ssm.state_size", HF_INT(m, "state_size", heads ? 128 : 16), 4096}, {"ssm.time_step_rank", rank, 1 << 16},
        {"ssm.group_count", m->n_group, 4096}};
    for (size_t i = 0; i < (heads ? 5 : 4); i++) {
        TRY(hf_in_range(numbers[i].key, numbers[i].v, numbers[i].hi, err));
        TRY(hf_put_u32(w, m, numbers[i].key, numbers[i].v, err));
    }
    JsonWalk limits = jsonview_walk(hf_value(m, "time_step_limit"));
    JsonView low, high;
    double v = 0;
    if (jsonview_next(&limits, NULL, &low) && jsonview_number(low, &v) && v > 0) return hf_cannot(m, "a least time step", err);
    if (jsonview_next(&limits, NULL, &high) && jsonview_number(high, &v) && v < HUGE_VAL)
        return hf_cannot(m, "a largest time step", err);
    JsonView normed = hf_value(m, "mixer_rms_eps"); /* Falcon-Mamba's alone */
    if (heads || !jsonview_number(normed, &v)) return OK;
    TRY(hf_put_bool(w, m, "ssm.dt_b_c_rms", true, err));
    return hf_put_f32(w, m, "ssm.dt_b_c_rms_epsilon", v, err);
}

/* What only one family has, and what it must not have. */
Status hf_put_special(GgufWriter *w, const HfModel *m, Err *err)
{
    TRY(put_alibi(w, m, err));
    if (strncmp(m->family->arch, "gemma", 5) == 0) return put_gemma(w, m, err);
    if (hf_is(m, "olmo2")) return put_window(w, m, 4, err);
    if (hf_is(m, "deepseek2")) return put_deepseek(w, m, err);
    if (hf_is(m, "gpt-oss")) return put_gpt_oss(w, m, err);
    if (hf_arch(m)->block.ssm.kind) return put_scan(w, m, err);
    if (hf_is(m, "gptneox"))
        return gguf_put_bool(w, "gptneox.use_parallel_residual", hf_bool(m, "use_parallel_residual", true), err);
    if (hf_is(m, "falcon") && !hf_bool(m, "parallel_attn", true) && hf_bool(m, "new_decoder_architecture", false))
        return hf_cannot(m, "parallel_attn off in a new_decoder_architecture", err);
    if (hf_is(m, "starcoder") && !hf_bool(m, "multi_query", true)) return hf_cannot(m, "multi_query off", err);
    if (hf_is(m, "bloom") && hf_bool(m, "apply_residual_connection_post_layernorm", false))
        return hf_cannot(m, "residuals after the norm", err);
    if (hf_is(m, "stablelm") && hf_bool(m, "use_parallel_residual", false) !=
        !safetensors_find(&m->weights, "model.layers.0.post_attention_layernorm.weight"))
        return hf_cannot(m, "a second norm that does not fit use_parallel_residual", err);
    if (hf_is(m, "qwen2moe") && hf_bool(m, "norm_topk_prob", false)) return hf_cannot(m, "norm_topk_prob", err);
    if (hf_is(m, "qwen3moe") && !hf_bool(m, "norm_topk_prob", false)) return hf_cannot(m, "norm_topk_prob off", err);
    if (!strstr(m->family->arch, "moe") || strncmp(m->family->arch, "qwen", 4) != 0) return OK;
    /* Layers that are dense between others with experts have no GGUF form. */
    JsonWalk dense = jsonview_walk(hf_value(m, "mlp_only_layers"));
    if (jsonview_next(&dense, NULL, NULL) || HF_INT(m, "decoder_sparse_step", 1) != 1)
        return hf_cannot(m, "dense layers between those with experts", err);
    return OK;
}
