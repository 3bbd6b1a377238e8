/* lora_bytes.h: adapters of random numbers for the model of MODEL_SHAPE, right ones and wrong ones. Include it after
 * cmocka.h. */
#ifndef SIXFOLD_TESTS_LORA_BYTES_H
#define SIXFOLD_TESTS_LORA_BYTES_H

#include "model_bytes.h"

#include <string.h>

/* Pairs of random numbers for the model of MODEL_SHAPE; what is wrong is one of these. */
typedef struct {
    const char *type, *kind, *arch; /* NULL: as it should be */
    float alpha;
    int rank;
    DType number;
    const char *omit, *extra;       /* a tensor that is left out, or is there besides */
    const char *odd;                /* a tensor of this shape */
    int64_t odd_ne[3];
    const char *poisoned;           /* a tensor that holds a NaN */
    bool tail;                      /* aLoRA */
} AdapterShape;

static MB_UNUSED void put_half(ModelBytes *m, const AdapterShape *s, const char *name, int64_t n0, int64_t n1)
{
    if (s->omit && strcmp(s->omit, name) == 0) return;
    if (s->odd && strcmp(s->odd, name) == 0) {
        int64_t n = s->odd_ne[0] * s->odd_ne[1] * s->odd_ne[2];
        gb_pad(&m->data, 32);
        gb_tensor(&m->infos, name, 3, s->odd_ne, DT_F32, m->data.len);
        m->n_tensors++;
        gb_zeros(&m->data, (size_t)n * 4);
        return;
    }
    mb_tensor(m, name, n0, n1, s->number, 0, 0.3f);
    uint32_t nan_bits = 0x7FC00000;
    if (s->poisoned && strcmp(s->poisoned, name) == 0) memcpy(m->data.data + m->data.len - 4, &nan_bits, 4);
}

static MB_UNUSED Buf adapter(const AdapterShape *s, uint64_t seed)
{
    ModelShape shape = MODEL_SHAPE;
    ModelBytes m = {.s = shape, .rng = rng_seed(seed)};
    int64_t d = shape.d_model;
    const struct { const char *name; int64_t n0, n1; } parts[] = {
        {"blk.0.attn_q.weight", d, d}, {"blk.1.attn_v.weight", d, d / 2}, {"blk.1.ffn_down.weight", shape.d_ff, d},
        {"output.weight", d, shape.n_vocab}};
    gb_header(&m.b, 3, 0, 0);
    gb_kv_str(&m.b, "general.type", s->type ? s->type : "adapter");
    gb_kv_str(&m.b, "general.architecture", s->arch ? s->arch : "llama");
    gb_kv_str(&m.b, "adapter.type", s->kind ? s->kind : "lora");
    gb_key(&m.b, "adapter.lora.alpha", GGUF_F32);
    gb_f32(&m.b, s->alpha);
    m.n_kv = 4;
    if (s->tail) {
        gb_array(&m.b, "adapter.alora.invocation_tokens", GGUF_U32, 1);
        gb_u32(&m.b, 5);
        m.n_kv++;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char a[64], b[64];
        snprintf(a, sizeof a, "%s.lora_a", parts[i].name);
        snprintf(b, sizeof b, "%s.lora_b", parts[i].name);
        put_half(&m, s, a, parts[i].n0, s->rank);
        put_half(&m, s, b, s->rank, parts[i].n1);
    }
    put_half(&m, s, "token_embd.weight.lora_a", s->rank, shape.n_vocab);
    put_half(&m, s, "token_embd.weight.lora_b", s->rank, d);
    if (s->extra) mb_tensor(&m, s->extra, d, 0, DT_F32, 1, 0.1f);
    memcpy(m.b.data + 8, &m.n_tensors, 8);
    memcpy(m.b.data + 16, &m.n_kv, 8);
    gb_bytes(&m.b, m.infos.data, m.infos.len);
    gb_pad(&m.b, 32);
    gb_bytes(&m.b, m.data.data, m.data.len);
    buf_close(&m.infos);
    buf_close(&m.data);
    return m.b;
}

#define ADAPTER (AdapterShape){.alpha = 6, .rank = 3, .number = DT_F32}

static MB_UNUSED Lora opened(const AdapterShape *s, uint64_t seed, const Model *m)
{
    Lora l;
    Err err = {0};
    Buf file = adapter(s, seed);
    MUST(lora_open_memory(&l, file.data, file.len, &m->gguf, &err), &err);
    buf_close(&file); /* nothing of it is needed any more */
    return l;
}

#endif
