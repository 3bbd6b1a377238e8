/* quant_mix_impl.h: between the rules (quant_mix.c) and those who apply them (quant_plan.c). */
#ifndef SIXFOLD_QUANT_MIX_IMPL_H
#define SIXFOLD_QUANT_MIX_IMPL_H

#include "quant_mix.h"

typedef enum {
    KIND_OTHER, KIND_V, KIND_K, KIND_Q, KIND_OUT, KIND_DOWN, KIND_GATE_UP, KIND_EMBD, KIND_OUTPUT
} TensorKind;

/* What the rules may ask about the model and one of its tensors. */
typedef struct {
    int64_t n_blocks, n_v;   /* blocks; attn_v tensors */
    int64_t gqa, n_expert;   /* query heads per key head; experts */
    bool llama, falcon, importance;
} MixModel;

typedef struct {
    TensorKind kind;
    int64_t number;   /* running number among tensors of its kind, or its block */
    const int64_t *ne;
} MixTensor;

DType quant_mix_type(const QuantMix *mix, const MixModel *m, const MixTensor *t);

/* The patterns of --tensor-type, compiled (quant_override.c). */
typedef struct QuantMatcher QuantMatcher;
Status quant_matcher_open(QuantMatcher **m, const QuantOverride *list, int n, Err *err);
/* Position of the first pattern that matches name; -1 if none does. */
Status quant_matcher_find(QuantMatcher *m, Str name, int *which, Err *err);
void quant_matcher_close(QuantMatcher *m); /* NULL is fine */

/* The type that replaces `type` for rows of n numbers; type itself if they are whole blocks. */
DType quant_mix_fallback(DType type, int64_t n);

#endif
