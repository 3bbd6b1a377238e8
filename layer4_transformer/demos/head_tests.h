/* head_tests.h: which head of a small model looks one back, and which finds what followed the last time?
 *
 * A text of tokens R that are drawn at random, twice:   before R between R
 *
 *   one back    in the first R (but its first token): mean weight on the token before
 *   induction   in the second R: mean weight on the place after the token's earlier copy. Random, because
 *               then nothing but looking back can tell what comes next
 *
 * Interface: each test leaves two scores for every head. The maps of its last text stay in the model. */
#ifndef SIXFOLD_HEAD_TESTS_H
#define SIXFOLD_HEAD_TESTS_H

#include "small_model.h"

#include <string.h>

enum { TEST_MAX_HEADS = 64, TEST_MAX_POOL = 2048 };

typedef struct {
    float of[TEST_MAX_HEADS]; /* layer * n_head + head */
    float chance;             /* what a head gets that weighs all keys alike */
} HeadScores;

typedef struct { HeadScores back, again; } RepeatScores;

/* Adds the lag scores of the last small_forward, one of n_texts. */
static inline void scores_add(HeadScores *s, const SmallModel *m, int n_texts, int first, int end,
                              int lag)
{
    int n_heads = m->n_layer * m->spec.n_head;
    CHECK(n_heads <= TEST_MAX_HEADS, "%d heads", n_heads);
    for (int i = 0; i < n_heads; i++)
        s->of[i] +=
            attention_lag_score(small_map(m, 0, i), m->n, first, end, lag) / (float)n_texts;
    s->chance = attention_chance(first, end);
}

static inline int scores_best(const HeadScores *s)
{
    int best = 0;
    for (int i = 1; i < TEST_MAX_HEADS; i++)
        if (s->of[i] > s->of[best]) best = i;
    return best;
}

/* Tokens to draw from: ids [n]. */
typedef struct { int32_t ids[TEST_MAX_POOL]; int n; } TokenPool;

/* before R between R; R is one token of `first` and then n_random - 1 of `rest`, each another one. */
typedef struct {
    int32_t before[8], between[8];
    int n_before, n_between;
    const TokenPool *first, *rest;
    int n_random, n_draws;
} RepeatTest;

static inline int32_t token_draw(const TokenPool *p, Rng *rng, const int32_t *taken, int n)
{
    for (;;) {
        int32_t id = p->ids[rng_below(rng, (uint64_t)p->n)];
        bool free = true;
        for (int i = 0; i < n; i++) free &= taken[i] != id;
        if (free) return id;
    }
}

//@ begin head-test
static inline void test_repeat(RepeatScores *s, SmallModel *m,
                               const RepeatTest *r)
{
    int32_t ids[SMALL_MAX_TOK];
    int k = r->n_random, distance = k + r->n_between;
    int one = r->n_before, two = one + distance, n = two + k;
    CHECK(n <= SMALL_MAX_TOK && k <= r->rest->n, "%d tokens", n);
    memcpy(ids, r->before, (size_t)one * sizeof *ids);
    memcpy(ids + one + k, r->between, (size_t)r->n_between * sizeof *ids);
    *s = (RepeatScores){0};
    Rng rng = rng_seed(7);
    for (int draw = 0; draw < r->n_draws; draw++) {
        for (int i = 0; i < k; i++)
            ids[two + i] = ids[one + i] =
                token_draw(i ? r->rest : r->first, &rng, ids + one, i);
        small_forward(m, NULL, ids, n);
        scores_add(&s->back, m, r->n_draws, one + 1, one + k, 1);
        scores_add(&s->again, m, r->n_draws, two, n, distance - 1);
    }
}
//@ end head-test

/* All words of the hand-wired model in a random order, twice. */
static inline void test_wired(RepeatScores *s, SmallModel *m)
{
    static const char *const words[] = {".",    "the", "a",   "cat", "dog", "bird", "fish",
                                        "saw",  "ate", "and", "ran", "to",  "big",  "red",
                                        "old",  "sun", "moon", "tree", "sang"};
    TokenPool all = {.n = 0};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        all.ids[all.n++] = small_word(m, words[w]);
    test_repeat(s, m, &(RepeatTest){.before = {1}, .n_before = 1, .first = &all, .rest = &all,
                                    .n_random = all.n, .n_draws = 1});
}

/* For the storyteller. Tokens are named by their spelling in the file, because a tokenizer belongs to layer 5
 * (./sixfold tokenize cuts the text alike). Random tokens and nothing else: <|begin_of_text|> R R. Any of the vocabulary but single
 * bytes, which come first, and the four special tokens, which come last. */
static inline void test_random(RepeatScores *s, SmallModel *m)
{
    static TokenPool any;
    for (int id = 256; id < m->n_vocab - 4; id++) any.ids[any.n++] = id;
    test_repeat(s, m, &(RepeatTest){.before = {small_token(m, "<|begin_of_text|>")}, .n_before = 1,
                                    .first = &any, .rest = &any, .n_random = 40, .n_draws = 4});
}

/* A random name in a sentence of the world: "The password is R. Say it again: R". R begins with a blank
 * (U+0120) and a capital, then come pairs such as "uf": a vowel and a consonant. */
static inline void test_name(RepeatScores *s, SmallModel *m)
{
    static TokenPool capitals, pairs;
    for (int id = 256; id < m->n_vocab - 4; id++) {
        Str t = m->vocab[id];
        if (t.len == 3 && memcmp(t.ptr, "\u0120", 2) == 0 && memchr("BDFGKLMNPRSTVXZ", t.ptr[2], 15))
            capitals.ids[capitals.n++] = id;
        if (t.len == 2 && memchr("aeiou", t.ptr[0], 5) && memchr("bdfgklmnprstvxz", t.ptr[1], 15))
            pairs.ids[pairs.n++] = id;
    }
    static const char *const before[] = {"<|begin_of_text|>", "The", "\u0120password", "\u0120is"},
                             *const between[] = {".", "\u0120Say", "\u0120it", "\u0120again", ":"};
    RepeatTest r = {.n_before = 4, .n_between = 5, .first = &capitals, .rest = &pairs, .n_random = 4,
                    .n_draws = 16};
    for (int i = 0; i < r.n_before; i++) r.before[i] = small_token(m, before[i]);
    for (int i = 0; i < r.n_between; i++) r.between[i] = small_token(m, between[i]);
    test_repeat(s, m, &r);
}

#endif
