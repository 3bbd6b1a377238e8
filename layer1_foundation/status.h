/* status.h: two kinds of error, never mixed.
 *
 * Interface:
 * - CHECK(cond, "fmt", ...) is for our own mistakes. It aborts with file, line and values. Never
 *   use it on data that came from outside.
 * - Everything that can go wrong because of the world (a file, a prompt, the memory limit)
 *   returns a Status and fills the caller's Err through fail().
 * - An Err message names the thing, the value, the limit and, if there is one, the next step,
 *   introduced by "HINT:". It is one line.
 * - TRY(call) is the only early-return macro: it passes a failure up unchanged.
 *
 * Nothing here allocates; an Err belongs to the caller and may be reused. */
#ifndef SIXFOLD_STATUS_H
#define SIXFOLD_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    OK = 0,
    E_IO,          /* the operating system refused: open, read, write */
    E_FORMAT,      /* a file or text breaks its format */
    E_UNSUPPORTED, /* valid, but of a kind that we do not know */
    E_LIMIT,       /* valid, but beyond a limit (context length, metadata size) */
    E_ARG,         /* the caller of the program asked for something impossible */
    E_MEMORY,      /* an allocation was refused */
    E_CANCELLED    /* stopped on request (Ctrl-C) */
} Status;

typedef struct {
    char text[512]; /* one line, always terminated */
} Err;

/* A test includes cmocka.h first, which has a macro of this name; tests use tests/must.h. */
#undef fail

/* Writes the message into err (which may be NULL) and returns code, so that a caller can say
 * `return fail(err, E_FORMAT, "...")`. Control characters in the message become '?'. */
Status fail(Err *err, Status code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of the message that err already holds; returns code. */
Status fail_in(Err *err, Status code, const char *prefix);

/* Name of a status, e.g. "E_FORMAT". */
const char *status_name(Status s);

#define TRY(call)                                                                                  \
    do {                                                                                           \
        Status try_status_ = (call);                                                               \
        if (try_status_ != OK) return try_status_;                                                 \
    } while (0)

void check_failed(const char *file, int line, const char *cond, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 4, 5)));

#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) check_failed(__FILE__, __LINE__, #cond, __VA_ARGS__);    \
    } while (0)

/* Closest word to `word` among n candidates, or NULL when none is near (at most a third of its
 * letters changed, and at most 3). For "did you mean" hints. */
const char *nearest_word(const char *word, const char *const *candidates, int n);

#endif
