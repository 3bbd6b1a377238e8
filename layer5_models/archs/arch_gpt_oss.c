/* arch_gpt_oss.c: gpt-oss: experts with biases and a clamped gate, sinks in attention, every second layer
 * sliding, YaRN. The four best experts are chosen by their scores, and a softmax over those four weighs
 * them. Source: OpenAI 2025, arXiv:2508.10925. */
#include "archs_impl.h"

static Status gpt_oss(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)g;
    if (!h->window || !h->n_expert)
        return fail(err, E_FORMAT, "the key 'gpt-oss.%s' is missing or 0, allowed is 1..%d. HINT: convert the model again",
                    h->window ? "expert_count" : "attention.sliding_window", h->window ? MOE_MAX_EXPERTS : 1 << 30);
    s->window = h->window;
    m->rope_base_swa = h->rope_base_swa;
    return OK;
}

const ArchDesc arch_gpt_oss = {
    .name = "gpt-oss",
    .title = "gpt-oss-20b, gpt-oss-120b",
    .paper = "OpenAI 2025, arXiv:2508.10925",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SWIGLU_CLAMPED, .rope = ROPE_HALF,
              .moe = {.gating = MOE_SOFTMAX_CHOSEN}},
    .model = {.window_period = 2},
    .norms = {.attn = "attn_norm", .ffn = "post_attention_norm"},
    .flags = ARCH_OUTPUT_REQUIRED,
    .adapt = gpt_oss,
};
