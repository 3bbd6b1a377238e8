/* corpus.c: which tokens a step learns from. */
#include "corpus.h"

#include <string.h>

enum { HELD_OUT_SHARE = 50, MAX_HELD_OUT = 64 }; /* one window in 50, at most 64 */

static uint64_t hash_tokens(const uint16_t *t, int64_t n)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (int64_t i = 0; i < n; i++) h = (h ^ t[i]) * 0x100000001B3u;
    return h;
}

static Status bind(Corpus *c, const char *path, Err *err)
{
    const GgufTensor *t = gguf_tensor(&c->vocabulary.gguf, "tokens");
    if (!t || t->view.type != DT_I16 || t->n_dims != 1 || !c->vocabulary.tokenizer)
        return fail(err, E_FORMAT, "'%.300s' is no corpus: it has no row of tokens HINT: remove it and "
                    "start again", path);
    const GgufKv *kv = gguf_find(&c->vocabulary.gguf, "corpus.text");
    if (kv && kv->elem == GGUF_U64 && kv->count == 1)
        memcpy(&c->text_hash, kv->data, sizeof c->text_hash);
    c->tokens = t->view.data;
    c->n_tokens = t->view.ne[0];
    int32_t n_vocab = tokenizer_n_vocab(c->vocabulary.tokenizer);
    for (int64_t i = 0; i < c->n_tokens; i++)
        if (c->tokens[i] >= n_vocab)
            return fail(err, E_FORMAT, "token %lld of '%.300s' is %d, its vocabulary has %d HINT: remove "
                        "it and start again", (long long)i, path, c->tokens[i], n_vocab);
    if (c->n_tokens <= c->n_ctx)
        return fail(err, E_ARG, "the text has %lld tokens, one window needs %lld HINT: give more text or "
                    "a smaller --ctx", (long long)c->n_tokens, (long long)c->n_ctx + 1);
    c->hash = hash_tokens(c->tokens, c->n_tokens);
    return OK;
}

static Status plan_windows(Corpus *c, Err *err)
{
    /* 1. The last windows are held out, if there are enough. */
    int64_t all = (c->n_tokens - 1) / c->n_ctx, held = all / HELD_OUT_SHARE;
    if (held > MAX_HELD_OUT) held = MAX_HELD_OUT;
    c->n_train = c->n_tokens - held * c->n_ctx - (held > 0);
    /* 2. The others are an epoch; one less where there is room to shift them. */
    c->n_windows = (c->n_train - 1) / c->n_ctx;
    if (c->n_windows > 8) c->n_windows--;
    c->epoch = -1;
    c->order = c->n_windows > INT32_MAX ? NULL : ARENA_NEW(&c->arena, int32_t, c->n_windows);
    return c->order ? OK : fail(err, E_MEMORY, "no memory for the order of %lld windows",
                                (long long)c->n_windows);
}

Status corpus_open(Corpus *c, const char *path, int64_t n_ctx, uint64_t seed, Err *err)
{
    *c = (Corpus){.n_ctx = n_ctx, .seed = seed};
    TRY(model_open_vocabulary(&c->vocabulary, path, NULL, 0, MAP_AUTO, err));
    Status status = bind(c, path, err);
    if (status == OK) status = plan_windows(c, err);
    if (status != OK) corpus_close(c);
    return status;
}

void corpus_close(Corpus *c)
{
    model_close(&c->vocabulary);
    arena_close(&c->arena);
    *c = (Corpus){0};
}

//@ begin corpus-epoch
/* A new order and a new shift; both follow from seed and epoch. */
static void begin_epoch(Corpus *c, int64_t epoch)
{
    Rng rng = rng_seed(c->seed + 0x9E3779B97F4A7C15u * (uint64_t)(epoch + 1));
    bool room = c->n_train - 1 >= (c->n_windows + 1) * c->n_ctx;
    c->shift = room ? (int64_t)rng_below(&rng, (uint64_t)c->n_ctx) : 0;
    for (int64_t i = 0; i < c->n_windows; i++) c->order[i] = (int32_t)i;
    for (int64_t i = c->n_windows - 1; i > 0; i--) {
        int64_t k = (int64_t)rng_below(&rng, (uint64_t)i + 1);
        int32_t swap = c->order[i];
        c->order[i] = c->order[k];
        c->order[k] = swap;
    }
    c->epoch = epoch;
}
//@ end corpus-epoch

/* bos first, as when the model runs; if the window begins with a document, its own. */
static void copy_window(const Corpus *c, int64_t from, int32_t *ids, int32_t *targets)
{
    int32_t bos = tokenizer_bos(c->vocabulary.tokenizer);
    if (c->tokens[from] == bos) from++;
    for (int64_t t = 0; t < c->n_ctx; t++) {
        ids[t] = t ? c->tokens[from + t - 1] : bos;
        targets[t] = c->tokens[from + t];
    }
}

void corpus_window(Corpus *c, int64_t i, int32_t *ids, int32_t *targets)
{
    int64_t epoch = i / c->n_windows;
    if (epoch != c->epoch) begin_epoch(c, epoch);
    copy_window(c, c->shift + c->order[i % c->n_windows] * c->n_ctx, ids, targets);
}

int64_t corpus_held_out(const Corpus *c) { return (c->n_tokens - c->n_train) / c->n_ctx; }

void corpus_held_window(const Corpus *c, int64_t i, int32_t *ids, int32_t *targets)
{
    CHECK(i >= 0 && i < corpus_held_out(c), "held-out window %lld", (long long)i);
    copy_window(c, c->n_train + i * c->n_ctx, ids, targets);
}
