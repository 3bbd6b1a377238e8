/* chat_template.c: compile once, render often. A rendering has an arena of its own for every value
 * that it makes, so nothing of it remains. */
#include "jinja_impl.h"

#include <string.h>

Status chat_template_compile(Arena *a, const char *source, size_t n, ChatTemplate **out, Err *err)
{
    TokList tokens = {0};
    ChatTemplate *t = ARENA_NEW(a, ChatTemplate, 1);
    if (!t) return fail(err, E_MEMORY, "no memory for a chat template");
    TRY(jinja_lex(a, source, n, &tokens, err));
    TRY(jinja_parse(a, tokens.items, &t->root, err));
    *out = t;
    return OK;
}

/* A copy: what a template appends to a list must not reach the caller. */
static Status copy(Interp *it, ChatValue v, int depth, ChatValue *out)
{
    TRY(jinja_step(it));
    if (depth > JINJA_MAX_VALUE_DEPTH)
        return fail(it->err, E_LIMIT, "a conversation's values are nested deeper than %d",
                    JINJA_MAX_VALUE_DEPTH);
    *out = v;
    if (v.kind == CHAT_LIST || v.kind == CHAT_TUPLE) {
        TRY(chat_value_list(it->a, out, it->err));
        for (int64_t i = 0; i < v.list->n; i++) {
            ChatValue item;
            TRY(copy(it, v.list->items[i], depth + 1, &item));
            TRY(chat_value_append(it->a, *out, item, it->err));
        }
        out->kind = v.kind;
    } else if (v.kind == CHAT_DICT) {
        TRY(chat_value_dict(it->a, out, it->err));
        for (int64_t i = 0; i < v.dict->n; i++) {
            ChatValue value;
            TRY(copy(it, v.dict->pairs[i].value, depth + 1, &value));
            TRY(chat_value_put(it->a, *out, v.dict->pairs[i].key, value, it->err));
        }
    } else if (v.kind > CHAT_DICT) {
        return fail(it->err, E_ARG, "a conversation holds %s, which only templates make",
                    jinja_kind_name(v));
    }
    return OK;
}

static Status give(Interp *it, const char *name, ChatValue v)
{
    if (v.kind == CHAT_UNDEFINED) return OK;
    TRY(copy(it, v, 0, &v));
    return jinja_bind(it, chat_value_text(name), v);
}

static Status give_all(Interp *it, const ChatInput *in)
{
    ChatValue tools = in->tools.kind == CHAT_UNDEFINED ? chat_value_none() : in->tools;
    TRY(give(it, "messages", in->messages));
    TRY(give(it, "tools", tools));
    TRY(give(it, "documents", chat_value_none()));
    TRY(give(it, "add_generation_prompt", chat_value_bool(in->add_generation_prompt)));
    if (in->bos_text) TRY(give(it, "bos_token", chat_value_text(in->bos_text)));
    if (in->eos_text) TRY(give(it, "eos_token", chat_value_text(in->eos_text)));
    for (int64_t i = 0; in->extra.kind == CHAT_DICT && i < in->extra.dict->n; i++) {
        ChatValue v;
        ChatPair *p = &in->extra.dict->pairs[i];
        if (p->key.kind != CHAT_TEXT) return fail(it->err, E_ARG, "a variable's name is a text");
        TRY(copy(it, p->value, 0, &v));
        TRY(jinja_bind(it, p->key, v));
    }
    return OK;
}

Status chat_template_render(const ChatTemplate *t, const ChatInput *in, Buf *out, Err *err)
{
    Arena arena = {0};
    Scope top = {0};
    Interp it = {.a = &arena, .err = err, .scope = &top, .now_s = in->now_s};
    Status s = give_all(&it, in);
    if (s == OK) s = jinja_exec(&it, t->root);
    if (s == OK && it.out.len > JINJA_MAX_OUTPUT)
        s = fail(err, E_LIMIT, "chat template's output exceeds %zu bytes", JINJA_MAX_OUTPUT);
    if (s == OK && it.out.len) s = buf_append(out, it.out.data, it.out.len, err);
    buf_close(&it.out);
    arena_close(&arena);
    return s;
}
