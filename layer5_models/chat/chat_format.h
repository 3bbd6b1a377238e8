/* chat_format.h: how one model wants to be talked to: its template, what the template can do, and the ids
 * of a conversation.
 *
 * Interface:
 * - chat_format_open takes the template of the file (tokenizer.chat_template), or what the choice names:
 *   a named template of the file (tokenizer.chat_template.NAME), a family that is built in
 *   (chat_format_family), or a template's own text. A file without one gets ChatML, and so does a file
 *   whose template cannot be read or renders no conversation: then `guessed` is true and `why` says so.
 *   A template that somebody chose by name is never replaced: it is refused with its error.
 * - Capabilities are found by rendering short conversations, not by looking at the source. What a template
 *   refuses is worked around where that is possible: a system text goes into the first user message;
 *   content becomes a list of parts where the template wants one.
 * - chat_format_encode gives ids. Text of users never becomes a control token: "<|im_start|>" typed by a
 *   person is ten letters. The template's own words and the model's earlier answers do.
 * - A ChatFormat is read-only after opening and may be used by several threads. It keeps views into the
 *   model, which must stay open. */
#ifndef SIXFOLD_CHAT_FORMAT_H
#define SIXFOLD_CHAT_FORMAT_H

#include "chat_template.h"
#include "gguf.h"
#include "tokenizer.h"

/* How a family writes what is not plain text: chat_parse.h. */
typedef enum {
    CHAT_FORM_PLAIN,
    CHAT_FORM_HERMES,   /* <tool_call>{"name": ..., "arguments": {...}}</tool_call> (Hermes, Qwen) */
    CHAT_FORM_LLAMA3,   /* the answer is {"name": ..., "parameters": {...}} */
    CHAT_FORM_MISTRAL,  /* [TOOL_CALLS][{"name": ..., "arguments": {...}}], or NAME[ARGS]{...} */
    CHAT_FORM_CHANNELS, /* <|channel|>analysis<|message|>...<|end|> (gpt-oss) */
    CHAT_FORM_COUNT
} ChatForm;

typedef enum { CHAT_THINK_NONE, CHAT_THINK_TAGS, CHAT_THINK_BRACKETS } ChatThink; /* <think>, [THINK] */

typedef struct {
    bool system;            /* takes a system message as such */
    bool tools;             /* shows the tools it is given */
    bool tool_calls;        /* shows calls of earlier turns */
    bool tool_results;      /* takes messages of role "tool" */
    bool typed_only;        /* content must be a list of parts */
    bool wants_list;        /* without tools it must be given an empty list */
    bool generation_prompt; /* add_generation_prompt changes something */
    bool thinking_switch;   /* enable_thinking (or thinking) changes something */
    bool thinks_first;      /* the generation prompt ends inside the thoughts */
} ChatCaps;

typedef struct {
    const char *text; /* a name or a template; NULL: what the file says */
    bool no_jinja;    /* do not run the file's template: only recognise its family */
} ChatChoice;

typedef struct ChatFormat {
    Arena arena;
    ChatTemplate *template;
    Str source;          /* the template's text */
    char name[96];       /* where it comes from, e.g. "tokenizer.chat_template" */
    bool guessed;        /* ChatML because there was nothing better */
    Err why;             /* then: the reason */
    ChatCaps caps;
    ChatForm form;
    ChatThink think;
    const char *bos_text, *eos_text; /* NULL if the vocabulary has none */
} ChatFormat;

/* t may be NULL: then texts can be rendered, but not encoded. */
Status chat_format_open(ChatFormat *f, const Gguf *g, const Tokenizer *t, const ChatChoice *choice,
                        Err *err);
void chat_format_close(ChatFormat *f); /* a zeroed one is fine */

/* A conversation as it goes in: messages are a list of dicts {"role", "content", and for assistants
 * "reasoning_content" and "tool_calls"}, as in OpenAI's API. */
typedef struct {
    ChatValue messages, tools; /* tools: a list or undefined */
    int thinking;              /* 1 on, 0 off, -1 as the template has it */
    bool add_generation_prompt;
    int64_t now_s;             /* as in ChatInput */
} ChatTalk;

Status chat_format_render(const ChatFormat *f, const ChatTalk *talk, Buf *out, Err *err);

/* Appends the ids; bos stands in front once, if the vocabulary or the template wants it. *thinks: the text
 * ends inside the thoughts of the model, so that its answer begins with the rest of them. */
Status chat_format_encode(const ChatFormat *f, const Tokenizer *t, const ChatTalk *talk, TokenList *out,
                          bool *thinks, Err *err);

/* The families that are built in, for --chat-template NAME: "chatml", "llama3", ... NULL after the last. */
const char *chat_format_family(int i);
/* Names of further templates in the file, one after the other: NULL after the last. *n: bytes. */
const char *chat_format_named(const Gguf *g, int i, size_t *n);

#endif
