/* embedding.c: hidden states collected to one vector. */
#include "embedding.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {"none", "mean", "cls", "last", "rank"};

enum { N_NAMES = sizeof names / sizeof *names };

bool embedding_pooling(const char *name, Pooling *out)
{
    for (int i = 0; i < N_NAMES; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (Pooling)i;
            return true;
        }
    return false;
}

const char *embedding_pooling_name(Pooling p)
{
    return p >= 0 && (int)p < N_NAMES ? names[p] : NULL;
}

static Pooling choose(const Model *m, Pooling asked)
{
    char key[96];
    if (asked != POOLING_AUTO) return asked;
    snprintf(key, sizeof key, "%.*s.pooling_type", STR_ARG(m->hp.arch));
    if (gguf_find(&m->gguf, key)) return (Pooling)m->hp.pooling;
    return m->spec.both_ways ? POOLING_MEAN : POOLING_LAST;
}

static int64_t batch_of(const Model *m, int64_t n_ctx, int64_t n_ubatch)
{
    return m->spec.both_ways || n_ubatch > n_ctx ? n_ctx : n_ubatch;
}

int64_t embedder_plan(const Model *m, int64_t n_ctx, int64_t n_ubatch, DType type_k, DType type_v,
                      int n_threads)
{
    int64_t batch = batch_of(m, n_ctx, n_ubatch), rows, sum;
    int64_t session = session_plan(m, batch, n_ctx, n_threads);
    int64_t kv = kvcache_plan(m, type_k, type_v, n_ctx, 1);
    if (session < 0 || kv < 0 || __builtin_add_overflow(session, kv, &sum)) return -1;
    if (__builtin_mul_overflow(batch, m->spec.d_model * (int64_t)sizeof(float), &rows)) return -1;
    return __builtin_add_overflow(sum, rows, &sum) ? -1 : sum;
}

Status embedder_open(Embedder *e, const Model *m, Pool *pool, Pooling pooling, int64_t n_ctx,
                     int64_t n_ubatch, DType type_k, DType type_v, Err *err)
{
    *e = (Embedder){.pooling = choose(m, pooling)};
    int64_t batch = batch_of(m, n_ctx, n_ubatch);
    if (e->pooling == POOLING_RANK && !m->weights.cls_out.w.data)
        return fail(err, E_UNSUPPORTED, "rank pooling needs a classifier, and this model has no tensor "
                    "'cls.output.weight'. HINT: --pooling mean, or a re-ranking model");
    Status s = session_open_hidden(&e->session, m, pool, batch, n_ctx, err);
    if (s == OK) s = kvcache_open(&e->kv, m, type_k, type_v, n_ctx, 1, err);
    if (s == OK) {
        e->rows = ARENA_NEW(&e->arena, float, batch * m->spec.d_model);
        e->items = ARENA_NEW(&e->arena, BatchItem, batch);
        if (!e->rows || !e->items) s = fail(err, E_MEMORY, "no memory for %lld vectors", (long long)batch);
    }
    if (s != OK) embedder_close(e);
    return s;
}

void embedder_close(Embedder *e)
{
    kvcache_close(&e->kv);
    session_close(&e->session);
    arena_close(&e->arena);
    *e = (Embedder){0};
}

int64_t embedder_rows(const Embedder *e, int64_t n) { return e->pooling == POOLING_NONE ? n : 1; }

int64_t embedder_width(const Embedder *e)
{
    const Model *m = e->session.model;
    return e->pooling == POOLING_RANK ? m->weights.cls_out.w.ne[1] : m->spec.d_model;
}

/* The token that speaks for the text, where one does: the last, or the first. */
static bool takes_last(const Embedder *e)
{
    return e->pooling == POOLING_LAST ||
           (e->pooling == POOLING_RANK && !e->session.model->spec.both_ways);
}

/* Scores of a re-ranking model from one hidden state x: cls_out(tanh(cls(x))), in BERT's form, or
 * softmax(cls_out(x)) of the answers yes and no. */
static void rank(Embedder *e, float *out, const float *x)
{
    Session *s = &e->session;
    const Weights *w = &s->model->weights;
    const float *in = x;
    if (w->cls.w.data) {
        affine_apply(s->pool, s->scratch, s->norm, &w->cls, x, 1);
        for (int64_t i = 0; i < w->cls.w.ne[1]; i++) s->norm[i] = tanhf(s->norm[i]);
        in = s->norm;
    }
    affine_apply(s->pool, s->scratch, out, &w->cls_out, in, 1);
    if (!s->model->spec.both_ways && w->cls_out.w.ne[1] == 2) softmax(out, 2);
}

//@ begin embedding-run
Status embedder_run(Embedder *e, const int32_t *ids, int64_t n, float *out,
                    const volatile int *stop, Err *err)
{
    int64_t d = e->session.model->spec.d_model, most = e->session.max_batch;
    bool all = e->pooling == POOLING_NONE || e->pooling == POOLING_MEAN;
    int64_t one = takes_last(e) ? n - 1 : 0;
    if (n < 1)
        return fail(err, E_ARG, "a text without tokens has no vector. HINT: "
                    "leave empty lines out");
    if (e->pooling == POOLING_MEAN) memset(out, 0, (size_t)d * sizeof *out);
    for (int64_t done = 0, piece; done < n; done += piece) {
        piece = n - done < most ? n - done : most;
        for (int64_t i = 0; i < piece; i++)
            e->items[i] = (BatchItem){.token = ids[done + i], .pos = done + i,
                                      .want_logits = all || done + i == one};
        TRY(model_forward(&e->session, e->items, piece, kvcache_source(&e->kv),
                          e->rows, stop, err));
        if (e->pooling == POOLING_NONE)
            memcpy(out + done * d, e->rows, (size_t)(piece * d) * sizeof *out);
        else if (e->pooling == POOLING_MEAN)
            for (int64_t i = 0; i < piece; i++)
                vec_axpy(out, 1.0f / (float)n, e->rows + i * d, d);
        else if (done <= one && one < done + piece && e->pooling == POOLING_RANK)
            rank(e, out, e->rows);
        else if (done <= one && one < done + piece)
            memcpy(out, e->rows, (size_t)d * sizeof *out);
    }
    return OK;
}
//@ end embedding-run

void embedding_normalise(float *x, int64_t n, int64_t how)
{
    double sum = 0;
    if (how < 0) return;
    for (int64_t i = 0; i < n; i++) {
        double size = fabs((double)x[i]);
        if (how == 0) sum = size > sum ? size : sum;
        else sum += how == 1 ? size : pow(size, (double)how);
    }
    if (how == 0) sum /= 32760;
    if (how > 1) sum = pow(sum, 1 / (double)how);
    for (int64_t i = 0; sum > 0 && i < n; i++) x[i] = (float)(x[i] / sum);
}

double embedding_cosine(const float *a, const float *b, int64_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    if (aa == 0 || bb == 0) return aa == bb;
    return ab / (sqrt(aa) * sqrt(bb));
}
