/* chat_template.h: a conversation becomes the text that the model was trained to see.
 *
 * Interface:
 * - chat_template_compile reads a template (GGUF key tokenizer.chat_template, a subset of Jinja2)
 *   once; errors name the line. Source and tree live in the given arena.
 * - chat_template_render appends to `out`. A compiled template is not changed: several threads may
 *   render from it at once, each with its own Buf. Nothing is appended when it fails.
 * - Templates come from model files and are not trusted: they reach nothing but the values given
 *   here, and steps, depth, memory and output are limited (E_LIMIT).
 * - A template that refuses a conversation (raise_exception) makes E_ARG; the message ends with
 *   the template's own words. */
#ifndef SIXFOLD_CHAT_TEMPLATE_H
#define SIXFOLD_CHAT_TEMPLATE_H

#include "chat_value.h"

typedef struct ChatTemplate ChatTemplate;

typedef struct {
    ChatValue messages; /* a list of dicts with "role" and "content" */
    ChatValue tools;    /* a list of dicts, or none */
    ChatValue extra;    /* a dict of further variables (enable_thinking ...), or none */
    bool add_generation_prompt;
    const char *bos_text, *eos_text; /* NULL: the variables are undefined */
    int64_t now_s; /* seconds since 1970 for strftime_now (local time); 0 asks the clock */
} ChatInput;

Status chat_template_compile(Arena *a, const char *source, size_t n, ChatTemplate **out, Err *err);
Status chat_template_render(const ChatTemplate *t, const ChatInput *in, Buf *out, Err *err);

#endif
