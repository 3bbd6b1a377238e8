/* grad_attention.c: attention inside a window, forward and backward.
 *
 *   forward   S = scale Q K'      P = softmax of each row up to the diagonal       O = P V
 *   backward  dV = P' dO          dP = dO V'
 *             dS_ij = P_ij (dP_ij - D_i),   D_i = sum_j P_ij dP_ij = dO_i . O_i
 *             dQ = scale dS K     dK = scale dS' Q
 *
 * D_i is softmax's counterpart of the "part along x" in grad_norm.c: adding a constant to a row of S
 * changes nothing, so a row of dS sums to zero. P is kept from the forward pass: [n_ctx, n_ctx] for
 * each head, which is what makes training need more memory than running.
 *
 * A task is one window and one key/value head with all query heads of its group; dK and dV are summed
 * over the group in order. Rows are taken in blocks, and a block looks only at keys up to its last
 * row: the causal triangle as a staircase. Source: Vaswani et al. 2017, 3.2.1; Dao et al. 2022, B.2. */
#include "grad.h"
#include "layer7_kernels.h"
#include "matmul_block.h"

#include <math.h>
#include <string.h>

enum { ROW_BLOCK = 64 };

typedef struct {
    const AttentionShape *s;
    GradWork *g;
    float *out, *probs, *dqkv;
    const float *qkv, *dout;
} AttentionJob;

/* What a thread works in; n = n_ctx, d = d_head. */
typedef struct {
    void *block;            /* matmul_block's */
    float *q, *kt, *vt;     /* [n, d] queries times scale; [d, n] keys and values on their side */
    float *dp, *turned;     /* [n, n] */
    float *product;         /* [n, d] one head's share of dK or dV */
} Desk;

static int64_t desk_floats(int64_t n, int64_t d) { return 2 * n * n + 4 * n * d; }

static Desk desk_of(const AttentionJob *j, int thread)
{
    int64_t n = j->s->n_ctx, d = j->s->d_head;
    char *base = j->g->workers + thread * j->g->worker_bytes;
    float *at = (float *)(void *)(base + matmul_block_bytes());
    return (Desk){base, at, at + n * d, at + 2 * n * d, at + 4 * n * d, at + 4 * n * d + n * n,
                  at + 3 * n * d};
}

/* Where query head h, or key/value head g, of window b begins in rows of qkv. */
static int64_t row_width(const AttentionShape *s)
{
    return (int64_t)(s->n_head + 2 * s->n_kv_head) * s->d_head;
}
static int64_t q_at(const AttentionShape *s, int64_t b, int h)
{
    return b * s->n_ctx * row_width(s) + (int64_t)h * s->d_head;
}
static int64_t k_at(const AttentionShape *s, int64_t b, int g) { return q_at(s, b, s->n_head + g); }
static int64_t v_at(const AttentionShape *s, int64_t b, int g)
{
    return q_at(s, b, s->n_head + s->n_kv_head + g);
}

static void scaled_rows(float *to, const float *from, int64_t stride, int64_t n, int64_t d,
                        float scale)
{
    for (int64_t t = 0; t < n; t++) {
        memcpy(to + t * d, from + t * stride, (size_t)d * sizeof *to);
        vec_scale(to + t * d, scale, d);
    }
}

static int64_t block_end(int64_t t, int64_t n) { return t + ROW_BLOCK < n ? t + ROW_BLOCK : n; }

//@ begin attention-train-forward
/* One query head: p [n, n] and out [n, d] of its window. */
static void head_forward(const Desk *k, float *out, int64_t out_stride,
                         float *p, const float *v, int64_t v_stride,
                         int64_t n, int64_t d)
{
    for (int64_t t = 0, end; t < n; t = end) {
        end = block_end(t, n);
        /* 1. Scores of a block of queries against the keys up to its end. */
        matmul_block(k->block, p + t * n, n, k->q + t * d, d, k->kt, n,
                     end - t, end, d);
        /* 2. Probabilities up to the diagonal, nothing beyond. */
        for (int64_t i = t; i < end; i++) {
            softmax(p + i * n, i + 1);
            memset(p + i * n + i + 1, 0, (size_t)(end - i - 1) * sizeof *p);
        }
        /* 3. The mixture of values. */
        matmul_block(k->block, out + t * out_stride, out_stride, p + t * n,
                     n, v, v_stride, end - t, d, end);
    }
}
//@ end attention-train-forward

static void forward_task(void *ctx, int64_t begin, int64_t end, int thread)
{
    const AttentionJob *j = ctx;
    const AttentionShape *s = j->s;
    Desk k = desk_of(j, thread);
    int64_t n = s->n_ctx, d = s->d_head, width = row_width(s), out_width = s->n_head * d;
    int group = s->n_head / s->n_kv_head;
    for (int64_t task = begin; task < end; task++) {
        int64_t b = task / s->n_kv_head;
        int g = (int)(task % s->n_kv_head);
        transpose(k.kt, n, j->qkv + k_at(s, b, g), width, n, d);
        for (int h = g * group; h < (g + 1) * group; h++) {
            scaled_rows(k.q, j->qkv + q_at(s, b, h), width, n, d, 1.0f / sqrtf((float)d));
            head_forward(&k, j->out + b * n * out_width + h * d, out_width,
                         j->probs + (b * s->n_head + h) * n * n, j->qkv + v_at(s, b, g), width, n, d);
        }
    }
}

void grad_attention_forward(GradWork *g, const AttentionShape *s, float *out, float *probs,
                            const float *qkv)
{
    AttentionJob job = {.s = s, .g = g, .out = out, .probs = probs, .qkv = qkv};
    pool_for(g->pool, s->n_windows * s->n_kv_head, 1, forward_task, &job);
}

/* ---------------------------------------------------------------- backward */

/* to[t] += from[t], rows of d. */
static void add_rows(float *to, int64_t stride, const float *from, int64_t n, int64_t d)
{
    for (int64_t t = 0; t < n; t++) vec_add(to + t * stride, from + t * d, d);
}

/* to [n keys, d] += p' x, where p [n, n] is a staircase: key block c meets rows from c on. */
static void add_turned_product(const Desk *k, float *to, int64_t to_stride, const float *p,
                               const float *x, int64_t x_stride, int64_t n, int64_t d)
{
    for (int64_t c = 0, end; c < n; c = end) {
        end = block_end(c, n);
        transpose(k->turned, n - c, p + c * n + c, n, n - c, end - c);
        matmul_block(k->block, k->product + c * d, d, k->turned, n - c, x + c * x_stride, x_stride,
                     end - c, d, n - c);
    }
    add_rows(to, to_stride, k->product, n, d);
}

//@ begin grad-attention
/* One query head. p [n, n] holds P and becomes dS; k->q is scale Q. */
static void head_backward(const Desk *k, float *dq, float *dk, float *dv,
                          int64_t stride, const float *dout,
                          int64_t dout_stride, float *p, const float *key,
                          int64_t n, int64_t d, float scale)
{
    /* 1. dV += P' dO. */
    add_turned_product(k, dv, stride, p, dout, dout_stride, n, d);
    for (int64_t t = 0, end; t < n; t = end) {
        end = block_end(t, n);
        /* 2. dP = dO V'. */
        matmul_block(k->block, k->dp + t * n, n, dout + t * dout_stride,
                     dout_stride, k->vt, n, end - t, end, d);
        /* 3. dS = P dP - D P, row by row. */
        for (int64_t i = t; i < end; i++) {
            float *dp = k->dp + i * n, *row = p + i * n;
            float sum = dot_f32(row, dp, i + 1);
            vec_mul(dp, row, i + 1);
            vec_axpy(dp, -sum, row, i + 1);
            memcpy(row, dp, (size_t)(i + 1) * sizeof *row);
        }
        /* 4. dQ = scale dS K. */
        matmul_block(k->block, dq + t * stride, stride, p + t * n, n, key,
                     stride, end - t, d, end);
        for (int64_t i = t; i < end; i++) vec_scale(dq + i * stride, scale, d);
    }
    /* 5. dK += dS' (scale Q). */
    add_turned_product(k, dk, stride, p, k->q, d, n, d);
}
//@ end grad-attention

static void backward_task(void *ctx, int64_t begin, int64_t end, int thread)
{
    const AttentionJob *j = ctx;
    const AttentionShape *s = j->s;
    Desk k = desk_of(j, thread);
    int64_t n = s->n_ctx, d = s->d_head, width = row_width(s), out_width = s->n_head * d;
    int group = s->n_head / s->n_kv_head;
    float scale = 1.0f / sqrtf((float)d);
    for (int64_t task = begin; task < end; task++) {
        int64_t b = task / s->n_kv_head;
        int g = (int)(task % s->n_kv_head);
        float *dk = j->dqkv + k_at(s, b, g), *dv = j->dqkv + v_at(s, b, g);
        for (int64_t t = 0; t < n; t++) {
            memset(dk + t * width, 0, (size_t)d * sizeof *dk);
            memset(dv + t * width, 0, (size_t)d * sizeof *dv);
        }
        transpose(k.vt, n, j->qkv + v_at(s, b, g), width, n, d);
        for (int h = g * group; h < (g + 1) * group; h++) {
            scaled_rows(k.q, j->qkv + q_at(s, b, h), width, n, d, scale);
            head_backward(&k, j->dqkv + q_at(s, b, h), dk, dv, width,
                          j->dout + b * n * out_width + h * d, out_width,
                          j->probs + (b * s->n_head + h) * n * n, j->qkv + k_at(s, b, g), n, d, scale);
        }
    }
}

void grad_attention(GradWork *g, const AttentionShape *s, float *dqkv, const float *dout,
                    float *probs, const float *qkv)
{
    AttentionJob job = {.s = s, .g = g, .probs = probs, .dqkv = dqkv, .qkv = qkv, .dout = dout};
    pool_for(g->pool, s->n_windows * s->n_kv_head, 1, backward_task, &job);
}

int64_t grad_attention_bytes(int64_t n_ctx, int d_head)
{
    int64_t bytes = matmul_block_bytes() + desk_floats(n_ctx, d_head) * (int64_t)sizeof(float);
    return (bytes + 63) / 64 * 64;
}
