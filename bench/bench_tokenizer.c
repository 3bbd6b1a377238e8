/* bench_tokenizer.c: merging neighbours: all pairs looked at in every round, or a queue; and whole texts,
 * every step for every word or each word once.
 *
 * For the texts the storyteller's vocabulary is taken, and a language of few words: the rarer, the more of
 * them. For the merges the vocabulary is a formula: whether two symbols may merge, how urgently, and what the result is
 * called follows from a hash of their two names. Words are short and many, lines are long and few:
 * the scan is quadratic, so the length decides. */
#include "bench.h"
#include "bpe_merge.h"
#include "embedded.h"
#include "tokenizer.h"

#include <string.h>

enum { LONGEST_TOKEN = 12 };

typedef struct {
    BpeRules rules;
    BpeSymbol *fresh, *symbols; /* [n_texts, length] */
    int64_t n_texts, length;
    void *work;
} MergeState;

static uint32_t hash_pair(const BpeSymbol *a, const BpeSymbol *b)
{
    uint64_t h = ((uint64_t)(uint32_t)a->id << 32 | (uint32_t)b->id) * 0x9E3779B97F4A7C15u;
    return (uint32_t)((h ^ h >> 29) * 0xBF58476D1CE4E5B9u >> 32);
}

/* Three pairs in four merge, unless the result would be longer than a token. */
static uint32_t pair(const BpeRules *r, const BpeSymbol *a, const BpeSymbol *b, int32_t *id)
{
    (void)r;
    uint32_t h = hash_pair(a, b);
    if (a->len + b->len > LONGEST_TOKEN || h % 4 == 0) return BPE_NO_MERGE;
    *id = (int32_t)(h & 0x7FFF);
    return h >> 12;
}

static void merge_run(BenchCase *c)
{
    MergeState *s = c->state;
    for (int64_t t = 0; t < s->n_texts; t++) {
        BpeSymbol *text = s->symbols + t * s->length;
        int64_t left = bpe_merge(&s->rules, text, s->length, s->work);
        /* What stands behind the result is each variant's own business: make it comparable. */
        memset(text + left, 0, (size_t)(s->length - left) * sizeof *text);
    }
}

static void merge_reset(BenchCase *c)
{
    MergeState *s = c->state;
    memcpy(s->symbols, s->fresh, (size_t)(s->n_texts * s->length) * sizeof *s->symbols);
}

static Status merge_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    MergeState *s = BENCH_NEW(c, MergeState, 1, err);
    if (!s) return E_MEMORY;
    int64_t n_texts = c->n[0], length = c->n[1], n = n_texts * length;
    *s = (MergeState){.n_texts = n_texts, .length = length,
                      .fresh = BENCH_NEW(c, BpeSymbol, n, err),
                      .symbols = BENCH_NEW(c, BpeSymbol, n, err),
                      .work = bench_alloc(c, (int64_t)bpe_merge_work_bytes(length), 1, err)};
    char *text = BENCH_NEW(c, char, n, err);
    if (!s->fresh || !s->symbols || !s->work || !text) return E_MEMORY;
    Rng rng = rng_seed(18);
    for (int64_t i = 0; i < n; i++) {
        text[i] = (char)('a' + rng_below(&rng, 26));
        s->fresh[i] = (BpeSymbol){.start = (uint32_t)i, .len = 1, .id = text[i]};
    }
    s->rules = (BpeRules){.pair = pair, .text = text};
    bench_size(c, "%lldx%lld", (long long)n_texts, (long long)length);
    c->state = s;
    c->run = merge_run;
    c->reset = merge_reset;
    c->reset_each = true;
    c->out = s->symbols, c->n_out = n * (int64_t)sizeof *s->symbols, c->kind = OUT_BYTES;
    c->set_bytes = (double)c->n_out;
    return OK;
}

typedef struct {
    Gguf gguf;
    Tokenizer *t;
    char *text;
    int64_t n;
    TokenList list;
    int32_t *ids; /* [n_ids] of the first run */
    int64_t n_ids;
} TextState;

static void text_run(BenchCase *c)
{
    TextState *s = c->state;
    s->list.n = 0;
    c->status = tokenizer_encode(s->t, s->text, (size_t)s->n, (EncodeOptions){0}, &s->list, &c->err);
    memset(s->ids, 0xFF, (size_t)s->n_ids * sizeof *s->ids);
    if (c->status == OK && s->list.n == s->n_ids)
        memcpy(s->ids, s->list.ids, (size_t)s->n_ids * sizeof *s->ids);
}

static void text_close(BenchCase *c)
{
    TextState *s = c->state;
    tokens_close(&s->list);
    tokenizer_close(s->t);
    gguf_close(&s->gguf);
}

/* Words of two to nine letters, of which the first ones come most often; a comma or a full stop now and then. */
static void write_text(char *text, int64_t n)
{
    enum { N_WORDS = 2000 };
    Rng rng = rng_seed(19);
    for (int64_t i = 0; i < n;) {
        uint64_t a = rng_below(&rng, N_WORDS), b = rng_below(&rng, a + 1), word = rng_below(&rng, b + 1);
        Rng letters = rng_seed(word);
        for (uint64_t left = 2 + rng_below(&letters, 8); left > 0 && i < n; left--)
            text[i++] = "etaoinshrdlu"[rng_below(&letters, 12)];
        if (i < n && rng_below(&rng, 8) == 0) text[i++] = rng_below(&rng, 2) ? ',' : '.';
        if (i < n) text[i++] = rng_below(&rng, 60) ? ' ' : '\n';
    }
}

static Status text_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    TextState *s = BENCH_NEW(c, TextState, 1, err);
    if (!s) return E_MEMORY;
    *s = (TextState){.n = c->n[0], .text = BENCH_NEW(c, char, c->n[0], err)};
    if (!s->text) return E_MEMORY;
    c->state = s;
    c->close = text_close;
    write_text(s->text, s->n);
    TRY(gguf_open_memory(&s->gguf, storyteller_model, storyteller_model_bytes, err));
    TRY(tokenizer_open(&s->t, &c->arena, &s->gguf, err));
    TRY(tokenizer_encode(s->t, s->text, (size_t)s->n, (EncodeOptions){0}, &s->list, err));
    s->n_ids = s->list.n;
    s->ids = BENCH_NEW(c, int32_t, s->n_ids, err);
    if (!s->ids) return E_MEMORY;
    bench_size(c, "%lldB", (long long)s->n);
    c->run = text_run;
    c->out = s->ids, c->n_out = s->n_ids * (int64_t)sizeof *s->ids, c->kind = OUT_BYTES;
    c->bytes = c->set_bytes = (double)s->n;
    return OK;
}

void bench_add_tokenizer(Bench *b)
{
    bench_add(b, (BenchCase){.op = "tokenize", .n = {1 << 12}, .setup = text_setup});
    bench_add(b, (BenchCase){.op = "tokenize", .n = {1 << 18}, .setup = text_setup});
    bench_add(b, (BenchCase){.op = "bpe_merge", .n = {256, 8}, .setup = merge_setup});
    bench_add(b, (BenchCase){.op = "bpe_merge", .n = {8, 256}, .setup = merge_setup});
    bench_add(b, (BenchCase){.op = "bpe_merge", .n = {1, 4096}, .setup = merge_setup});
}
