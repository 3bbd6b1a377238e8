/* weights_impl.h: finding tensors by name with their shapes checked. Private to the binding. */
#ifndef SIXFOLD_WEIGHTS_IMPL_H
#define SIXFOLD_WEIGHTS_IMPL_H

#include "weights.h"

typedef struct {
    const Gguf *g;
    Weights *w;
    Err *err;
    Arena *arena; /* for vectors that are laid out anew */
    int layer; /* -1 outside the blocks */
} Binder;

enum { BIND_OPTIONAL = 1, BIND_PLAIN = 2 /* no offset needed */ };

/* All of them: a missing tensor is an error if it is required, otherwise leaves *out empty. */
Status bind_matrix(Binder *b, const char *name, int64_t n_in, int64_t n_out, bool required, Tensor *out);
/* n matrices one after the other in one tensor [n_in, n_out, n]. */
Status bind_matrices(Binder *b, const char *name, int64_t n_in, int64_t n_out, int64_t n, Tensor *out);
Status bind_floats(Binder *b, const char *name, int64_t n, int64_t rows, bool required,
                   const float **out);
/* name without ".weight": gain [n, rows] and, for LayerNorm, an offset. */
Status bind_norm_of(Binder *b, const char *name, NormKind kind, int64_t n, int64_t rows, unsigned how,
                    NormWeights *out);
Status bind_affine(Binder *b, const char *name, int64_t n_in, int64_t n_out, bool required, Affine *out);
Status bind_experts(Binder *b, const char *name, int64_t n_in, int64_t n_out, int64_t n_expert,
                    Experts *out);

const GgufTensor *binder_find(const Binder *b, const char *name);
Affine bind_part(const Affine *whole, int64_t row, int64_t n);

/* The tensors of a state-space block. */
Status bind_ssm(Binder *b, const BlockSpec *s, SsmWeights *w);

/* One block; s->parallel is set if its second norm is optional and absent. */
Status bind_block(Binder *b, const ArchDesc *arch, BlockSpec *s, BlockWeights *w);

#endif
