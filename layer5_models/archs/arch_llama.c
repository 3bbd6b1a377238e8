/* arch_llama.c: Llama 1 to 3 and everything that computes the same: Mistral, Mixtral, many more.
 *
 * RMSNorm before attention and before the FFN, one after the other; SwiGLU; rotary positions on
 * interleaved pairs over the whole head; grouped queries where head_count_kv is smaller. Llama 3.1
 * adds per-frequency factors (rope_freqs.weight), which the binding of weights picks up. With experts
 * (Mixtral) a softmax over all of them chooses, and the weights of the chosen add up to 1.
 * Source: Touvron et al. 2023; Jiang et al. 2023 (Mistral), 2024 (Mixtral); the GGUF key list. */
#include "archs_impl.h"

//@ begin arch-llama
static Status whole_heads(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g,
                          Err *err)
{
    (void)m, (void)s, (void)g;
    if (h->n_rot == h->d_k) return OK;
    return fail(err, E_FORMAT, "llama.rope.dimension_count is %lld, but a llama rotates "
                "whole heads of %lld. HINT: the file is damaged or its converter is "
                "wrong", (long long)h->n_rot, (long long)h->d_k);
}

const ArchDesc arch_llama = {
    .name = "llama",
    .title = "Llama 1 to 3, Mistral, Mixtral",
    .paper = "Touvron et al. 2023, arXiv:2302.13971",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU,
              .rope = ROPE_INTERLEAVED, .moe = {.normalise = true}},
    .norms = NORMS_USUAL,
    .adapt = whole_heads,
};
//@ end arch-llama

const ArchDesc arch_internlm2 = {
    .name = "internlm2",
    .title = "InternLM2: a Llama whose fused q, k, v were split by the converter",
    .paper = "Cai et al. 2024, arXiv:2403.17297",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_INTERLEAVED},
    .norms = NORMS_USUAL,
    .flags = ARCH_OUTPUT_REQUIRED,
};
