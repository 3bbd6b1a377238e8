/* corpus.c: which tokens a step learns from. */
#include "corpus.h"

#include <string.h>

enum { HELD_OUT_SHARE = 50, MAX_HELD_OUT = 128 }; /* one piece in 50, at most 128 */

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

/* Documents, each cut where it is longer than a window. Without `out` they are only counted. */
static int64_t cut_pieces(const Corpus *c, Piece *out)
{
    int32_t bos = tokenizer_bos(c->vocabulary.tokenizer);
    int64_t n = 0;
    for (int64_t at = 0, end; at < c->n_tokens; at = end) {
        at += c->tokens[at] == bos;
        for (end = at; end < c->n_tokens && c->tokens[end] != bos && end - at < c->n_ctx;) end++;
        if (end == at) continue;
        if (out) out[n] = (Piece){at, (int32_t)(end - at)};
        n++;
    }
    return n;
}

static void shuffle(Piece *p, int64_t n, uint64_t seed)
{
    Rng rng = rng_seed(seed);
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = (int64_t)rng_below(&rng, (uint64_t)i + 1);
        Piece swap = p[i];
        p[i] = p[k];
        p[k] = swap;
    }
}

//@ begin corpus-mix
/* In each window the documents stand in any order. */
static void mix_windows(Windows *w, uint64_t seed)
{
    for (int64_t i = 0; i < w->n_windows; i++)
        shuffle(w->pieces + w->first[i], w->first[i + 1] - w->first[i],
                seed + (uint64_t)i);
}
//@ end corpus-mix

//@ begin corpus-lead
/* Brings documents of at most n_short tokens to the front until they have
 * `lead` tokens; how many documents those are. */
static int64_t bring_forward(Piece *p, int64_t n, int64_t n_short, int64_t lead)
{
    int64_t at = 0;
    for (int64_t i = 0; i < n && lead > 0; i++) {
        if (p[i].n > n_short) continue;
        Piece swap = p[at];
        p[at++] = p[i];
        p[i] = swap;
        lead -= p[at - 1].n + 1;
    }
    return at;
}
//@ end corpus-lead

static Status plan_windows(Corpus *c, int64_t lead, Err *err)
{
    int64_t n = cut_pieces(c, NULL), held = n / HELD_OUT_SHARE;
    if (held > MAX_HELD_OUT) held = MAX_HELD_OUT;
    Piece *pieces = n < 1 || n > INT32_MAX ? NULL : ARENA_NEW(&c->arena, Piece, n);
    int32_t *first = pieces ? ARENA_NEW(&c->arena, int32_t, n + 3) : NULL;
    if (first) c->order = ARENA_NEW(&c->arena, int32_t, n);
    if (!c->order) return fail(err, E_MEMORY, "no memory for %lld documents", (long long)n);
    cut_pieces(c, pieces);
    int64_t n_train = n - held;
    shuffle(pieces, n_train, c->seed);
    int64_t n_lead = bring_forward(pieces, n_train, c->n_ctx / 3, lead);
    c->lead = (Windows){.pieces = pieces, .first = first, .n_pieces = n_lead};
    c->train = (Windows){.pieces = pieces + n_lead, .first = first + n_lead + 1, .n_pieces = n_train - n_lead};
    c->held = (Windows){.pieces = pieces + n_train, .first = first + n_train + 2, .n_pieces = held};
    Windows *all[] = {&c->lead, &c->train, &c->held};
    for (int i = 0; i < 3; i++) {
        corpus_pack(all[i], c->n_ctx);
        mix_windows(all[i], c->seed);
    }
    c->n_windows = c->train.n_windows;
    c->epoch = -1;
    return OK;
}

Status corpus_open(Corpus *c, const char *path, int64_t n_ctx, uint64_t seed, int64_t lead, Err *err)
{
    *c = (Corpus){.n_ctx = n_ctx, .seed = seed};
    TRY(model_open_vocabulary(&c->vocabulary, path, NULL, 0, MAP_AUTO, err));
    Status status = bind(c, path, err);
    if (status == OK) status = plan_windows(c, lead, err);
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
/* A new order of the windows; it follows from seed and epoch. */
static void begin_epoch(Corpus *c, int64_t epoch)
{
    Rng rng = rng_seed(c->seed + 0x9E3779B97F4A7C15u * (uint64_t)(epoch + 1));
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

/* Token t of a window is input t and target t - 1. */
static void put(int32_t id, int64_t t, int64_t n_ctx, int32_t *ids, int32_t *targets)
{
    if (t < n_ctx) ids[t] = id;
    if (t > 0) targets[t - 1] = id;
}

static void copy_window(const Corpus *c, const Windows *w, int64_t i, int32_t *ids, int32_t *targets)
{
    int32_t bos = tokenizer_bos(c->vocabulary.tokenizer);
    int64_t k = w->first[i];
    for (int64_t t = 0; t <= c->n_ctx; k = (k + 1) % w->n_pieces) {
        const Piece *p = &w->pieces[k];
        put(bos, t++, c->n_ctx, ids, targets);
        for (int64_t j = 0; j < p->n && t <= c->n_ctx; j++)
            put(c->tokens[p->from + j], t++, c->n_ctx, ids, targets);
    }
}

void corpus_window(Corpus *c, int64_t i, int32_t *ids, int32_t *targets)
{
    if (i < c->lead.n_windows) {
        copy_window(c, &c->lead, i, ids, targets);
        return;
    }
    i -= c->lead.n_windows;
    int64_t epoch = i / c->n_windows;
    if (epoch != c->epoch) begin_epoch(c, epoch);
    copy_window(c, &c->train, c->order[i % c->n_windows], ids, targets);
}

int64_t corpus_held_out(const Corpus *c) { return c->held.n_windows; }

void corpus_held_window(const Corpus *c, int64_t i, int32_t *ids, int32_t *targets)
{
    CHECK(i >= 0 && i < c->held.n_windows, "held-out window %lld", (long long)i);
    copy_window(c, &c->held, i, ids, targets);
}
