/* small_model.h: a small llama out of a GGUF file, wired by hand: layer 1 reads the file, layers 3 and 4
 * compute, and every head's attention is kept. For demos and tests of this layer; the general way from
 * a file to a model is layer 5.
 *
 * The files are ours and in the program, so what is wrong with them is our own mistake: CHECK. */
#ifndef SIXFOLD_SMALL_MODEL_H
#define SIXFOLD_SMALL_MODEL_H

#include "layer4.h"

#include <math.h>
#include <stdio.h>

enum { SMALL_MAX_TOK = 96 };

typedef struct {
    Gguf file;
    BlockSpec spec;
    int n_layer, n_vocab;
    Str *vocab;         /* [n_vocab] token strings as the file spells them */
    int n;              /* tokens of the last small_forward */
    float *maps;        /* [n_layer, n_head, n, n] what each head looked at in it */
    float *x, *angles;  /* [SMALL_MAX_TOK, d_model], [SMALL_MAX_TOK, n_rot] */
    char *scratch, *cache;
    int64_t scratch_bytes;
    Arena arena;
} SmallModel;

static inline int64_t small_int(const SmallModel *m, const char *key)
{
    int64_t v = -1;
    Err err;
    CHECK(gguf_get_int(&m->file, key, 1, 1 << 20, &v, &err) == OK && v > 0, "no number %s", key);
    return v;
}

static inline float small_real(const SmallModel *m, const char *key)
{
    float v = NAN;
    Err err;
    CHECK(gguf_get_f32(&m->file, key, &v, &err) == OK && v == v, "no number %s", key);
    return v;
}

/* A tensor of a layer, or of none with layer -1; zeroed if it is not there. */
static inline Tensor small_find(const SmallModel *m, int layer, const char *name)
{
    char full[64], blk[16] = "";
    if (layer >= 0) snprintf(blk, sizeof blk, "blk.%d.", layer);
    snprintf(full, sizeof full, "%s%s.weight", blk, name);
    const GgufTensor *t = gguf_tensor(&m->file, full);
    return t ? t->view : (Tensor){0};
}

static inline Tensor small_tensor(const SmallModel *m, int layer, const char *name)
{
    Tensor t = small_find(m, layer, name);
    CHECK(t.data, "layer %d has no %s", layer, name);
    return t;
}

static inline void small_open(SmallModel *m, const void *data, size_t n_bytes)
{
    *m = (SmallModel){0};
    Err err;
    CHECK(gguf_open_memory(&m->file, data, n_bytes, &err) == OK, "%s", err.text);
    BlockSpec *s = &m->spec;
    *s = (BlockSpec){.d_model = small_int(m, "llama.embedding_length"),
                     .d_ff = small_int(m, "llama.feed_forward_length"),
                     .n_head = (int)small_int(m, "llama.attention.head_count"),
                     .n_kv_head = (int)small_int(m, "llama.attention.head_count_kv"),
                     .norm_eps = small_real(m, "llama.attention.layer_norm_rms_epsilon"),
                     .gated = true, .act = ACT_SILU, .rope = ROPE_INTERLEAVED,
                     .rope_base = small_real(m, "llama.rope.freq_base"), .rope_freq_scale = 1};
    s->d_k = s->d_v = s->n_rot = (int)(s->d_model / s->n_head);
    s->attn_scale = 1 / sqrtf((float)s->d_k);
    m->n_layer = (int)small_int(m, "llama.block_count");
    const GgufKv *tokens = gguf_find(&m->file, "tokenizer.ggml.tokens");
    CHECK(tokens, "the file has no tokens");
    m->n_vocab = (int)tokens->count;
    m->vocab = ARENA_NEW(&m->arena, Str, m->n_vocab);
    GgufStrings it = gguf_strings(tokens);
    for (int i = 0; i < m->n_vocab; i++) gguf_next_string(&it, &m->vocab[i]);
    int64_t n = SMALL_MAX_TOK, n_maps = (int64_t)m->n_layer * s->n_head;
    m->maps = ARENA_NEW(&m->arena, float, n_maps * n * n);
    m->x = ARENA_NEW(&m->arena, float, n * s->d_model);
    m->angles = ARENA_NEW(&m->arena, float, n * s->n_rot);
    m->scratch_bytes = block_scratch_bytes(s, n, n, 1);
    m->scratch = arena_alloc(&m->arena, m->scratch_bytes, 1);
    m->cache = arena_alloc(&m->arena, kv_flat_bytes(DT_F32, DT_F32, n, s->n_kv_head, s->d_k, s->d_v), 1);
    CHECK(m->maps && m->x && m->angles && m->scratch && m->cache, "no memory for a small model");
}

static inline void small_close(SmallModel *m)
{
    gguf_close(&m->file);
    arena_close(&m->arena);
}

/* The id of a word: in the file it begins with U+2581, the mark of a blank. */
/* The number of a token, spelled as in the file. */
static inline int32_t small_token(const SmallModel *m, const char *text)
{
    for (int i = 0; i < m->n_vocab; i++)
        if (str_is(m->vocab[i], text)) return i;
    CHECK(false, "no token '%s' in the file", text);
    return -1;
}

static inline int32_t small_word(const SmallModel *m, const char *word)
{
    char full[32];
    snprintf(full, sizeof full, "\u2581%s", word);
    return small_token(m, full);
}

static inline float *small_map(const SmallModel *m, int layer, int head)
{
    return m->maps + (int64_t)(layer * m->spec.n_head + head) * m->n * m->n;
}

/* What block_forward shows after RoPE and storing: the queries, and the keys in the cache. */
static inline void small_look(void *ctx, int layer, const AttentionArgs *a)
{
    for (int h = 0; h < a->n_head; h++) attention_map(a, h, small_map(ctx, layer, h));
}

/* Embedding, blocks, norm, output matrix. logits [n_vocab]: of what follows the n ids; NULL for the maps
 * alone. */
static inline void small_forward(SmallModel *m, float *logits, const int32_t *ids, int n)
{
    const BlockSpec *s = &m->spec;
    Tensor embd = small_tensor(m, -1, "token_embd");
    Tensor head = small_find(m, -1, "output");
    CHECK(n > 0 && n <= SMALL_MAX_TOK, "%d tokens", n);
    m->n = n;
    embed_lookup(m->x, &embd, ids, n);
    for (int t = 0; t < n; t++)
        rope_angles(m->angles + t * s->n_rot, t, s->n_rot, s->rope_base, 1, NULL);
    //@ begin small-blocks
    for (int l = 0; l < m->n_layer; l++) {
        BlockContext c = {.scratch = m->scratch,
                          .scratch_bytes = m->scratch_bytes, .layer = l,
                          .rope_table = {m->angles},
                          .tap = small_look, .tap_ctx = m};
        BlockWeights w = {.attn_norm.gain = small_tensor(m, l, "attn_norm").data,
                          .q.w = small_tensor(m, l, "attn_q"),
                          .k.w = small_tensor(m, l, "attn_k"),
                          .v.w = small_tensor(m, l, "attn_v"),
                          .o.w = small_tensor(m, l, "attn_output"),
                          .ffn_norm.gain = small_tensor(m, l, "ffn_norm").data,
                          .gate.w = small_tensor(m, l, "ffn_gate"),
                          .up.w = small_tensor(m, l, "ffn_up"),
                          .down.w = small_tensor(m, l, "ffn_down")};
        KvView kv = kv_flat(m->cache, DT_F32, DT_F32, n, s->n_kv_head,
                            s->d_k, s->d_v);
        block_forward(s, &w, &c, m->x, n, &(BlockRun){.n = n, .kv = &kv}, 1);
    }
    //@ end small-blocks
    if (!logits) return;
    float *last = m->x + (n - 1) * s->d_model;
    block_norm(s, &(NormWeights){small_tensor(m, -1, "output_norm").data, NULL},
               last, last, 1);
    /* Without an output matrix of its own, the embedding serves. */
    linear(NULL, m->scratch, logits, head.data ? &head : &embd, NULL, last, 1);
}

#endif
