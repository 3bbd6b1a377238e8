/* chat_calls.c: what stands inside a call of a tool: JSON with a name, or tags with one. */
#include "chat_parser_impl.h"

#include <string.h>

typedef struct {
    ChatParser *p;
    Arena a;
    Buf names, arguments; /* texts, each with a zero behind it */
    int n;
} Calls;

bool chat_parser_is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static void trim(const char **s, size_t *n)
{
    while (*n && chat_parser_is_blank(**s)) (*s)++, (*n)--;
    while (*n && chat_parser_is_blank((*s)[*n - 1])) (*n)--;
}

/* Memory is the only reason to give up; text that is no JSON is no call. */
static Status parse(Calls *c, const char *s, size_t n, ChatValue *v, Err *err)
{
    Err ignored;
    *v = (ChatValue){0};
    Status status = chat_value_from_json(&c->a, s, n, v, &ignored);
    if (status == E_MEMORY) return fail(err, status, "%s", ignored.text);
    if (status != OK) *v = (ChatValue){0};
    return OK;
}

/* *good: the arguments can be said in JSON, which has no infinity. */
static Status keep(Calls *c, const char *name, size_t n_name, ChatValue arguments, bool *good, Err *err)
{
    ChatValue again;
    size_t before = c->arguments.len;
    TRY(buf_append(&c->names, name, n_name, err));
    TRY(buf_append(&c->names, "", 1, err));
    TRY(chat_value_to_json(arguments, &c->arguments, err));
    TRY(parse(c, c->arguments.data + before, c->arguments.len - before, &again, err));
    TRY(buf_append(&c->arguments, "", 1, err));
    *good = again.kind == CHAT_DICT;
    c->n++;
    return OK;
}

/* {"name": ..., "arguments" or "parameters": {...}}, perhaps inside "function". *good: it is one. */
static Status keep_object(Calls *c, ChatValue v, bool *good, Err *err)
{
    ChatValue inner = chat_value_get(v, "function");
    if (inner.kind == CHAT_DICT) v = inner;
    ChatValue name = chat_value_get(v, "name"), arguments = chat_value_get(v, "arguments");
    if (arguments.kind == CHAT_UNDEFINED) arguments = chat_value_get(v, "parameters");
    /* Arguments may be JSON inside a text. */
    if (arguments.kind == CHAT_TEXT) TRY(parse(c, arguments.text, arguments.n, &arguments, err));
    else if (arguments.kind == CHAT_UNDEFINED) TRY(chat_value_dict(&c->a, &arguments, err));
    *good = name.kind == CHAT_TEXT && name.n > 0 && !memchr(name.text, 0, name.n) && arguments.kind == CHAT_DICT;
    return *good ? keep(c, name.text, name.n, arguments, good, err) : OK;
}

static Status keep_json(Calls *c, const char *s, size_t n, bool *good, Err *err)
{
    ChatValue v;
    TRY(parse(c, s, n, &v, err));
    if (v.kind != CHAT_LIST) return keep_object(c, v, good, err);
    *good = v.list->n > 0;
    for (int64_t i = 0; *good && i < v.list->n; i++) TRY(keep_object(c, v.list->items[i], good, err));
    return OK;
}

/* "NAME" ahead of arguments: letters, digits and what else function names have. */
static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (chat_parser_is_blank(s[i]) || !s[i] || strchr("{}[]<>\"'", s[i])) return false;
    return n > 0 && n <= 256;
}

static Status keep_arguments(Calls *c, const char *name, size_t n_name, const char *s, size_t n, bool *good,
                             Err *err)
{
    ChatValue v;
    trim(&name, &n_name);
    trim(&s, &n);
    TRY(parse(c, s, n, &v, err));
    *good = v.kind == CHAT_DICT && is_name(name, n_name);
    return *good ? keep(c, name, n_name, v, good, err) : OK;
}

/* One <parameter=x>value</parameter>: values that are JSON are taken as such, others are text. */
static Status put_parameter(Calls *c, ChatValue into, const char **s, size_t *n, bool *good, Err *err)
{
    static const char open[] = "<parameter=", close[] = "</parameter>";
    const char *key = *s + sizeof open - 1, *gt, *stop;
    size_t left = *n;
    *good = left > sizeof open && memcmp(*s, open, sizeof open - 1) == 0 &&
            (gt = memchr(key, '>', left - (sizeof open - 1))) != NULL &&
            (stop = memmem(gt, left - (size_t)(gt - *s), close, sizeof close - 1)) != NULL;
    if (!*good) return OK;
    const char *text = gt + 1;
    size_t n_text = (size_t)(stop - text);
    if (n_text && *text == '\n') text++, n_text--;
    if (n_text && text[n_text - 1] == '\n') n_text--;
    ChatValue value;
    TRY(parse(c, text, n_text, &value, err));
    if (value.kind == CHAT_UNDEFINED) value = chat_value_bytes(text, n_text);
    TRY(chat_value_put(&c->a, into, chat_value_bytes(key, (size_t)(gt - key)), value, err));
    *n -= (size_t)(stop + sizeof close - 1 - *s);
    *s = stop + sizeof close - 1;
    trim(s, n);
    return OK;
}

/* What follows "<function=": NAME>{...} or NAME>, parameters; "</function>" may stand at the end. */
static Status keep_function(Calls *c, const char *s, size_t n, bool *good, Err *err)
{
    static const char close[] = "</function>";
    const char *gt = n ? memchr(s, '>', n) : NULL, *at = gt ? gt + 1 : s;
    *good = false;
    if (!gt || !is_name(s, (size_t)(gt - s))) return OK;
    size_t left = n - (size_t)(at - s);
    trim(&at, &left);
    if (left >= sizeof close - 1 && memcmp(at + left - (sizeof close - 1), close, sizeof close - 1) == 0) {
        left -= sizeof close - 1;
        trim(&at, &left);
    }
    if (left && *at == '{') return keep_arguments(c, s, (size_t)(gt - s), at, left, good, err);
    ChatValue arguments;
    TRY(chat_value_dict(&c->a, &arguments, err));
    *good = true;
    while (*good && left) TRY(put_parameter(c, arguments, &at, &left, good, err));
    return *good ? keep(c, s, (size_t)(gt - s), arguments, good, err) : OK;
}

/* NAME[CALL_ID]id[ARGS]{...}, or NAME{...} where the tags are not shown. */
static Status keep_named(Calls *c, const char *s, size_t n, bool *good, Err *err)
{
    const char *brace = memchr(s, '{', n), *end = memchr(s, '[', n);
    *good = false;
    if (!brace) return OK;
    if (!end || end > brace) end = brace;
    return keep_arguments(c, s, (size_t)(end - s), brace, n - (size_t)(brace - s), good, err);
}

static Status hand_over(Calls *c, Err *err)
{
    const char *name = c->names.data, *arguments = c->arguments.data;
    for (int i = 0; i < c->n; i++) {
        ChatPart part = {CHAT_PART_CALL, arguments, strlen(arguments), name};
        TRY(c->p->fn(c->p->ctx, &part, err));
        name += strlen(name) + 1;
        arguments += part.n + 1;
        c->p->n_calls++;
    }
    return OK;
}

static Status finish(Calls *c, Status s, bool *good, Err *err)
{
    if (s == OK && *good) s = hand_over(c, err);
    buf_close(&c->names);
    buf_close(&c->arguments);
    arena_close(&c->a);
    return s;
}

Status chat_parser_calls(ChatParser *p, const char *body, size_t n, bool *is_call, Err *err)
{
    static const char function[] = "<function=";
    const size_t skip = sizeof function - 1;
    Calls c = {.p = p};
    Status s = OK;
    *is_call = false;
    trim(&body, &n);
    if (n > CHAT_PARSER_MAX_CALL || n == 0) return OK;
    if (*body == '{' || *body == '[') s = keep_json(&c, body, n, is_call, err);
    else if (p->opener && strcmp(p->opener, function) == 0) s = keep_function(&c, body, n, is_call, err);
    else if (n > skip && memcmp(body, function, skip) == 0)
        s = keep_function(&c, body + skip, n - skip, is_call, err);
    else if (p->params.form == CHAT_FORM_MISTRAL) s = keep_named(&c, body, n, is_call, err);
    return finish(&c, s, is_call, err);
}

Status chat_parser_named_call(ChatParser *p, const char *name, size_t n_name, const char *body, size_t n,
                              bool *is_call, Err *err)
{
    Calls c = {.p = p};
    *is_call = false;
    Status s = n > CHAT_PARSER_MAX_CALL ? OK : keep_arguments(&c, name, n_name, body, n, is_call, err);
    return finish(&c, s, is_call, err);
}
