/* arch_llama.c: Llama 1 to 3 and Mistral.
 *
 * RMSNorm before attention and before the FFN, one after the other; SwiGLU; rotary positions on
 * interleaved pairs over the whole head; grouped queries where head_count_kv is smaller. Llama 3.1
 * adds per-frequency factors (rope_freqs.weight), which the binding of weights picks up.
 * Source: Touvron et al. 2023 (Llama); Jiang et al. 2023 (Mistral); the GGUF key list. */
#include "archs_impl.h"

#include <math.h>

//@ begin arch-llama
static Status llama_spec(BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    Str scaling = {"none", 4};
    TRY(gguf_get_str(g, "llama.rope.scaling.type", &scaling, err));
    if (!str_is(scaling, "none") && !str_is(scaling, "linear"))
        return fail(err, E_UNSUPPORTED, "RoPE scaling '%.*s' is unknown to this "
                    "version. HINT: none and linear are known", STR_ARG(scaling));
    if (h->n_rot != h->d_k)
        return fail(err, E_FORMAT, "llama.rope.dimension_count is %lld, but a "
                    "llama rotates whole heads of %lld. HINT: the file is "
                    "damaged or its converter is wrong",
                    (long long)h->n_rot, (long long)h->d_k);
    s->norm = NORM_RMS;
    s->gated = true;
    s->act = ACT_SILU;
    s->rope = ROPE_INTERLEAVED;
    s->rope_freq_scale = 1.0f / h->rope_factor;
    s->attn_scale = 1.0f / sqrtf((float)h->d_k);
    return OK;
}
//@ end arch-llama

const ArchDesc arch_llama = {
    .name = "llama",
    .title = "Llama 1 to 3, Mistral",
    .paper = "Touvron et al. 2023, arXiv:2302.13971",
    .spec = llama_spec,
};
