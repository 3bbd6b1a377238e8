/* lesson7_gradient: what dL/dx means: the slope when x alone moves. Three logits by formula and by
 * differences; then every group of weights of a small model. Nothing is timed. */
#include "layer7.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double loss_of(const float *z, float *gradient)
{
    float work[3], one[1];
    const int32_t target = 1;
    memcpy(work, z, sizeof work);
    double loss = loss_cross_entropy(NULL, work, one, &target, 1, 3, 1);
    if (gradient) memcpy(gradient, work, sizeof work);
    return loss;
}

static void logits(void)
{
    float z[3] = {2, 1, 0}, g[3];
    printf("1. Logits 2, 1, 0; the right answer is the second: L = %.3f\n\n", loss_of(z, g));
    printf("   logit   p - [right]   (L(z + 0.01) - L(z - 0.01)) / 0.02\n");
    for (int i = 0; i < 3; i++) {
        float up[3] = {2, 1, 0}, down[3] = {2, 1, 0};
        up[i] += 0.01f;
        down[i] -= 0.01f;
        printf("   %3.0f      %7.3f       %7.3f\n", (double)z[i], (double)g[i],
               (loss_of(up, NULL) - loss_of(down, NULL)) / 0.02);
    }
}

enum { N_TOK = 16, VOCAB = 20 };
static const int32_t ids[N_TOK + 1] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2};

static double model_loss(TrainModel *m)
{
    train_forward(m, ids, 1);
    return train_loss(m, ids + 1, 0) / N_TOK;
}

/* The loss a step h along the group's gradient of this length. */
static double moved(TrainModel *m, const ParamInfo *p, const float *g, double length, double h)
{
    int64_t n = p->ne[0] * p->ne[1];
    vec_axpy(m->w + p->offset, (float)(h / length), g, n);
    double loss = model_loss(m);
    vec_axpy(m->w + p->offset, (float)(-h / length), g, n);
    return loss;
}

static Status model(Err *err)
{
    TrainModel m;
    TrainShape s = {.d_model = 16, .d_ff = 32, .n_layer = 1, .n_head = 2, .n_kv_head = 1,
                    .n_ctx = N_TOK, .n_vocab = VOCAB};
    static float g[8192];
    TRY(train_model_open(&m, &s, 1, NULL, err));
    CHECK(m.layout.n_params <= 8192, "%d parameters", (int)m.layout.n_params);
    params_init(m.w, &m.layout, &s, 1);
    train_forward(&m, ids, 1);
    train_loss(&m, ids + 1, 1.0f / N_TOK);
    train_backward(&m);
    memcpy(g, m.grad, (size_t)m.layout.n_params * sizeof *g);
    printf("\n2. A model of %d weights: how steep is the loss along the gradient of each group?\n\n",
           (int)m.layout.n_params);
    printf("   %-26s %8s   %8s\n", "group", "backward", "differences");
    for (int i = 0; i < m.layout.n_infos; i++) {
        const ParamInfo *p = &m.layout.infos[i];
        const float *u = g + p->offset;
        double length = gradient_norm(u, p->ne[0] * p->ne[1]), h = 0.02;
        double slope = (moved(&m, p, u, length, h) - moved(&m, p, u, length, -h)) / (2 * h);
        printf("   %-26s %8.3f   %8.3f   ", p->name, length, slope);
        for (int k = 0; k < (int)(length * 25 + 0.5) && k < 40; k++) printf("█");
        printf("\n");
    }
    train_model_close(&m);
    return OK;
}

int main(void)
{
    Err err;
    layer7_init();
    logits();
    Status s = model(&err);
    if (s != OK) fprintf(stderr, "%s\n", err.text);
    return s != OK;
}
