/* quality.h: what quantising cost: one model against another of the same shape.
 *
 *   RMSE = sqrt( mean (b_i - a_i)^2 )        KL = sum_t sum_v p_a ln(p_a / p_b) / T
 *
 * Interface: quality_tensor compares two tensors after decoding both; quality_text runs the windows of
 * a text (as perplexity does) through both models and compares what they predict for the second half
 * of each window. The bits do not depend on the number of threads. */
#ifndef SIXFOLD_QUALITY_H
#define SIXFOLD_QUALITY_H

#include "kvcache.h"

typedef struct {
    int64_t n;                 /* weights */
    double sum2_error, sum2;   /* of (b - a)^2 and a^2 */
    double max_error;          /* max |b - a| */
    int64_t n_bad;             /* pairs in which a number is not finite; they count nowhere else */
} TensorQuality;

/* E_UNSUPPORTED if a type cannot be decoded. The shapes must be equal (CHECKed). */
Status quality_tensor(TensorQuality *q, const Tensor *a, const Tensor *b, Pool *pool, Err *err);

typedef struct {
    int64_t n_scored, n_windows, n_same_top;
    double kl_sum, kl_max;     /* natural log */
    double nll_a, nll_b;       /* sums of -ln p(next token): exp(nll / n_scored) is the perplexity */
} TextQuality;

typedef struct { Session *session; KvCache *kv; } QualitySide;

Status quality_text(TextQuality *q, QualitySide a, QualitySide b, const TokenList *tokens, int64_t n_ctx,
                    bool quiet, const volatile int *stop, Err *err);

#endif
