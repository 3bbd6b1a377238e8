/* scan_heads_simd.c: Mamba-2's chunks as register tiles: ROWS results of 2 VF channels each.
 *
 * Everything in a chunk is a product of few coefficients with rows of channels:
 *   C h            rows of the state        from what was before the chunk
 *   m x            rows of x                inside the chunk
 *   B^T (e x)      rows of x, scaled        into the state
 * so one tile function serves all three. C . B is the same for all heads of a group and is computed once
 * for them. One token alone has no chunk: its step reads and writes the state once. */
#include "layer4_kernels.h"
#include "simd.h"

#include <math.h>

enum { ROWS = 4, WIDE = 2 * VF };

/* What belongs to one head; tokens are counted from t0. */
typedef struct {
    const float *x, *dt, *b, *c;
    float *y, *h;
    float a, d;
    int64_t width;
} Head;

SIMD_INLINE Head head_at(const ScanArgs *a, int64_t i, int64_t t0)
{
    int64_t width = a->d_inner / a->n_head, group = i / (a->n_head / a->n_group);
    return (Head){.x = a->x + t0 * a->x_stride + i * width, .dt = a->dt + t0 * a->n_head + i,
                  .b = a->b + t0 * a->bc_stride + group * a->d_state,
                  .c = a->c + t0 * a->bc_stride + group * a->d_state,
                  .y = a->y + t0 * a->d_inner + i * width, .h = a->h + i * a->d_state * width,
                  .a = a->a[i], .d = a->d[i], .width = width};
}

/* 2 VF channels, or the n that are left. */
typedef struct { vf lo, hi; } Pair;

SIMD_INLINE int64_t upper(int64_t n) { return n > VF ? n - VF : 0; }

SIMD_INLINE Pair pair_load(const float *p, int64_t n)
{
    if (n == WIDE) return (Pair){vf_load(p), vf_load(p + VF)};
    Pair x = {vf_load_tail(p, n < VF ? n : VF), vf_zero()};
    if (upper(n)) x.hi = vf_load_tail(p + VF, upper(n));
    return x;
}

SIMD_INLINE void pair_store(float *p, Pair x, int64_t n)
{
    if (n == WIDE) {
        vf_store(p, x.lo);
        vf_store(p + VF, x.hi);
        return;
    }
    vf_store_tail(p, x.lo, n < VF ? n : VF);
    if (upper(n)) vf_store_tail(p + VF, x.hi, upper(n));
}

SIMD_INLINE Pair pair_fma(float k, Pair x, Pair sum)
{
    vf v = vf_set1(k);
    return (Pair){vf_fma(v, x.lo, sum.lo), vf_fma(v, x.hi, sum.hi)};
}

SIMD_INLINE Pair pair_scale(float k, Pair x)
{
    vf v = vf_set1(k);
    return (Pair){v * x.lo, v * x.hi};
}

/* sum[r] += sum_k coef[r * down + k * along] row_k, over n_k rows of n channels. */
SIMD_INLINE void tile(Pair *sum, int n_rows, const float *coef, int64_t down, int64_t along,
                      const float *rows, int64_t stride, int64_t n_k, int64_t n)
{
    for (int64_t k = 0; k < n_k; k++) {
        Pair x = pair_load(rows + k * stride, n);
#pragma GCC unroll 4
        for (int r = 0; r < n_rows; r++) sum[r] = pair_fma(coef[r * down + k * along], x, sum[r]);
    }
}

/* A chunk of one head. */
typedef struct {
    float m[SCAN_CHUNK][SCAN_CHUNK]; /* how much of x_j is in y_t; 0 above the diagonal */
    float grown[SCAN_CHUNK];         /* exp(L_t) */
    float left[SCAN_CHUNK];          /* exp(L_last - L_j) dt_j */
} Chunk;

/* C_t . B_j of a group; 0 above the diagonal. */
SIMD_INLINE void matches(const ScanArgs *a, const Head *k, int64_t n,
                         float match[SCAN_CHUNK][SCAN_CHUNK])
{
    int64_t S = a->d_state;
    for (int64_t t = 0; t < n; t++)
        for (int64_t j = 0; j < SCAN_CHUNK; j++) {
            const float *c = k->c + t * a->bc_stride, *b = k->b + j * a->bc_stride;
            vf sum = vf_zero();
            int64_t s = 0;
            match[t][j] = 0;
            if (j > t) continue;
            for (; s + VF <= S; s += VF) sum = vf_fma(vf_load(c + s), vf_load(b + s), sum);
            if (s < S) sum = vf_fma(vf_load_tail(c + s, S - s), vf_load_tail(b + s, S - s), sum);
            match[t][j] = vf_sum(sum);
        }
}

/* 1. Who affects whom in this chunk, and how far the decay has come. */
SIMD_INLINE void chunk_matrix(const ScanArgs *a, const Head *k, int64_t n,
                              float match[SCAN_CHUNK][SCAN_CHUNK], Chunk *to)
{
    float sums[SCAN_CHUNK] = {0}, dt[SCAN_CHUNK] = {0}, sum = 0;
    for (int64_t t = 0; t < n; t++) {
        dt[t] = k->dt[t * a->n_head];
        sums[t] = sum += dt[t] * k->a;
    }
    vf none = vf_zero();
    for (int64_t t = 0; t < n; t++)
        for (int64_t j = 0; j < SCAN_CHUNK; j += VF) {
            vf fall = vf_exp(vf_set1(sums[t]) - vf_load(sums + j));
            vf m = vf_load(match[t] + j) * fall * vf_load(dt + j);
            /* Above the diagonal the difference is positive and the power perhaps infinite. */
            vf_store(to->m[t] + j, vf_select(vi_first(t + 1 - j), m, none));
        }
    for (int64_t j = 0; j < SCAN_CHUNK; j += VF) {
        vf_store(to->grown + j, vf_exp(vf_load(sums + j)));
        vf_store(to->left + j, vf_exp(vf_set1(sum) - vf_load(sums + j)) * vf_load(dt + j));
    }
}

/* 2. Results of tokens [t, t + n_rows), n channels from p on. */
SIMD_INLINE void results(const ScanArgs *a, const Head *k, const Chunk *q, int64_t t, int n_rows,
                         int64_t p, int64_t n)
{
    Pair sum[ROWS] = {{vf_zero(), vf_zero()}};
    tile(sum, n_rows, k->c + t * a->bc_stride, a->bc_stride, 1, k->h + p, k->width, a->d_state, n);
#pragma GCC unroll 4
    for (int r = 0; r < n_rows; r++) {
        Pair x = pair_load(k->x + (t + r) * a->x_stride + p, n);
        sum[r] = pair_fma(k->d, x, pair_scale(q->grown[t + r], sum[r]));
    }
    tile(sum, n_rows, q->m[t], SCAN_CHUNK, 1, k->x + p, a->x_stride, t + n_rows, n);
#pragma GCC unroll 4
    for (int r = 0; r < n_rows; r++) pair_store(k->y + (t + r) * a->d_inner + p, sum[r], n);
}

/* 3. Rows [s, s + n_rows) of the state after the chunk; scaled [n_tok, WIDE]. */
SIMD_INLINE void state(const ScanArgs *a, const Head *k, float keep, const float *scaled,
                       int64_t n_tok, int64_t s, int n_rows, int64_t p, int64_t n)
{
    Pair sum[ROWS];
#pragma GCC unroll 4
    for (int r = 0; r < n_rows; r++)
        sum[r] = pair_scale(keep, pair_load(k->h + (s + r) * k->width + p, n));
    tile(sum, n_rows, k->b + s, 1, a->bc_stride, scaled, WIDE, n_tok, WIDE);
#pragma GCC unroll 4
    for (int r = 0; r < n_rows; r++) pair_store(k->h + (s + r) * k->width + p, sum[r], n);
}

/* n_tok tokens, n channels from p on. */
SIMD_INLINE void columns(const ScanArgs *a, const Head *k, const Chunk *q, int64_t n_tok, int64_t p,
                         int64_t n)
{
    float scaled[SCAN_CHUNK * WIDE];
    int64_t t = 0, s = 0;
    for (; t + ROWS <= n_tok; t += ROWS) results(a, k, q, t, ROWS, p, n);
    for (; t < n_tok; t++) results(a, k, q, t, 1, p, n);
    for (t = 0; t < n_tok; t++)
        pair_store(scaled + t * WIDE, pair_scale(q->left[t], pair_load(k->x + t * a->x_stride + p, n)),
                   WIDE);
    float keep = q->grown[n_tok - 1];
    for (; s + ROWS <= a->d_state; s += ROWS) state(a, k, keep, scaled, n_tok, s, ROWS, p, n);
    for (; s < a->d_state; s++) state(a, k, keep, scaled, n_tok, s, 1, p, n);
}

static void chunk(const ScanArgs *a, const Head *k, float match[SCAN_CHUNK][SCAN_CHUNK], int64_t n)
{
    Chunk q;
    chunk_matrix(a, k, n, match, &q);
    int64_t p = 0;
    for (; p + WIDE <= k->width; p += WIDE) columns(a, k, &q, n, p, WIDE);
    if (p < k->width) columns(a, k, &q, n, p, k->width - p);
}

/* One token, n channels from p on. */
SIMD_INLINE void step(const ScanArgs *a, const Head *k, float keep, int64_t p, int64_t n)
{
    Pair x = pair_load(k->x + p, n), y = pair_scale(k->d, x), write = pair_scale(k->dt[0], x);
    for (int64_t s = 0; s < a->d_state; s++) {
        float *at = k->h + s * k->width + p;
        Pair h = pair_fma(k->b[s], write, pair_scale(keep, pair_load(at, n)));
        y = pair_fma(k->c[s], h, y);
        pair_store(at, h, n);
    }
    pair_store(k->y + p, y, n);
}

static void one_token(const ScanArgs *a, const Head *k)
{
    float keep = expf(k->dt[0] * k->a);
    int64_t p = 0;
    for (; p + WIDE <= k->width; p += WIDE) step(a, k, keep, p, WIDE);
    if (p < k->width) step(a, k, keep, p, k->width - p);
}

void SIMD_FN(scan_heads)(const ScanArgs *a, int64_t from, int64_t to)
{
    float match[SCAN_CHUNK][SCAN_CHUNK];
    int64_t per_group = a->n_head / a->n_group;
    for (int64_t t = 0; t < a->n_tok; t += SCAN_CHUNK) {
        int64_t n = a->n_tok - t < SCAN_CHUNK ? a->n_tok - t : SCAN_CHUNK;
        for (int64_t i = from; i < to; i++) {
            Head k = head_at(a, i, t);
            if (n == 1) {
                one_token(a, &k);
                continue;
            }
            if (i == from || i % per_group == 0) matches(a, &k, n, match);
            chunk(a, &k, match, n);
        }
    }
}
