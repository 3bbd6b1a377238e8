/* tools.h: what a model may call: the list of functions that a user brings.
 *
 *   [{"type": "function", "function": {"name": ..., "description": ..., "parameters": {a JSON schema}}}]
 *
 * Interface: tools_from_json reads such a list (OpenAI's `tools`), or an object that has it under "tools", or
 * bare functions. Any bytes may come in; every name is checked, at most TOOLS_MAX of them, none twice. The list is the
 * arena's. A function without "parameters" gets those that say: none. Nothing is ever run: the model asks, and a
 * person or a program answers. */
#ifndef SIXFOLD_TOOLS_H
#define SIXFOLD_TOOLS_H

#include "layer5.h"

enum { TOOLS_MAX = 128, TOOLS_MAX_NAME = 64, TOOLS_MAX_BYTES = 1 << 20 };

Status tools_from_json(Arena *a, const char *json, size_t n, ChatValue *out, Err *err);

/* The function of that name, a dict; undefined if there is none. */
ChatValue tools_find(ChatValue tools, Str name);
/* A name that a function may have: 1 to 64 of A-Z a-z 0-9 _ - and dots. */
bool tools_is_name(Str name);

#endif
