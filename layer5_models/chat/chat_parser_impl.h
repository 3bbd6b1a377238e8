/* chat_parser_impl.h: what chat_parser.c (where parts begin and end) and chat_calls.c (what a call says)
 * share. */
#ifndef SIXFOLD_CHAT_PARSER_IMPL_H
#define SIXFOLD_CHAT_PARSER_IMPL_H

#include "chat_parser.h"

#define CHAT_PARSER_MAX_CALL ((size_t)1 << 20) /* bytes of one call */

/* Hands the calls in a body to the parser's fn. *is_call: whether there were any; if not, nothing was
 * handed over. */
Status chat_parser_calls(ChatParser *p, const char *body, size_t n, bool *is_call, Err *err);

/* The name is known, the body is all arguments. */
Status chat_parser_named_call(ChatParser *p, const char *name, size_t n_name, const char *body, size_t n,
                              bool *is_call, Err *err);

bool chat_parser_is_blank(char c);

#endif
