/* kvcache.c: one block of memory, cut by arithmetic into sequences and layers. */
#include "kvcache.h"

int64_t kvcache_plan(const Model *m, DType type_k, DType type_v, int64_t n_ctx, int n_seq)
{
    /* n_ctx and head shapes are bounded (2^31, 2^20), so one layer cannot overflow. */
    if (n_ctx < 1 || n_ctx > INT32_MAX || n_seq < 1) return -1;
    int64_t layer = 0, total;
    for (int64_t l = 0; l < m->hp.n_layer; l++) {
        int64_t bytes = block_kv_bytes(&m->layers[l], type_k, type_v, n_ctx);
        if (bytes > layer) layer = bytes;
    }
    if (__builtin_mul_overflow(layer, m->hp.n_layer * n_seq, &total)) return -1;
    return total;
}

Status kvcache_open(KvCache *c, const Model *m, DType type_k, DType type_v, int64_t n_ctx, int n_seq,
                    Err *err)
{
    *c = (KvCache){.model = m, .type_k = type_k, .type_v = type_v, .n_ctx = n_ctx, .n_seq = n_seq};
    c->bytes = kvcache_plan(m, type_k, type_v, n_ctx, n_seq);
    if (c->bytes < 0)
        return fail(err, E_MEMORY, "a KV cache for %lld tokens overflows. HINT: lower -c",
                    (long long)n_ctx);
    c->layer_bytes = c->bytes / (m->hp.n_layer * n_seq);
    c->memory = mem_alloc((size_t)c->bytes + 64);
    if (!c->memory)
        return fail(err, E_MEMORY, "no memory for a KV cache of %.1f MiB (%lld tokens). HINT: lower -c "
                    "or use -ctk f16 -ctv f16", (double)c->bytes / 1048576.0, (long long)n_ctx);
    nodes_spread(c->memory, (size_t)c->bytes);
    c->base = c->memory + (64 - (uintptr_t)c->memory % 64);
    for (int64_t i = 0; i < m->hp.n_layer * n_seq; i++)
        block_state_clear(&m->layers[i % m->hp.n_layer], c->base + i * c->layer_bytes);
    return OK;
}

void kvcache_close(KvCache *c)
{
    mem_free(c->memory);
    *c = (KvCache){0};
}

static char *layer_memory(const KvCache *c, int seq, int layer)
{
    CHECK(seq >= 0 && seq < c->n_seq && layer >= 0 && layer < c->model->hp.n_layer,
          "sequence %d of %d, layer %d", seq, c->n_seq, layer);
    return c->base + ((int64_t)seq * c->model->hp.n_layer + layer) * c->layer_bytes;
}

KvView kvcache_view(const KvCache *c, int seq, int layer)
{
    char *memory = layer_memory(c, seq, layer);
    const BlockSpec *s = &c->model->layers[layer];
    CHECK(!s->ssm.kind, "layer %d scans: it has no keys", layer);
    return block_kv(s, memory, c->type_k, c->type_v, c->n_ctx);
}

ScanState kvcache_scan(const KvCache *c, int seq, int layer)
{
    char *memory = layer_memory(c, seq, layer);
    const BlockSpec *s = &c->model->layers[layer];
    CHECK(s->ssm.kind, "layer %d attends: it has no scan state", layer);
    return scan_flat(memory, &s->ssm);
}

static Status copy_scans(KvCache *c, int to, int from, int64_t n, Err *err)
{
    int n_layer = (int)c->model->hp.n_layer;
    for (int l = 0; l < n_layer; l++) {
        ScanState s = kvcache_scan(c, from, l);
        if (!scan_can_keep(&s, n))
            return fail(err, E_LIMIT, "the first %lld of %lld tokens: a state-space model has only the "
                        "states of 0, %lld and %lld. HINT: take one of them and feed the rest again",
                        (long long)n, (long long)*s.n_seen,
                        (long long)(*s.n_saved < 0 ? 0 : *s.n_saved), (long long)*s.n_seen);
    }
    for (int l = 0; l < n_layer; l++) {
        ScanState a = kvcache_scan(c, from, l), b = kvcache_scan(c, to, l);
        if (to == from) scan_keep(&a, n);
        else scan_copy(&b, &a, n);
    }
    return OK;
}

Status kvcache_copy(KvCache *c, int to, int from, int64_t n, Err *err)
{
    if (n < 0 || n > c->n_ctx)
        return fail(err, E_LIMIT, "the first %lld tokens of a cache of %lld. HINT: raise it with -c",
                    (long long)n, (long long)c->n_ctx);
    if (c->model->spec.ssm.kind) return copy_scans(c, to, from, n, err);
    for (int l = 0; to != from && l < (int)c->model->hp.n_layer; l++) {
        KvView a = kvcache_view(c, from, l), b = kvcache_view(c, to, l);
        kv_copy(&b, &a, n);
    }
    return OK;
}

static bool all_can_keep(const KvCache *c, int seq, int64_t n)
{
    for (int l = 0; l < (int)c->model->hp.n_layer; l++) {
        ScanState s = kvcache_scan(c, seq, l);
        if (!scan_can_keep(&s, n)) return false;
    }
    return true;
}

int64_t kvcache_prefix(const KvCache *c, int seq, int64_t n)
{
    if (!c->model->spec.ssm.kind) return n;
    /* What all layers have, one of them has: seen before saved, which is never later. */
    ScanState s = kvcache_scan(c, seq, 0);
    if (*s.n_seen <= n && all_can_keep(c, seq, *s.n_seen)) return *s.n_seen;
    if (*s.n_saved <= n && all_can_keep(c, seq, *s.n_saved)) return *s.n_saved;
    return 0;
}

static SeqState lookup(void *ctx, int seq, int layer)
{
    const KvCache *c = ctx;
    char *memory = layer_memory(c, seq, layer);
    return block_state(&c->model->layers[layer], memory, c->type_k, c->type_v, c->n_ctx);
}

KvSource kvcache_source(KvCache *c) { return (KvSource){lookup, c}; }
