/* weights.h: tensors of a file bound to their places in a model, every shape checked.
 *
 * Names follow the GGUF convention: token_embd.weight, blk.N.attn_q.weight, ..., output.weight.
 *
 * Interface: weights_bind fills w; tensors are views into the Gguf's mapping (zero copy). A missing
 * tensor, a wrong shape or a type we cannot compute with is an error that names the tensor, what was
 * found and what is expected. output falls back to token_embd when absent (tied embedding). */
#ifndef SIXFOLD_WEIGHTS_H
#define SIXFOLD_WEIGHTS_H

#include "arch.h"

typedef struct Weights {
    Tensor token_embd;        /* [d_model, n_vocab] */
    NormWeights output_norm;
    Affine output;            /* [d_model, n_vocab] */
    BlockWeights *blocks;     /* [n_layer] */
    const float *rope_factors;/* [n_rot / 2] or NULL (rope_freqs.weight) */
    int64_t bytes;            /* of all bound tensors, once each */
    int64_t n_params;
} Weights;

Status weights_bind(Weights *w, Arena *a, const Gguf *g, const Hparams *h, const BlockSpec *s,
                    Err *err);

#endif
