/* quality.c: weights against weights, predictions against predictions. */
#include "quality.h"

#include "perplexity.h"
#include "sampler.h"

#include <math.h>

/* ---------------------------------------------------------------- tensors */

typedef struct {
    const Tensor *a, *b;
    float *rows;          /* [threads, 2, ne0] */
    TensorQuality *parts; /* [rows]: added up in order, whoever computed them */
} Compare;

static const char *row_at(const Tensor *t, int64_t i)
{
    return (const char *)t->data + i * dtype_row_bytes(t->type, t->ne[0]);
}

static void compare_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Compare *c = ctx;
    int64_t n = c->a->ne[0];
    float *x = c->rows + thread * 2 * n, *y = x + n;
    for (int64_t r = begin; r < end; r++) {
        TensorQuality *q = &c->parts[r];
        row_to_f32(x, row_at(c->a, r), c->a->type, n);
        row_to_f32(y, row_at(c->b, r), c->b->type, n);
        for (int64_t i = 0; i < n; i++) {
            double v = (double)x[i], d = (double)y[i] - v;
            if (!isfinite(d)) {
                q->n_bad++;
                continue;
            }
            q->sum2 += v * v;
            q->sum2_error += d * d;
            q->max_error = fmax(q->max_error, fabs(d));
        }
    }
}

Status quality_tensor(TensorQuality *q, const Tensor *a, const Tensor *b, Pool *pool, Err *err)
{
    for (int d = 0; d < 4; d++) CHECK(a->ne[d] == b->ne[d], "tensors of different shapes, axis %d", d);
    const Tensor *bad = !quant_format(a->type) ? a : !quant_format(b->type) ? b : NULL;
    *q = (TensorQuality){0};
    if (bad)
        return fail(err, E_UNSUPPORTED, "type %s cannot be decoded by this version. HINT: `sixfold inspect` "
                    "shows the types", dtype_name(bad->type));
    int64_t rows = tensor_elements(a) / a->ne[0];
    Arena m = {0};
    Compare c = {a, b, ARENA_NEW(&m, float, 2 * pool_threads(pool) * a->ne[0]),
                 ARENA_NEW(&m, TensorQuality, rows)};
    bool memory = c.rows && c.parts;
    if (memory) pool_for_dynamic(pool, rows, 1, compare_rows, &c);
    for (int64_t r = 0; memory && r < rows; r++) {
        q->sum2 += c.parts[r].sum2;
        q->sum2_error += c.parts[r].sum2_error;
        q->max_error = fmax(q->max_error, c.parts[r].max_error);
        q->n_bad += c.parts[r].n_bad;
    }
    q->n = tensor_elements(a);
    arena_close(&m);
    return memory ? OK : fail(err, E_MEMORY, "no memory to compare %lld rows", (long long)rows);
}

/* ---------------------------------------------------------------- predictions */

/* ln sum exp x, from the largest. */
static double log_sum_exp(const float *x, int64_t n)
{
    double top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) top = fmax(top, (double)x[i]);
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - top);
    return top + log(sum);
}

static void compare_logits(TextQuality *q, const float *a, const float *b, int64_t n, int32_t next)
{
    double la = log_sum_exp(a, n), lb = log_sum_exp(b, n), kl = 0;
    for (int64_t i = 0; i < n; i++) {
        double lp = (double)a[i] - la;
        kl += exp(lp) * (lp - ((double)b[i] - lb));
    }
    q->kl_sum += kl;
    q->kl_max = fmax(q->kl_max, kl);
    q->n_same_top += argmax_logit(a, n) == argmax_logit(b, n);
    q->nll_a += la - (double)a[next];
    q->nll_b += lb - (double)b[next];
    q->n_scored++;
}

static Status run_window(TextQuality *q, QualitySide a, QualitySide b, const int32_t *ids, int64_t n,
                         BatchItem *items, float *rows[2], const volatile int *stop, Err *err)
{
    int64_t first = n / 2, n_vocab = a.session->model->hp.n_vocab;
    const Tokenizer *t = a.session->model->tokenizer;
    for (int64_t i = 0; i < n; i++)
        items[i] = (BatchItem){.token = ids[i], .pos = i, .want_logits = i >= first && i < n - 1};
    if (t && tokenizer_add_bos(t)) items[0].token = tokenizer_bos(t);
    TRY(model_forward(a.session, items, n, kvcache_source(a.kv), rows[0], stop, err));
    TRY(model_forward(b.session, items, n, kvcache_source(b.kv), rows[1], stop, err));
    for (int64_t i = first; i < n - 1; i++) {
        int64_t at = (i - first) * n_vocab;
        compare_logits(q, rows[0] + at, rows[1] + at, n_vocab, ids[i + 1]);
    }
    q->n_windows++;
    return OK;
}

Status quality_text(TextQuality *q, QualitySide a, QualitySide b, const TokenList *tokens, int64_t n_ctx,
                    bool quiet, const volatile int *stop, Err *err)
{
    *q = (TextQuality){0};
    int64_t n_vocab = a.session->model->hp.n_vocab, n_windows = n_ctx >= 4 ? tokens->n / n_ctx : 0;
    if (b.session->model->hp.n_vocab != n_vocab)
        return fail(err, E_ARG, "the models have %lld and %lld tokens. HINT: compare two forms of one model",
                    (long long)n_vocab, (long long)b.session->model->hp.n_vocab);
    if (n_windows < 1)
        return fail(err, E_ARG, "the text has %lld tokens, one window needs %lld, and at least 4. HINT: a "
                    "longer text or a smaller -c", (long long)tokens->n, (long long)n_ctx);
    Arena m = {0};
    BatchItem *items = ARENA_NEW(&m, BatchItem, n_ctx);
    float *rows[2];
    for (int i = 0; i < 2; i++) rows[i] = arena_alloc_dirty(&m, (n_ctx - n_ctx / 2) * n_vocab, sizeof(float));
    Status s = items && rows[0] && rows[1] ? OK : fail(err, E_MEMORY, "no memory for two times %lld rows of "
                                                       "logits", (long long)(n_ctx - n_ctx / 2));
    Progress bar;
    progress_start(&bar, "compare", n_windows, "windows", 1, quiet);
    for (int64_t w = 0; s == OK && w < n_windows; w++) {
        s = run_window(q, a, b, tokens->ids + w * n_ctx, n_ctx, items, rows, stop, err);
        progress_update(&bar, w + 1);
    }
    progress_end(&bar);
    arena_close(&m);
    return s;
}
