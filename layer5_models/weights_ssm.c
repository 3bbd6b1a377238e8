/* weights_ssm.c: the tensors of a state-space block.
 *
 * Files hold the taps of the convolution and the rates channel by channel, [K, n] and [S, n] with K or S
 * innermost; kernels take all channels of one tap together. These few numbers are copied the other way
 * round, everything else stays where it is in the file. */
#include "ssm.h"
#include "weights_impl.h"

/* [n, per] in the file, n rows of `per` numbers, becomes [per, n]. */
static Status bind_turned(Binder *b, const char *name, int64_t per, int64_t n, const float **out)
{
    const float *in;
    TRY(bind_floats(b, name, per, n, true, &in));
    float *to = ARENA_NEW(b->arena, float, per * n);
    if (!to)
        return fail(b->err, E_MEMORY, "no memory for %lld numbers of %s", (long long)(per * n), name);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < per; k++) to[k * n + i] = in[i * per + k];
    *out = to;
    return OK;
}

Status bind_ssm(Binder *b, const BlockSpec *s, SsmWeights *w)
{
    const SsmSpec *m = &s->ssm;
    int64_t n = ssm_conv_channels(m), d = s->d_model, inner = m->d_inner, state = m->d_state;
    TRY(bind_affine(b, "ssm_in", d, ssm_in_width(m), true, &w->in));
    TRY(bind_turned(b, "ssm_conv1d.weight", m->d_conv, n, &w->conv));
    TRY(bind_floats(b, "ssm_conv1d.bias", n, 1, false, &w->conv_bias));
    TRY(bind_affine(b, "ssm_out", inner, d, true, &w->out));
    if (m->kind == SSM_HEADS) {
        TRY(bind_floats(b, "ssm_dt.bias", m->n_head, 1, true, &w->dt_bias));
        TRY(bind_floats(b, "ssm_a", 1, m->n_head, true, &w->a));
        TRY(bind_floats(b, "ssm_d", 1, m->n_head, true, &w->d));
        return bind_floats(b, "ssm_norm.weight", inner / m->n_group, m->n_group, true, &w->norm);
    }
    TRY(bind_affine(b, "ssm_x", inner, m->dt_rank + 2 * state, true, &w->x));
    TRY(bind_affine(b, "ssm_dt", m->dt_rank, inner, true, &w->dt));
    TRY(bind_turned(b, "ssm_a", state, inner, &w->a));
    return bind_floats(b, "ssm_d", inner, 1, true, &w->d);
}
