/* checkpoint.c: a run's state as a GGUF file; layer 1's writer does the careful part (a file under
 * another name, fsync, rename). */
#include "checkpoint.h"

#include <stdio.h>
#include <string.h>

/* One table of what the plan consists of serves writing, reading and comparing. */
#define AT(field) offsetof(TrainPlan, field)
static const struct { const char *key, *flag; size_t at; } int_fields[] = {
    {"train.width", "--width", AT(shape.d_model)},
    {"train.feed_forward", "--ff", AT(shape.d_ff)},
    {"train.layers", "--layers", AT(shape.n_layer)},
    {"train.heads", "--heads", AT(shape.n_head)},
    {"train.kv_heads", "--kv-heads", AT(shape.n_kv_head)},
    {"train.context", "--ctx", AT(shape.n_ctx)},
    {"train.vocabulary", "--vocab", AT(shape.n_vocab)},
    {"train.steps", "--steps", AT(n_steps)},
    {"train.batch", "--batch", AT(batch)},
    {"train.pass", "--pass", AT(pass)},
    {"train.warmup", "--warmup", AT(warmup)},
    {"train.lead", "--lead", AT(lead)},
    {"train.eval_every", "--eval", AT(eval_every)},
    {"train.seed", "--seed", AT(seed)},
}, float_fields[] = {
    {"train.lr", "--lr", AT(lr)},         {"train.decay", "--decay", AT(decay)},
    {"train.beta1", "--beta1", AT(beta1)}, {"train.beta2", "--beta2", AT(beta2)},
    {"train.clip", "--clip", AT(clip)},
};
enum {
    N_INTS = sizeof int_fields / sizeof *int_fields,
    N_FLOATS = sizeof float_fields / sizeof *float_fields
};

static const char *const names[3] = {"weights", "moment1", "moment2"};

/* A running sum in which every bit of every number counts. */
static uint64_t hash_floats(uint64_t h, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        h = (h ^ bits) * 0x100000001B3u;
        h ^= h >> 29;
    }
    return h;
}

static uint64_t state_sum(const TrainState *s, const float *const arrays[3])
{
    uint64_t h = 0xCBF29CE484222325u ^ (uint64_t)s->step;
    for (int i = 0; i < 3; i++) h = hash_floats(h, arrays[i], s->n_params);
    return h;
}

/* 64-bit values as arrays of one: the writer's scalars have 32 bits. */
static Status put_u64(GgufWriter *w, const char *key, uint64_t v, Err *err)
{
    return gguf_put_array(w, key, GGUF_U64, &v, 1, err);
}

static Status put_keys(GgufWriter *w, const TrainState *s, Err *err)
{
    const float *const arrays[3] = {s->w, s->m, s->v};
    TRY(gguf_put_str(w, "general.architecture", "checkpoint", err));
    for (int i = 0; i < N_INTS; i++) {
        uint64_t v;
        memcpy(&v, (const char *)s->plan + int_fields[i].at, sizeof v);
        TRY(put_u64(w, int_fields[i].key, v, err));
    }
    for (int i = 0; i < N_FLOATS; i++) {
        float v;
        memcpy(&v, (const char *)s->plan + float_fields[i].at, sizeof v);
        TRY(gguf_put_f32(w, float_fields[i].key, v, err));
    }
    TRY(put_u64(w, "train.text", s->text_hash, err));
    TRY(put_u64(w, "train.step", (uint64_t)s->step, err));
    TRY(gguf_put_array(w, "train.held_out", GGUF_F64, &s->held_out, 1, err));
    return put_u64(w, "train.sum", state_sum(s, arrays), err);
}

static Status write_to(GgufWriter *w, const char *path, const TrainState *s, Err *err)
{
    const float *const arrays[3] = {s->w, s->m, s->v};
    TRY(put_keys(w, s, err));
    for (int i = 0; i < 3; i++) TRY(gguf_put_tensor(w, names[i], DT_F32, 1, &s->n_params, err));
    TRY(gguf_write_header(w, path, err));
    for (int i = 0; i < 3; i++)
        TRY(gguf_write_data(w, arrays[i], (size_t)s->n_params * sizeof(float), err));
    return gguf_writer_finish(w, err);
}

Status checkpoint_write(const char *path, const TrainState *s, Err *err)
{
    GgufWriter *w = NULL;
    Status status = gguf_writer_open(&w, 32, err);
    if (status == OK) status = write_to(w, path, s, err);
    gguf_writer_close(w);
    return status;
}

/* ---------------------------------------------------------------- reading */

static Status get_u64(const Gguf *g, const char *path, const char *key, uint64_t *v, Err *err)
{
    const GgufKv *kv = gguf_find(g, key);
    if (!kv || kv->type != GGUF_ARRAY || kv->elem != GGUF_U64 || kv->count != 1)
        return fail(err, E_FORMAT, "'%.200s' is no checkpoint of this program: '%s' is missing HINT: "
                    "name another --out directory", path, key);
    memcpy(v, kv->data, sizeof *v);
    return OK;
}

static Status differs(const char *path, const char *flag, double there, double here, Err *err)
{
    return fail(err, E_ARG, "the checkpoint '%.200s' was made with %s %.9g, this run has %.9g HINT: give "
                "the same flags again, or another --out directory", path, flag, there, here);
}

static Status compare_plan(const Gguf *g, const char *path, const TrainState *s, Err *err)
{
    for (int i = 0; i < N_INTS; i++) {
        uint64_t there, here;
        memcpy(&here, (const char *)s->plan + int_fields[i].at, sizeof here);
        TRY(get_u64(g, path, int_fields[i].key, &there, err));
        if (there != here)
            return differs(path, int_fields[i].flag, (double)there, (double)here, err);
    }
    for (int i = 0; i < N_FLOATS; i++) {
        float there = -1, here;
        memcpy(&here, (const char *)s->plan + float_fields[i].at, sizeof here);
        TRY(gguf_get_f32(g, float_fields[i].key, &there, err));
        if (there != here)
            return differs(path, float_fields[i].flag, (double)there, (double)here, err);
    }
    uint64_t text;
    TRY(get_u64(g, path, "train.text", &text, err));
    if (text != s->text_hash)
        return fail(err, E_ARG, "the checkpoint '%.200s' was made with another text HINT: give the same "
                    "text again, or another --out directory", path);
    return OK;
}

static Status read_from(const Gguf *g, const char *path, TrainState *s, Err *err)
{
    const float *arrays[3];
    TRY(compare_plan(g, path, s, err));
    for (int i = 0; i < 3; i++) {
        const GgufTensor *t = gguf_tensor(g, names[i]);
        if (!t || t->view.type != DT_F32 || t->n_dims != 1 || t->view.ne[0] != s->n_params)
            return fail(err, E_FORMAT, "'%.200s' has no %lld %s HINT: the file is damaged; remove it and "
                        "start again", path, (long long)s->n_params, names[i]);
        arrays[i] = t->view.data;
    }
    TrainState found = *s;
    uint64_t step, sum;
    TRY(get_u64(g, path, "train.step", &step, err));
    TRY(get_u64(g, path, "train.sum", &sum, err));
    found.step = (int64_t)step;
    if (step > (uint64_t)s->plan->n_steps || sum != state_sum(&found, arrays))
        return fail(err, E_FORMAT, "'%.200s' is damaged: its sum does not match HINT: remove it and start "
                    "again", path);
    const GgufKv *held;
    TRY(gguf_array(g, "train.held_out", GGUF_F64, 1, &held, err));
    if (held) memcpy(&s->held_out, held->data, sizeof s->held_out);
    s->step = found.step;
    float *const to[3] = {s->w, s->m, s->v};
    for (int i = 0; i < 3; i++) memcpy(to[i], arrays[i], (size_t)s->n_params * sizeof(float));
    return OK;
}

Status checkpoint_read(const char *path, TrainState *s, Err *err)
{
    Gguf g;
    TRY(gguf_open(&g, path, MAP_READ, err));
    Status status = read_from(&g, path, s, err);
    gguf_close(&g);
    return status;
}
