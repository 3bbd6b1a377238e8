/* model.c: opening a model: metadata, description, weights, tokenizer.
 *
 * With mmap this reads only the first pages of the file: weights are pointers into the mapping, and
 * the page cache brings them in when the first token needs them. */
#include "model.h"

#include <string.h>

/* A rope factor of zero or NaN would turn every angle into infinity. */
static Status check_rope_factors(const Weights *w, const BlockSpec *s, Err *err)
{
    for (int j = 0; w->rope_factors && j < s->n_rot / 2; j++)
        if (!(w->rope_factors[j] > 0.0f))
            return fail(err, E_FORMAT, "rope_freqs.weight[%d] is %g, it must be positive. HINT: the "
                        "file is damaged", j,
                        (double)w->rope_factors[j]);
    return OK;
}

static Status open_tokenizer(Model *m, Err *err)
{
    Str kind = {"none", 4};
    TRY(gguf_get_str(&m->gguf, "tokenizer.ggml.model", &kind, err));
    if (str_is(kind, "none") || str_is(kind, "no_vocab")) return OK;
    Status s = tokenizer_open(&m->tokenizer, &m->arena, &m->gguf, err);
    if (s != E_FORMAT || !err || strstr(err->text, "HINT:")) return s;
    Err what = *err;
    return fail(err, s, "%s. HINT: the file is damaged or its converter is wrong", what.text);
}

/* From an opened container to a model. */
static Status bind_model(Model *m, Err *err)
{
    /* 1. The numbers, and the family they belong to. */
    Str arch = {"", 0};
    TRY(gguf_get_str(&m->gguf, "general.architecture", &arch, err));
    m->arch = arch_find(arch);
    if (arch.len && !m->arch) return arch_refuse(arch, err);
    TRY(hparams_read(&m->hp, &m->gguf, err));

    /* 2. The block's description: what every family has, then what this one says. */
    const Hparams *h = &m->hp;
    m->spec = (BlockSpec){.d_model = h->d_model, .d_ff = h->d_ff, .n_head = (int)h->n_head,
                          .n_kv_head = (int)h->n_kv_head, .d_k = (int)h->d_k, .d_v = (int)h->d_v,
                          .norm_eps = h->norm_eps, .n_rot = (int)h->n_rot,
                          .rope_base = h->rope_base, .rope_freq_scale = 1.0f};
    TRY(m->arch->spec(&m->spec, h, &m->gguf, err));

    /* 3. The weights. */
    TRY(weights_bind(&m->weights, &m->arena, &m->gguf, h, &m->spec, err));
    TRY(check_rope_factors(&m->weights, &m->spec, err));
    m->spec.rope_factors = m->weights.rope_factors;
    m->hp.n_vocab = m->weights.token_embd.ne[1];

    /* 4. The vocabulary must not promise ids that the embedding lacks. */
    TRY(open_tokenizer(m, err));
    if (m->tokenizer && tokenizer_n_vocab(m->tokenizer) > m->hp.n_vocab)
        return fail(err, E_FORMAT, "the tokenizer has %d tokens, but token_embd.weight only %lld rows. "
                    "HINT: vocabulary and weights are of different models",
                    (int)tokenizer_n_vocab(m->tokenizer), (long long)m->hp.n_vocab);
    return OK;
}

static Status finish_open(Model *m, Status s, int64_t start_ns, Err *err)
{
    if (s == OK) s = bind_model(m, err);
    m->load_ns = clock_ns() - start_ns;
    if (s != OK) model_close(m);
    return s;
}

Status model_open(Model *m, const char *path, MapMode mode, Err *err)
{
    *m = (Model){0};
    int64_t start = clock_ns();
    Status s = finish_open(m, gguf_open(&m->gguf, path, mode, err), start, err);
    return s == OK ? OK : fail_in(err, s, path);
}

Status model_open_memory(Model *m, const void *data, size_t size, Err *err)
{
    *m = (Model){0};
    int64_t start = clock_ns();
    return finish_open(m, gguf_open_memory(&m->gguf, data, size, err), start, err);
}

Status model_open_vocabulary(Model *m, const char *path, const void *data, size_t size, MapMode mode,
                             Err *err)
{
    *m = (Model){0};
    Status s = path ? gguf_open(&m->gguf, path, mode, err)
                    : gguf_open_memory(&m->gguf, data, size, err);
    if (s == OK) s = open_tokenizer(m, err);
    if (s == OK && !m->tokenizer)
        s = fail(err, E_UNSUPPORTED, "the file has no tokenizer (no key tokenizer.ggml.model). HINT: "
                 "take the file of a whole model");
    if (s != OK) model_close(m);
    return s == OK || !path ? s : fail_in(err, s, path);
}

void model_close(Model *m)
{
    tokenizer_close(m->tokenizer);
    arena_close(&m->arena);
    gguf_close(&m->gguf);
    *m = (Model){0};
}
