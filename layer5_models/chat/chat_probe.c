/* chat_probe.c: what a template can do, found out by talking to it.
 *
 * Each question is a short conversation with a word in it that stands in no template. If the word comes
 * out, the template understood. Reading the source instead would be a guess: templates mention roles
 * only to refuse them. */
#include "chat_format_impl.h"

#include <string.h>

#define USER_WORD "qzuserqz"
#define USER "{\"role\": \"user\", \"content\": \"" USER_WORD "\"}"
#define TYPED "{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"qzuserqz\"}]}"
#define SYSTEM "{\"role\": \"system\", \"content\": \"qzsystemqz\"}"
#define TYPED_SYSTEM "{\"role\": \"system\", \"content\": [{\"type\": \"text\", \"text\": \"qzsystemqz\"}]}"
#define CALL "{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"id\": \"call00001\", \"type\": "   \
             "\"function\", \"function\": {\"name\": \"qztoolqz\", \"arguments\": {\"qzkeyqz\": 1}}}]}"
#define RESULT "{\"role\": \"tool\", \"name\": \"qztoolqz\", \"tool_call_id\": \"call00001\", \"content\": "  \
               "\"qzresultqz\"}"
#define TOOL "{\"type\": \"function\", \"function\": {\"name\": \"qztoolqz\", \"description\": \"d\", "      \
             "\"parameters\": {\"type\": \"object\", \"properties\": {\"qzkeyqz\": {\"type\": \"integer\", " \
             "\"description\": \"k\"}}, \"required\": [\"qzkeyqz\"]}}}"

typedef struct {
    const char *messages, *tools; /* JSON; tools may be NULL */
    int thinking;
    bool prompt; /* add_generation_prompt */
} Question;

typedef struct {
    ChatFormat *f;
    Err *err;
    bool no_memory; /* some answer is missing, and not because the template refused it */
    bool endless;   /* some answer went beyond a limit */
} Probe;

/* The rendering of a question; an error is an answer too. */
static Status ask(Probe *p, const Question *q, Buf *out)
{
    Arena a = {0};
    ChatTalk talk = {.thinking = q->thinking, .add_generation_prompt = q->prompt, .now_s = 1};
    buf_clear(out);
    Status s = chat_value_from_json(&a, q->messages, strlen(q->messages), &talk.messages, p->err);
    if (s == OK && q->tools)
        s = chat_value_from_json(&a, q->tools, strlen(q->tools), &talk.tools, p->err);
    if (s == OK) s = chat_format_render_shaped(p->f, &a, &talk, talk.messages, out, p->err);
    arena_close(&a);
    p->no_memory |= s == E_MEMORY;
    p->endless |= s == E_LIMIT;
    return s;
}

static bool shows(Probe *p, Question q, const char *word)
{
    Buf out = {0};
    bool yes = ask(p, &q, &out) == OK && chat_format_has(out.data, out.len, word);
    buf_close(&out);
    return yes;
}

/* The same question asked in two ways: do the answers differ? *out: the first. */
static bool differ(Probe *p, Question x, Question y, Buf *out)
{
    Buf other = {0};
    Status a = ask(p, &x, out), b = ask(p, &y, &other);
    bool yes = a == OK && b == OK && (out->len != other.len || memcmp(out->data, other.data, out->len) != 0);
    buf_close(&other);
    return yes;
}

bool chat_format_thinks(const ChatFormat *f, const Buf *text)
{
    const char *open = f->think == CHAT_THINK_TAGS ? "<think>" : f->think == CHAT_THINK_BRACKETS ? "[THINK]" : NULL;
    size_t n = text->len, m = open ? strlen(open) : 0;
    while (n > 0 && strchr(" \n\r\t", text->data[n - 1])) n--;
    return open && n >= m && memcmp(text->data + n - m, open, m) == 0;
}

/* How answers are written: by texts that the template holds. */
static void recognise_form(ChatFormat *f)
{
    const char *s = f->source.ptr;
    size_t n = f->source.len;
    if (chat_format_has(s, n, "<|channel|>")) f->form = CHAT_FORM_CHANNELS;
    else if (chat_format_has(s, n, "[TOOL_CALLS]")) f->form = CHAT_FORM_MISTRAL;
    else if (chat_format_has(s, n, "<tool_call>")) f->form = CHAT_FORM_HERMES;
    else if (chat_format_has(s, n, "<|start_header_id|>") && f->caps.tools) f->form = CHAT_FORM_LLAMA3;
    if (chat_format_has(s, n, "[THINK]")) f->think = CHAT_THINK_BRACKETS;
    else if (chat_format_has(s, n, "think>")) f->think = CHAT_THINK_TAGS;
}

/* 1. Does it render anything, and how must it be asked? */
static Status probe_user(Probe *p, Question *q)
{
    Buf out = {0};
    ChatCaps *caps = &p->f->caps;
    if (shows(p, *q, USER_WORD)) return OK;
    /* What takes too long for one word is not asked again. */
    if (p->endless) return E_LIMIT;
    for (int i = 1; i < 4; i++) {
        Question other = *q;
        caps->typed_only = i & 1;
        caps->wants_list = i & 2;
        if (caps->typed_only) other.messages = "[" TYPED "]";
        if (!shows(p, other, USER_WORD)) continue;
        *q = other;
        return OK;
    }
    caps->typed_only = caps->wants_list = false;
    Status s = ask(p, q, &out);
    buf_close(&out);
    return s != OK ? s : fail(p->err, E_FORMAT, "the template leaves out what the user says");
}

//@ begin probe-roles
/* 2. Roles and tools. */
static void probe_roles(Probe *p, const Question *plain)
{
    static const char calls[] = "[" USER "," CALL "," RESULT "]";
    static const char tools[] = "[" TOOL "]";
    ChatCaps *caps = &p->f->caps;
    Question system = *plain, tool = *plain;
    system.messages = caps->typed_only ? "[" TYPED_SYSTEM "," TYPED "]"
                                       : "[" SYSTEM "," USER "]";
    tool.tools = tools;
    caps->system = shows(p, system, "qzsystemqz");
    caps->tools = shows(p, tool, "qztoolqz");
    tool.messages = calls;
    caps->tool_results = shows(p, tool, "qzresultqz");
    tool.tools = NULL; /* the key must not come from the list of tools */
    caps->tool_calls = shows(p, tool, "qzkeyqz");
}
//@ end probe-roles

Status chat_format_probe(ChatFormat *f, Err *err)
{
    Buf out = {0};
    Probe p = {.f = f, .err = err};
    f->caps = (ChatCaps){0};
    f->form = CHAT_FORM_PLAIN;
    f->think = CHAT_THINK_NONE;
    Question plain = {"[" USER "]", NULL, -1, true};
    Status s = probe_user(&p, &plain);
    if (s == OK) {
        probe_roles(&p, &plain);
        /* 3. What stands before the answer. */
        Question off = plain, on = plain, bare = plain;
        off.thinking = 0;
        on.thinking = 1;
        bare.prompt = false;
        f->caps.thinking_switch = differ(&p, on, off, &out);
        f->caps.generation_prompt = differ(&p, plain, bare, &out);
        recognise_form(f);
        f->caps.thinks_first = chat_format_thinks(f, &out);
    }
    buf_close(&out);
    return p.no_memory ? fail(err, E_MEMORY, "no memory to try a chat template") : s;
}
