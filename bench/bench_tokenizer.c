/* bench_tokenizer.c: merging neighbours: all pairs looked at in every round, or a queue.
 *
 * The vocabulary is a formula: whether two symbols may merge, how urgently, and what the result is
 * called follows from a hash of their two names. Words are short and many, lines are long and few:
 * the scan is quadratic, so the length decides. */
#include "bench.h"
#include "bpe_merge.h"

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

void bench_add_tokenizer(Bench *b)
{
    bench_add(b, (BenchCase){.op = "bpe_merge", .n = {256, 8}, .setup = merge_setup});
    bench_add(b, (BenchCase){.op = "bpe_merge", .n = {8, 256}, .setup = merge_setup});
    bench_add(b, (BenchCase){.op = "bpe_merge", .n = {1, 4096}, .setup = merge_setup});
}
