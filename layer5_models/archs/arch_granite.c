/* arch_granite.c: Granite: a Llama with a scale at four places: embeddings, scores, branches, logits.
 * With experts (granitemoe) an optional shared one is added as it is.
 * Source: Granite Team, IBM 2024, "Granite 3.0 Language Models". */
#include "archs_impl.h"

#include <stdio.h>

static Status granite(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    char key[96];
    bool rotates = true;
    if (!(h->logit_scale > 0))
        return fail(err, E_FORMAT, "the key '%.*s.logit_scale' is missing or 0, allowed is up to 1e6. HINT: convert "
                    "the model again", STR_ARG(h->arch));
    snprintf(key, sizeof key, "%.*s.rope.scaling.finetuned", STR_ARG(h->arch));
    TRY(gguf_get_bool(g, key, &rotates, err));
    if (!rotates) s->rope = ROPE_NONE;
    m->embd_scale = h->embd_scale;
    m->logit_scale = 1 / h->logit_scale;
    s->residual_scale = h->residual_scale;
    s->moe.d_shared = h->d_ff_shared;
    return OK;
}

const ArchDesc arch_granite = {
    .name = "granite",
    .title = "Granite 3",
    .paper = "Granite Team, IBM 2024",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_INTERLEAVED},
    .norms = NORMS_USUAL,
    .adapt = granite,
};

const ArchDesc arch_granitemoe = {
    .name = "granitemoe",
    .title = "Granite 3 MoE",
    .paper = "Granite Team, IBM 2024",
    .block = {.norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_INTERLEAVED,
              .moe = {.normalise = true}},
    .norms = NORMS_USUAL,
    .adapt = granite,
};
