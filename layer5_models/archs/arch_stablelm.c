/* arch_stablelm.c: StableLM: LayerNorm with a gated FFN; a quarter of each head rotates.
 *
 * Larger versions normalise each head of q and k with a gain of its own, and the 12B model has no second
 * norm: then attention and FFN stand side by side. Both are found in the file.
 * Source: Bellagente et al. 2024, arXiv:2402.17834. */
#include "archs_impl.h"

const ArchDesc arch_stablelm = {
    .name = "stablelm",
    .title = "StableLM, StableLM 2",
    .paper = "Bellagente et al. 2024, arXiv:2402.17834",
    .block = {.norm = NORM_LAYER, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF,
              .qk_norm = QK_NORM_HEADS},
    .norms = {.attn = "attn_norm", .ffn = "ffn_norm", .ffn_optional = true},
    .flags = ARCH_OUTPUT_REQUIRED,
};
