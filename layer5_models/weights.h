/* weights.h: tensors of a file bound to their places in a model, every shape checked.
 *
 * Names follow the GGUF convention: token_embd.weight, blk.N.attn_q.weight, ..., output.weight.
 *
 * Tensors that hold several matrices one after the other (attn_qkv; phi3's ffn_up with the gate in front)
 * are bound as views of their parts. A tensor x.scale beside x.weight multiplies the products with that
 * matrix, expert by expert if it holds several: files with NVFP4 have such. Where nothing would multiply
 * (the embedding, the parts of latent attention) it must be 1.
 *
 * Interface: weights_bind fills w; tensors are views into the Gguf's mapping (zero copy). A missing
 * tensor, a wrong shape or a type we cannot compute with is an error that names the tensor, what was
 * found and what is expected. output falls back to token_embd when absent (tied embedding). */
#ifndef SIXFOLD_WEIGHTS_H
#define SIXFOLD_WEIGHTS_H

#include "arch.h"

typedef struct Weights {
    Tensor token_embd;        /* [d_model, n_vocab] */
    Tensor position_embd;     /* [d_model, n_ctx_train] or absent */
    Tensor token_types;       /* [d_model, n] or absent */
    NormWeights embd_norm;    /* or absent */
    NormWeights output_norm;  /* absent in encoders */
    Affine output;            /* [d_model, n_vocab]; absent in encoders */
    Affine cls, cls_out;      /* a re-ranking model's classifier: [d_model, d_model] or absent, [d_model, n] */
    BlockWeights *blocks;     /* [n_layer] */
    const float *rope_factors;/* [n_rot / 2] or NULL (rope_freqs.weight) */
    const float *rope_long, *rope_short; /* LongRoPE's, or NULL */
    int64_t bytes;            /* of all bound tensors, once each */
    int64_t n_params;
} Weights;

/* specs [n_layer] describe the blocks; what a file lacks (a second norm) is marked there. */
Status weights_bind(Weights *w, Arena *a, const Gguf *g, const ArchDesc *arch, const Hparams *h,
                    BlockSpec *specs, Err *err);

#endif
