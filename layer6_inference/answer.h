/* answer.h: an answer as it comes: tokens become text until something ends it.
 *
 * Interface: answer_stream asks a Generator for tokens and hands whole characters to fn, each as soon as
 * it is certain that no stop string begins with it. A stop string itself is not handed over. Whatever ends
 * the answer, what was held back comes out first; E_CANCELLED when the generator's stop flag was set.
 * E_LIMIT when n_predict asks for more than the context holds; without it a full context is an end. */
#ifndef SIXFOLD_ANSWER_H
#define SIXFOLD_ANSWER_H

#include "generate.h"
#include "textstream.h"

typedef enum {
    ANSWER_ENDED,  /* the model chose a token that ends the text */
    ANSWER_LENGTH, /* n_predict tokens */
    ANSWER_FULL,   /* the context is full */
    ANSWER_STOPPED /* a stop string */
} AnswerEnd;

typedef struct {
    int64_t n_predict;        /* -1: no limit */
    const char *const *stops; /* [n_stops] */
    int64_t n_stops;
    bool special;             /* show control tokens too */
    bool drop_space;          /* the first piece loses one leading space */
    bool (*wanted)(void *ctx, const char *text, size_t n); /* control tokens to show; NULL: none */
} AnswerParams;

typedef Status AnswerTextFn(void *ctx, const char *text, size_t n, Err *err);

Status answer_stream(Generator *g, const AnswerParams *p, AnswerTextFn *fn, void *ctx, AnswerEnd *end,
                     Err *err);

#endif
