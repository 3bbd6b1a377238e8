/* lora.h: adapter files: small changes of a model's matrices, added while it runs.
 *
 *   y = W x + s (alpha / r) B (A x)      s: how strongly, the user's; 1 = as trained (lowrank.h)
 *
 * A GGUF adapter has general.type "adapter", adapter.type "lora", adapter.lora.alpha (0: the factor is s alone),
 * the architecture of its model, and two tensors for each matrix that it changes:
 *
 *   NAME.lora_a [n_in, r], NAME.lora_b [r, n_out]     with experts, one after the other: a third dimension
 *   token_embd.weight: .lora_a [r, n_vocab], .lora_b [r, d_model], so that a token's part is a row of lora_a
 *
 * Interface:
 * - lora_open checks everything against the model's file: that each matrix is there, that both halves are, their
 *   shapes (experts too), ranks, that all numbers are finite. Numbers are kept as f32, whatever the file has. A
 *   Lora is read-only; the Gguf of the model must stay open as long.
 * - "output.weight" may be changed where a model has none of its own (tied): the output changes, the embedding
 *   does not; and the other way round.
 * - session_adapt says which adapters a session adds from now on, and how strongly; none: the model alone. It
 *   belongs to a run, not to the model, so sessions of one model may differ, and it may change between calls of
 *   model_forward. What a cache holds was computed with the adapters of then: clear it, or live with a mixture.
 *   The Loras must live as long as the session uses them. After model_repack, if that is called at all.
 * Source: Hu et al. 2021, arXiv:2106.09685. */
#ifndef SIXFOLD_LORA_H
#define SIXFOLD_LORA_H

#include "model.h"

enum { LORA_MAX_RANK = 8192 };

/* The change of one tensor of the model's file. */
typedef struct {
    char name[64];          /* of that tensor */
    const GgufTensor *base; /* it; for a tied output the embedding */
    int rank;
    int64_t n_in, n_out, n_expert; /* n_expert 1: a matrix */
    const float *a;         /* [n_expert, rank, n_in] */
    const float *b;         /* [n_expert, rank, n_out] */
    float scale;            /* alpha / rank, or 1 */
} LoraPart;

typedef struct Lora {
    const Gguf *base;
    float alpha;
    LoraPart *parts;  /* [n_parts] in the order of the file */
    int64_t n_parts;
    int max_rank;
    int64_t n_params; /* numbers in all A and B */
    int64_t n_norms;  /* gains of norms in the file, which are left out */
    Arena arena;
} Lora;

Status lora_open(Lora *l, const char *path, const Gguf *base, Err *err);
/* data 8-byte aligned; it is not needed afterwards. */
Status lora_open_memory(Lora *l, const void *data, size_t size, const Gguf *base, Err *err);
void lora_close(Lora *l); /* a zeroed one is fine */

const LoraPart *lora_find(const Lora *l, Str name); /* NULL: not changed */

/* Part p for expert e (0 for a matrix) of strength s; the caller sets w and order. */
LowRank lora_low_rank(const LoraPart *p, int64_t e, float s);

/* An adapter and how strongly it is added; 0 leaves it out. */
typedef struct {
    const Lora *lora;
    float scale;
} LoraUse;

Status session_adapt(Session *s, const LoraUse *uses, int n, Err *err);

#endif
