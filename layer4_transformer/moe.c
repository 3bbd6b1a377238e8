/* moe.c: what both twins share, and the plain one: token by token. */
#include "moe_impl.h"

#include "ffn.h"
#include "layer4_kernels.h"

#include <math.h>
#include <string.h>

/* Tokens per piece of work of the steps that treat tokens alike. */
enum { TOKEN_GRAIN = 8 };

/* One of those steps. */
typedef struct {
    const MoeCall *c;
    const MoeScratch *m;
    const int64_t *place;
} Step;

static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

static char *take(MoeScratch *m, char *memory, int64_t n_bytes)
{
    char *p = memory ? memory + m->bytes : NULL;
    m->bytes += (n_bytes + 63) / 64 * 64;
    return p;
}

MoeScratch moe_scratch(void *memory, const BlockSpec *s, int64_t n_tok, int n_threads)
{
    const MoeSpec *x = &s->moe;
    int64_t chosen = n_tok * x->n_used, d = s->d_model, f = max64(x->d_ff, x->d_shared);
    MoeScratch m = {0};
    m.logits = (float *)(void *)take(&m, memory, n_tok * x->n_expert * 4);
    m.ids = (int *)(void *)take(&m, memory, chosen * 4);
    m.weights = (float *)(void *)take(&m, memory, chosen * 4);
    m.order = (int64_t *)(void *)take(&m, memory, chosen * 8);
    m.place = (int64_t *)(void *)take(&m, memory, chosen * 8);
    m.begin = (int64_t *)(void *)take(&m, memory, (x->n_expert + 1) * 8);
    m.x = (float *)(void *)take(&m, memory, n_tok * d * 4);
    m.hidden = (float *)(void *)take(&m, memory, 2 * max64(n_tok, x->n_used) * f * 4);
    m.out = (float *)(void *)take(&m, memory, chosen * d * 4);
    m.linear = take(&m, memory, linear_scratch_bytes(max64(d, f), n_tok, n_threads));
    return m;
}

int64_t moe_scratch_bytes(const BlockSpec *s, int64_t max_tok, int n_threads)
{
    return s->moe.n_expert ? moe_scratch(NULL, s, max_tok, n_threads).bytes : 0;
}

Affine moe_expert(const Experts *x, int64_t e)
{
    const char *first = (const char *)x->w.data + e * x->w.nb[2];
    return (Affine){tensor_matrix(x->w.type, first, x->w.ne[0], x->w.ne[1]),
                    x->bias ? x->bias + e * x->w.ne[1] : NULL, x->scale ? x->scale + e : NULL};
}

/* The same for any gate, up and down. */
static void watch(const MoeCall *c, const Tensor *gate, const Tensor *up, const Tensor *down, const float *x,
                  const float *bent, int64_t n_tok)
{
    if (c->s->gated) block_watch(&c->watcher, gate, x, n_tok);
    block_watch(&c->watcher, up, x, n_tok);
    block_watch(&c->watcher, down, bent, n_tok);
}

void moe_watch(const MoeCall *c, int64_t e, const float *x, const float *bent, int64_t n_tok)
{
    if (!c->watcher.fn) return;
    const MoeWeights *w = &c->w->moe;
    Affine gate = {0}, up = moe_expert(&w->up, e), down = moe_expert(&w->down, e);
    if (c->s->gated) gate = moe_expert(&w->gate, e);
    watch(c, &gate.w, &up.w, &down.w, x, bent, n_tok);
}

static void route_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Step *a = ctx;
    const MoeSpec *s = &a->c->s->moe;
    const MoeScratch *m = a->m;
    for (int64_t t = begin; t < end; t++)
        moe_route(s, m->logits + t * s->n_expert, a->c->w->moe.select_bias, m->ids + t * s->n_used,
                  m->weights + t * s->n_used);
}

void moe_choose(const MoeCall *c, const MoeScratch *m)
{
    block_watch(&c->watcher, &c->w->moe.router.w, c->x, c->n_tok);
    affine_adapted(c->adapters, c->pool, m->linear, m->logits, &c->w->moe.router, c->x, c->n_tok);
    pool_for(c->pool, c->n_tok, TOKEN_GRAIN, route_part, &(Step){c, m, NULL});
}

/* The expert that every token meets: y += g FFN(x). */
static void add_shared(const MoeCall *c, const MoeScratch *m)
{
    const MoeWeights *w = &c->w->moe;
    int64_t d = c->s->d_model;
    BlockSpec s = *c->s;
    s.d_ff = s.moe.d_shared;
    BlockWeights shared = {.gate = w->shared_gate, .up = w->shared_up, .down = w->shared_down};
    ffn_forward(&s, &shared, c->adapters, c->pool, m->linear, m->hidden, m->x, c->x, c->n_tok);
    watch(c, &shared.gate.w, &shared.up.w, &shared.down.w, c->x,
          m->hidden + (s.gated ? c->n_tok * s.d_ff : 0), c->n_tok);
    if (w->shared_router.data) {
        block_watch(&c->watcher, &w->shared_router, c->x, c->n_tok);
        lowrank_linear(c->adapters, c->pool, m->linear, m->logits, &w->shared_router, NULL, c->x, c->n_tok);
    }
    for (int64_t t = 0; t < c->n_tok; t++) {
        float g = w->shared_router.data ? 1 / (1 + expf(-m->logits[t])) : 1;
        vec_axpy(c->y + t * d, g, m->x + t * d, d);
    }
}

static void combine_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Step *a = ctx;
    int64_t d = a->c->s->d_model, n_used = a->c->s->moe.n_used;
    for (int64_t t = begin; t < end; t++) {
        float *y = a->c->y + t * d;
        memset(y, 0, (size_t)d * sizeof *y);
        for (int64_t k = t * n_used; k < (t + 1) * n_used; k++)
            vec_axpy(y, a->m->weights[k], a->m->out + (a->place ? a->place[k] : k) * d, d);
    }
}

void moe_combine(const MoeCall *c, const MoeScratch *m, const int64_t *place)
{
    pool_for(c->pool, c->n_tok, TOKEN_GRAIN, combine_part, &(Step){c, m, place});
    if (c->w->moe.shared_up.w.data) add_shared(c, m);
}

//@ begin moe-by-token
void moe_by_token(const MoeCall *c)
{
    const MoeSpec *s = &c->s->moe;
    const MoeWeights *w = &c->w->moe;
    MoeScratch m = moe_scratch(c->scratch, c->s, c->n_tok,
                               pool_threads(c->pool));
    int64_t d = c->s->d_model, f = s->d_ff;
    /* 1. Who goes where. */
    moe_choose(c, &m);
    for (int64_t t = 0; t < c->n_tok; t++)
        for (int64_t k = t * s->n_used; k < (t + 1) * s->n_used; k++) {
            /* 2. This token through one of its experts. */
            int64_t e = m.ids[k];
            Affine gate = moe_expert(&w->gate, e), up = moe_expert(&w->up, e);
            Affine down = moe_expert(&w->down, e);
            LinearOut wide[] = {affine_out(&up, m.hidden, f),
                                affine_out(&gate, m.hidden + f, f)};
            lowrank_linear_n(c->adapters, c->pool, m.linear, wide,
                             c->s->gated ? 2 : 1, c->x + t * d, d, 1);
            ffn_bend(c->s, c->pool, m.hidden + f, m.hidden, f);
            /* 3. Its result. */
            const float *bent = m.hidden + (c->s->gated ? f : 0);
            affine_adapted(c->adapters, c->pool, m.linear, m.out + k * d,
                           &down, bent, 1);
            moe_watch(c, e, c->x + t * d, bent, 1);
        }
    /* 4. Weighted and added up. */
    moe_combine(c, &m, NULL);
}
//@ end moe-by-token
