/* loss.c: how surprised the model is, and in which direction each logit should move.
 *
 *   L = -ln p[target],  p = softmax(z)          dL/dz_i = p_i - (i is the target)
 *
 * The two steps together have the simplest gradient of all: the probabilities, minus one at the right
 * answer. It sums to zero: what the target gains, the others lose, each as much as it took.
 * logits [n_tok, n_vocab] are replaced. A model that knows nothing has L = ln(n_vocab). */
#include "grad.h"

#include <float.h>
#include <math.h>

typedef struct {
    float *logits, *losses;
    const int32_t *targets;
    int64_t n_vocab;
    float scale;
} LossJob;

//@ begin loss
static void loss_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const LossJob *j = ctx;
    for (int64_t t = begin; t < end; t++) {
        float *p = j->logits + t * j->n_vocab;
        int32_t target = j->targets[t];
        /* 1. Probabilities; the smallest number stands for none at all. */
        softmax(p, j->n_vocab);
        j->losses[t] = -logf(p[target] < FLT_MIN ? FLT_MIN : p[target]);
        /* 2. One less where the answer was. */
        p[target] -= 1.0f;
        vec_scale(p, j->scale, j->n_vocab);
    }
}
//@ end loss

double loss_cross_entropy(Pool *pool, float *logits, float *losses, const int32_t *targets,
                          int64_t n_tok, int64_t n_vocab, float scale)
{
    LossJob job = {logits, losses, targets, n_vocab, scale};
    pool_for(pool, n_tok, 4, loss_rows, &job);
    double sum = 0;
    for (int64_t t = 0; t < n_tok; t++) sum += losses[t];
    return sum;
}
