/* chat_parser_impl.h: what chat_parser.c (where parts begin and end), chat_tags.c (which tags say so) and
 * chat_calls.c (what a call says) share. */
#ifndef SIXFOLD_CHAT_PARSER_IMPL_H
#define SIXFOLD_CHAT_PARSER_IMPL_H

#include "chat_parser.h"

#define CHAT_PARSER_MAX_CALL ((size_t)1 << 20) /* bytes of one call */

/* Where the parser is; a tag is one only in some of these states.
 *
 *   SAY    content, until a tag opens something else
 *   THINK  thoughts, until their tag closes
 *   CALL   the body of a call, until its tag closes or its brackets do
 *   HEAD   between <|start|> or <|channel|> and <|message|>
 *   BODY   between <|message|> and <|end|> */
enum { SAY = 1, THINK = 2, CALL = 4, HEAD = 8, BODY = 16 };

typedef enum { OPEN_THOUGHT, CLOSE_THOUGHT, OPEN_CALL, CLOSE_CALL, OPEN_HEAD, CHANNEL, IN_HEAD, MESSAGE, FINISH } ChatAct;

typedef struct {
    const char *text;
    int form, think; /* -1: any */
    int states;      /* where it is a tag at all */
    ChatAct act;
} ChatTag;

/* The first tag in what is held, and its place; NULL: none. */
const ChatTag *chat_parser_find_tag(const ChatParser *p, size_t *at);
/* How many bytes at the end of what is held may begin a tag. */
size_t chat_parser_partial_tag(const ChatParser *p);

/* Hands the calls in a body to the parser's fn. *is_call: whether there were any; if not, nothing was
 * handed over. */
Status chat_parser_calls(ChatParser *p, const char *body, size_t n, bool *is_call, Err *err);

/* The name is known, the body is all arguments. */
Status chat_parser_named_call(ChatParser *p, const char *name, size_t n_name, const char *body, size_t n,
                              bool *is_call, Err *err);

bool chat_parser_is_blank(char c);
bool chat_parser_all_blank(const char *s, size_t n);

#endif
