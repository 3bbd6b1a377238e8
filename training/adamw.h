/* adamw.h: from gradients to new weights.
 *
 *   m = b1 m + (1 - b1) g        v = b2 v + (1 - b2) g^2
 *   w = w - lr (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay w)
 *
 * Interface: adamw is the kernel for n parameters of one kind; adamw_step runs it over all of a model,
 * with decay on matrices only. t counts from 1. gradient_norm and the clipping factor come first:
 * gradients are multiplied by `scale` on the way in. Results do not depend on the number of threads.
 * Source: Loshchilov and Hutter 2019; Kingma and Ba 2015 (bias correction). */
#ifndef SIXFOLD_ADAMW_H
#define SIXFOLD_ADAMW_H

#include "params.h"

typedef struct {
    float lr, beta1, beta2, eps, decay;
    float scale;            /* of the gradient: 1, or clip / norm */
    float unbias1, unbias2; /* 1 / (1 - beta^t), filled in by adamw_step */
} AdamW;

typedef void adamw_fn(const AdamW *a, float *w, const float *g, float *m, float *v, int64_t n);
extern adamw_fn *adamw;

void adamw_step(Pool *pool, AdamW a, const ParamLayout *l, float *w, const float *g, float *m,
                float *v, int64_t t);

/* Square root of the sum of squares, in fixed blocks. */
double gradient_norm(const float *g, int64_t n);

/* The learning rate of step 0, 1, ..: up a straight line for `warmup` steps, then down half a cosine
 * that would reach zero at step n_steps. Source: Loshchilov and Hutter 2017. */
float schedule_rate(float lr, int64_t step, int64_t warmup, int64_t n_steps);

#endif
