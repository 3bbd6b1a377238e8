/* train_export.c: the trained weights as a model file that any GGUF tool reads.
 *
 * Keys and names are those of the "llama" architecture, whose computation is the one trained here:
 * RMSNorm before each half, interleaved RoPE, SwiGLU, the embedding as output matrix. Matrices stay
 * f32; layer 5's requantise makes the smaller ones. */
#include "trainer.h"

#include <stdio.h>
#include <string.h>

static Status put_shape(GgufWriter *w, const char *name, const TrainShape *s, Err *err)
{
    uint32_t d_head = (uint32_t)(s->d_model / s->n_head);
    const struct { const char *key; int64_t value; } ints[] = {
        {"llama.context_length", s->n_ctx},       {"llama.embedding_length", s->d_model},
        {"llama.block_count", s->n_layer},        {"llama.feed_forward_length", s->d_ff},
        {"llama.attention.head_count", s->n_head}, {"llama.attention.head_count_kv", s->n_kv_head},
        {"llama.rope.dimension_count", d_head},   {"llama.vocab_size", s->n_vocab},
        {"general.file_type", 0},
    };
    TRY(gguf_put_str(w, "general.architecture", "llama", err));
    TRY(gguf_put_str(w, "general.name", name, err));
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        TRY(gguf_put_u32(w, ints[i].key, (uint32_t)ints[i].value, err));
    TRY(gguf_put_f32(w, "llama.attention.layer_norm_rms_epsilon", TRAIN_NORM_EPS, err));
    return gguf_put_f32(w, "llama.rope.freq_base", TRAIN_ROPE_BASE, err);
}

static Status put_vocabulary(GgufWriter *w, const Corpus *c, Err *err)
{
    static const char prefix[] = "tokenizer.";
    const Gguf *g = &c->vocabulary.gguf;
    for (int64_t i = 0; i < g->n_kv; i++)
        if (g->kv[i].key.len > strlen(prefix) &&
            memcmp(g->kv[i].key.ptr, prefix, strlen(prefix)) == 0)
            TRY(gguf_put_copy(w, &g->kv[i], err));
    return OK;
}

static Status export_to(GgufWriter *out, const char *path, const char *name, const TrainShape *s,
                        const float *w, const Corpus *c, Err *err)
{
    ParamLayout l;
    params_layout(&l, s);
    TRY(put_shape(out, name, s, err));
    TRY(put_vocabulary(out, c, err));
    for (int i = 0; i < l.n_infos; i++)
        TRY(gguf_put_tensor(out, l.infos[i].name, DT_F32, l.infos[i].n_dims, l.infos[i].ne, err));
    TRY(gguf_write_header(out, path, err));
    for (int i = 0; i < l.n_infos; i++) {
        const ParamInfo *p = &l.infos[i];
        TRY(gguf_write_data(out, w + p->offset, (size_t)(p->ne[0] * p->ne[1]) * sizeof *w, err));
    }
    return gguf_writer_finish(out, err);
}

Status train_export(const char *path, const char *name, const TrainShape *s, const float *w,
                    const Corpus *c, Err *err)
{
    GgufWriter *out = NULL;
    Status status = gguf_writer_open(&out, 32, err);
    if (status == OK) status = export_to(out, path, name, s, w, c, err);
    gguf_writer_close(out);
    return status;
}
