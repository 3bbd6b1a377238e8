/* arch_nemotron.c: Nemotron and Minitron: a Llama's attention, LayerNorm with offsets, and an FFN without a gate
 * whose activation is the square of ReLU. Half of each head rotates.
 *
 * The original adds 1 to each gain when it runs; files hold the sum.
 * Source: Parmar et al. 2024, arXiv:2402.16819. */
#include "archs_impl.h"

//@ begin arch-nemotron
const ArchDesc arch_nemotron = {
    .name = "nemotron",
    .title = "Nemotron, Minitron",
    .paper = "Parmar et al. 2024, arXiv:2402.16819",
    .block = {.norm = NORM_LAYER, .act = ACT_RELU2, .rope = ROPE_HALF},
    .norms = NORMS_USUAL,
    .flags = ARCH_OUTPUT_REQUIRED,
};
//@ end arch-nemotron
