/* chat_format.c: which template a model is talked to with, and a conversation in the shape that it takes. */
#include "chat_format_impl.h"

#include <stdio.h>
#include <string.h>

#define KEY "tokenizer.chat_template"

/* ---------------------------------------------------------------- which template */

const char *chat_format_named(const Gguf *g, int i, size_t *n)
{
    static const char prefix[] = KEY ".";
    for (int64_t k = 0; k < g->n_kv; k++) {
        Str key = g->kv[k].key;
        if (g->kv[k].type != GGUF_STRING || key.len < sizeof prefix ||
            memcmp(key.ptr, prefix, sizeof prefix - 1) != 0 || i-- > 0)
            continue;
        *n = key.len - (sizeof prefix - 1);
        return key.ptr + sizeof prefix - 1;
    }
    return NULL;
}

/* The names that --chat-template takes, for a message. */
static void list_names(const Gguf *g, char *out, size_t size)
{
    size_t used = 0, n = 0;
    const char *name;
    out[0] = 0;
    for (int i = 0; used < size && (name = chat_format_named(g, i, &n)); i++)
        used += (size_t)snprintf(out + used, size - used, "%.*s, ", (int)(n > 40 ? 40 : n), name);
    for (int i = 0; used < size && (name = chat_format_family(i)); i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", name);
}

static Status take(ChatFormat *f, const char *name, const char *source, size_t n, Err *err)
{
    snprintf(f->name, sizeof f->name, "%s", name);
    f->source = (Str){source, n};
    TRY(chat_template_compile(&f->arena, source, n, &f->template, err));
    return chat_format_probe(f, err);
}

static Status take_family(ChatFormat *f, const ChatFamily *family, Err *err)
{
    char name[96];
    snprintf(name, sizeof name, "%s (built in)", family->name);
    return take(f, name, family->source, strlen(family->source), err);
}

/* --chat-template: a template of the file, a family, or the text of a template. */
static Status take_chosen(ChatFormat *f, const Gguf *g, const char *text, Err *err)
{
    char key[80], names[240];
    Str source = {0};
    if (strstr(text, "{{") || strstr(text, "{%")) {
        char *copy = arena_strndup(&f->arena, text, strlen(text));
        if (!copy) return fail(err, E_MEMORY, "no memory for a chat template");
        return take(f, "given", copy, strlen(copy), err);
    }
    int n = snprintf(key, sizeof key, KEY ".%s", text);
    if (n < (int)sizeof key) TRY(gguf_get_str(g, key, &source, err));
    if (source.ptr) return take(f, key, source.ptr, source.len, err);
    if (strcmp(text, "default") == 0) TRY(gguf_get_str(g, KEY, &source, err));
    if (source.ptr) return take(f, KEY, source.ptr, source.len, err);
    const ChatFamily *family = chat_format_find_family(text);
    if (family) return take_family(f, family, err);
    list_names(g, names, sizeof names);
    return fail(err, E_ARG, "no chat template is named '%.60s'. HINT: %s, or the text of a template", text,
                names);
}

static Status take_recognised(ChatFormat *f, Str source, Err *err)
{
    const ChatFamily *family = source.ptr ? chat_format_recognise(source.ptr, source.len) : NULL;
    if (source.ptr && !family)
        return fail(err, E_UNSUPPORTED, "without Jinja the template of this file is of no family that we "
                    "know. HINT: --chat-template NAME, or leave --no-jinja out");
    return family ? take_family(f, family, err) : OK;
}

/* What the file says; if that does not work, ChatML and the reason. */
static Status take_from_file(ChatFormat *f, const Gguf *g, bool no_jinja, Err *err)
{
    Str source = {0};
    TRY(gguf_get_str(g, KEY, &source, err));
    if (no_jinja) TRY(take_recognised(f, source, err));
    if (f->template) return OK;
    if (!source.ptr) fail(&f->why, E_UNSUPPORTED, "this file has no chat template");
    Status s = source.ptr ? take(f, KEY, source.ptr, source.len, &f->why) : E_UNSUPPORTED;
    if (s == OK) return OK;
    if (s == E_MEMORY) return fail(err, s, "%s", f->why.text);
    f->guessed = true;
    return take_family(f, chat_format_find_family("chatml"), err);
}

static const char *text_of(ChatFormat *f, const Tokenizer *t, int32_t id)
{
    if (id < 0) return NULL;
    Str s = tokenizer_text(t, id);
    return arena_strndup(&f->arena, s.ptr, s.len);
}

Status chat_format_open(ChatFormat *f, const Gguf *g, const Tokenizer *t, const ChatChoice *choice,
                        Err *err)
{
    *f = (ChatFormat){0};
    if (t) f->bos_text = text_of(f, t, tokenizer_bos(t));
    if (t) f->eos_text = text_of(f, t, tokenizer_eos(t));
    Status s = choice && choice->text ? take_chosen(f, g, choice->text, err)
                                      : take_from_file(f, g, choice && choice->no_jinja, err);
    if (s == OK) return OK;
    char name[96];
    memcpy(name, f->name, sizeof name);
    chat_format_close(f);
    return name[0] && s != E_MEMORY ? fail_in(err, s, name) : s;
}

void chat_format_close(ChatFormat *f)
{
    arena_close(&f->arena);
    *f = (ChatFormat){0};
}

/* ---------------------------------------------------------------- the shape of messages */

static bool is_role(ChatValue message, const char *role)
{
    ChatValue r = chat_value_get(message, "role");
    return r.kind == CHAT_TEXT && r.n == strlen(role) && memcmp(r.text, role, r.n) == 0;
}

/* A copy of a message with another content. */
static Status with_content(Arena *a, ChatValue message, ChatValue content, ChatValue *out, Err *err)
{
    TRY(chat_value_dict(a, out, err));
    for (int64_t i = 0; message.kind == CHAT_DICT && i < message.dict->n; i++)
        TRY(chat_value_put(a, *out, message.dict->pairs[i].key, message.dict->pairs[i].value, err));
    return chat_value_put(a, *out, chat_value_text("content"), content, err);
}

/* "text" as [{"type": "text", "text": "text"}]. */
static Status typed(Arena *a, ChatValue text, ChatValue *out, Err *err)
{
    ChatValue part;
    TRY(chat_value_list(a, out, err));
    TRY(chat_value_dict(a, &part, err));
    TRY(chat_value_put(a, part, chat_value_text("type"), chat_value_text("text"), err));
    TRY(chat_value_put(a, part, chat_value_text("text"), text, err));
    return chat_value_append(a, *out, part, err);
}

static Status joined(Arena *a, ChatValue x, ChatValue y, ChatValue *out, Err *err)
{
    static const char between[] = "\n\n";
    char *text = ARENA_NEW(a, char, (int64_t)(x.n + y.n + sizeof between));
    if (!text) return fail(err, E_MEMORY, "no memory for a system text");
    memcpy(text, x.text, x.n);
    memcpy(text + x.n, between, sizeof between - 1);
    memcpy(text + x.n + sizeof between - 1, y.text, y.n);
    *out = chat_value_bytes(text, x.n + y.n + sizeof between - 1);
    return OK;
}

Status chat_format_shape(const ChatFormat *f, Arena *a, ChatValue messages, ChatValue *out, Err *err)
{
    TRY(chat_value_list(a, out, err));
    if (messages.kind != CHAT_LIST) return fail(err, E_ARG, "the messages of a conversation are no list");
    ChatValue system = {0};
    for (int64_t i = 0; i < messages.list->n; i++) {
        ChatValue m = messages.list->items[i], content = chat_value_get(m, "content"), shaped = m;
        /* 1. A system text that the template refuses begins the first message of the user. */
        if (!f->caps.system && content.kind == CHAT_TEXT && is_role(m, "system")) {
            if (system.kind == CHAT_TEXT) TRY(joined(a, system, content, &system, err));
            else system = content;
            continue;
        }
        if (system.kind == CHAT_TEXT && content.kind == CHAT_TEXT && is_role(m, "user")) {
            TRY(joined(a, system, content, &content, err));
            TRY(with_content(a, m, content, &shaped, err));
            system = (ChatValue){0};
        }
        /* 2. Content as a list of parts, if nothing else is understood. */
        if (f->caps.typed_only && content.kind == CHAT_TEXT) {
            TRY(typed(a, content, &content, err));
            TRY(with_content(a, m, content, &shaped, err));
        }
        TRY(chat_value_append(a, *out, shaped, err));
    }
    return OK;
}

Status chat_format_render_shaped(const ChatFormat *f, Arena *a, const ChatTalk *talk, ChatValue messages,
                                 Buf *out, Err *err)
{
    ChatInput in = {.messages = messages, .tools = talk->tools, .now_s = talk->now_s,
                    .add_generation_prompt = talk->add_generation_prompt,
                    .bos_text = f->bos_text ? f->bos_text : "", .eos_text = f->eos_text ? f->eos_text : ""};
    if (f->caps.wants_list && in.tools.kind != CHAT_LIST) TRY(chat_value_list(a, &in.tools, err));
    /* Two names are in use for the same switch. */
    if (talk->thinking >= 0) {
        ChatValue on = chat_value_bool(talk->thinking > 0);
        TRY(chat_value_dict(a, &in.extra, err));
        TRY(chat_value_put(a, in.extra, chat_value_text("enable_thinking"), on, err));
        TRY(chat_value_put(a, in.extra, chat_value_text("thinking"), on, err));
    }
    return chat_template_render(f->template, &in, out, err);
}

Status chat_format_render(const ChatFormat *f, const ChatTalk *talk, Buf *out, Err *err)
{
    Arena a = {0};
    ChatValue messages;
    Status s = chat_format_shape(f, &a, talk->messages, &messages, err);
    if (s == OK) s = chat_format_render_shaped(f, &a, talk, messages, out, err);
    arena_close(&a);
    return s;
}
