/* moe_impl.h: the scratch that both twins of moe share. Private to moe. */
#ifndef SIXFOLD_MOE_IMPL_H
#define SIXFOLD_MOE_IMPL_H

#include "moe.h"

typedef struct {
    float *logits;   /* [n_tok, n_expert] */
    int *ids;        /* [n_tok, n_used] chosen experts, best first */
    float *weights;  /* [n_tok, n_used] */
    int64_t *order;  /* [n_tok * n_used] token * n_used + k, sorted by expert */
    int64_t *place;  /* [n_tok * n_used] where in order each choice is */
    int64_t *begin;  /* [n_expert + 1] where each expert's part of order begins */
    float *x;        /* [n_tok, d_model] the tokens of one expert */
    float *hidden;   /* [2, n_tok or n_used, d_ff] */
    float *out;      /* [n_tok * n_used, d_model] result of each choice, in the order of the twin */
    char *linear;
    int64_t bytes;
} MoeScratch;

MoeScratch moe_scratch(void *memory, const BlockSpec *s, int64_t n_tok, int n_threads);

/* Steps 1 and 4 of both twins: who goes where; the weighted sum with the shared expert. The result of choice k
 * is row place[k] of out, or row k if place is NULL. */
void moe_choose(const MoeCall *c, const MoeScratch *m);
void moe_combine(const MoeCall *c, const MoeScratch *m, const int64_t *place);

/* Expert e's part of a matrix. */
Affine moe_expert(const Experts *x, int64_t e);

/* Tells the observer what expert e's matrices were multiplied with: x [n_tok, d_model]; down: bent [n_tok, d_ff]. */
void moe_watch(const MoeCall *c, int64_t e, const float *x, const float *bent, int64_t n_tok);

#endif
