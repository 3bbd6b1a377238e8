/* arch_command_r.c: Command R: LayerNorm without offsets, attention and FFN side by side from one norm,
 * interleaved pairs, the embedding as output matrix, scaled logits. Command R+ normalises heads of q, k.
 * Source: Cohere 2024, model cards of Command R and R+. */
#include "archs_impl.h"

static Status command_r(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)s, (void)g, (void)err;
    m->logit_scale = h->logit_scale;
    return OK;
}

const ArchDesc arch_command_r = {
    .name = "command-r",
    .title = "Command R, Command R+",
    .paper = "Cohere 2024",
    .block = {.norm = NORM_LAYER, .parallel = true, .gated = true, .act = ACT_SILU,
              .rope = ROPE_INTERLEAVED, .qk_norm = QK_NORM_HEADS},
    .norms = {.attn = "attn_norm"},
    .flags = ARCH_OUTPUT_TIED | ARCH_NORM_PLAIN,
    .adapt = command_r,
};
