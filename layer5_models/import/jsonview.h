/* jsonview.h: JSON read where it lies: nothing is copied, nothing is built.
 *
 * A vocabulary in JSON has half a million members. A tree of them takes ten times the memory of the text;
 * but whoever goes through it once needs no tree. So the text is checked once, from end to end and
 * without recursion, and after that a value is a piece of it: going from member to member cannot fail.
 *
 * Interface:
 * - jsonview_open checks the text (RFC 8259; also NaN, Infinity and -Infinity, which Python writes) and
 *   gives its root; errors name the byte. Depth is limited to JSONVIEW_DEPTH. Views live as long as the text.
 * - jsonview_get looks a member up by going through them (the first of that name); for large objects and
 *   for all arrays walk with an iterator. What is absent has kind JSON_ABSENT, which every getter accepts.
 * - Numbers are read as Python wrote them; a bool is no number. */
#ifndef SIXFOLD_JSONVIEW_H
#define SIXFOLD_JSONVIEW_H

#include "layer4.h"

enum { JSONVIEW_DEPTH = 64 };

typedef enum { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_DICT } JsonKind;

typedef struct {
    const char *s, *end; /* the value's own bytes; NULL: absent */
} JsonView;

typedef struct {
    const char *s, *end;
    bool dict;
} JsonWalk;

Status jsonview_open(JsonView *root, const char *text, size_t n, Err *err);

JsonKind jsonview_kind(JsonView v);
JsonView jsonview_get(JsonView dict, const char *key);
JsonWalk jsonview_walk(JsonView list_or_dict); /* of anything else: nothing */
bool jsonview_next(JsonWalk *w, JsonView *key, JsonView *value); /* key is absent in lists; both may be NULL */

bool jsonview_is(JsonView v, const char *text); /* a text without escapes, of these bytes */
bool jsonview_true(JsonView v);
/* An integer in [lo, hi]; also one written as 1e3 or 2.0. False and *out left as it is otherwise. */
bool jsonview_int(JsonView v, int64_t lo, int64_t hi, int64_t *out);
bool jsonview_number(JsonView v, double *out);
/* The text without its quotes and escapes; memory from a only if there are escapes. Not a text: an empty
 * one and E_FORMAT. Half surrogate pairs become U+FFFD. */
Status jsonview_text(JsonView v, Arena *a, Str *out, Err *err);

#endif
