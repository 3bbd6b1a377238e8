/* latent_impl.h: the scratch and the products that both twins of latent attention share. Private to it. */
#ifndef SIXFOLD_LATENT_IMPL_H
#define SIXFOLD_LATENT_IMPL_H

#include "latent.h"

/* Keys that are expanded at once. */
enum { LATENT_KEYS = 64 };

typedef struct {
    float *q;        /* [n_tok, n_head * (d_nope + n_rot)] */
    float *q_narrow; /* [n_tok, q_rank] */
    float *kept;     /* [n_tok, rank + n_rot] what is stored */
    float *q_wide;   /* absorbed: [n_tok, n_head * (rank + n_rot)] */
    float *o_wide;   /* absorbed: [n_tok, n_head * rank] */
    float *loaded;   /* expanded: [LATENT_KEYS, rank + n_rot] */
    char *head_kv;   /* expanded: keys and values of one head, [n_ctx] of each */
    float *rows;     /* [threads, rank or d_nope] one row of a matrix */
    char *linear;
    char *head_linear; /* [threads, head_linear_bytes] */
    int64_t head_linear_bytes;
    char *attention;
    int64_t attention_bytes_each;
    int64_t bytes;
} LatentScratch;

LatentScratch latent_scratch(void *memory, const BlockSpec *s, int64_t n_tok, int64_t n_ctx,
                             int n_threads);

/* The scratch of a call, as latent_forward carved it. */
LatentScratch latent_scratch_of(const LatentCall *c);

/* Heads that attend together in the absorbed form: the largest divisor of n_head up to 8. */
int latent_heads_together(int n_head);

static inline int64_t latent_d_q(const BlockSpec *s) { return s->latent.d_nope + s->n_rot; }

/* Head h's part of a matrix. */
Tensor latent_matrix(const Tensor *w, int64_t h);

/* y[t] = W x[t], or W^T x[t] if turned; x and y with these distances between tokens. row: space for
 * ne[0] floats, used if turned. */
void latent_product(Pool *pool, void *scratch, const Tensor *w, bool turned, float *row, float *y,
                    int64_t y_stride, const float *x, int64_t x_stride, int64_t n);

#endif
