/* grad.h: the backward pass of each primitive: from dL/dy to dL/dx and dL/dw.
 *
 * Every function of layers 3 and 4 that a model is made of has its counterpart here, in a file of its
 * own: grad_linear.c, grad_norm.c, grad_rope.c, grad_swiglu.c, grad_attention.c, grad_embed.c,
 * loss.c. dx always means the derivative of the loss L with respect to x, and has the shape of x.
 *
 * Interface: what is written and what is added to is said at each function: gradients of weights are
 * added (a weight is used by many tokens), gradients of activations are written unless said otherwise.
 * The bits of a result do not depend on the number of threads. One call at a time per GradWork. */
#ifndef SIXFOLD_GRAD_H
#define SIXFOLD_GRAD_H

#include "layer6.h"

/* Memory that the functions below work in, for up to max_tok tokens and matrices of up to max_width
 * columns (in or out) and max_weights elements. */
typedef struct {
    Pool *pool;
    void *linear_scratch, *matmul_scratch;
    float *turned;   /* [max_width, max_tok]: dY on its side */
    float *product;  /* [max_weights]: one pass's share of dW */
    float *partial;  /* [max_tok / GRAD_CHUNK + 1, 2, max_width]: sums of fixed chunks of tokens */
    char *workers;   /* grad_attention: one piece per thread */
    int64_t worker_bytes;
} GradWork;

enum { GRAD_CHUNK = 64 }; /* tokens whose contributions are added up first */

Status grad_work_open(GradWork *w, Arena *a, Pool *pool, int64_t max_tok, int64_t max_width,
                      int64_t max_weights, int64_t n_ctx, int d_head, Err *err);

/* y = x W', W [n_out rows of n_in] as in files. dx [n_tok, n_in] is written (NULL: not wanted), dw
 * added to. */
void grad_linear(GradWork *g, float *dx, float *dw, const float *dy, const float *w, const float *x,
                 int64_t n_tok, int64_t n_in, int64_t n_out);

/* y = w x / rms(x), rows of d. Adds to dx (the residual path has been there before) and to dw [d]. */
void grad_rmsnorm(GradWork *g, float *dx, float *dw, const float *dy, const float *x, const float *w,
                  int64_t n_tok, int64_t d, float eps);

/* hidden = silu(gate) * up on rows of 2 d_ff, gate then up: dgate_up gets both, from dhidden. */
typedef void grad_swiglu_fn(float *dgate, float *dup, const float *dhidden, const float *gate,
                            const float *up, int64_t n);
extern grad_swiglu_fn *grad_swiglu;
void grad_swiglu_rows(Pool *pool, float *dgate_up, const float *dhidden, const float *gate_up,
                      int64_t n_tok, int64_t d_ff);

/* Turns rows of heads by the angles of their positions; with the sines of the table negated it turns
 * back, which is the backward pass. Row t is at position t % n_ctx; table [n_ctx, d_head] is made of
 * rope_angles. */
void grad_rope(Pool *pool, float *x, int64_t x_stride, int n_head, int d_head, int64_t n_tok,
               int64_t n_ctx, const float *table);

/* Causal attention inside each window of n_ctx tokens. qkv [n_tok, (n_head + 2 n_kv) d_head]: queries,
 * keys, values side by side, after RoPE. out [n_tok, n_head d_head]. probs is kept for the way back:
 * [windows, n_head, n_ctx, n_ctx], zero above the diagonal inside blocks. */
typedef struct {
    int n_head, n_kv_head, d_head;
    int64_t n_ctx, n_windows;
} AttentionShape;
void grad_attention_forward(GradWork *g, const AttentionShape *s, float *out, float *probs,
                            const float *qkv);
/* dqkv is written; probs are used up (they become dscores). */
void grad_attention(GradWork *g, const AttentionShape *s, float *dqkv, const float *dout,
                    float *probs, const float *qkv);

/* Bytes that a thread needs for it. */
int64_t grad_attention_bytes(int64_t n_ctx, int d_head);

/* Row ids[t] of dtable [n_vocab, d] gets dx [n_tok, d] row t added. */
void grad_embed(Pool *pool, float *dtable, const float *dx, const int32_t *ids, int64_t n_tok,
                int64_t d);

/* Cross-entropy: the sum of -ln softmax(logits_t)[target_t] over the tokens. logits [n_tok, n_vocab]
 * become the gradient of scale times that sum. losses [n_tok] is work space. */
double loss_cross_entropy(Pool *pool, float *logits, float *losses, const int32_t *targets,
                          int64_t n_tok, int64_t n_vocab, float scale);

#endif
