/* ffn.c: widen, bend, narrow: each token by itself, through a hidden vector of d_ff numbers.
 *
 *   gated   y = down(act(gate(x)) * up(x))        plain   y = down(act(up(x)))
 *
 * x [n_tok, d_model], hidden [n_tok, d_ff] (twice when gated), y [n_tok, d_model].
 * Source: Vaswani et al. 2017, 3.3; Shazeer 2020. */
#include "ffn.h"

/* Elements of the activation per piece of work: enough to be worth waking a thread. */
enum { ACT_GRAIN = 4096 };

typedef struct {
    const BlockSpec *s;
    float *gate, *up;
    const float *scales; /* [d_ff] divide the result, or NULL */
} Bend;

static void bend_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Bend *b = ctx;
    if (b->s->gated) act_gated(b->s->act, b->gate + begin, b->up + begin, end - begin);
    else act_apply(b->s->act, b->up + begin, end - begin);
    float *y = b->s->gated ? b->gate : b->up;
    for (int64_t i = begin; b->scales && i < end; i++) y[i] /= b->scales[i % b->s->d_ff];
}

void ffn_bend(const BlockSpec *s, Pool *pool, float *gate, float *up, int64_t n)
{
    pool_for(pool, n, ACT_GRAIN, bend_part, &(Bend){s, gate, up, NULL});
}

//@ begin ffn
void ffn_forward(const BlockSpec *s, const BlockWeights *w,
                 const LowRankSet *adapters, Pool *pool,
                 void *linear_scratch, float *hidden, float *y,
                 const float *x, int64_t n_tok)
{
    int64_t d_ff = s->d_ff;
    float *up = hidden, *gate = hidden + n_tok * d_ff;
    /* 1. Widen; gate and up read the same x in one parallel region. */
    LinearOut wide[] = {affine_out(&w->up, up, d_ff),
                        affine_out(&w->gate, gate, d_ff)};
    lowrank_linear_n(adapters, pool, linear_scratch, wide, s->gated ? 2 : 1, x,
                     s->d_model, n_tok);
    /* 2. Bend. */
    pool_for(pool, n_tok * d_ff, ACT_GRAIN, bend_part,
             &(Bend){s, gate, up, w->act_scales});
    /* 3. Narrow. */
    affine_adapted(adapters, pool, linear_scratch, y, &w->down,
                   s->gated ? gate : up, n_tok);
}
//@ end ffn
