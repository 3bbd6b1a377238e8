/* arch_olmo2.c: OLMo 2 and 3: no norms before the halves, but on what they return; q and k are
 * normalised as whole rows. OLMo 3 lets three of four layers slide, without the file's RoPE scaling.
 * Source: OLMo Team 2024, arXiv:2501.00656. */
#include "archs_impl.h"

static Status olmo2(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)m, (void)g, (void)err;
    s->window = h->window;
    return OK;
}

const ArchDesc arch_olmo2 = {
    .name = "olmo2",
    .title = "OLMo 2, OLMo 3",
    .paper = "OLMo Team 2024, arXiv:2501.00656",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF,
              .qk_norm = QK_NORM_ROW},
    .model = {.window_period = 4, .swa_unscaled = true},
    .norms = {.attn_post = "post_attention_norm", .ffn_post = "post_ffw_norm"},
    .flags = ARCH_OUTPUT_REQUIRED,
    .adapt = olmo2,
};
