/* moe_route.h: which experts a token is sent to, and how much each counts.
 *
 *   p = softmax(z) or sigmoid(z);   chosen: the n_used largest p (+ bias);   w = p of the chosen
 *
 * or, with MOE_SOFTMAX_CHOSEN, the n_used largest z and a softmax over those alone. With groups, experts
 * are first sorted out by group: a group counts as much as its best two, or (V2) its best one. Equal
 * scores: the lower number is chosen. Source: Shazeer et al. 2017; Jiang et al. 2024 (Mixtral); DeepSeek-AI
 * 2024 (V2, section 2.2.2; V3). */
#ifndef SIXFOLD_MOE_ROUTE_H
#define SIXFOLD_MOE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

enum { MOE_MAX_EXPERTS = 1024 };

typedef enum { MOE_SOFTMAX, MOE_SIGMOID, MOE_SOFTMAX_CHOSEN } MoeGating;

typedef struct {
    int n_expert, n_used;       /* 0 = dense; 1 <= n_used <= n_expert <= MOE_MAX_EXPERTS */
    MoeGating gating;
    bool normalise;             /* weights of the chosen add up to 1 */
    float scale;                /* of all weights; 0 means 1 */
    int n_group, n_group_used;  /* n_group <= 1: no groups; divides n_expert */
    bool group_by_best;         /* a group counts as its best expert */
    int64_t d_ff, d_shared;     /* hidden width of an expert; of the shared one, 0 = none */
} MoeSpec;

/* logits [n_expert]; bias [n_expert] or NULL; ids and weights [n_used], best first. */
void moe_route(const MoeSpec *s, const float *logits, const float *bias, int *ids, float *weights);

#endif
