/* arch_qwen.c: Qwen2 and Qwen3, dense and with experts.
 *
 * Llama with half-split rotary pairs. Qwen2 has biases on q, k and v (found by presence); Qwen3
 * normalises each head of q and k instead. Qwen2-MoE adds a shared expert behind a sigmoid and leaves
 * the weights of the chosen as they are; Qwen3-MoE has none and makes them add up to 1.
 * Source: Yang et al. 2024, arXiv:2407.10671; Yang et al. 2025, arXiv:2505.09388. */
#include "archs_impl.h"

const ArchDesc arch_qwen2 = {
    .name = "qwen2",
    .title = "Qwen2, Qwen2.5, QwQ",
    .paper = "Yang et al. 2024, arXiv:2407.10671",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF},
    .norms = NORMS_USUAL,
};

static Status qwen_experts(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)m, (void)g;
    if (!h->n_expert)
        return fail(err, E_FORMAT, "the key '%.*s.expert_count' is missing or 0, allowed is 1..%d. HINT: without "
                    "experts the architecture is called qwen2 or qwen3", STR_ARG(h->arch), MOE_MAX_EXPERTS);
    s->moe.d_ff = h->d_ff_expert ? h->d_ff_expert : h->d_ff / h->n_expert_used;
    if (!s->moe.normalise) s->moe.d_shared = h->d_ff_shared ? h->d_ff_shared : h->d_ff;
    return OK;
}

const ArchDesc arch_qwen2moe = {
    .name = "qwen2moe",
    .title = "Qwen1.5-MoE, Qwen2-57B-A14B",
    .paper = "Yang et al. 2024, arXiv:2407.10671",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF},
    .norms = NORMS_USUAL,
    .flags = ARCH_OUTPUT_REQUIRED | ARCH_SHARED_ROUTED,
    .adapt = qwen_experts,
};

const ArchDesc arch_qwen3 = {
    .name = "qwen3",
    .title = "Qwen3",
    .paper = "Yang et al. 2025, arXiv:2505.09388",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF,
              .qk_norm = QK_NORM_HEAD},
    .norms = NORMS_USUAL,
};

const ArchDesc arch_qwen3moe = {
    .name = "qwen3moe",
    .title = "Qwen3-30B-A3B, Qwen3-235B-A22B",
    .paper = "Yang et al. 2025, arXiv:2505.09388",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF,
              .qk_norm = QK_NORM_HEAD, .moe = {.normalise = true}},
    .norms = NORMS_USUAL,
    .adapt = qwen_experts,
};
