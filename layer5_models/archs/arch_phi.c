/* arch_phi.c: Phi-2 and Phi-3.
 *
 * Phi-2: LayerNorm, attention and FFN side by side from one norm, part of each head rotates, biases
 * everywhere. Phi-3: a Llama with half-split pairs whose files hold q, k, v and gate, up in one tensor
 * each (the binding of weights takes them apart), and LongRoPE factors in the long-context versions.
 * Source: Javaheripi et al. 2023 (Phi-2); Abdin et al. 2024, arXiv:2404.14219. */
#include "archs_impl.h"

const ArchDesc arch_phi2 = {
    .name = "phi2",
    .title = "Phi-1, Phi-1.5, Phi-2",
    .paper = "Li et al. 2023, arXiv:2309.05463",
    .block = {.norm = NORM_LAYER, .parallel = true, .act = ACT_GELU_TANH, .rope = ROPE_HALF},
    .norms = {.attn = "attn_norm"},
    .flags = ARCH_OUTPUT_REQUIRED,
};

const ArchDesc arch_phi3 = {
    .name = "phi3",
    .title = "Phi-3, Phi-3.5, Phi-4",
    .paper = "Abdin et al. 2024, arXiv:2404.14219",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF},
    .norms = NORMS_USUAL,
};
