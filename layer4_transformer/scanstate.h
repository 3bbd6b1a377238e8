/* scanstate.h: what one layer of a state-space model remembers of one sequence, and the union of all
 * memories.
 *
 * Attention keeps something of every token; a scan folds all tokens into a state of fixed size, whatever
 * the length: the last inputs of the convolution, and the numbers that the recurrence carries. What is
 * folded in cannot be taken out again. So going back needs a copy: the state can return to where it was
 * saved, or to the beginning, and nowhere else.
 *
 * Interface: scan_flat lays a state over memory of scan_flat_bytes; the memory belongs to the caller and
 * scan_clear makes it ready. One call at a time per state. */
#ifndef SIXFOLD_SCANSTATE_H
#define SIXFOLD_SCANSTATE_H

#include "kvview.h"

/* Which recurrence: none (attention), each channel with decays of its own (Mamba), or one decay per
 * head and token (Mamba-2). */
typedef enum { SSM_NONE, SSM_CHANNELS, SSM_HEADS } SsmKind;

typedef struct SsmSpec {
    SsmKind kind;
    int d_conv;         /* taps of the convolution */
    int d_state;        /* numbers that a channel carries */
    int64_t d_inner;    /* channels */
    int64_t dt_rank;    /* CHANNELS: width of what step sizes are computed from */
    int n_head, n_group; /* HEADS: d_inner / n_head channels share a decay; heads of a group share B, C */
    bool norm_dt_bc;    /* CHANNELS: step sizes, B and C are RMS-normalised */
    float dt_bc_eps;    /* with this epsilon, 0: that of the block's norms */
} SsmSpec;

/* Channels that go through the convolution. */
int64_t ssm_conv_channels(const SsmSpec *s);

typedef struct ScanState {
    int64_t *n_seen;    /* tokens that are folded in */
    int64_t *n_saved;   /* the same of the saved copy; -1: there is none */
    float *conv;        /* [d_conv - 1, ssm_conv_channels] the last inputs, oldest first */
    float *h;           /* [d_state, d_inner], or by head [n_head, d_state, d_inner / n_head] */
    float *saved;       /* [n_floats] a copy of both */
    int64_t n_floats;   /* of conv and h, which stand together */
} ScanState;

/* Bytes of one layer's state with its saved copy. */
int64_t scan_flat_bytes(const SsmSpec *s);
ScanState scan_flat(void *memory, const SsmSpec *s);

/* No tokens, nothing saved. */
void scan_clear(const ScanState *s);

/* Remembers the present state; what was saved before is lost. */
void scan_save(const ScanState *s);

/* Whether the state after the first n tokens can be had: n is 0, n_seen or n_saved. scan_keep goes back
 * to it (CHECKed); a copy that was saved later is forgotten. */
bool scan_can_keep(const ScanState *s, int64_t n);
void scan_keep(const ScanState *s, int64_t n);

/* dst becomes the state that src had after n tokens (scan_can_keep, CHECKed; same sizes). */
void scan_copy(const ScanState *dst, const ScanState *src, int64_t n);

/* What one layer of one sequence remembers: keys and values, or a state. */
typedef struct SeqState {
    KvView kv;       /* k NULL: none */
    ScanState scan;  /* h NULL: none */
} SeqState;

#endif
