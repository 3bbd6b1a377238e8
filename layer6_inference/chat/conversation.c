/* conversation.c: turns in one growing array, and their form as messages. */
#include "conversation.h"

#include <stdio.h>
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
    buf_close(&t->name);
    buf_close(&t->id);
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

/* ---------------------------------------------------------------- calls and results */

static Status append_call(ChatTurn *t, int64_t turn, Str id, Str name, const char *arguments, size_t n, Err *err)
{
    Buf *b = &t->calls;
    char own[24];
    /* Nine letters and digits, as Mistral's templates want them: the turn, and the call's place in it. */
    int n_own = snprintf(own, sizeof own, "c%05lld%03lld", (long long)turn % 100000, (long long)t->n_calls % 1000);
    if (!id.len) id = (Str){own, (size_t)n_own};
    if (t->n_calls++) TRY(buf_append(b, ", ", 2, err));
    TRY(buf_printf(b, err, "{\"id\": "));
    TRY(chat_value_to_json(chat_value_bytes(id.ptr, id.len), b, err));
    TRY(buf_printf(b, err, ", \"type\": \"function\", \"function\": {\"name\": "));
    TRY(chat_value_to_json(chat_value_bytes(name.ptr, name.len), b, err));
    TRY(buf_printf(b, err, ", \"arguments\": "));
    TRY(buf_append(b, arguments, n, err));
    return buf_append(b, "}}", 2, err);
}

Status conversation_add_call(const Conversation *c, ChatTurn *t, const char *name, const char *arguments, size_t n,
                             Err *err)
{
    return append_call(t, conversation_n(c), (Str){"", 0}, (Str){name, strlen(name)}, arguments, n, err);
}

static Status conversation_calls(const ChatTurn *t, Arena *a, ChatValue *out, Err *err)
{
    Buf json = {0};
    Status s = buf_append(&json, "[", 1, err);
    if (s == OK && t->calls.len) s = buf_append(&json, t->calls.data, t->calls.len, err);
    if (s == OK) s = buf_append(&json, "]", 1, err);
    if (s == OK) s = chat_value_from_json(a, json.data, json.len, out, err);
    buf_close(&json);
    return s;
}

static bool same_text(ChatValue v, const Buf *b)
{
    return v.kind == CHAT_TEXT && v.n == b->len && (!v.n || !memcmp(v.text, b->data, v.n));
}

Status conversation_waiting(const Conversation *c, Arena *a, ChatValue *out, Err *err)
{
    int64_t n = conversation_n(c), last = n - 1;
    TRY(chat_value_list(a, out, err));
    while (last >= 0 && conversation_turn(c, last)->role == TURN_TOOL) last--;
    if (last < 0 || conversation_turn(c, last)->role != TURN_ASSISTANT) return OK;
    TRY(conversation_calls(conversation_turn(c, last), a, out, err));
    /* Each result takes its call away; one that names none takes the first. */
    ChatList *calls = out->list;
    for (int64_t i = last + 1; i < n && calls->n > 0; i++) {
        int64_t k = 0;
        const Buf *id = &conversation_turn(c, i)->id;
        while (id->len && k < calls->n && !same_text(chat_value_get(calls->items[k], "id"), id)) k++;
        if (k == calls->n) continue;
        memmove(calls->items + k, calls->items + k + 1, (size_t)(--calls->n - k) * sizeof *calls->items);
    }
    return OK;
}

Status conversation_add_result(Conversation *c, ChatValue call, const char *text, size_t n, Err *err)
{
    ChatTurn *t;
    ChatValue id = chat_value_get(call, "id"), name = chat_value_get(chat_value_get(call, "function"), "name");
    int64_t before = conversation_n(c);
    TRY(conversation_add(c, TURN_TOOL, text, n, &t, err));
    Status s = id.kind == CHAT_TEXT && id.n ? buf_append(&t->id, id.text, id.n, err) : OK;
    if (s == OK && name.kind == CHAT_TEXT && name.n) s = buf_append(&t->name, name.text, name.n, err);
    if (s != OK) conversation_cut(c, before);
    return s;
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
    if (t->name.len) TRY(put_text(a, *out, "name", &t->name, err));
    if (t->id.len) TRY(put_text(a, *out, "tool_call_id", &t->id, err));
    if (!t->calls.len) return OK;
    ChatValue calls;
    TRY(conversation_calls(t, a, &calls, err));
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

/* Templates take arguments as an object; OpenAI's API has them as a text that holds JSON. */
static Status arguments_as_text(Arena *a, ChatValue messages, Err *err)
{
    for (int64_t i = 0; i < messages.list->n; i++) {
        ChatValue calls = chat_value_get(messages.list->items[i], "tool_calls");
        for (int64_t k = 0; calls.kind == CHAT_LIST && k < calls.list->n; k++) {
            ChatValue f = chat_value_get(calls.list->items[k], "function");
            Buf json = {0};
            Status s = chat_value_to_json(chat_value_get(f, "arguments"), &json, err);
            const char *copy = s == OK ? arena_strndup(a, json.data, json.len) : NULL;
            size_t n = json.len;
            buf_close(&json);
            TRY(s);
            if (!copy) return fail(err, E_MEMORY, "no memory for the arguments of a call");
            TRY(chat_value_put(a, f, chat_value_text("arguments"), chat_value_bytes(copy, n), err));
        }
    }
    return OK;
}

Status conversation_to_json(const Conversation *c, Buf *out, Err *err)
{
    Arena a = {0};
    ChatValue messages, all;
    Status s = conversation_messages(c, 0, &a, &messages, err);
    if (s == OK) s = arguments_as_text(&a, messages, err);
    if (s == OK) s = chat_value_dict(&a, &all, err);
    if (s == OK) s = chat_value_put(&a, all, chat_value_text("messages"), messages, err);
    if (s == OK) s = chat_value_to_json(all, out, err);
    if (s == OK) s = buf_append(out, "\n", 1, err);
    arena_close(&a);
    return s;
}

static Status bad_call(int64_t i, Err *err)
{
    return fail(err, E_FORMAT, "a call in message %lld has no name, or arguments that are no JSON object. HINT: {\"id\": "
                "..., \"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": \"{}\"}}", (long long)i + 1);
}

static Status add_calls(Arena *a, ChatTurn *t, int64_t i, ChatValue calls, Err *err)
{
    for (int64_t k = 0; calls.kind == CHAT_LIST && k < calls.list->n; k++) {
        ChatValue f = chat_value_get(calls.list->items[k], "function"), id = chat_value_get(calls.list->items[k], "id");
        ChatValue name = chat_value_get(f, "name"), arguments = chat_value_get(f, "arguments");
        Buf json = {0};
        if (arguments.kind == CHAT_TEXT) {
            Err inner;
            Status s = chat_value_from_json(a, arguments.text, arguments.n, &arguments, &inner);
            if (s == E_MEMORY) return fail(err, s, "%s", inner.text);
            if (s != OK) return bad_call(i, err);
        }
        if (name.kind != CHAT_TEXT || name.n == 0 || memchr(name.text, 0, name.n) || arguments.kind != CHAT_DICT)
            return bad_call(i, err);
        Status s = chat_value_to_json(arguments, &json, err);
        /* JSON has no infinity, though its numbers may be too large for us. */
        if (s == OK && chat_value_from_json(a, json.data, json.len, &arguments, err) == E_FORMAT) s = bad_call(i, err);
        const Str given = id.kind == CHAT_TEXT ? (Str){id.text, id.n} : (Str){"", 0};
        if (s == OK) s = append_call(t, i, given, (Str){name.text, name.n}, json.data, json.len, err);
        buf_close(&json);
        TRY(s);
    }
    return OK;
}

static Status add_text(Buf *to, ChatValue text, Err *err)
{
    return text.kind == CHAT_TEXT && text.n ? buf_append(to, text.text, text.n, err) : OK;
}

static Status add_message(Arena *a, Conversation *c, int64_t i, ChatValue m, Err *err)
{
    ChatValue role = chat_value_get(m, "role"), content = chat_value_get(m, "content");
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
    TRY(add_text(&t->thoughts, chat_value_get(m, "reasoning_content"), err));
    if (r == TURN_TOOL) TRY(add_text(&t->name, chat_value_get(m, "name"), err));
    if (r == TURN_TOOL) TRY(add_text(&t->id, chat_value_get(m, "tool_call_id"), err));
    return r == TURN_ASSISTANT ? add_calls(a, t, i, chat_value_get(m, "tool_calls"), err) : OK;
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
        s = add_message(&a, &fresh, i, messages.list->items[i], err);
    if (s == OK) {
        conversation_close(c);
        *c = fresh;
    } else {
        conversation_close(&fresh);
    }
    arena_close(&a);
    return s;
}
