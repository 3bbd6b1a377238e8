/* conversation.h: who said what, in order, and as JSON for a file.
 *
 * Interface: turns are added at the end and cut from there; a system text stands in front. A turn of the
 * assistant keeps content, thoughts and calls of tools apart; each call has an id, and a turn of a tool says
 * which call it answers. The JSON is that of OpenAI's API, {"messages": [{"role": ..., "content": ...}]}, so
 * other programs read it; conversation_from_json takes any bytes and changes nothing if it fails. */
#ifndef SIXFOLD_CONVERSATION_H
#define SIXFOLD_CONVERSATION_H

#include "layer5.h"

typedef enum { TURN_SYSTEM, TURN_USER, TURN_ASSISTANT, TURN_TOOL } TurnRole;

typedef struct {
    TurnRole role;
    Buf content;
    Buf thoughts; /* of an assistant */
    Buf calls;    /* JSON objects {"id": ..., "type": "function", "function": {...}}, with commas between them */
    int64_t n_calls;
    Buf name, id; /* of a tool: what was called, and by which call; may be empty in what others wrote */
} ChatTurn;

typedef struct { Buf turns; } Conversation; /* zero-initialise */

int64_t conversation_n(const Conversation *c);
ChatTurn *conversation_turn(const Conversation *c, int64_t i);
/* The new turn is empty but for its content; *turn may be NULL. */
Status conversation_add(Conversation *c, TurnRole role, const char *text, size_t n, ChatTurn **turn, Err *err);
/* Puts the text in front as system turn, or replaces it; no bytes: there is none any more. */
Status conversation_set_system(Conversation *c, const char *text, size_t n, Err *err);
/* A call of the assistant; arguments are a JSON object. It gets the id that the turn and the number of calls give. */
Status conversation_add_call(const Conversation *c, ChatTurn *t, const char *name, const char *arguments, size_t n,
                             Err *err);
/* Calls of the last answer that have no result yet, as a list of {"id", "type", "function"}, in order. */
Status conversation_waiting(const Conversation *c, Arena *a, ChatValue *out, Err *err);
/* The result of one of them, which becomes a turn. */
Status conversation_add_result(Conversation *c, ChatValue call, const char *text, size_t n, Err *err);
void conversation_cut(Conversation *c, int64_t n); /* keeps the first n */
void conversation_close(Conversation *c);

/* What a template gets: the system turn, and the turns from `first` on. Texts are not copied. */
Status conversation_messages(const Conversation *c, int64_t first, Arena *a, ChatValue *out, Err *err);

Status conversation_to_json(const Conversation *c, Buf *out, Err *err);
Status conversation_from_json(Conversation *c, const char *json, size_t n, Err *err);

#endif
