/* chat_parser.h: what a model says becomes parts: content, thoughts and calls of tools.
 *
 * Families write the same three things in different ways (ChatForm, ChatThink):
 *
 *   thoughts    <think> ... </think>   [THINK] ... [/THINK]   <|channel|>analysis<|message|> ... <|end|>
 *   Hermes      <tool_call>{"name": "f", "arguments": {...}}</tool_call>, or <function=f> with
 *               <parameter=x> inside (Qwen3-Coder)
 *   Llama 3     {"name": "f", "parameters": {...}} as the whole answer, or <function=f>{...}</function>
 *   Mistral     [TOOL_CALLS][{"name": "f", "arguments": {...}}], or [TOOL_CALLS]f[ARGS]{...}
 *   gpt-oss     <|channel|>commentary to=functions.f <|message|>{...}<|call|>
 *
 * Interface:
 * - Text goes in as it is generated, in pieces of any size; parts come out as soon as it is certain what
 *   they are. What comes out, joined, does not depend on how the text was cut.
 * - A tag that turns out to be none, and a call that is no JSON, stay content: nothing is lost but the
 *   blanks around tags (and what separates calls).
 * - A call comes as a whole: its name, and its arguments as JSON text.
 * - Any bytes may come in; UTF-8 is not looked at. */
#ifndef SIXFOLD_CHAT_PARSER_H
#define SIXFOLD_CHAT_PARSER_H

#include "chat_format.h"

typedef enum { CHAT_PART_CONTENT, CHAT_PART_THOUGHT, CHAT_PART_CALL } ChatPartKind;

typedef struct {
    ChatPartKind kind;
    const char *text; /* n bytes, valid during the call; of a call: its arguments */
    size_t n;
    const char *name; /* of a call */
} ChatPart;

typedef Status ChatPartFn(void *ctx, const ChatPart *part, Err *err);

typedef struct {
    ChatForm form;
    ChatThink think;
    bool thinks;   /* the prompt ended inside the thoughts */
    bool tools;    /* tools were offered: an answer that begins with '{' may be a call */
} ChatParserParams;

typedef struct {
    ChatParserParams params;
    ChatPartFn *fn;
    void *ctx;
    int state;
    bool said;         /* content has begun, so no thoughts can */
    bool skip_blanks;  /* after a tag */
    int n_calls;
    Buf held;          /* not decided yet; in a call its body */
    Buf header;        /* what stands before <|message|> */
    const char *opener;/* the tag that began the call */
    size_t searched;   /* bytes of held that hold no tag */
    size_t scanned;    /* bytes of held that the brackets below count */
    int depth;
    bool in_text, escaped;
} ChatParser;

void chat_parser_open(ChatParser *p, const ChatParserParams *params, ChatPartFn *fn, void *ctx);
Status chat_parser_feed(ChatParser *p, const char *text, size_t n, Err *err);
/* The text has ended: what was held back comes out. */
Status chat_parser_end(ChatParser *p, Err *err);
void chat_parser_close(ChatParser *p);

/* Whether a control token of this text means something here: such are fed too, others are not. */
bool chat_parser_knows(const ChatParser *p, const char *text, size_t n);

#endif
