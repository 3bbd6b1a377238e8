/* arch_gpt.c: the line from GPT-2: LayerNorm with offsets, a plain GELU FFN, biases.
 *
 * GPT-2 and StarCoder add learned positions to the embedding; StarCoder has one key and value head for
 * all queries. GPT-J and GPT-NeoX rotate part of each head instead and compute attention and FFN side
 * by side, GPT-J from one norm, GPT-NeoX from two. StarCoder 2 is sequential again, with grouped queries.
 * Source: Radford et al. 2019; Wang and Komatsuzaki 2021; Black et al. 2022, arXiv:2204.06745; Li et al.
 * 2023, arXiv:2305.06161; Lozhkov et al. 2024, arXiv:2402.19173. */
#include "archs_impl.h"

const ArchDesc arch_gpt2 = {
    .name = "gpt2",
    .title = "GPT-2",
    .paper = "Radford et al. 2019",
    .block = {.norm = NORM_LAYER, .act = ACT_GELU_TANH},
    .norms = NORMS_USUAL,
    .flags = ARCH_POSITIONS,
};

const ArchDesc arch_starcoder = {
    .name = "starcoder",
    .title = "SantaCoder, StarCoder",
    .paper = "Li et al. 2023, arXiv:2305.06161",
    .block = {.norm = NORM_LAYER, .act = ACT_GELU_TANH},
    .norms = NORMS_USUAL,
    .flags = ARCH_POSITIONS,
};

const ArchDesc arch_gptj = {
    .name = "gptj",
    .title = "GPT-J",
    .paper = "Wang and Komatsuzaki 2021",
    .block = {.norm = NORM_LAYER, .parallel = true, .act = ACT_GELU_TANH, .rope = ROPE_INTERLEAVED},
    .norms = {.attn = "attn_norm"},
    .flags = ARCH_OUTPUT_REQUIRED,
};

static Status neox(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)m, (void)h;
    static const char key[] = "gptneox.use_parallel_residual";
    if (!gguf_find(g, key))
        return fail(err, E_FORMAT, "the key '%s' is missing. HINT: convert the model again", key);
    return gguf_get_bool(g, key, &s->parallel, err);
}

const ArchDesc arch_gptneox = {
    .name = "gptneox",
    .title = "GPT-NeoX, Pythia, RedPajama",
    .paper = "Black et al. 2022, arXiv:2204.06745",
    .block = {.norm = NORM_LAYER, .act = ACT_GELU_TANH, .rope = ROPE_HALF},
    .norms = NORMS_USUAL,
    .flags = ARCH_OUTPUT_REQUIRED,
    .adapt = neox,
};

const ArchDesc arch_starcoder2 = {
    .name = "starcoder2",
    .title = "StarCoder 2",
    .paper = "Lozhkov et al. 2024, arXiv:2402.19173",
    .block = {.norm = NORM_LAYER, .act = ACT_GELU_TANH, .rope = ROPE_HALF},
    .norms = NORMS_USUAL,
};
