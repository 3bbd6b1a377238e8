/* arch_describe.c: from a file's numbers and a family's switches to the description of each layer. */
#include "arch.h"

#include <math.h>
#include <stdio.h>

/* Factor and kind of RoPE scaling; per-pair factors are tensors and come with the weights. */
static Status describe_scaling(BlockSpec *s, const Hparams *h, Err *err)
{
    if (str_is(h->rope_scaling, "none") || s->rope == ROPE_NONE) return OK;
    if (str_is(h->rope_scaling, "linear")) {
        s->rope_freq_scale = 1.0f / h->rope_factor;
        return OK;
    }
    if (str_is(h->rope_scaling, "longrope")) {
        s->rope_magnitude = h->rope_attn_factor;
        return OK;
    }
    if (!str_is(h->rope_scaling, "yarn"))
        return fail(err, E_UNSUPPORTED, "the key '%.*s.rope.scaling.type' is '%.*s', allowed is none, linear, yarn or "
                    "longrope. HINT: convert the model again", STR_ARG(h->arch),
                    (int)(h->rope_scaling.len > 40 ? 40 : h->rope_scaling.len), h->rope_scaling.ptr);
    //@ begin arch-yarn
    /* YaRN: far pairs are slowed down, near ones not; scores are sharpened. */
    s->rope_freq_scale = 1.0f / h->rope_factor;
    s->rope_yarn = rope_yarn(s->n_rot, s->rope_base, h->n_ctx_orig, 32, 1,
                             !h->yarn_unrounded);
    float longer = h->rope_factor > 1 ? logf(h->rope_factor) : 0;
    s->rope_magnitude = h->rope_attn_factor * (1 + 0.1f * longer);
    //@ end arch-yarn
    return OK;
}

/* GELU has two forms that differ by up to 5e-4. What a file means that says nothing is the one by tanh; in
 * Hugging Face's names, "gelu" is the one by erf. */
static Status describe_gelu(BlockSpec *s, const Hparams *h, Err *err)
{
    static const char *const by_tanh[] = {"gelu_pytorch_tanh", "gelu_new", "gelu_fast"};
    Str name = h->activation;
    if (s->act != ACT_GELU_TANH || !name.len) return OK;
    if (str_is(name, "gelu")) {
        s->act = ACT_GELU_ERF;
        return OK;
    }
    for (size_t i = 0; i < sizeof by_tanh / sizeof *by_tanh; i++)
        if (str_is(name, by_tanh[i])) return OK;
    return fail(err, E_UNSUPPORTED, "the key '%.*s.hidden_activation' is '%.*s', allowed is gelu, gelu_pytorch_tanh, "
                "gelu_new or gelu_fast. HINT: convert the model again", STR_ARG(h->arch),
                (int)(name.len > 40 ? 40 : name.len), name.ptr);
}

static void describe_experts(BlockSpec *s, const Hparams *h)
{
    MoeSpec *m = &s->moe;
    if (!h->n_expert) return;
    m->n_expert = (int)h->n_expert;
    m->n_used = (int)h->n_expert_used;
    if (h->gating) m->gating = (MoeGating)(h->gating - 1);
    m->scale = h->expert_scale;
    m->n_group = (int)h->n_group;
    m->n_group_used = (int)h->n_group_used;
    if (!m->d_ff) m->d_ff = h->d_ff_expert ? h->d_ff_expert : h->d_ff;
}

/* Who sees whom is a matter of the family here; a file that says otherwise is another computation. */
static Status check_sight(const ArchDesc *a, const BlockSpec *s, const Gguf *g, Err *err)
{
    char key[96];
    bool causal = !s->both_ways;
    snprintf(key, sizeof key, "%s.attention.causal", a->name);
    TRY(gguf_get_bool(g, key, &causal, err));
    if (causal != s->both_ways) return OK;
    return fail(err, E_UNSUPPORTED, "the key '%s' is %s, allowed is %s: tokens of this family %s. HINT: a model that was "
                "made otherwise cannot be run here", key, causal ? "true" : "false", causal ? "false" : "true",
                causal ? "see later ones too" : "never see later ones");
}

/* A scan has no heads, no angles and no network: only sizes. */
static Status describe_scan(const ArchDesc *a, ModelSpec *m, BlockSpec *s, const Hparams *h,
                            const Gguf *g, Err *err)
{
    if (!h->d_state)
        return fail(err, E_FORMAT, "the key '%s.ssm.state_size' is missing. HINT: the file is damaged or "
                    "its converter is wrong", a->name);
    s->d_model = h->d_model;
    s->norm_eps = h->norm_eps;
    s->ssm.d_conv = (int)h->d_conv;
    s->ssm.d_state = (int)h->d_state;
    s->ssm.d_inner = h->d_inner;
    s->ssm.dt_rank = h->dt_rank;
    s->ssm.norm_dt_bc = h->norm_dt_bc;
    s->ssm.dt_bc_eps = h->dt_bc_eps;
    return a->adapt ? a->adapt(m, s, h, g, err) : OK;
}

Status arch_describe(const ArchDesc *a, ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g,
                     Err *err)
{
    /* 1. The family's switches, and the numbers that go with them in every family. */
    *m = a->model;
    *s = a->block;
    if (s->ssm.kind) return describe_scan(a, m, s, h, g, err);
    if (h->d_state)
        return fail(err, E_FORMAT, "the key '%s.ssm.state_size' is %lld, but a %s does not scan: allowed "
                    "is none. HINT: the file is damaged or its converter is wrong", a->name,
                    (long long)h->d_state, a->name);
    s->d_model = h->d_model;
    s->d_ff = h->d_ff;
    s->n_head = (int)h->n_head;
    s->n_kv_head = (int)h->n_kv_head;
    s->d_k = (int)h->d_k;
    s->d_v = (int)h->d_v;
    s->norm_eps = h->norm_eps;
    s->n_rot = (int)h->n_rot;
    s->rope_base = h->rope_base;
    s->rope_freq_scale = 1;
    s->clamp_qkv = h->clamp_qkv;
    if (!(s->alibi_bias > 0)) s->alibi_bias = h->alibi;
    s->attn_scale = h->attn_scale > 0 ? h->attn_scale : 1 / sqrtf((float)h->d_k);
    TRY(check_sight(a, s, g, err));
    TRY(describe_scaling(s, h, err));
    TRY(describe_gelu(s, h, err));
    /* 2. What the family makes of the others. */
    if (a->adapt) TRY(a->adapt(m, s, h, g, err));
    describe_experts(s, h);
    return OK;
}

//@ begin arch-layer
/* Sliding layers may turn by other angles, some files have layers of
 * different widths, and the first layers of some mixtures are dense. */
BlockSpec arch_layer(const ModelSpec *m, const BlockSpec *s, const Hparams *h,
                     int layer)
{
    BlockSpec own = *s;
    int64_t period = h->window_period ? h->window_period : m->window_period;
    bool slides = period <= 1 || layer % period < period - 1;
    if (!(h->n_slides ? h->slides[layer] : slides)) own.window = 0;
    if (own.window > 0 && (m->rope_base_swa > 0 || m->swa_unscaled)) {
        own.rope_set = 1;
        if (m->rope_base_swa > 0) own.rope_base = m->rope_base_swa;
        if (m->swa_unscaled) {
            own.rope_freq_scale = 1;
            own.rope_magnitude = 0;
            own.rope_yarn = (RopeYarn){0};
        }
    }
    own.n_head = (int)hparams_heads(h, layer);
    if (!own.latent.rank) own.n_kv_head = (int)hparams_kv_heads(h, layer);
    own.d_ff = hparams_d_ff(h, layer);
    if (layer < h->n_dense) own.moe.n_expert = 0;
    return own;
}
//@ end arch-layer
