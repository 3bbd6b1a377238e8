/* answer.c: the loop around generator_next, and stop strings that may come in pieces. */
#include "answer.h"

#include <string.h>

typedef struct {
    const AnswerParams *p;
    AnswerTextFn *fn;
    void *ctx;
    TextStream stream;
    Buf held;     /* text that may begin a stop string */
    bool stopped;
} Answer;

/* The first stop string in s; its place, or n if there is none. */
static size_t find_stop(const AnswerParams *p, const char *s, size_t n)
{
    size_t first = n;
    for (int64_t i = 0; i < p->n_stops; i++) {
        const char *at = n && p->stops[i][0] ? memmem(s, n, p->stops[i], strlen(p->stops[i])) : NULL;
        if (at && (size_t)(at - s) < first) first = (size_t)(at - s);
    }
    return first;
}

/* How many bytes at the end of s may begin a stop string. */
static size_t partial_stop(const AnswerParams *p, const char *s, size_t n)
{
    size_t longest = 0;
    for (int64_t i = 0; i < p->n_stops; i++) {
        size_t k = strlen(p->stops[i]);
        if (k) k--;
        if (k > n) k = n;
        while (k > longest && memcmp(s + n - k, p->stops[i], k) != 0) k--;
        if (k > longest) longest = k;
    }
    return longest;
}

/* Hands over what is certain. end: nothing more will come. */
static Status hand_over(Answer *a, bool end, Err *err)
{
    size_t n = a->held.len, at = find_stop(a->p, a->held.data, n);
    a->stopped = at < n;
    size_t ready = a->stopped || end ? at : n - partial_stop(a->p, a->held.data, n);
    if (ready) TRY(a->fn(a->ctx, a->held.data, ready, err));
    if (ready) memmove(a->held.data, a->held.data + ready, n - ready);
    a->held.len = n - ready;
    return OK;
}

static Status feed(Answer *a, const Tokenizer *t, int32_t id, Err *err)
{
    Str text = tokenizer_text(t, id);
    bool control = tokenizer_type(t, id) == TOKEN_CONTROL;
    a->stream.special = a->p->special || (control && a->p->wanted && a->p->wanted(a->ctx, text.ptr, text.len));
    TRY(textstream_feed(&a->stream, id, &a->held, err));
    return hand_over(a, false, err);
}

static Status run(Answer *a, Generator *g, AnswerEnd *end, Err *err)
{
    int64_t n_predict = a->p->n_predict;
    for (int64_t i = 0; n_predict < 0 || i < n_predict; i++) {
        /* 1. Without a number a full context is simply the end. */
        *end = ANSWER_FULL;
        if (g->tokens.n >= g->params.n_ctx && n_predict < 0) return OK;
        /* 2. One token; its text as soon as it is certain. */
        int32_t id;
        bool ends;
        TRY(generator_next(g, &id, &ends, err));
        *end = ANSWER_ENDED;
        if (ends) return OK;
        TRY(feed(a, g->model->tokenizer, id, err));
        *end = ANSWER_STOPPED;
        if (a->stopped) return OK;
        if (g->stop && *g->stop) return fail(err, E_CANCELLED, "stopped on request");
    }
    *end = ANSWER_LENGTH;
    return OK;
}

Status answer_stream(Generator *g, const AnswerParams *p, AnswerTextFn *fn, void *ctx, AnswerEnd *end,
                     Err *err)
{
    Answer a = {.p = p, .fn = fn, .ctx = ctx,
                .stream = {.tokenizer = g->model->tokenizer, .drop_space = p->drop_space}};
    Err late;
    Status s = run(&a, g, end, err), rest = OK;
    if (!a.stopped) {
        rest = textstream_end(&a.stream, &a.held, &late);
        if (rest == OK) rest = hand_over(&a, true, &late);
    }
    textstream_close(&a.stream);
    buf_close(&a.held);
    return s == OK && rest != OK ? fail(err, rest, "%s", late.text) : s;
}
