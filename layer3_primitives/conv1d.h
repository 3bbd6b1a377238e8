/* conv1d.h: each channel mixes its last few values: a causal, depth-wise convolution over time.
 *
 *   y_t[i] = bias[i] + sum_{k < K} w[k][i] x_{t - K + 1 + k}[i]        K = d_conv taps, the last one on x_t
 *
 * What came before the call's first token is in the window [K - 1, n_chan], oldest first; zeros at the
 * beginning of a sequence. The call leaves the last K - 1 values there, so a sequence may be cut into
 * calls anywhere: the bits are the same.
 *
 * Interface: a call computes channels [from, to) of all tokens and updates their part of the window;
 * different channels may be computed concurrently. x and y do not overlap. d_conv 1 needs no window.
 * Source: Gu and Dao 2023, figure 3. */
#ifndef SIXFOLD_CONV1D_H
#define SIXFOLD_CONV1D_H

#include <stdint.h>

typedef struct {
    float *y;           /* [n_tok, y_stride] */
    const float *x;     /* [n_tok, x_stride] */
    int64_t y_stride, x_stride;
    float *window;      /* [d_conv - 1, n_chan] */
    const float *w;     /* [d_conv, n_chan]: files have it the other way round */
    const float *bias;  /* [n_chan] or NULL */
    int64_t n_chan, n_tok;
    int d_conv;
} Conv1dArgs;

typedef void conv1d_fn(const Conv1dArgs *a, int64_t from, int64_t to);
extern conv1d_fn *conv1d;

#endif
