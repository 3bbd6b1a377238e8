/* tokenizer_cases.h: for tests: a tokenizer from bytes, and one text against the ids it must give. */
#ifndef SIXFOLD_TESTS_TOKENIZER_CASES_H
#define SIXFOLD_TESTS_TOKENIZER_CASES_H

#include "layer5.h"

#include <stdio.h>

#include "gguf_bytes.h"
#include "must.h"
#include "vocab_bytes.h"

typedef struct {
    VocabBytes bytes;
    Gguf gguf;
    Arena arena;
    Tokenizer *t;
} Case;

/* Takes the bytes over; the status is that of tokenizer_open. */
static inline Status case_try(Case *c, VocabBytes bytes, Err *err)
{
    *c = (Case){.bytes = bytes};
    MUST(gguf_open_memory(&c->gguf, bytes.b.data, bytes.b.len, err), err);
    return tokenizer_open(&c->t, &c->arena, &c->gguf, err);
}

static inline void case_open(Case *c, VocabBytes bytes)
{
    Err err;
    MUST(case_try(c, bytes, &err), &err);
}

static inline void case_close(Case *c)
{
    tokenizer_close(c->t);
    gguf_close(&c->gguf);
    arena_close(&c->arena);
    buf_close(&c->bytes.b);
}

/* Ids as "3 17 5" in a buffer that the next call reuses. */
static inline const char *ids_of(const Case *c, const char *text, size_t n, bool add, bool parse)
{
    static char line[4000];
    Err err;
    TokenList l = {0};
    MUST(tokenizer_encode(c->t, text, n, (EncodeOptions){add, parse}, &l, &err), &err);
    size_t at = 0;
    line[0] = 0;
    for (int64_t i = 0; i < l.n && at < sizeof line - 20; i++)
        at += (size_t)snprintf(line + at, sizeof line - at, i ? " %d" : "%d", l.ids[i]);
    tokens_close(&l);
    return line;
}

/* Tokens as texts, "ab|c", which reads better than ids. */
static inline const char *texts_of(const Case *c, const char *text, bool add, bool parse)
{
    static char line[4000];
    Err err;
    TokenList l = {0};
    MUST(tokenizer_encode(c->t, text, strlen(text), (EncodeOptions){add, parse}, &l, &err), &err);
    size_t at = 0;
    line[0] = 0;
    for (int64_t i = 0; i < l.n; i++) {
        Str s = tokenizer_text(c->t, l.ids[i]);
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%.*s", i ? "|" : "", STR_ARG(s));
    }
    tokens_close(&l);
    return line;
}

static inline const char *decoded(const Case *c, const int32_t *ids, int64_t n, bool special,
                                  bool clean_up)
{
    static char text[4000];
    Err err;
    Buf b = {0};
    MUST(tokenizer_decode(c->t, ids, n, special, clean_up, &b, &err), &err);
    snprintf(text, sizeof text, "%.*s", (int)b.len, b.data ? b.data : "");
    buf_close(&b);
    return text;
}

/* Encodes and decodes; true if the same bytes come back. */
static inline bool comes_back(const Case *c, const char *text, size_t n)
{
    Err err;
    TokenList l = {0};
    Buf b = {0};
    MUST(tokenizer_encode(c->t, text, n, (EncodeOptions){false, false}, &l, &err), &err);
    MUST(tokenizer_decode(c->t, l.ids, l.n, true, false, &b, &err), &err);
    bool same = b.len == n && (n == 0 || memcmp(b.data, text, n) == 0);
    tokens_close(&l);
    buf_close(&b);
    return same;
}

/* Every way to the ids gives the same ones; the quick ways are in effect afterwards. */
static inline void variants_agree(const Case *c, const char *text, size_t n)
{
    static const char *const ways[] = {"tokenize:plain,bpe_merge:scan", "tokenize:quick,bpe_merge:scan",
                                       "tokenize:plain,bpe_merge:heap", NULL};
    enum { N = sizeof ways / sizeof *ways };
    Err err;
    TokenList l[N] = {{0}};
    int first = n > 2000 ? 2 : 0; /* the scan takes quadratic time */
    for (int i = first; i < N; i++) {
        MUST(kernels_use(ways[i], &err), &err);
        MUST(tokenizer_encode(c->t, text, n, (EncodeOptions){true, true}, &l[i], &err), &err);
        const TokenList *want = &l[first];
        if (l[i].n != want->n || (l[i].n && memcmp(want->ids, l[i].ids, 4 * (size_t)want->n)))
            FAILED("%s: other ids of '%.*s' by %s", tokenizer_pre(c->t), (int)(n < 200 ? n : 200), text,
                   ways[i] ? ways[i] : "the quick ways");
    }
    for (int i = 0; i < N; i++) tokens_close(&l[i]);
}

/* A text long enough for the word cache: words, signs, blanks, numbers and what else is in parts. */
static inline void long_texts_agree(const Case *c, Rng *r, const char *const *parts, uint64_t n_parts)
{
    Err err;
    Buf text = {0};
    while (text.len < 20000) {
        const char *part = parts[rng_below(r, n_parts)];
        MUST(buf_append(&text, part, strlen(part), &err), &err);
        if (rng_below(r, 2)) MUST(buf_append(&text, " ", 1, &err), &err);
    }
    variants_agree(c, text.data, text.len);
    buf_close(&text);
}

/* Opening must fail with this status, and a message that contains `says`. */
static inline void is_refused(VocabBytes bytes, Status want, const char *says)
{
    Case c;
    Err err = {""};
    Status got = case_try(&c, bytes, &err);
    if (got != want || !strstr(err.text, says))
        FAILED("%s '%s', expected %s with '%s'", status_name(got), err.text, status_name(want),
               says);
    assert_null(c.t);
    case_close(&c);
}

#endif
