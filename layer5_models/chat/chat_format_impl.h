/* chat_format_impl.h: what the parts of chat_format share: the families, the probe, the rendering. */
#ifndef SIXFOLD_CHAT_FORMAT_IMPL_H
#define SIXFOLD_CHAT_FORMAT_IMPL_H

#include "chat_format.h"

/* A family: how its templates are recognised, and one of our own in its form. */
typedef struct {
    const char *name;
    const char *marks[2]; /* texts that all stand in a template of the family; NULL: nothing more */
    const char *source;
} ChatFamily;

const ChatFamily *chat_format_find_family(const char *name);      /* NULL: none of that name */
const ChatFamily *chat_format_recognise(const char *source, size_t n); /* NULL: none that we know */

/* Fills caps, form and think of a compiled template. Fails if no conversation can be rendered at all. */
Status chat_format_probe(ChatFormat *f, Err *err);

/* True if the bytes of text stand in s. */
bool chat_format_has(const char *s, size_t n, const char *text);

/* True if a rendered conversation ends with the tag that opens thoughts. */
bool chat_format_thinks(const ChatFormat *f, const Buf *text);

/* The messages in the shape that the template takes: system text moved, content typed. */
Status chat_format_shape(const ChatFormat *f, Arena *a, ChatValue messages, ChatValue *out, Err *err);

/* Renders messages that have their shape already. */
Status chat_format_render_shaped(const ChatFormat *f, Arena *a, const ChatTalk *talk, ChatValue messages,
                                 Buf *out, Err *err);

#endif
