/* moe_route.c: from a router's scores to a few experts and their weights. */
#include "moe_route.h"

#include "layer3.h"

#include <math.h>
#include <string.h>

/* The smallest sum that weights are divided by: 2^-14, the smallest normal half. */
static const float LEAST_SUM = 6.103515625e-5f;

/* The largest of x[0 .. n), and then it is out of the race. */
static int take_largest(float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    x[best] = -INFINITY;
    return best;
}

static float worth_of_group(const MoeSpec *s, const float *x, int n)
{
    float first = -INFINITY, second = -INFINITY;
    for (int i = 0; i < n; i++)
        if (x[i] > first) second = first, first = x[i];
        else if (x[i] > second) second = x[i];
    return n > 1 && !s->group_by_best ? first + second : first;
}

/* Experts outside the best n_group_used groups can no longer be chosen. */
static void keep_best_groups(const MoeSpec *s, float *score)
{
    int size = s->n_expert / s->n_group;
    float group[MOE_MAX_EXPERTS];
    bool keep[MOE_MAX_EXPERTS] = {false};
    for (int g = 0; g < s->n_group; g++) group[g] = worth_of_group(s, score + g * size, size);
    for (int k = 0; k < s->n_group_used; k++) keep[take_largest(group, s->n_group)] = true;
    for (int i = 0; i < s->n_expert; i++)
        if (!keep[i / size]) score[i] = -INFINITY;
}

//@ begin moe-route
void moe_route(const MoeSpec *s, const float *logits, const float *bias,
               int *ids, float *weights)
{
    int n = s->n_expert;
    float p[MOE_MAX_EXPERTS], score[MOE_MAX_EXPERTS];
    memcpy(p, logits, (size_t)n * sizeof *p);
    /* 1. Scores to probabilities, all together or one by one. */
    if (s->gating == MOE_SOFTMAX) softmax(p, n);
    for (int i = 0; i < n && s->gating == MOE_SIGMOID; i++)
        p[i] = 1 / (1 + expf(-p[i]));
    /* 2. The choice; a bias may favour experts that are idle. */
    for (int i = 0; i < n; i++) score[i] = p[i] + (bias ? bias[i] : 0);
    if (s->n_group > 1) keep_best_groups(s, score);
    for (int k = 0; k < s->n_used; k++) {
        ids[k] = take_largest(score, n);
        weights[k] = p[ids[k]];
    }
    /* 3. The weights: without the bias. */
    if (s->gating == MOE_SOFTMAX_CHOSEN) softmax(weights, s->n_used);
    float sum = 0, scale = s->scale != 0 ? s->scale : 1;
    for (int k = 0; k < s->n_used; k++) sum += weights[k];
    if (s->normalise) scale /= sum > LEAST_SUM ? sum : LEAST_SUM;
    for (int k = 0; k < s->n_used; k++) weights[k] *= scale;
}
//@ end moe-route
