/* scan.h: a recurrence that reads its own coefficients from the text: the heart of state-space models.
 *
 *   h_t = exp(dt_t a) h_{t-1} + dt_t B_t x_t        what is forgotten, what is written
 *   y_t = C_t h_t + d x_t                           what is read
 *
 * Every channel of x carries d_state numbers h. dt, B and C are computed from the token: a small step dt
 * keeps the state and ignores the token, a large one does the opposite. Two families:
 *
 * op "scan_channels" (Mamba): each channel i has its own step dt_t[i] and each of its numbers s its own
 *   rate a[s][i]; all channels share B_t, C_t [d_state].
 *     sequential  token after token, the whole state each time: the formula
 *     blocked     channel after channel, all tokens of it: the state stays in registers
 * op "scan_heads" (Mamba-2): the d_head channels of a head share one step and one rate, and the heads of a
 *   group share B_t, C_t.
 *     sequential  token after token
 *     chunked     SCAN_CHUNK tokens at once. With the sums L_t = sum_{j <= t} dt_j a inside a chunk,
 *                   y_t = sum_{j <= t} (C_t . B_j) exp(L_t - L_j) dt_j x_j + exp(L_t) C_t h_0 + d x_t
 *                 attention without softmax inside a chunk, a state between chunks: matrix products
 * Each also in SIMD. All variants of an op agree to rounding; those of scan_channels share their order.
 *
 * Interface: a call computes channels (or heads) [from, to) of all tokens; different ones may be computed
 * concurrently. h is read and left for the next call. y overlaps nothing. No allocation, no failure; an
 * infinity or NaN stays in its channel or head.
 * Source: Gu and Dao 2023, algorithm 2; Dao and Gu 2024, section 6. */
#ifndef SIXFOLD_SCAN_H
#define SIXFOLD_SCAN_H

#include <stdint.h>

enum { SCAN_CHUNK = 32 };

typedef struct {
    float *y;             /* [n_tok, d_inner] */
    const float *x;       /* [n_tok, x_stride] */
    const float *dt;      /* [n_tok, d_inner], or by head [n_tok, n_head]: positive */
    const float *b, *c;   /* [n_tok, bc_stride]: d_state numbers, for each group */
    const float *a;       /* [d_state, d_inner], or by head [n_head]: negative */
    const float *d;       /* [d_inner], or by head [n_head] */
    float *h;             /* [d_state, d_inner], or by head [n_head, d_state, d_head] */
    int64_t x_stride, bc_stride;
    int64_t d_inner, n_tok;
    int d_state;
    int n_head, n_group;  /* scan_heads only; d_head = d_inner / n_head */
} ScanArgs;

typedef void scan_fn(const ScanArgs *a, int64_t from, int64_t to);
extern scan_fn *scan_channels, *scan_heads;

#endif
