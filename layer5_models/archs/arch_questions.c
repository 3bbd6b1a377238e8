/* arch_questions.c: in what families differ: a question each, and how to read the answer off a description.
 *
 * Answers speak of the last layer: dense first layers and other exceptions are in the pictures. */
#include "arch_card_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAY(...) snprintf(out, ARCH_ANSWER, __VA_ARGS__)

static BlockSpec last_layer(const ArchView *v) { return arch_view_layer(v, (int)v->h.n_layer - 1); }

static void say_norm(char *out, const ArchView *v)
{
    SAY("%s%s", v->s.norm == NORM_RMS ? "RMSNorm" : "LayerNorm",
        v->a->flags & ARCH_NORM_PLAIN ? " without offsets" : "");
}

static void say_places(char *out, const ArchView *v)
{
    const BlockParts *p = &v->parts;
    if (v->s.ssm.kind) SAY("before the scan");
    else if (p->attn_out_norm) SAY("after each sum");
    else if (p->attn_post_norm) SAY(p->attn_norm ? "before and after each half" : "after each half");
    else if (v->s.parallel && !p->ffn_norm) SAY("one for both halves");
    else SAY("before each half");
}

static void say_halves(char *out, const ArchView *v)
{
    if (v->s.ssm.kind) SAY("a scan instead of both");
    else SAY(v->s.parallel ? "side by side" : "one after the other");
}

static void say_ffn(char *out, const ArchView *v)
{
    if (v->s.ssm.kind) SAY("none");
    else if (v->s.act == ACT_SWIGLU_CLAMPED) SAY("gated, SiLU, both factors cut off");
    else SAY("%s, %s", v->s.gated ? "gated" : "no gate", act_name(v->s.act));
}

static void say_experts(char *out, const ArchView *v)
{
    BlockSpec s = last_layer(v);
    static const char *const gating[] = {"softmax of all", "sigmoids", "softmax of the chosen"};
    if (!s.moe.n_expert) SAY("none");
    else SAY("%d of %d, %s%s%s", s.moe.n_used, s.moe.n_expert, gating[s.moe.gating],
             s.moe.normalise ? ", sum 1" : "",
             !s.moe.d_shared          ? ""
             : v->parts.shared_router ? ", and a gated one for all"
                                      : ", and one for all");
}

static void say_positions(char *out, const ArchView *v)
{
    int64_t d = v->s.latent.rank ? v->s.latent.d_nope + v->s.n_rot : v->s.d_k;
    char part[32] = "";
    if (v->s.n_rot < d) snprintf(part, sizeof part, " on %d of %lld", v->s.n_rot, (long long)d);
    if (v->s.ssm.kind) SAY("none: the scan has an order");
    else if (v->s.alibi_bias > 0) SAY("ALiBi");
    else if (v->s.rope == ROPE_NONE) SAY(v->a->flags & ARCH_POSITIONS ? "learned" : "none");
    else SAY("RoPE%s, %s", part, v->s.rope == ROPE_HALF ? "pairs j, j + half" : "pairs 2j, 2j + 1");
}

static void say_stretching(char *out, const ArchView *v)
{
    if (v->s.rope == ROPE_NONE) SAY("none");
    else if (v->s.rope_yarn.high > 0) SAY("YaRN, %g times", (double)(1 / v->s.rope_freq_scale));
    else if (v->s.rope_freq_scale != 1) SAY("positions / %g%s", (double)(1 / v->s.rope_freq_scale),
                                            v->m.swa_unscaled ? ", not in sliding layers" : "");
    else SAY("none");
}

static void say_heads(char *out, const ArchView *v)
{
    BlockSpec s = last_layer(v);
    if (s.ssm.kind) SAY("none");
    else if (s.latent.rank) SAY("keys and values of all from one vector");
    else if (s.n_head == s.n_kv_head) SAY("a key and a value each");
    else SAY(s.n_kv_head == 1 ? "all share one key and value" : "groups share a key and value");
}

static void say_qk_norm(char *out, const ArchView *v)
{
    static const char *const kinds[] = {"none", "each head", "each head, own gains", "all heads at once"};
    bool maybe = v->s.qk_norm != QK_NORM_NONE && !v->parts.qk_norm;
    SAY("%s%s", kinds[v->s.qk_norm], maybe ? ", if the file has them" : "");
}

static void say_scores(char *out, const ArchView *v)
{
    const BlockSpec *s = &v->s;
    int64_t d = s->latent.rank ? s->latent.d_nope + s->n_rot : s->d_k;
    float usual = d ? 1 / sqrtf((float)d) : 0;
    if (s->ssm.kind) SAY("none");
    else if (s->soft_cap > 0) SAY("capped at %g", (double)s->soft_cap);
    else if (v->parts.sinks) SAY("a sink for each head");
    else if (fabsf(s->attn_scale - usual) > 1e-4f * usual) SAY("times %.5g, not 1 / sqrt(d)", (double)s->attn_scale);
    else SAY("q k / sqrt(d)");
}

static void say_sight(char *out, const ArchView *v)
{
    int64_t period = v->h.window_period ? v->h.window_period : v->m.window_period;
    if (v->s.ssm.kind) SAY("the state");
    else if (v->s.both_ways) SAY("all tokens");
    else if (!v->s.window) SAY("all earlier tokens");
    else if (period > 1) SAY("the last %lld in %lld of %lld layers", (long long)v->s.window, (long long)period - 1,
                             (long long)period);
    else SAY("the last %lld", (long long)v->s.window);
}

static void say_biases(char *out, const ArchView *v)
{
    const BlockParts *p = &v->parts;
    if (p->qkv_bias && p->o_bias && p->ffn_bias) SAY("on every matrix");
    else if (p->qkv_bias) SAY("on q, k, v");
    else if (p->ffn_bias) SAY("in the network");
    else SAY("none");
}

static void say_input(char *out, const ArchView *v)
{
    char scale[24] = "";
    if (v->m.embd_scale > 0) snprintf(scale, sizeof scale, " times %.4g", (double)v->m.embd_scale);
    SAY("the embedding%s%s%s%s", scale, v->a->flags & ARCH_TOKEN_TYPES ? " + token type" : "",
        v->a->flags & ARCH_POSITIONS ? " + position" : "", v->a->flags & ARCH_EMBD_NORM ? ", then a norm" : "");
}

static void say_output(char *out, const ArchView *v)
{
    unsigned f = v->a->flags;
    char after[48] = "";
    if (v->m.logit_scale > 0) snprintf(after, sizeof after, ", logits times %.4g", (double)v->m.logit_scale);
    if (v->m.logit_cap > 0) snprintf(after, sizeof after, ", logits capped at %g", (double)v->m.logit_cap);
    SAY("%s%s", f & ARCH_NO_HEAD           ? "none: vectors come out"
                : f & ARCH_OUTPUT_TIED     ? "the embedding again"
                : f & ARCH_OUTPUT_REQUIRED ? "a matrix of its own"
                                           : "its own, or the embedding again", after);
}

static void say_branches(char *out, const ArchView *v)
{
    if (v->s.residual_scale > 0) SAY("times %g", (double)v->s.residual_scale);
    else SAY("added as they are");
}

static const struct { const char *name; void (*say)(char *out, const ArchView *v); } questions[] = {
    {"norm", say_norm}, {"its places", say_places}, {"attention and network", say_halves},
    {"network", say_ffn}, {"positions", say_positions}, {"heads", say_heads}, {"tokens look at", say_sight},
    {"scores", say_scores}, {"norms of q and k", say_qk_norm}, {"experts", say_experts}, {"biases", say_biases},
    {"stretched", say_stretching}, {"results of the halves", say_branches}, {"input", say_input},
    {"output matrix", say_output}};

const char *arch_question(int i)
{
    return i >= 0 && i < (int)(sizeof questions / sizeof *questions) ? questions[i].name : NULL;
}

void arch_answer(char out[ARCH_ANSWER], int i, const ArchView *v) { questions[i].say(out, v); }
