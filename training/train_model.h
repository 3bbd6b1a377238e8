/* train_model.h: a Llama-shaped model forward and backward over a few windows of tokens.
 *
 *   x = E[ids];   per layer: x += Wo attn(rope(Wqkv norm(x)));   x += Wdown swiglu(Wgate_up norm(x))
 *   logits = E norm(x);   loss = mean of -ln softmax(logits)[next token]
 *
 * Interface: a pass takes n_windows windows of n_ctx tokens. train_forward keeps all that the way back
 * needs and leaves logits; train_loss turns them into gradients; train_backward adds to m->grad.
 * Weights, gradients and activations live in the model's arena. Same bits for any number of threads. */
#ifndef SIXFOLD_TRAIN_MODEL_H
#define SIXFOLD_TRAIN_MODEL_H

#include "grad.h"
#include "params.h"

/* What a layer keeps of the forward pass, for N tokens. */
typedef struct {
    float *x_in, *norm1;  /* [N, d] */
    float *qkv;           /* [N, d + 2 d_kv] after RoPE */
    float *probs;         /* [windows, n_head, n_ctx, n_ctx] */
    float *attn;          /* [N, d] */
    float *x_mid, *norm2; /* [N, d] */
    float *gate_up;       /* [N, 2 d_ff] */
    float *hidden;        /* [N, d_ff] */
} LayerActs;

typedef struct TrainModel {
    TrainShape shape;
    ParamLayout layout;
    float *w, *grad;      /* [n_params] */
    int64_t max_windows;  /* of a pass */
    int64_t n_windows;    /* of this one */
    LayerActs *layers;    /* [n_layer] */
    float *x, *norm;      /* [N, d] after the last layer; its norm */
    float *logits;        /* [N, n_vocab] */
    float *losses;        /* [N] */
    float *dx, *dnorm, *dwide; /* [N, d], [N, d], [N, widest] */
    float *rope, *rope_back;   /* [n_ctx, d_head] */
    int32_t *ids;         /* [N] of the pass */
    GradWork work;
    Arena arena;
} TrainModel;

Status train_model_open(TrainModel *m, const TrainShape *s, int64_t max_windows, Pool *pool, Err *err);
void train_model_close(TrainModel *m); /* a zeroed one is fine */

/* ids [n_windows, n_ctx] must be below n_vocab (CHECKed by the embedding). */
void train_forward(TrainModel *m, const int32_t *ids, int64_t n_windows);

/* Sum of the losses of the pass; logits become the gradient of scale times it. */
double train_loss(TrainModel *m, const int32_t *targets, float scale);

void train_backward(TrainModel *m);

#endif
