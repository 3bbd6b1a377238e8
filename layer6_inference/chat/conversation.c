/* conversation.c: turns in one growing array, and their form as messages. */
#include "conversation.h"

#include <string.h>

static const char *const role_names[] = {"system", "user", "assistant", "tool"};
enum { N_ROLES = sizeof role_names / sizeof *role_names };

int64_t conversation_n(const Conversation *c) { return (int64_t)(c->turns.len / sizeof(ChatTurn)); }

ChatTurn *conversation_turn(const Conversation *c, int64_t i)
{
    CHECK(i >= 0 && i < conversation_n(c), "turn %lld of %lld", (long long)i, (long long)conversation_n(c));
    return (ChatTurn *)(void *)c->turns.data + i;
}

static void close_turn(ChatTurn *t)
{
    buf_close(&t->content);
    buf_close(&t->thoughts);
    buf_close(&t->calls);
}

Status conversation_add(Conversation *c, TurnRole role, const char *text, size_t n, ChatTurn **turn, Err *err)
{
    ChatTurn t = {.role = role};
    Status s = n ? buf_append(&t.content, text, n, err) : OK;
    if (s == OK) s = buf_append(&c->turns, &t, sizeof t, err);
    if (s != OK) close_turn(&t);
    else if (turn) *turn = conversation_turn(c, conversation_n(c) - 1);
    return s;
}

static bool has_system(const Conversation *c)
{
    return conversation_n(c) > 0 && conversation_turn(c, 0)->role == TURN_SYSTEM;
}

Status conversation_set_system(Conversation *c, const char *text, size_t n, Err *err)
{
    Buf copy = {0};
    if (n) TRY(buf_append(&copy, text, n, err));
    /* 1. Room in front, or what was there goes. */
    if (n && !has_system(c)) {
        ChatTurn none = {.role = TURN_SYSTEM};
        Status s = buf_append(&c->turns, &none, sizeof none, err);
        if (s != OK) {
            buf_close(&copy);
            return s;
        }
        ChatTurn *first = conversation_turn(c, 0);
        memmove(first + 1, first, (size_t)(conversation_n(c) - 1) * sizeof *first);
        *first = none;
    } else if (has_system(c)) {
        close_turn(conversation_turn(c, 0));
    }
    /* 2. The new text. */
    if (n) {
        conversation_turn(c, 0)->content = copy;
    } else if (has_system(c)) {
        ChatTurn *first = conversation_turn(c, 0);
        c->turns.len -= sizeof *first;
        memmove(first, first + 1, c->turns.len);
    }
    return OK;
}

void conversation_cut(Conversation *c, int64_t n)
{
    for (int64_t i = conversation_n(c); i > n && i > 0; i--) {
        close_turn(conversation_turn(c, i - 1));
        c->turns.len -= sizeof(ChatTurn);
    }
}

void conversation_close(Conversation *c)
{
    conversation_cut(c, 0);
    buf_close(&c->turns);
}

/* ---------------------------------------------------------------- messages */

static Status put_text(Arena *a, ChatValue m, const char *key, const Buf *text, Err *err)
{
    return chat_value_put(a, m, chat_value_text(key), chat_value_bytes(text->data ? text->data : "", text->len),
                          err);
}

static Status message(const ChatTurn *t, Arena *a, ChatValue *out, Err *err)
{
    TRY(chat_value_dict(a, out, err));
    TRY(chat_value_put(a, *out, chat_value_text("role"), chat_value_text(role_names[t->role]), err));
    TRY(put_text(a, *out, "content", &t->content, err));
    if (t->thoughts.len) TRY(put_text(a, *out, "reasoning_content", &t->thoughts, err));
    if (!t->calls.len) return OK;
    Buf json = {0};
    ChatValue calls;
    Status s = buf_printf(&json, err, "[%s]", t->calls.data);
    if (s == OK) s = chat_value_from_json(a, json.data, json.len, &calls, err);
    buf_close(&json);
    TRY(s);
    return chat_value_put(a, *out, chat_value_text("tool_calls"), calls, err);
}

Status conversation_messages(const Conversation *c, int64_t first, Arena *a, ChatValue *out, Err *err)
{
    TRY(chat_value_list(a, out, err));
    for (int64_t i = 0; i < conversation_n(c); i++) {
        ChatValue m;
        const ChatTurn *t = conversation_turn(c, i);
        if (i < first && t->role != TURN_SYSTEM) continue;
        TRY(message(t, a, &m, err));
        TRY(chat_value_append(a, *out, m, err));
    }
    return OK;
}

Status conversation_to_json(const Conversation *c, Buf *out, Err *err)
{
    Arena a = {0};
    ChatValue messages, all;
    Status s = conversation_messages(c, 0, &a, &messages, err);
    if (s == OK) s = chat_value_dict(&a, &all, err);
    if (s == OK) s = chat_value_put(&a, all, chat_value_text("messages"), messages, err);
    if (s == OK) s = chat_value_to_json(all, out, err);
    if (s == OK) s = buf_append(out, "\n", 1, err);
    arena_close(&a);
    return s;
}

static Status add_calls(ChatTurn *t, ChatValue calls, Err *err)
{
    for (int64_t i = 0; calls.kind == CHAT_LIST && i < calls.list->n; i++) {
        if (i) TRY(buf_append(&t->calls, ", ", 2, err));
        TRY(chat_value_to_json(calls.list->items[i], &t->calls, err));
    }
    return OK;
}

static Status add_message(Conversation *c, int64_t i, ChatValue m, Err *err)
{
    ChatValue role = chat_value_get(m, "role"), content = chat_value_get(m, "content");
    ChatValue thoughts = chat_value_get(m, "reasoning_content");
    int r = 0;
    while (r < N_ROLES && (role.kind != CHAT_TEXT || role.n != strlen(role_names[r]) ||
                           memcmp(role.text, role_names[r], role.n) != 0))
        r++;
    if (r == N_ROLES || (r == TURN_SYSTEM && i > 0))
        return fail(err, E_FORMAT, "message %lld has no role that fits there, expected is user, assistant or tool, "
                    "and system for the first. HINT: {\"role\": \"user\", \"content\": \"...\"}", (long long)i + 1);
    if (content.kind == CHAT_NONE || content.kind == CHAT_UNDEFINED) content = chat_value_text("");
    if (content.kind != CHAT_TEXT)
        return fail(err, E_UNSUPPORTED, "the content of message %lld is no text. HINT: only text can be loaded",
                    (long long)i + 1);
    ChatTurn *t;
    TRY(conversation_add(c, (TurnRole)r, content.text, content.n, &t, err));
    if (thoughts.kind == CHAT_TEXT && thoughts.n) TRY(buf_append(&t->thoughts, thoughts.text, thoughts.n, err));
    return r == TURN_ASSISTANT ? add_calls(t, chat_value_get(m, "tool_calls"), err) : OK;
}

Status conversation_from_json(Conversation *c, const char *json, size_t n, Err *err)
{
    Arena a = {0};
    ChatValue all;
    Conversation fresh = {0};
    Status s = chat_value_from_json(&a, json, n, &all, err);
    ChatValue messages = s == OK ? chat_value_get(all, "messages") : all;
    if (s == OK && messages.kind != CHAT_LIST)
        s = fail(err, E_FORMAT, "this is no conversation: it has no list of \"messages\". HINT: /save writes one");
    for (int64_t i = 0; s == OK && i < messages.list->n; i++)
        s = add_message(&fresh, i, messages.list->items[i], err);
    if (s == OK) {
        conversation_close(c);
        *c = fresh;
    } else {
        conversation_close(&fresh);
    }
    arena_close(&a);
    return s;
}
