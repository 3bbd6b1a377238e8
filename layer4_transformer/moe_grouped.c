/* moe_grouped.c: the same experts, each reading its matrices once for all its tokens.
 *
 * A stable counting sort of all choices by expert; then each expert's tokens are copied together and go
 * through its matrices as one product. Results stay where they are: the sum of a token finds them. With one
 * token there is nothing to group. */
#include "moe_impl.h"

#include "ffn.h"
#include "layer4_kernels.h"

#include <string.h>

//@ begin moe-sort
/* order = all choices, expert by expert, place = the way back; begin[e] =
 * where e's part begins. */
static void sort_by_expert(const MoeSpec *s, const MoeScratch *m, int64_t n)
{
    memset(m->begin, 0, (size_t)(s->n_expert + 1) * sizeof *m->begin);
    for (int64_t i = 0; i < n; i++) m->begin[m->ids[i] + 1]++;
    for (int e = 0; e < s->n_expert; e++) m->begin[e + 1] += m->begin[e];
    for (int64_t i = 0; i < n; i++) {
        m->place[i] = m->begin[m->ids[i]]++;
        m->order[m->place[i]] = i;
    }
    /* Each begin has moved to the next one's place. */
    memmove(m->begin + 1, m->begin, (size_t)s->n_expert * sizeof *m->begin);
    m->begin[0] = 0;
}
//@ end moe-sort

/* Rows per piece of copying. */
enum { COPY_GRAIN = 8 };

typedef struct {
    const MoeCall *c;
    const int64_t *order;
    float *to;
} Copy;

static void copy_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Copy *a = ctx;
    int64_t d = a->c->s->d_model, n_used = a->c->s->moe.n_used;
    for (int64_t i = begin; i < end; i++)
        memcpy(a->to + i * d, a->c->x + a->order[i] / n_used * d, (size_t)d * sizeof(float));
}

/* Expert e for the n choices from order[at] on. */
static void one_expert(const MoeCall *c, const MoeScratch *m, int e, int64_t at, int64_t n)
{
    const MoeWeights *w = &c->w->moe;
    int64_t d = c->s->d_model, f = c->s->moe.d_ff;
    Affine gate = moe_expert(&w->gate, e), up = moe_expert(&w->up, e), down = moe_expert(&w->down, e);
    float *wide_up = m->hidden, *wide_gate = m->hidden + n * f;
    pool_for(c->pool, n, COPY_GRAIN, copy_part, &(Copy){c, m->order + at, m->x});
    LinearOut wide[] = {affine_out(&up, wide_up, f), affine_out(&gate, wide_gate, f)};
    lowrank_linear_n(c->adapters, c->pool, m->linear, wide, c->s->gated ? 2 : 1, m->x, d, n);
    ffn_bend(c->s, c->pool, wide_gate, wide_up, n * f);
    const float *bent = c->s->gated ? wide_gate : wide_up;
    affine_adapted(c->adapters, c->pool, m->linear, m->out + at * d, &down, bent, n);
    moe_watch(c, e, m->x, bent, n);
}

void moe_grouped(const MoeCall *c)
{
    const MoeSpec *s = &c->s->moe;
    if (c->n_tok == 1) {
        moe_by_token(c);
        return;
    }
    MoeScratch m = moe_scratch(c->scratch, c->s, c->n_tok, pool_threads(c->pool));
    moe_choose(c, &m);
    sort_by_expert(s, &m, c->n_tok * s->n_used);
    for (int e = 0; e < s->n_expert; e++) {
        int64_t n = m.begin[e + 1] - m.begin[e];
        if (n) one_expert(c, &m, e, m.begin[e], n);
    }
    moe_combine(c, &m, m.place);
}
