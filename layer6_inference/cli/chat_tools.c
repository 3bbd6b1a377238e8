/* chat_tools.c: functions that the model may call. Nothing is run here: the model asks, the person answers.
 *
 *   sixfold chat --tools FILE    the model calls look(what: "sun")
 *   look> ...                    what is typed there is the result, and the model goes on */
#include "chat_repl.h"

#include <stdio.h>
#include <string.h>

Status cli_chat_open_tools(ChatRepl *r, const char *path, Err *err)
{
    const ChatCaps *caps = &r->format.caps;
    Buf json = {0};
    Arena a = {0};
    ChatValue tools;
    if (!caps->tools || !caps->tool_results)
        return fail(err, E_UNSUPPORTED, "the template %s %s. HINT: a model that was trained with tools, or --chat-template-file "
                    "with a template that shows them", r->format.name,
                    caps->tools ? "takes no results of tools" : "does not show tools to the model");
    Status s = cli_read_text(path, &json, TOOLS_MAX_BYTES, err);
    if (s == OK) s = tools_from_json(&a, json.data ? json.data : "", json.len, &tools, err);
    buf_close(&json);
    if (s != OK) {
        Err what = *err;
        arena_close(&a);
        return strstr(what.text, path) ? s : fail(err, s, "%.80s: %s", path, what.text);
    }
    arena_close(&r->tools);
    r->tools = a;
    r->session.tools = tools;
    return OK;
}

/* ---------------------------------------------------------------- calls that wait */

static ChatValue name_of(ChatValue call) { return chat_value_get(chat_value_get(call, "function"), "name"); }

bool cli_chat_waits(const ChatRepl *r, char *name, size_t size)
{
    Arena a = {0};
    ChatValue calls;
    Err none;
    bool waits = conversation_waiting(&r->session.talk, &a, &calls, &none) == OK && calls.list->n > 0;
    if (waits && name) {
        ChatValue text = name_of(calls.list->items[0]);
        Str it = {text.text, text.n};
        bool plain = text.kind == CHAT_TEXT && tools_is_name(it) && it.len + 3 < size;
        snprintf(name, size, "%.*s> ", plain ? (int)it.len : 6, plain ? it.ptr : "result");
    }
    arena_close(&a);
    return waits;
}

static Status list_waiting(ChatRepl *r, ChatValue calls, Err *err)
{
    Buf b = {0};
    Status s = OK;
    for (int64_t i = 0; s == OK && i < calls.list->n; i++) {
        ChatValue name = name_of(calls.list->items[i]);
        s = buf_printf(&b, err, "%s", i ? ", " : "");
        if (s == OK) s = buf_append(&b, name.text, name.n, err);
    }
    if (s == OK) s = cli_screen_aside(&r->screen, b.data, b.len, err);
    fprintf(stderr, "\n");
    buf_close(&b);
    return s;
}

void cli_chat_say_waiting(ChatRepl *r)
{
    if (r->screen.quiet || !cli_chat_waits(r, NULL, 0)) return;
    Arena a = {0};
    ChatValue calls;
    Err none;
    if (conversation_waiting(&r->session.talk, &a, &calls, &none) == OK)
        for (int64_t i = 0; i < calls.list->n && r->session.tools.kind == CHAT_LIST; i++) {
            ChatValue text = name_of(calls.list->items[i]);
            if (text.kind == CHAT_TEXT && tools_find(r->session.tools, (Str){text.text, text.n}).kind == CHAT_UNDEFINED)
                cli_screen_remark(&r->screen, "(no tool has the name of call %lld: the model made it up)", (long long)i + 1);
        }
    arena_close(&a);
    cli_screen_remark(&r->screen, "(the model waits: type what the call gives back, text or JSON; /undo takes the question "
                      "back)");
}

/* The result of one call; after the last one the model goes on. */
static Status give(ChatRepl *r, ChatValue calls, int64_t i, const char *text, size_t n, Err *err)
{
    size_t valid = utf8_valid_prefix(text, n);
    if (valid < n)
        return fail(err, E_ARG, "the result is not UTF-8: byte 0x%02X at offset %zu. HINT: set the terminal to UTF-8",
                    (unsigned char)text[valid], valid);
    TRY(conversation_add_result(&r->session.talk, calls.list->items[i], text, n, err));
    r->ask = calls.list->n == 1;
    return OK;
}

Status cli_chat_give(ChatRepl *r, const char *text, size_t n, Err *err)
{
    Arena a = {0};
    ChatValue calls;
    Status s = conversation_waiting(&r->session.talk, &a, &calls, err);
    if (s == OK) s = give(r, calls, 0, text, n, err);
    arena_close(&a);
    return s;
}

/* NAME RESULT: the first call of that name. */
static Status give_named(ChatRepl *r, ChatValue calls, const char *arg, Err *err)
{
    size_t n = strcspn(arg, " \n");
    int64_t i = 0;
    if (calls.list->n == 0) return fail(err, E_ARG, "no call waits for a result. HINT: /tools shows what may be called");
    if (!*arg) return list_waiting(r, calls, err);
    for (; i < calls.list->n; i++) {
        ChatValue name = name_of(calls.list->items[i]);
        if (name.kind == CHAT_TEXT && name.n == n && memcmp(name.text, arg, n) == 0) break;
    }
    if (i == calls.list->n)
        return fail(err, E_ARG, "no call of '%.*s' waits for a result. HINT: /tool alone shows which do", n > 64 ? 64 : (int)n,
                    arg);
    arg += n + strspn(arg + n, " \n");
    if (!*arg) return fail(err, E_ARG, "what did it give back? HINT: /tool NAME RESULT, text or JSON; \"\" is an empty one");
    return give(r, calls, i, arg, strlen(arg), err);
}

Status cli_chat_tool(ChatRepl *r, const char *arg, Err *err)
{
    Arena a = {0};
    ChatValue calls;
    Status s = conversation_waiting(&r->session.talk, &a, &calls, err);
    if (s == OK) s = give_named(r, calls, arg, err);
    arena_close(&a);
    return s;
}

/* ---------------------------------------------------------------- /tools */

/* "name(city, unit): what it does" */
static Status describe(ChatValue f, Buf *b, Err *err)
{
    ChatValue name = chat_value_get(f, "name"), text = chat_value_get(f, "description");
    ChatValue properties = chat_value_get(chat_value_get(f, "parameters"), "properties");
    TRY(buf_append(b, name.text, name.n, err));
    TRY(buf_append(b, "(", 1, err));
    for (int64_t i = 0; properties.kind == CHAT_DICT && i < properties.dict->n; i++) {
        ChatValue key = properties.dict->pairs[i].key;
        TRY(buf_append(b, ", ", i ? 2 : 0, err));
        TRY(buf_append(b, key.text, key.n, err));
    }
    TRY(buf_append(b, ")", 1, err));
    if (text.kind == CHAT_TEXT && text.n) TRY(buf_append(b, ": ", 2, err));
    return text.kind == CHAT_TEXT && text.n ? buf_append(b, text.text, text.n, err) : OK;
}

Status cli_chat_tools(ChatRepl *r, const char *arg, Err *err)
{
    Buf b = {0};
    if (strcmp(arg, "off") == 0) {
        r->session.tools = (ChatValue){0};
        arena_close(&r->tools);
    } else if (*arg) {
        TRY(cli_chat_open_tools(r, arg, err));
    }
    ChatValue tools = r->session.tools;
    if (tools.kind != CHAT_LIST) cli_screen_line(&r->screen, 0, "no tools. /tools FILE reads some");
    Status s = OK;
    for (int64_t i = 0; s == OK && tools.kind == CHAT_LIST && i < tools.list->n; i++) {
        buf_clear(&b);
        s = describe(chat_value_get(tools.list->items[i], "function"), &b, err);
        if (s == OK) s = cli_screen_aside(&r->screen, b.data, b.len, err);
        fprintf(stderr, "\n");
    }
    buf_close(&b);
    return s;
}
