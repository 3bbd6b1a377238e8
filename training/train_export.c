/* train_export.c: the trained weights as a model file that any GGUF tool reads.
 *
 * Keys and names are those of the "llama" architecture, whose computation is the one trained here:
 * RMSNorm before each half, interleaved RoPE, SwiGLU, the embedding as output matrix. Matrices stay
 * f32; layer 5's requantise makes the smaller ones. Keys "training.*" say how the weights came to be:
 * whoever has the file can make it again. */
#include "trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The turns of training/world/chat.c, whose conversations always begin with a system turn. */
static const char chat_template[] =
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a friendly storyteller."
    "<|im_end|>\n' }}{% endif %}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}";

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

/* Today, or the day that SOURCE_DATE_EPOCH names, so that a build can be repeated byte by byte. */
static void put_day(char day[11])
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    time_t now = fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL);
    struct tm utc;
    if (!gmtime_r(&now, &utc) || strftime(day, 11, "%Y-%m-%d", &utc) != 10) day[0] = '\0';
}

static Status put_recipe(GgufWriter *w, const TrainRun *r, const TrainState *s, Err *err)
{
    const TrainPlan *p = &r->plan;
    char recipe[300], day[11];
    snprintf(recipe, sizeof recipe, "AdamW (%g, %g), rate %g with %lld steps of warm-up and a cosine down, "
             "decay %g, gradients of at most %g; %lld windows of %lld tokens a step",
             (double)p->beta1, (double)p->beta2, (double)p->lr, (long long)p->warmup, (double)p->decay,
             (double)p->clip, (long long)p->batch, (long long)p->shape.n_ctx);
    put_day(day);
    const struct { const char *key; int64_t value; } ints[] = {
        {"training.steps", s->step}, {"training.steps_planned", p->n_steps},
        {"training.tokens", s->step * p->batch * p->shape.n_ctx},
        {"training.seed", (int64_t)p->seed}, {"training.parameters", s->n_params},
    };
    TRY(gguf_put_str(w, "training.recipe", recipe, err));
    TRY(gguf_put_str(w, "training.date", day, err));
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        uint64_t v = (uint64_t)ints[i].value;
        TRY(v <= UINT32_MAX ? gguf_put_u32(w, ints[i].key, (uint32_t)v, err)
                            : gguf_put_array(w, ints[i].key, GGUF_U64, &v, 1, err));
    }
    if (!isnan(s->held_out))
        TRY(gguf_put_f32(w, "training.held_out_nats_per_token", (float)s->held_out, err));
    if (!(r->text_bits > 0)) return OK;
    TRY(gguf_put_f32(w, "training.entropy_bits_per_document", (float)r->text_bits, err));
    return gguf_put_str(w, "tokenizer.chat_template", chat_template, err);
}

static Status export_to(GgufWriter *out, const char *path, const TrainRun *r, const TrainState *s,
                        const Corpus *c, Err *err)
{
    ParamLayout l;
    params_layout(&l, &r->plan.shape);
    TRY(put_shape(out, r->name, &r->plan.shape, err));
    TRY(put_vocabulary(out, c, err));
    TRY(put_recipe(out, r, s, err));
    for (int i = 0; i < l.n_infos; i++)
        TRY(gguf_put_tensor(out, l.infos[i].name, DT_F32, l.infos[i].n_dims, l.infos[i].ne, err));
    TRY(gguf_write_header(out, path, err));
    for (int i = 0; i < l.n_infos; i++) {
        const ParamInfo *p = &l.infos[i];
        TRY(gguf_write_data(out, s->w + p->offset, (size_t)(p->ne[0] * p->ne[1]) * sizeof *s->w, err));
    }
    return gguf_writer_finish(out, err);
}

Status train_export(const char *path, const TrainRun *r, const TrainState *s, const Corpus *c, Err *err)
{
    GgufWriter *out = NULL;
    Status status = gguf_writer_open(&out, 32, err);
    if (status == OK) status = export_to(out, path, r, s, c, err);
    gguf_writer_close(out);
    return status;
}
