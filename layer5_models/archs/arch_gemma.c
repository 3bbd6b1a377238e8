/* arch_gemma.c: Gemma 1 to 3.
 *
 * RMSNorm (files hold gain + 1 already), embeddings times sqrt(d_model), GELU in the gate, half-split
 * rotary pairs, the embedding as output matrix. Gemma 2 normalises each branch before it is added, caps
 * scores and logits, and lets every second layer see a window only. Gemma 3 drops the cap on scores for
 * norms of q and k, has five sliding layers to a global one, and turns them by other angles.
 * Source: Gemma Team 2024, arXiv:2403.08295, arXiv:2408.00118; 2025, arXiv:2503.19786. */
#include "archs_impl.h"

#include <math.h>

static Status scaled(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)s, (void)g, (void)err;
    m->embd_scale = sqrtf((float)h->d_model);
    return OK;
}

const ArchDesc arch_gemma = {
    .name = "gemma",
    .title = "Gemma, CodeGemma",
    .paper = "Gemma Team 2024, arXiv:2403.08295",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_GELU_TANH, .rope = ROPE_HALF},
    .norms = NORMS_USUAL,
    .flags = ARCH_OUTPUT_TIED,
    .adapt = scaled,
};

/* The largest models divide q by the width of a head as if all heads together were d_model wide. */
static float attention_scale(const Hparams *h, int64_t large)
{
    int64_t d = h->n_layer == large ? h->d_model / h->n_head : h->d_k;
    return 1 / sqrtf((float)(d > 0 ? d : 1));
}

static Status gemma2(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    TRY(scaled(m, s, h, g, err));
    s->soft_cap = gguf_find(g, "gemma2.attn_logit_softcapping") ? h->attn_cap : 50;
    m->logit_cap = gguf_find(g, "gemma2.final_logit_softcapping") ? h->logit_cap : 30;
    s->window = gguf_find(g, "gemma2.attention.sliding_window") ? h->window : 4096;
    m->rope_base_swa = h->rope_base_swa;
    s->attn_scale = attention_scale(h, 46);
    return OK;
}

#define NORMS_SANDWICH {.attn = "attn_norm", .ffn = "ffn_norm", .attn_post = "post_attention_norm", \
                        .ffn_post = "post_ffw_norm"}

const ArchDesc arch_gemma2 = {
    .name = "gemma2",
    .title = "Gemma 2",
    .paper = "Gemma Team 2024, arXiv:2408.00118",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_GELU_TANH, .rope = ROPE_HALF},
    .model = {.window_period = 2},
    .norms = NORMS_SANDWICH,
    .flags = ARCH_OUTPUT_TIED,
    .adapt = gemma2,
};

static Status gemma3(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    TRY(scaled(m, s, h, g, err));
    m->logit_cap = h->logit_cap;
    s->window = h->window;
    m->rope_base_swa = h->rope_base_swa > 0 ? h->rope_base_swa : 10000;
    s->attn_scale = attention_scale(h, 62);
    return OK;
}

const ArchDesc arch_gemma3 = {
    .name = "gemma3",
    .title = "Gemma 3 (text)",
    .paper = "Gemma Team 2025, arXiv:2503.19786",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_GELU_TANH, .rope = ROPE_HALF,
              .qk_norm = QK_NORM_HEAD},
    .model = {.window_period = 6, .swa_unscaled = true},
    .norms = NORMS_SANDWICH,
    .adapt = gemma3,
};
