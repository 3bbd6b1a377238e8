/* train_model.c: the forward pass of layers 3 and 4 with nothing thrown away, then the way back.
 *
 * Going back means: the same steps in the opposite order, each replaced by its grad_ counterpart. The
 * residual stream makes it short: y = x + f(x) has dx = dy + f'(dy), so dx walks back through all
 * layers and each half of a layer adds its share to it. N = n_windows * n_ctx tokens. */
#include "train_model.h"

#include <string.h>

static int64_t n_tokens(const TrainModel *m) { return m->n_windows * m->shape.n_ctx; }
static int d_head(const TrainModel *m) { return (int)(m->shape.d_model / m->shape.n_head); }
static int64_t qkv_width(const TrainShape *s)
{
    return s->d_model + 2 * (s->d_model / s->n_head) * s->n_kv_head;
}

/* ---------------------------------------------------------------- opening */

static Status reserve_acts(TrainModel *m, Err *err)
{
    const TrainShape *s = &m->shape;
    int64_t n = m->max_windows * s->n_ctx, d = s->d_model;
    int64_t widest = 2 * s->d_ff > qkv_width(s) ? 2 * s->d_ff : qkv_width(s);
    Arena *a = &m->arena;
    bool ok = (m->layers = ARENA_NEW(a, LayerActs, s->n_layer)) != NULL;
    for (int i = 0; ok && i < s->n_layer; i++) {
        LayerActs *l = &m->layers[i];
        ok = (l->x_in = ARENA_NEW(a, float, n * d)) && (l->norm1 = ARENA_NEW(a, float, n * d)) &&
             (l->qkv = ARENA_NEW(a, float, n * qkv_width(s))) &&
             (l->probs = ARENA_NEW(a, float, n * s->n_head * s->n_ctx)) &&
             (l->attn = ARENA_NEW(a, float, n * d)) && (l->x_mid = ARENA_NEW(a, float, n * d)) &&
             (l->norm2 = ARENA_NEW(a, float, n * d)) &&
             (l->gate_up = ARENA_NEW(a, float, n * 2 * s->d_ff)) &&
             (l->hidden = ARENA_NEW(a, float, n * s->d_ff));
    }
    ok = ok && (m->x = ARENA_NEW(a, float, n * d)) && (m->norm = ARENA_NEW(a, float, n * d)) &&
         (m->logits = ARENA_NEW(a, float, n * s->n_vocab)) &&
         (m->losses = ARENA_NEW(a, float, n)) && (m->dx = ARENA_NEW(a, float, n * d)) &&
         (m->dnorm = ARENA_NEW(a, float, n * d)) && (m->dwide = ARENA_NEW(a, float, n * widest * 2)) &&
         (m->rope = ARENA_NEW(a, float, s->n_ctx * d_head(m))) &&
         (m->rope_back = ARENA_NEW(a, float, s->n_ctx * d_head(m))) &&
         (m->ids = ARENA_NEW(a, int32_t, n)) && (m->w = ARENA_NEW(a, float, m->layout.n_params)) &&
         (m->grad = ARENA_NEW(a, float, m->layout.n_params));
    if (!ok)
        return fail(err, E_MEMORY, "no memory for %lld windows of %lld tokens HINT: fewer windows at "
                    "once (--pass), or a shorter context", (long long)m->max_windows,
                    (long long)s->n_ctx);
    return OK;
}

static void rope_tables(TrainModel *m)
{
    int d = d_head(m);
    for (int64_t t = 0; t < m->shape.n_ctx; t++) {
        float *back = m->rope_back + t * d;
        rope_angles(m->rope + t * d, t, d, TRAIN_ROPE_BASE, 1.0f, NULL);
        memcpy(back, m->rope + t * d, (size_t)d * sizeof *back);
        vec_scale(back + d / 2, -1.0f, d / 2);
    }
}

Status train_model_open(TrainModel *m, const TrainShape *s, int64_t max_windows, Pool *pool, Err *err)
{
    *m = (TrainModel){.shape = *s, .max_windows = max_windows};
    TRY(params_check(s, err));
    params_layout(&m->layout, s);
    Status status = reserve_acts(m, err);
    int64_t width = 2 * s->d_ff > s->n_vocab ? 2 * s->d_ff : s->n_vocab;
    if (qkv_width(s) > width) width = qkv_width(s);
    if (status == OK)
        status = grad_work_open(&m->work, &m->arena, pool, max_windows * s->n_ctx, width,
                                width * (s->d_model > s->d_ff ? s->d_model : s->d_ff), s->n_ctx,
                                d_head(m), err);
    if (status != OK) {
        train_model_close(m);
        return status;
    }
    rope_tables(m);
    return OK;
}

void train_model_close(TrainModel *m)
{
    arena_close(&m->arena);
    *m = (TrainModel){0};
}

/* ---------------------------------------------------------------- forward */

typedef struct {
    float *y;
    const float *x, *w;
    int64_t d, n_ff;
} RowsJob;

static void norm_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const RowsJob *j = ctx;
    for (int64_t t = begin; t < end; t++)
        rmsnorm(j->y + t * j->d, j->x + t * j->d, j->w, j->d, TRAIN_NORM_EPS);
}

static void norm_all(TrainModel *m, float *y, const float *x, const float *w)
{
    RowsJob job = {.y = y, .x = x, .w = w, .d = m->shape.d_model};
    pool_for(m->work.pool, n_tokens(m), 16, norm_rows, &job);
}

static void gate_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const RowsJob *j = ctx;
    for (int64_t t = begin; t < end; t++) {
        float *hidden = j->y + t * j->n_ff;
        const float *gate = j->x + 2 * t * j->n_ff;
        memcpy(hidden, gate, (size_t)j->n_ff * sizeof *hidden);
        swiglu(hidden, gate + j->n_ff, j->n_ff);
    }
}

static void add_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const RowsJob *j = ctx;
    vec_add(j->y + begin * j->d, j->x + begin * j->d, (end - begin) * j->d);
}

static void add_all(TrainModel *m, float *y, const float *x)
{
    RowsJob job = {.y = y, .x = x, .d = m->shape.d_model};
    pool_for(m->work.pool, n_tokens(m), 16, add_rows, &job);
}

static void product(TrainModel *m, float *y, const float *w, const float *x, int64_t n_in,
                    int64_t n_out)
{
    Tensor t = tensor_matrix(DT_F32, w, n_in, n_out);
    linear(m->work.pool, m->work.linear_scratch, y, &t, NULL, x, n_tokens(m));
}

static AttentionShape attention_shape(const TrainModel *m)
{
    return (AttentionShape){(int)m->shape.n_head, (int)m->shape.n_kv_head, d_head(m),
                            m->shape.n_ctx, m->n_windows};
}

//@ begin train-layer-forward
/* From l->x_in to x_out. */
static void layer_forward(TrainModel *m, const LayerOffsets *o, LayerActs *l,
                          float *x_out)
{
    const TrainShape *s = &m->shape;
    const float *w = m->w;
    int64_t d = s->d_model, n = n_tokens(m), wide = qkv_width(s);
    /* 1. Attention; queries and keys are turned to their positions. */
    norm_all(m, l->norm1, l->x_in, w + o->attn_norm);
    product(m, l->qkv, w + o->qkv, l->norm1, d, wide);
    grad_rope(m->work.pool, l->qkv, wide, (int)(s->n_head + s->n_kv_head),
              d_head(m), n, s->n_ctx, m->rope);
    AttentionShape a = attention_shape(m);
    grad_attention_forward(&m->work, &a, l->attn, l->probs, l->qkv);
    product(m, l->x_mid, w + o->o, l->attn, d, d);
    add_all(m, l->x_mid, l->x_in);
    /* 2. Feed-forward. */
    norm_all(m, l->norm2, l->x_mid, w + o->ffn_norm);
    product(m, l->gate_up, w + o->gate_up, l->norm2, d, 2 * s->d_ff);
    RowsJob gate = {.y = l->hidden, .x = l->gate_up, .n_ff = s->d_ff};
    pool_for(m->work.pool, n, 8, gate_rows, &gate);
    product(m, x_out, w + o->down, l->hidden, s->d_ff, d);
    add_all(m, x_out, l->x_mid);
}
//@ end train-layer-forward

void train_forward(TrainModel *m, const int32_t *ids, int64_t n_windows)
{
    const TrainShape *s = &m->shape;
    CHECK(n_windows >= 1 && n_windows <= m->max_windows, "%lld windows", (long long)n_windows);
    m->n_windows = n_windows;
    int64_t n = n_tokens(m);
    memcpy(m->ids, ids, (size_t)n * sizeof *ids);
    Tensor table = tensor_matrix(DT_F32, m->w + m->layout.embed, s->d_model, s->n_vocab);
    embed_lookup(m->layers[0].x_in, &table, ids, n);
    for (int i = 0; i < s->n_layer; i++)
        layer_forward(m, &m->layout.layers[i], &m->layers[i],
                      i + 1 < s->n_layer ? m->layers[i + 1].x_in : m->x);
    norm_all(m, m->norm, m->x, m->w + m->layout.output_norm);
    product(m, m->logits, m->w + m->layout.embed, m->norm, s->d_model, s->n_vocab);
}

double train_loss(TrainModel *m, const int32_t *targets, float scale)
{
    return loss_cross_entropy(m->work.pool, m->logits, m->losses, targets, n_tokens(m),
                              m->shape.n_vocab, scale);
}

/* ---------------------------------------------------------------- backward */

//@ begin train-layer-backward
/* m->dx is the gradient of the layer's output and becomes that of l->x_in. */
static void layer_backward(TrainModel *m, const LayerOffsets *o, LayerActs *l)
{
    const TrainShape *s = &m->shape;
    const float *w = m->w;
    float *g = m->grad, *dx = m->dx, *dnorm = m->dnorm, *wide = m->dwide;
    int64_t d = s->d_model, n = n_tokens(m), width = qkv_width(s);
    GradWork *k = &m->work;
    /* 2. Feed-forward. */
    float *dhidden = wide + n * 2 * s->d_ff;
    grad_linear(k, dhidden, g + o->down, dx, w + o->down, l->hidden, n,
                s->d_ff, d);
    grad_swiglu_rows(k->pool, wide, dhidden, l->gate_up, n, s->d_ff);
    grad_linear(k, dnorm, g + o->gate_up, wide, w + o->gate_up, l->norm2, n, d,
                2 * s->d_ff);
    grad_rmsnorm(k, dx, g + o->ffn_norm, dnorm, l->x_mid, w + o->ffn_norm, n, d,
                 TRAIN_NORM_EPS);
    /* 1. Attention; queries and keys are turned back. */
    grad_linear(k, dnorm, g + o->o, dx, w + o->o, l->attn, n, d, d);
    AttentionShape a = attention_shape(m);
    grad_attention(k, &a, wide, dnorm, l->probs, l->qkv);
    grad_rope(k->pool, wide, width, (int)(s->n_head + s->n_kv_head), d_head(m),
              n, s->n_ctx, m->rope_back);
    grad_linear(k, dnorm, g + o->qkv, wide, w + o->qkv, l->norm1, n, d, width);
    grad_rmsnorm(k, dx, g + o->attn_norm, dnorm, l->x_in, w + o->attn_norm, n,
                 d, TRAIN_NORM_EPS);
}
//@ end train-layer-backward

void train_backward(TrainModel *m)
{
    const TrainShape *s = &m->shape;
    const ParamLayout *l = &m->layout;
    int64_t n = n_tokens(m), d = s->d_model;
    grad_linear(&m->work, m->dnorm, m->grad + l->embed, m->logits, m->w + l->embed, m->norm, n, d,
                s->n_vocab);
    memset(m->dx, 0, (size_t)(n * d) * sizeof *m->dx);
    grad_rmsnorm(&m->work, m->dx, m->grad + l->output_norm, m->dnorm, m->x, m->w + l->output_norm, n,
                 d, TRAIN_NORM_EPS);
    for (int i = (int)s->n_layer - 1; i >= 0; i--) layer_backward(m, &l->layers[i], &m->layers[i]);
    grad_embed(m->work.pool, m->grad + l->embed, m->dx, m->ids, n, d);
}
