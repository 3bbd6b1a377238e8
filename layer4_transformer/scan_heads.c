/* scan_heads.c: Mamba-2's recurrence, token by token and chunk by chunk.
 *
 *   h[s][p] = exp(dt_t a) h[s][p] + dt_t B_t[s] x_t[p]         p counts the channels of a head
 *   y_t[p]  = sum_s C_t[s] h[s][p] + d x_t[p]
 *
 * One decay for the whole head: after j steps a token's trace has shrunk by exp(L_t - L_j), with
 * L_t = sum of dt a. So its effect on a later token of the chunk is a number, (C_t . B_j) times that,
 * and a chunk is a small triangular matrix times x. Only L_t - L_j <= 0 is ever exponentiated.
 * Source: Dao and Gu 2024, sections 6 and 7. */
#include "layer4_kernels.h"

#include <math.h>

/* What belongs to one head; tokens are counted from t0. */
typedef struct {
    const float *x, *dt, *b, *c;
    float *y, *h;
    float a, d;
    int64_t width; /* d_head */
} Head;

static Head head_at(const ScanArgs *a, int64_t i, int64_t t0)
{
    int64_t width = a->d_inner / a->n_head, group = i / (a->n_head / a->n_group);
    return (Head){.x = a->x + t0 * a->x_stride + i * width, .dt = a->dt + t0 * a->n_head + i,
                  .b = a->b + t0 * a->bc_stride + group * a->d_state,
                  .c = a->c + t0 * a->bc_stride + group * a->d_state,
                  .y = a->y + t0 * a->d_inner + i * width, .h = a->h + i * a->d_state * width,
                  .a = a->a[i], .d = a->d[i], .width = width};
}

//@ begin scan-heads
void scan_heads_sequential(const ScanArgs *a, int64_t from, int64_t to)
{
    for (int64_t t = 0; t < a->n_tok; t++)
        for (int64_t i = from; i < to; i++) {
            Head k = head_at(a, i, t);
            float dt = k.dt[0], keep = expf(dt * k.a);
            for (int64_t p = 0; p < k.width; p++) {
                float y = k.d * k.x[p];
                for (int64_t s = 0; s < a->d_state; s++) {
                    float *h = &k.h[s * k.width + p];
                    *h = keep * *h + k.b[s] * (dt * k.x[p]);
                    y += k.c[s] * *h;
                }
                k.y[p] = y;
            }
        }
}
//@ end scan-heads

/* What the decays of a chunk come to. */
typedef struct {
    float m[SCAN_CHUNK][SCAN_CHUNK]; /* [t][j]: how much of x_j is in y_t */
    float grown[SCAN_CHUNK];         /* exp(L_t): what is left of the state before the chunk */
    float left[SCAN_CHUNK];          /* exp(L_last - L_j) dt_j: what x_j leaves in the state after it */
} Chunk;

static void chunk_decays(const ScanArgs *a, const Head *k, int64_t n, Chunk *q)
{
    float sums[SCAN_CHUNK], sum = 0;
    for (int64_t t = 0; t < n; t++) sums[t] = sum += k->dt[t * a->n_head] * k->a;
    for (int64_t t = 0; t < n; t++) {
        float dt = k->dt[t * a->n_head];
        q->grown[t] = expf(sums[t]);
        q->left[t] = expf(sum - sums[t]) * dt;
    }
    for (int64_t t = 0; t < n; t++)
        for (int64_t j = 0; j <= t; j++) {
            float match = 0;
            for (int64_t s = 0; s < a->d_state; s++)
                match += k->c[t * a->bc_stride + s] * k->b[j * a->bc_stride + s];
            q->m[t][j] = match * expf(sums[t] - sums[j]) * k->dt[j * a->n_head];
        }
}

//@ begin scan-chunk
/* n tokens of one head. */
static void chunk(const ScanArgs *a, const Head *k, int64_t n)
{
    Chunk q;
    /* 1. Who affects whom in this chunk, and how far the decay has come. */
    chunk_decays(a, k, n, &q);
    for (int64_t p = 0; p < k->width; p++) {
        /* 2. Each result: from the state before the chunk, and from x. */
        for (int64_t t = 0; t < n; t++) {
            float old = 0, y = k->d * k->x[t * a->x_stride + p];
            for (int64_t s = 0; s < a->d_state; s++)
                old += k->c[t * a->bc_stride + s] * k->h[s * k->width + p];
            y += q.grown[t] * old;
            for (int64_t j = 0; j <= t; j++)
                y += q.m[t][j] * k->x[j * a->x_stride + p];
            k->y[t * a->d_inner + p] = y;
        }
        /* 3. The state after the chunk. */
        for (int64_t s = 0; s < a->d_state; s++) {
            float h = q.grown[n - 1] * k->h[s * k->width + p];
            for (int64_t j = 0; j < n; j++)
                h += k->b[j * a->bc_stride + s] *
                     (q.left[j] * k->x[j * a->x_stride + p]);
            k->h[s * k->width + p] = h;
        }
    }
}
//@ end scan-chunk

void scan_heads_chunked(const ScanArgs *a, int64_t from, int64_t to)
{
    for (int64_t t = 0; t < a->n_tok; t += SCAN_CHUNK)
        for (int64_t i = from; i < to; i++) {
            Head k = head_at(a, i, t);
            chunk(a, &k, a->n_tok - t < SCAN_CHUNK ? a->n_tok - t : SCAN_CHUNK);
        }
}
