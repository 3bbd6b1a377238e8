/* chat_session.h: a conversation with a model: each answer costs only what is new.
 *
 *   ids = encode(template(turns)); keep what they share with the ids before; compute the rest; stream
 *
 * Interface:
 * - chat_session_answer answers the last turn, which is the user's or a tool's. Parts go to fn as they come (chat_parser.h)
 *   and together become a turn of the assistant, also when the answer is stopped half-way (E_CANCELLED) after
 *   something was said. If it fails before that, nothing is added.
 * - Keys and values of the shared beginning are not computed again: of a growing conversation that is
 *   everything up to the last answer; after an edit (undo, another system text) it is what stands before it.
 * - When the conversation and a quarter of the context for the answer do not fit, the oldest exchanges are
 *   not shown to the model any more (`first`); the system text always is. E_LIMIT if the last message alone
 *   is too long.
 * - With `tools` the model is told what it may call (the format must have caps.tools and caps.tool_results);
 *   what it calls is shown and kept in its turn, and the caller adds the results (conversation_waiting).
 * - A session belongs to one thread. Generator and format are the caller's and must stay open. */
#ifndef SIXFOLD_CHAT_SESSION_H
#define SIXFOLD_CHAT_SESSION_H

#include "answer.h"
#include "conversation.h"
#include "tools.h"

typedef struct {
    Generator *g;
    const ChatFormat *format;
    Conversation talk;
    int thinking;      /* 1 on, 0 off, -1 as the template has it */
    bool raw_thoughts; /* thoughts are content like everything else, with their tags */
    ChatValue tools;   /* of tools_from_json, or undefined; the caller's */
    int64_t first;     /* the first turn that the model still sees */
    /* of the last answer */
    int64_t n_shared;  /* tokens that did not have to be computed again */
    int64_t n_new;     /* tokens of the prompt that had to */
    int64_t n_said;    /* tokens of the answer */
    int64_t prompt_ns, answer_ns;
    AnswerEnd end;
} ChatSession;

Status chat_session_answer(ChatSession *s, const AnswerParams *p, ChatPartFn *fn, void *ctx, Err *err);
/* Tokens of the whole conversation as the model would be shown it, without the start of an answer. */
Status chat_session_count(const ChatSession *s, int64_t *n, Err *err);
void chat_session_close(ChatSession *s);

#endif
