/* arch_falcon.c: Falcon: LayerNorm, attention and FFN side by side, no biases in matrices.
 *
 * The 7B model reads one norm and has one key and value head; the 40B model has a norm for each half,
 * of which the second is called attn_norm_2 and feeds attention. The first ones (falcon-rw) are another
 * model: one half after the other, biases, and a penalty for distance (ALiBi) that is added to the scores
 * before they are divided, so its slopes are divided too.
 * Source: Almazrouei et al. 2023, arXiv:2311.16867; Penedo et al. 2023, arXiv:2306.01116 (falcon-rw). */
#include "archs_impl.h"

static Status falcon(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)m, (void)g, (void)err;
    if (!(h->alibi > 0)) return OK;
    s->rope = ROPE_NONE;
    s->alibi_scale = s->attn_scale;
    return OK;
}

const ArchDesc arch_falcon = {
    .name = "falcon",
    .title = "Falcon",
    .paper = "Almazrouei et al. 2023, arXiv:2311.16867",
    .block = {.norm = NORM_LAYER, .parallel = true, .act = ACT_GELU_TANH, .rope = ROPE_HALF},
    .norms = {.attn = "attn_norm", .ffn = "ffn_norm", .ffn_optional = true, .attn_own = "attn_norm_2"},
    .adapt = falcon,
};
