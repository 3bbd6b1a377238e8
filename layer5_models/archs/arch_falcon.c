/* arch_falcon.c: Falcon: LayerNorm, attention and FFN side by side, no biases in matrices.
 *
 * The 7B model reads one norm and has one key and value head; the 40B model has a norm for each half,
 * of which the second is called attn_norm_2 and feeds attention.
 * Source: Almazrouei et al. 2023, arXiv:2311.16867. */
#include "archs_impl.h"

const ArchDesc arch_falcon = {
    .name = "falcon",
    .title = "Falcon",
    .paper = "Almazrouei et al. 2023, arXiv:2311.16867",
    .block = {.norm = NORM_LAYER, .parallel = true, .act = ACT_GELU_TANH, .rope = ROPE_HALF},
    .norms = {.attn = "attn_norm", .attn_own = "attn_norm_2"},
};
