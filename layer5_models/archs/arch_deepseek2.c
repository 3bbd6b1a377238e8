/* arch_deepseek2.c: DeepSeek-V2, V3, R1 and what is built like them: latent attention, many small experts
 * and shared ones that every token meets; the first layers are dense.
 *
 * Older files give the widths of heads as key_length and value_length; newer ones give there what is
 * stored, and the heads' as key_length_mla and value_length_mla.
 * A key of ours, expert_group_by_best, says that a group of experts counts as its best one, as in V2; files
 * without it, also those that others made of V2, count the best two, as V3 does.
 * Source: DeepSeek-AI 2024, arXiv:2405.04434 (V2), arXiv:2412.19437 (V3). */
#include "archs_impl.h"

#include <math.h>

/* YaRN sharpens scores: the factor meets queries and keys, so its square meets the scores. Files with a
 * multiplier leave sine and cosine as they are. */
static float sharpen(BlockSpec *s, const Hparams *h, const Gguf *g)
{
    if (!str_is(h->rope_scaling, "yarn")) return 1;
    if (!gguf_find(g, "deepseek2.rope.scaling.yarn_log_multiplier")) return s->rope_magnitude;
    s->rope_magnitude = 0;
    float longer = h->rope_factor > 1 ? logf(h->rope_factor) : 0;
    return h->rope_attn_factor * (1 + h->yarn_log_mul * longer);
}

static Status describe_latent(BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    int64_t d_k = h->d_k_mla ? h->d_k_mla : h->d_k, d_v = h->d_v_mla ? h->d_v_mla : h->d_v;
    LatentSpec *x = &s->latent;
    if (!h->kv_rank)
        return fail(err, E_FORMAT, "the key 'deepseek2.attention.kv_lora_rank' is missing or 0, allowed is 1..4096. "
                    "HINT: convert the model again");
    int64_t widest = h->kv_rank + h->n_rot > d_k ? h->kv_rank + h->n_rot : d_k;
    if (d_v > widest) widest = d_v;
    if (d_k <= h->n_rot || h->n_head * widest > 1 << 20)
        return fail(err, E_FORMAT, "%lld heads of %lld and %lld numbers, of which rope.dimension_count %lld "
                    "turn, with kv_lora_rank %lld: heads must be wider than what turns, and all of them "
                    "together at most %d. HINT: the file is damaged or its converter is wrong",
                    (long long)h->n_head, (long long)d_k, (long long)d_v, (long long)h->n_rot,
                    (long long)h->kv_rank, 1 << 20);
    *x = (LatentSpec){.rank = h->kv_rank, .q_rank = h->q_rank, .d_nope = d_k - h->n_rot, .d_v = d_v,
                      .temp_scale = h->temp_scale, .temp_length = h->temp_length};
    s->n_kv_head = 1;
    s->d_k = (int)(h->kv_rank + h->n_rot);
    s->d_v = (int)h->kv_rank;
    float sharp = sharpen(s, h, g);
    s->attn_scale = sharp * sharp / sqrtf((float)d_k);
    return OK;
}

/* GLM-4.7-Flash files do not say that their router is a sigmoid. */
static bool has_silent_sigmoid(const Hparams *h, const Gguf *g)
{
    const GgufTensor *embd = gguf_tensor(g, "token_embd.weight");
    return (h->n_layer == 47 || h->n_layer == 48) && embd && embd->view.ne[1] == 154880;
}

static Status deepseek2(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)m;
    TRY(describe_latent(s, h, g, err));
    TRY(gguf_get_bool(g, "deepseek2.expert_weights_norm", &s->moe.normalise, err));
    TRY(gguf_get_bool(g, "deepseek2.expert_group_by_best", &s->moe.group_by_best, err));
    if (!h->gating && has_silent_sigmoid(h, g)) s->moe.gating = MOE_SIGMOID;
    s->moe.d_ff = h->d_ff_expert;
    int64_t d_ff = h->d_ff_expert ? h->d_ff_expert : h->d_ff;
    s->moe.d_shared = d_ff * h->n_shared;
    return OK;
}

const ArchDesc arch_deepseek2 = {
    .name = "deepseek2",
    .title = "DeepSeek-V2, V3, R1, Kimi-K2",
    .paper = "DeepSeek-AI 2024, arXiv:2405.04434",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_INTERLEAVED},
    .norms = NORMS_USUAL,
    .adapt = deepseek2,
};
