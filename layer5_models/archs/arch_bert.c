/* arch_bert.c: encoders: every token sees all others, the norm comes after each sum, and what comes out
 * are vectors, not logits.
 *
 * BERT adds learned positions and a token type to the embedding; nomic-bert rotates and gates instead.
 * Source: Devlin et al. 2018, arXiv:1810.04805; Nussbaum et al. 2024, arXiv:2402.01613. */
#include "archs_impl.h"

#define NORMS_AFTER {.attn_out = "attn_output_norm", .ffn_out = "layer_output_norm"}

const ArchDesc arch_bert = {
    .name = "bert",
    .title = "BERT, BGE, all-MiniLM",
    .paper = "Devlin et al. 2018, arXiv:1810.04805",
    .block = {.norm = NORM_LAYER, .act = ACT_GELU_TANH, .both_ways = true},
    .norms = NORMS_AFTER,
    .flags = ARCH_POSITIONS | ARCH_TOKEN_TYPES | ARCH_EMBD_NORM | ARCH_NO_HEAD,
};

const ArchDesc arch_nomic_bert = {
    .name = "nomic-bert",
    .title = "nomic-embed-text",
    .paper = "Nussbaum et al. 2024, arXiv:2402.01613",
    .block = {.norm = NORM_LAYER, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF,
              .both_ways = true},
    .norms = NORMS_AFTER,
    .flags = ARCH_TOKEN_TYPES | ARCH_EMBD_NORM | ARCH_NO_HEAD,
};
