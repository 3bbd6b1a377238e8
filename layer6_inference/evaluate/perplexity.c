/* perplexity.c: windows, log-probabilities, mean and standard error. */
#include "perplexity.h"

#include <math.h>

double log_probability(const float *logits, int64_t n, int32_t id)
{
    float max = -INFINITY;
    for (int64_t i = 0; i < n; i++) max = logits[i] > max ? logits[i] : max;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += exp((double)(logits[i] - max));
    return (double)(logits[id] - max) - log(sum);
}

/* One window: tokens t[0 .. n-1], of which the predictions at n/2 .. n-2 are scored. */
static Status score_window(Session *s, KvCache *kv, const int32_t *t, int64_t n, BatchItem *items,
                           float *logits, double *nll, double *nll2, const volatile int *stop,
                           Err *err)
{
    int64_t first = n / 2, n_vocab = s->model->hp.n_vocab;
    for (int64_t i = 0; i < n; i++)
        items[i] = (BatchItem){.token = t[i], .pos = i, .want_logits = i >= first && i < n - 1};
    const Tokenizer *tok = s->model->tokenizer;
    if (tok && tokenizer_add_bos(tok)) items[0].token = tokenizer_bos(tok);
    TRY(model_forward(s, items, n, kvcache_source(kv), logits, stop, err));
    for (int64_t i = first; i < n - 1; i++) {
        double v = -log_probability(logits + (i - first) * n_vocab, n_vocab, t[i + 1]);
        *nll += v;
        *nll2 += v * v;
    }
    return OK;
}

Status perplexity_run(Perplexity *p, Session *s, KvCache *kv, const TokenList *tokens, int64_t n_ctx,
                      PerplexityProgress *on_window, void *ctx, const volatile int *stop, Err *err)
{
    *p = (Perplexity){0};
    if (n_ctx < 4)
        return fail(err, E_ARG, "a window of %lld tokens is too short to score, 4 is the least. HINT: "
                    "-c 512 is customary", (long long)n_ctx);
    int64_t n_windows = tokens->n / n_ctx, n_vocab = s->model->hp.n_vocab;
    if (n_windows < 1)
        return fail(err, E_ARG, "the text has %lld tokens, one window needs %lld. HINT: a longer text "
                    "or a smaller -c", (long long)tokens->n, (long long)n_ctx);
    Arena a = {0};
    BatchItem *items = ARENA_NEW(&a, BatchItem, n_ctx);
    float *logits = ARENA_NEW(&a, float, (n_ctx - n_ctx / 2) * n_vocab);
    Status st = items && logits ? OK : fail(err, E_MEMORY, "no memory for %lld rows of logits",
                                            (long long)(n_ctx - n_ctx / 2));
    double nll = 0, nll2 = 0;
    for (int64_t w = 0; st == OK && w < n_windows; w++) {
        st = score_window(s, kv, tokens->ids + w * n_ctx, n_ctx, items, logits, &nll, &nll2, stop,
                          err);
        if (st != OK) break;
        /* Mean and standard error of the mean; the error of exp(x) is exp(x) times that of x. */
        int64_t n = (w + 1) * (n_ctx - 1 - n_ctx / 2);
        double mean = nll / (double)n, var = nll2 / (double)n - mean * mean;
        double se = n > 1 && var > 0 ? sqrt(var / (double)(n - 1)) : 0;
        *p = (Perplexity){exp(mean), exp(mean) * se, nll, n, w + 1};
        if (on_window) on_window(ctx, p, n_windows);
    }
    arena_close(&a);
    return st;
}
