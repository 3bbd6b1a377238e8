/* kvcache.h: the memory of sequences: keys and values of every layer, or its scan state, in the flat form.
 *
 * For each sequence and layer one contiguous piece [n_kv_head][n_ctx][d] for keys and one for values (or,
 * with latent attention, one for both); where layers differ, each has the room that the largest needs.
 * Positions are written by the forward pass; forgetting the tail of a sequence needs no work, because
 * attention looks only at positions below the query's own. A state-space model has a state of fixed size
 * instead, which can go back to where the last call began (model.h) or to nothing.
 *
 * Interface: kvcache_open allocates everything at once (kvcache_plan says how much, before);
 * kvcache_source is what model_forward wants. Keys and values are not cleared: every position is written
 * before it is read. */
#ifndef SIXFOLD_KVCACHE_H
#define SIXFOLD_KVCACHE_H

#include "layer5.h"

typedef struct KvCache {
    const Model *model;
    DType type_k, type_v; /* DT_F32 or DT_F16 */
    int64_t n_ctx;
    int n_seq;
    char *memory, *base;  /* as allocated; 64-byte aligned */
    int64_t layer_bytes, bytes;
} KvCache;

/* Bytes needed; -1 if the number overflows. */
int64_t kvcache_plan(const Model *m, DType type_k, DType type_v, int64_t n_ctx, int n_seq);

Status kvcache_open(KvCache *c, const Model *m, DType type_k, DType type_v, int64_t n_ctx, int n_seq,
                    Err *err);
void kvcache_close(KvCache *c);
KvView kvcache_view(const KvCache *c, int seq, int layer);
ScanState kvcache_scan(const KvCache *c, int seq, int layer); /* of a state-space model */

/* Sequence `to` becomes the first n tokens of `from`; with to == from the rest is forgotten, with n = 0
 * everything. A state-space model has only some prefixes at hand: E_LIMIT, and nothing has changed. */
Status kvcache_copy(KvCache *c, int to, int from, int64_t n, Err *err);

/* The longest beginning of the sequence, at most n tokens, from which it can go on: n itself, except that a
 * state-space model has only some at hand. */
int64_t kvcache_prefix(const KvCache *c, int seq, int64_t n);

KvSource kvcache_source(KvCache *c);

#endif
