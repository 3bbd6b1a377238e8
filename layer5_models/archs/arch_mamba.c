/* arch_mamba.c: state-space models: no attention, no feed-forward network, a memory of fixed size.
 *
 * Mamba gives each channel its own step and each of its numbers its own rate; Mamba-2 gives a step and a
 * rate to each head of channels, which turns chunks of text into matrix products.
 * Source: Gu and Dao 2023; Dao and Gu 2024; the GGUF key list. */
#include "archs_impl.h"

//@ begin arch-mamba
const ArchDesc arch_mamba = {
    .name = "mamba",
    .title = "Mamba, Falcon-Mamba",
    .paper = "Gu and Dao 2023, arXiv:2312.00752",
    .block = {.norm = NORM_RMS, .ssm = {.kind = SSM_CHANNELS}},
    .norms = {.attn = "attn_norm"},
};
//@ end arch-mamba

static Status heads_and_groups(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err)
{
    (void)m, (void)g;
    if (h->d_inner % h->dt_rank != 0)
        return fail(err, E_FORMAT, "mamba2.ssm.time_step_rank is %lld, allowed are divisors of "
                    "ssm.inner_size %lld. HINT: the file is damaged or its converter is wrong",
                    (long long)h->dt_rank, (long long)h->d_inner);
    if (h->dt_rank % h->n_scan_group != 0)
        return fail(err, E_FORMAT, "mamba2.ssm.group_count is %lld, allowed are divisors of the %lld heads "
                    "(ssm.time_step_rank). HINT: the file is damaged or its converter is wrong",
                    (long long)h->n_scan_group, (long long)h->dt_rank);
    s->ssm.n_head = (int)h->dt_rank;
    s->ssm.n_group = (int)h->n_scan_group;
    return OK;
}

const ArchDesc arch_mamba2 = {
    .name = "mamba2",
    .title = "Mamba-2, Codestral Mamba",
    .paper = "Dao and Gu 2024, arXiv:2405.21060",
    .block = {.norm = NORM_RMS, .ssm = {.kind = SSM_HEADS}},
    .norms = {.attn = "attn_norm"},
    .adapt = heads_and_groups,
};
