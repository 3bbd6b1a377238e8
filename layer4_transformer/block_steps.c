/* block_steps.c: from switches to words. Each if is a switch of BlockSpec or a part that a file may have. */
#include "block_steps.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static void step(BlockSteps *b, const char *fmt, ...)
{
    va_list args;
    CHECK(b->n < BLOCK_STEPS, "more than %d steps", BLOCK_STEPS);
    va_start(args, fmt);
    vsnprintf(b->step[b->n++], sizeof b->step[0], fmt, args);
    va_end(args);
}

const char *block_norm_name(const BlockSpec *s)
{
    return s->norm == NORM_RMS ? "RMSNorm" : "LayerNorm";
}

static const char *plus_bias(bool bias) { return bias ? ", + bias" : ""; }

/* q, k and v, as they are before anybody compares them. */
static void project(BlockSteps *b, const BlockSpec *s, const BlockParts *p)
{
    const char *bias = plus_bias(p->qkv_bias);
    if (!s->n_head)
        step(b, "q, k, v%s", bias);
    else if (s->n_kv_head == s->n_head && s->d_v == s->d_k)
        step(b, "q, k, v: %d heads of %d%s", s->n_head, s->d_k, bias);
    else {
        step(b, "q: %d heads of %d%s", s->n_head, s->d_k, bias);
        if (s->d_v == s->d_k) step(b, "k, v: %d of %d%s", s->n_kv_head, s->d_k, bias);
        else step(b, "k: %d of %d, v: of %d%s", s->n_kv_head, s->d_k, s->d_v, bias);
    }
    if (s->clamp_qkv > 0) step(b, "q, k, v cut off at +-%g", (double)s->clamp_qkv);
    if (s->qk_norm != QK_NORM_NONE && p->qk_norm)
        step(b, "%s of q, k: %s", block_norm_name(s),
             s->qk_norm == QK_NORM_ROW    ? "all heads at once"
             : s->qk_norm == QK_NORM_HEAD ? "head by head"
                                          : "heads, own gains");
}

static void project_latent(BlockSteps *b, const BlockSpec *s)
{
    const LatentSpec *x = &s->latent;
    if (x->q_rank) step(b, "q: %lld numbers, RMSNorm, then", (long long)x->q_rank);
    step(b, "q: %d heads of %lld", s->n_head, (long long)(x->d_nope + s->n_rot));
    step(b, "c: %lld numbers for all heads, RMSNorm", (long long)x->rank);
    step(b, "k of a head: from c, and %d shared", s->n_rot);
}

static void rotate(BlockSteps *b, const BlockSpec *s)
{
    if (s->rope == ROPE_NONE) return;
    int64_t d = s->latent.rank ? s->latent.d_nope + s->n_rot : s->d_k;
    char part[40] = "q, k turn", half[16] = "d/2";
    if (s->n_rot && s->n_rot < d) snprintf(part, sizeof part, "%d of %lld turn", s->n_rot, (long long)d);
    if (s->n_rot) snprintf(half, sizeof half, "%d", s->n_rot / 2);
    if (s->rope == ROPE_INTERLEAVED) step(b, "RoPE: %s, pairs 2j, 2j+1", part);
    else step(b, "RoPE: %s, pairs j, j+%s", part, half);
    float factor = s->rope_freq_scale > 0 ? 1 / s->rope_freq_scale : 1;
    if (s->rope_yarn.high > 0) step(b, "  far pairs %g times slower (YaRN)", (double)factor);
    else if (factor != 1) step(b, "  at position / %g", (double)factor);
    if (s->rope_factors) step(b, "  each pair slower by its own factor");
    if (s->latent.temp_scale > 0 && s->latent.temp_length) step(b, "  q grows with the position");
}

/* From q and k to what the softmax sees. */
static void compare(BlockSteps *b, const BlockSpec *s)
{
    int64_t d = s->latent.rank ? s->latent.d_nope + s->n_rot : s->d_k;
    float usual = d ? 1 / sqrtf((float)d) : 0;
    if (!(s->attn_scale > 0) || fabsf(s->attn_scale - usual) < 1e-4f * usual) step(b, "scores q k / sqrt(d)");
    else step(b, "scores q k times %.5g", (double)s->attn_scale);
    if (s->soft_cap > 0) step(b, "  %g tanh(score / %g)", (double)s->soft_cap, (double)s->soft_cap);
    if (s->alibi_bias > 0 && s->alibi_scale > 0) step(b, "  less %.4g slope times distance", (double)s->alibi_scale);
    else if (s->alibi_bias > 0) step(b, "  less slope times distance (ALiBi)");
}

static void look(BlockSteps *b, const BlockSpec *s, const BlockParts *p)
{
    long long w = (long long)s->window;
    if (s->both_ways && w) step(b, "softmax over %lld to each side%s", w / 2, p->sinks ? ", a sink" : "");
    else if (s->both_ways) step(b, "softmax over all tokens%s", p->sinks ? ", a sink" : "");
    else if (w) step(b, "softmax over the last %lld%s", w, p->sinks ? ", a sink" : "");
    else step(b, "softmax over earlier tokens%s", p->sinks ? ", a sink" : "");
    if (s->latent.rank) step(b, "v of a head: %lld numbers from c", (long long)s->latent.d_v);
    step(b, "o of the weighted v%s", plus_bias(p->o_bias));
}

void block_steps_attention(BlockSteps *b, const BlockSpec *s, const BlockParts *p, bool with_norm)
{
    *b = (BlockSteps){.title = s->latent.rank ? "latent attention" : "attention"};
    if (with_norm && p->attn_norm) step(b, "%s", block_norm_name(s));
    if (s->latent.rank) project_latent(b, s);
    else project(b, s, p);
    rotate(b, s);
    compare(b, s);
    look(b, s, p);
    if (p->attn_post_norm) step(b, "%s of that", block_norm_name(s));
}

/* One network, or one of the experts. */
static void widen_and_narrow(BlockSteps *b, const BlockSpec *s, const BlockParts *p, int64_t d_ff)
{
    char wide[24] = "";
    if (d_ff) snprintf(wide, sizeof wide, ", %lld wide", (long long)d_ff);
    if (s->act == ACT_SWIGLU_CLAMPED) step(b, "swiglu(gate, up), clamped%s", wide);
    else step(b, s->gated ? "%s(gate) * up%s" : "%s(up)%s", act_name(s->act), wide);
    if (p->act_scales) step(b, "divided by learned scales");
    step(b, "down%s", plus_bias(p->ffn_bias));
}

static void route(BlockSteps *b, const MoeSpec *m, const BlockParts *p)
{
    static const char *const gating[] = {"softmax of all", "a sigmoid each", "softmax of the chosen"};
    step(b, "router: %d of %d experts", m->n_used, m->n_expert);
    if (m->n_group > 1)
        step(b, "  from %d of %d groups%s", m->n_group_used, m->n_group, m->group_by_best ? ", by the best" : "");
    if (p->select_bias) step(b, "  chosen with a bias");
    step(b, "  weights: %s%s", gating[m->gating], m->normalise && m->gating != MOE_SOFTMAX_CHOSEN ? ", sum 1" : "");
    if (m->scale != 0 && m->scale != 1) step(b, "  times %g", (double)m->scale);
}

void block_steps_ffn(BlockSteps *b, const BlockSpec *s, const BlockParts *p, bool with_norm)
{
    const MoeSpec *m = &s->moe;
    *b = (BlockSteps){.title = m->n_expert ? "experts" : "feed-forward"};
    if (with_norm && p->ffn_norm) step(b, "%s", block_norm_name(s));
    if (m->n_expert) route(b, m, p);
    widen_and_narrow(b, s, p, m->n_expert ? m->d_ff : s->d_ff);
    if (m->n_expert && m->d_shared)
        step(b, "+ one for all tokens, %lld wide%s", (long long)m->d_shared, p->shared_router ? ", gated" : "");
    if (p->ffn_post_norm) step(b, "%s of that", block_norm_name(s));
}

void block_steps_scan(BlockSteps *b, const BlockSpec *s, const BlockParts *p)
{
    const SsmSpec *m = &s->ssm;
    bool heads = m->kind == SSM_HEADS;
    *b = (BlockSteps){.title = "scan"};
    if (p->attn_norm) step(b, "%s", block_norm_name(s));
    if (m->d_inner) step(b, "in: x and z of %lld channels", (long long)m->d_inner);
    else step(b, "in: x and z");
    if (m->d_conv) step(b, "x: conv over %d tokens, silu", m->d_conv);
    else step(b, "x: conv over a few tokens, silu");
    step(b, heads ? "B, C from the conv, dt from in" : "r, B, C from x; dt from r");
    if (m->norm_dt_bc) step(b, "RMSNorm of r, B, C");
    step(b, "h = e^(dt a) h + dt B x");
    if (heads && m->n_head) step(b, "  %d heads; B, C for every %d of them", m->n_head, m->n_head / m->n_group);
    if (m->d_state) step(b, "  %d numbers for each channel", m->d_state);
    step(b, "(C h + d x) * silu(z)");
    if (heads) step(b, "RMSNorm of that, by groups");
    step(b, "out");
}
