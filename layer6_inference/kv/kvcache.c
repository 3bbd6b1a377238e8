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
    c->base = c->memory + (64 - (uintptr_t)c->memory % 64);
    return OK;
}

void kvcache_close(KvCache *c)
{
    mem_free(c->memory);
    *c = (KvCache){0};
}

KvView kvcache_view(const KvCache *c, int seq, int layer)
{
    CHECK(seq >= 0 && seq < c->n_seq && layer >= 0 && layer < c->model->hp.n_layer,
          "sequence %d of %d, layer %d", seq, c->n_seq, layer);
    int64_t index = (int64_t)seq * c->model->hp.n_layer + layer;
    return block_kv(&c->model->layers[layer], c->base + index * c->layer_bytes, c->type_k, c->type_v,
                    c->n_ctx);
}

static KvView lookup(void *ctx, int seq, int layer) { return kvcache_view(ctx, seq, layer); }

KvSource kvcache_source(KvCache *c) { return (KvSource){lookup, c}; }
