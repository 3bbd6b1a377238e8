/* chat_value.h: the values that a chat template computes with, and JSON as a way to write them.
 *
 * Interface:
 * - A ChatValue is small and passed by value; text, lists and dicts it points to belong to an
 *   Arena and are never freed singly. Lists and dicts are shared, not copied, as in Python.
 * - Dicts keep the order of insertion. Text is UTF-8 with a length; lengths and positions that a
 *   template sees count code points.
 * - chat_value_from_json reads one JSON text (depth at most 100); errors name the byte.
 * - Functions that add return E_MEMORY when the arena is refused. */
#ifndef SIXFOLD_CHAT_VALUE_H
#define SIXFOLD_CHAT_VALUE_H

#include "arena.h"

typedef enum {
    CHAT_UNDEFINED, /* a name or member that is not there; prints as nothing */
    CHAT_NONE,
    CHAT_BOOL,
    CHAT_INT,
    CHAT_FLOAT,
    CHAT_TEXT,
    CHAT_LIST,
    CHAT_TUPLE,
    CHAT_DICT,
    CHAT_NAMESPACE, /* from here on: made by templates only */
    CHAT_MACRO,
    CHAT_FUNCTION,
    CHAT_METHOD,
    CHAT_LOOP
} ChatKind;

typedef struct ChatList ChatList;
typedef struct ChatDict ChatDict;
typedef struct ChatValue ChatValue;

struct ChatValue {
    ChatKind kind;
    union {
        bool truth;        /* CHAT_BOOL */
        int64_t number;    /* CHAT_INT */
        double real;       /* CHAT_FLOAT */
        const char *text;  /* CHAT_TEXT; also the missing name of CHAT_UNDEFINED, or NULL */
        ChatList *list;    /* CHAT_LIST, CHAT_TUPLE */
        ChatDict *dict;    /* CHAT_DICT, CHAT_NAMESPACE */
        const void *other; /* what the interpreter keeps */
    };
    size_t n; /* bytes of text */
};

struct ChatList {
    ChatValue *items;
    int64_t n, cap;
};

typedef struct {
    ChatValue key, value;
} ChatPair;

struct ChatDict {
    ChatPair *pairs;
    int64_t n, cap;
};

ChatValue chat_value_none(void);
ChatValue chat_value_bool(bool b);
ChatValue chat_value_int(int64_t i);
ChatValue chat_value_float(double f);
ChatValue chat_value_text(const char *s);            /* s is not copied */
ChatValue chat_value_bytes(const char *s, size_t n); /* s is not copied */

Status chat_value_list(Arena *a, ChatValue *out, Err *err); /* an empty list */
Status chat_value_dict(Arena *a, ChatValue *out, Err *err); /* an empty dict */
Status chat_value_append(Arena *a, ChatValue list, ChatValue item, Err *err);
Status chat_value_put(Arena *a, ChatValue dict, ChatValue key, ChatValue value, Err *err);

/* The value of a key, or an undefined value. */
ChatValue chat_value_get(ChatValue dict, const char *key);

Status chat_value_from_json(Arena *a, const char *json, size_t n, ChatValue *out, Err *err);
/* Appends a value as JSON in one line, as Python's json.dumps(v, ensure_ascii=False) writes it. */
Status chat_value_to_json(ChatValue v, Buf *out, Err *err);

#endif
