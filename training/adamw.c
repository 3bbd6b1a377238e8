/* adamw.c: a step against the gradient, measured in units of its own size.
 *
 *   m = b1 m + (1 - b1) g        the gradient, averaged over the last 1 / (1 - b1) steps
 *   v = b2 v + (1 - b2) g^2      its square, over the last 1 / (1 - b2)
 *   w = w - lr (m' / (sqrt(v') + eps) + decay w),        x' = x / (1 - b^t)
 *
 * m' / sqrt(v') is about 1 where the gradient keeps its sign and small where it flips, whatever the
 * size of the gradient: every weight moves by about lr at most. The averages begin at zero; dividing
 * by 1 - b^t corrects that. Decay pulls weights to zero beside the gradient, not through it.
 * Source: Loshchilov and Hutter 2019, algorithm 2; Kingma and Ba 2015. */
#include "layer7_kernels.h"

#include <math.h>

//@ begin adamw
void adamw_scalar(const AdamW *a, float *w, const float *g, float *m, float *v,
                  int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        /* 1. Running means of the gradient and of its square. */
        float x = g[i] * a->scale;
        m[i] = a->beta1 * m[i] + (1.0f - a->beta1) * x;
        v[i] = a->beta2 * v[i] + (1.0f - a->beta2) * x * x;
        /* 2. Direction, then decay, then the step. */
        float step = m[i] * a->unbias1 / (sqrtf(v[i] * a->unbias2) + a->eps);
        w[i] -= a->lr * (step + a->decay * w[i]);
    }
}
//@ end adamw

typedef struct {
    AdamW a;
    float *w, *m, *v;
    const float *g;
} AdamJob;

static void adam_range(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const AdamJob *j = ctx;
    adamw(&j->a, j->w + begin, j->g + begin, j->m + begin, j->v + begin, end - begin);
}

void adamw_step(Pool *pool, AdamW a, const ParamLayout *l, float *w, const float *g, float *m,
                float *v, int64_t t)
{
    a.unbias1 = (float)(1.0 / (1.0 - pow(a.beta1, (double)t)));
    a.unbias2 = (float)(1.0 / (1.0 - pow(a.beta2, (double)t)));
    for (int i = 0; i < l->n_infos; i++) {
        const ParamInfo *p = &l->infos[i];
        int64_t at = p->offset;
        AdamJob job = {a, w + at, m + at, v + at, g + at};
        if (p->n_dims == 1) job.a.decay = 0;
        pool_for(pool, p->ne[0] * p->ne[1], 4096, adam_range, &job);
    }
}

double gradient_norm(const float *g, int64_t n)
{
    enum { BLOCK = 4096 };
    double sum = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t len = n - i < BLOCK ? n - i : BLOCK;
        sum += dot_f32(g + i, g + i, len);
    }
    return sqrt(sum);
}

//@ begin schedule
float schedule_rate(float lr, int64_t step, int64_t warmup, int64_t n_steps)
{
    const double pi = 3.14159265358979323846;
    if (step < warmup) return lr * (float)(step + 1) / (float)warmup;
    if (step >= n_steps) return 0;
    double done = (double)(step - warmup) / (double)(n_steps - warmup);
    return (float)(lr * 0.5 * (1 + cos(pi * done)));
}
//@ end schedule
