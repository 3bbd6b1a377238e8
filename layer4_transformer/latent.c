/* latent.c: what both twins of latent attention share: the way down to the vector that is kept.
 *
 *   [c | p] = W_a x;  c = norm(c);  p and the second part of each query turn with the position
 *
 * x [n_tok, d_model]; kept [n_tok, rank + n_rot]; q [n_tok, n_head, d_nope + n_rot], directly or through
 * a narrow vector of its own. Source: DeepSeek-AI 2024, arXiv:2405.04434, equations 9 to 19. */
#include "latent_impl.h"

#include <math.h>
#include <string.h>

static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

int latent_heads_together(int n_head)
{
    int together = 8;
    while (n_head % together) together--;
    return together;
}

static char *take(LatentScratch *l, char *memory, int64_t n_bytes)
{
    char *p = memory ? memory + l->bytes : NULL;
    l->bytes += (n_bytes + 63) / 64 * 64;
    return p;
}

static float *take_floats(LatentScratch *l, char *memory, int64_t n, int64_t width)
{
    return (float *)(void *)take(l, memory, n * width * 4);
}

LatentScratch latent_scratch(void *memory, const BlockSpec *s, int64_t n, int64_t n_ctx, int n_threads)
{
    const LatentSpec *x = &s->latent;
    int64_t n_head = s->n_head, d_q = latent_d_q(s), kept = x->rank + s->n_rot;
    int64_t narrow = max64(x->rank, x->d_nope);
    LatentScratch l = {0};
    l.q = take_floats(&l, memory, n, n_head * d_q);
    l.q_narrow = take_floats(&l, memory, n, x->q_rank);
    l.kept = take_floats(&l, memory, n, kept);
    l.q_wide = take_floats(&l, memory, n, n_head * kept);
    l.o_wide = take_floats(&l, memory, n, n_head * x->rank);
    l.loaded = take_floats(&l, memory, LATENT_KEYS, kept);
    l.head_kv = take(&l, memory, kv_flat_bytes(DT_F32, DT_F32, n_ctx, 1, (int)d_q, (int)x->d_v));
    l.rows = take_floats(&l, memory, n_threads, narrow);
    l.linear = take(&l, memory, linear_scratch_bytes(max64(max64(s->d_model, x->q_rank), narrow),
                                                     max64(n, LATENT_KEYS), n_threads));
    l.head_linear_bytes = (linear_scratch_bytes(narrow, n, 1) + 63) / 64 * 64;
    l.head_linear = take(&l, memory, l.head_linear_bytes * n_threads);
    int groups = s->n_head / latent_heads_together(s->n_head);
    l.attention_bytes_each =
        max64(attention_scratch_bytes(n, n_ctx, s->n_head, groups, (int)kept, (int)x->rank),
              attention_scratch_bytes(n, n_ctx, 1, 1, (int)d_q, (int)x->d_v));
    l.attention = take(&l, memory, l.attention_bytes_each * n_threads);
    return l;
}

int64_t latent_scratch_bytes(const BlockSpec *s, int64_t max_tok, int64_t n_ctx, int n_threads)
{
    return s->latent.rank ? latent_scratch(NULL, s, max_tok, n_ctx, n_threads).bytes : 0;
}

LatentScratch latent_scratch_of(const LatentCall *c)
{
    int64_t n_ctx = 0;
    for (int i = 0; i < c->n_runs; i++) n_ctx = max64(n_ctx, c->runs[i].pos0 + c->runs[i].n);
    return latent_scratch(c->scratch, c->s, c->n_tok, n_ctx, pool_threads(c->pool));
}

Tensor latent_matrix(const Tensor *w, int64_t h)
{
    return tensor_matrix(w->type, (const char *)w->data + h * w->nb[2], w->ne[0], w->ne[1]);
}

void latent_product(Pool *pool, void *scratch, const Tensor *w, bool turned, float *row, float *y,
                    int64_t y_stride, const float *x, int64_t x_stride, int64_t n)
{
    if (!turned) {
        linear_n(pool, scratch, &(LinearOut){.w = w, .y = y, .y_stride = y_stride}, 1, x, x_stride, n);
        return;
    }
    /* Row o of W, as often as x[o] says, is what it adds to W^T x. */
    for (int64_t t = 0; t < n; t++) memset(y + t * y_stride, 0, (size_t)w->ne[0] * sizeof *y);
    for (int64_t o = 0; o < w->ne[1]; o++) {
        row_to_f32(row, (const char *)w->data + o * w->nb[1], w->type, w->ne[0]);
        for (int64_t t = 0; t < n; t++) vec_axpy(y + t * y_stride, x[t * x_stride + o], row, w->ne[0]);
    }
}

/* Queries, perhaps through a narrow vector, and what will be kept, before rotation. */
static void project(const LatentCall *c, const LatentScratch *l)
{
    const BlockSpec *s = c->s;
    const LatentWeights *w = &c->w->latent;
    int64_t d_q = s->n_head * latent_d_q(s), narrow = s->latent.q_rank, kept = s->latent.rank + s->n_rot;
    PROFILE_SPAN("qkv", tensor_bytes(&w->kv_a) + tensor_bytes(narrow ? &w->q_b : &c->w->q.w));
    LinearOut outs[] = {{.w = &w->kv_a, .y = l->kept, .y_stride = kept}, affine_out(&c->w->q, l->q, d_q)};
    if (narrow) outs[1] = (LinearOut){.w = &w->q_a, .y = l->q_narrow, .y_stride = narrow};
    for (int i = 0; i < 2; i++) block_watch(&c->watcher, outs[i].w, c->x, c->n_tok);
    lowrank_linear_n(c->adapters, c->pool, l->linear, outs, 2, c->x, s->d_model, c->n_tok);
    if (!narrow) return;
    for (int64_t t = 0; t < c->n_tok; t++) {
        float *q = l->q_narrow + t * narrow;
        rmsnorm(q, q, w->q_a_norm.gain, narrow, s->norm_eps);
    }
    block_watch(&c->watcher, &w->q_b, l->q_narrow, c->n_tok);
    lowrank_linear(c->adapters, c->pool, l->linear, l->q, &w->q_b, NULL, l->q_narrow, c->n_tok);
}

//@ begin latent-store
/* Token t of the call at position pos: norm, rotation, memory. */
static void store(const LatentCall *c, const LatentScratch *l, int64_t t,
                  int64_t pos, const KvView *kv)
{
    const BlockSpec *s = c->s;
    const LatentSpec *x = &s->latent;
    int64_t d_q = latent_d_q(s);
    float *kept = l->kept + t * (x->rank + s->n_rot);
    float *q = l->q + t * s->n_head * d_q;
    const float *angles = c->angles + t * s->n_rot;
    rmsnorm(kept, kept, c->w->latent.kv_norm.gain, x->rank, s->norm_eps);
    rope_apply(s->rope, kept + x->rank, 1, s->n_rot, s->n_rot, angles);
    rope_apply(s->rope, q + x->d_nope, s->n_head, (int)d_q, s->n_rot, angles);
    /* Far tokens ask more sharply, in families that learned to. */
    if (x->temp_length > 0)
        vec_scale(q, 1 + x->temp_scale * logf((float)(pos / x->temp_length + 1)),
                  s->n_head * d_q);
    kv_store(kv, pos, kept, kept);
}
//@ end latent-store

void latent_forward(const LatentCall *c)
{
    LatentScratch l = latent_scratch_of(c);
    const BlockSpec *s = c->s;
    project(c, &l);
    for (int i = 0; i < c->n_runs; i++) {
        const BlockRun *run = &c->runs[i];
        for (int64_t t = 0; t < run->n; t++) store(c, &l, run->first + t, run->pos0 + t, run->kv);
    }
    /* In files where one matrix makes keys and values, it is what an observer may know. */
    if (c->w->latent.k_turned && c->watcher.fn)
        for (int64_t t = 0; t < c->n_tok; t++)
            block_watch(&c->watcher, &c->w->latent.k_b, l.kept + t * (s->latent.rank + s->n_rot), 1);
    PROFILE_SPAN("attention", 0);
    for (int i = 0; i < c->n_runs; i++) {
        const BlockRun *run = &c->runs[i];
        latent(&(LatentRun){c, run, l.q + run->first * s->n_head * latent_d_q(s),
                            c->heads + run->first * s->n_head * s->latent.d_v});
    }
}
