/* model.c: opening a model: metadata, description, weights, tokenizer.
 *
 * With mmap this reads only the first pages of the file: weights are pointers into the mapping, and
 * the page cache brings them in when the first token needs them. */
#include "model.h"

#include <string.h>

/* A rope factor of zero or NaN would turn every angle into infinity. */
static Status check_factors(const char *name, const float *factors, int n, Err *err)
{
    for (int j = 0; factors && j < n; j++)
        if (!(factors[j] > 0.0f))
            return fail(err, E_FORMAT, "%s[%d] is %g, it must be positive. HINT: the file is damaged",
                        name, j, (double)factors[j]);
    return OK;
}

/* Tables that belong to the model and that every layer's description points to. */
static Status fill_tables(Model *m, Err *err)
{
    const Weights *w = &m->weights;
    int half = m->spec.n_rot / 2;
    TRY(check_factors("rope_freqs.weight", w->rope_factors, half, err));
    TRY(check_factors("rope_factors_long.weight", w->rope_long, half, err));
    TRY(check_factors("rope_factors_short.weight", w->rope_short, half, err));
    m->spec.rope_factors = w->rope_factors ? w->rope_factors : w->rope_short;
    for (int64_t i = 0; i < m->hp.n_layer; i++) {
        BlockSpec *s = &m->layers[i];
        s->rope_factors = m->spec.rope_factors;
        if (!(s->alibi_bias > 0)) continue;
        float *slopes = ARENA_NEW(&m->arena, float, s->n_head);
        if (!slopes) return fail(err, E_MEMORY, "no memory for %d slopes", s->n_head);
        attention_slopes(slopes, s->n_head, s->alibi_bias);
        for (int h = 0; h < s->n_head && s->alibi_scale > 0; h++) slopes[h] *= s->alibi_scale;
        s->slopes = slopes;
    }
    return OK;
}

static Status open_tokenizer(Model *m, Err *err)
{
    Str kind = {"none", 4};
    fail(&m->no_tokenizer, E_UNSUPPORTED, "this file has no tokenizer. HINT: give token ids, or take a file "
         "with one");
    TRY(gguf_get_str(&m->gguf, "tokenizer.ggml.model", &kind, err));
    if (str_is(kind, "none") || str_is(kind, "no_vocab")) return OK;
    Status s = tokenizer_open(&m->tokenizer, &m->arena, &m->gguf, err);
    /* Of a family that is not known here: ids still work. */
    if (s == E_UNSUPPORTED) {
        if (err) m->no_tokenizer = *err;
        m->tokenizer = NULL;
        return OK;
    }
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

    /* 2. The description: what every family has, what this one says, what each layer changes. */
    const Hparams *h = &m->hp;
    TRY(arch_describe(m->arch, &m->around, &m->spec, h, &m->gguf, err));
    m->layers = ARENA_NEW(&m->arena, BlockSpec, h->n_layer);
    if (!m->layers) return fail(err, E_MEMORY, "no memory for %lld layers", (long long)h->n_layer);
    for (int i = 0; i < (int)h->n_layer; i++) m->layers[i] = arch_layer(&m->around, &m->spec, h, i);

    /* 3. The weights. */
    TRY(weights_bind(&m->weights, &m->arena, &m->gguf, m->arch, h, m->layers, err));
    TRY(fill_tables(m, err));
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

Status model_open_run(Model *m, const char *path, MapMode mode, const ImportRun *run, Err *err)
{
    *m = (Model){0};
    int64_t start = clock_ns();
    Status s = finish_open(m, import_open_run(&m->gguf, path, mode, run, &m->imported, err), start, err);
    return s == OK ? OK : fail_in(err, s, path);
}

Status model_open(Model *m, const char *path, MapMode mode, Err *err)
{
    return model_open_run(m, path, mode, NULL, err);
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
    Status s = path ? import_open(&m->gguf, path, mode, true, &m->imported, err)
                    : gguf_open_memory(&m->gguf, data, size, err);
    if (s == OK) s = open_tokenizer(m, err);
    if (s == OK && !m->tokenizer)
        s = fail(err, E_UNSUPPORTED, "%s", m->no_tokenizer.text);
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
