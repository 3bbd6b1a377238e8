/* lora_merge.h: a model file with adapters written into it.
 *
 *   W' = W + sum over the adapters of s (alpha / r) B A      row by row: decode, add, encode
 *
 * What session_adapt adds while a model runs is defined by this: both give the same up to rounding.
 *
 * Interface: the output appears under its name only when it is complete. Tensors that no adapter changes are copied
 * byte for byte, and so is the metadata (a split model becomes one file). Works on any architecture, also for
 * tensors that cannot be changed while a model runs. A matrix that was quantised gets another type: quantising
 * it again would lose more than many adapters change. Where embedding and output are one tensor, of which only one
 * is changed, the output gets a tensor of its own; families that never have one refuse. */
#ifndef SIXFOLD_LORA_MERGE_H
#define SIXFOLD_LORA_MERGE_H

#include "lora.h"

typedef struct {
    int wish; /* a type for the matrices that change; -1: as they are, or F16 if they were quantised */
    bool quiet;
    const volatile int *stop; /* may be NULL */
} LoraMergeParams;

typedef struct {
    int64_t n_tensors, n_changed, bytes;
} LoraMergeStats;

/* The Loras were opened with this base. */
Status lora_merge(const Gguf *base, const LoraUse *uses, int n, const char *out, const LoraMergeParams *p, Pool *pool,
                  LoraMergeStats *stats, Err *err);

#endif
