/* kvview.h: what one layer of one sequence remembers, seen as pointers and strides.
 *
 * Layer 4 only ever reads and writes through this view; who owns the memory and how it is arranged is
 * decided above. Position p of kv head g is at  k + p * k_pos + g * k_head  (bytes), d_k elements.
 *
 * Interface: type_k and type_v are DT_F32 or DT_F16. Positions 0 .. n_ctx - 1 are addressable. The
 * flat form [n_kv_head][n_ctx][d] keeps the keys of a head contiguous, so that attention streams
 * through them; kv_flat() describes it. */
#ifndef SIXFOLD_KVVIEW_H
#define SIXFOLD_KVVIEW_H

#include "dtype.h"

typedef struct KvView {
    DType type_k, type_v;
    char *k, *v;            /* head 0, position 0 */
    int64_t k_pos, k_head;  /* bytes between positions, between heads */
    int64_t v_pos, v_head;
    int64_t n_ctx;          /* positions */
    int n_kv_head, d_k, d_v;
} KvView;

/* Bytes of one layer of a flat cache (values begin at a multiple of 64). */
int64_t kv_flat_bytes(DType type_k, DType type_v, int64_t n_ctx, int n_kv_head, int d_k, int d_v);

/* View of such memory: keys of all heads, then values. */
KvView kv_flat(void *memory, DType type_k, DType type_v, int64_t n_ctx, int n_kv_head, int d_k,
               int d_v);

/* The same where the value of a position is the first d_v <= d_k numbers of its key: stored once. */
int64_t kv_flat_shared_bytes(DType type, int64_t n_ctx, int n_kv_head, int d_k);
KvView kv_flat_shared(void *memory, DType type, int64_t n_ctx, int n_kv_head, int d_k, int d_v);

/* Stores k [n_kv_head, d_k] and v [n_kv_head, d_v] at position pos (CHECKed), converting. */
void kv_store(const KvView *kv, int64_t pos, const float *k, const float *v);

/* Copies positions [0, n) of src to dst (same shapes; types may differ only if equal, CHECKed). */
void kv_copy(const KvView *dst, const KvView *src, int64_t n);

/* One key or value vector as f32, for tests, traces and naive twins. */
void kv_load_k(float *out, const KvView *kv, int head, int64_t pos);
void kv_load_v(float *out, const KvView *kv, int head, int64_t pos);

#endif
