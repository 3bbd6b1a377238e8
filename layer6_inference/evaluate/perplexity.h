/* perplexity.h: how surprised a model is by a text.
 *
 *   PPL = exp( -1/N sum_i ln p(token_i | tokens before it in its window) )
 *
 * The text is cut into windows of n_ctx tokens, each starting with bos if the model wants one; only
 * the second half of each window is scored, so that every scored token has at least n_ctx / 2 tokens
 * before it. This is the convention of the field's perplexity tool, so figures compare.
 *
 * Interface: perplexity_run calls on_window after each window (NULL for none) with the figure so far.
 * Source: Jelinek et al. 1977; the windows as in llama.cpp's tool. */
#ifndef SIXFOLD_PERPLEXITY_H
#define SIXFOLD_PERPLEXITY_H

#include "kvcache.h"

typedef struct {
    double ppl, error;      /* estimate and its standard error */
    double nll_sum;         /* natural log */
    int64_t n_scored, n_windows;
} Perplexity;

typedef void PerplexityProgress(void *ctx, const Perplexity *so_far, int64_t n_windows);

Status perplexity_run(Perplexity *p, Session *s, KvCache *kv, const TokenList *tokens, int64_t n_ctx,
                      PerplexityProgress *on_window, void *ctx, const volatile int *stop, Err *err);

/* ln of the probability that softmax(logits) gives to id, in double precision. */
double log_probability(const float *logits, int64_t n, int32_t id);

#endif
