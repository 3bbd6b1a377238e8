/* chat_parser.c: where parts begin and end, and what becomes of them.
 *
 * Tags come from a table (chat_tags.c). Between two of them what is certain is let go at once, except for
 * the bodies of calls and what stands in headers, which must be read as a whole. */
#include "chat_parser_impl.h"

#include <string.h>

void chat_parser_open(ChatParser *p, const ChatParserParams *params, ChatPartFn *fn, void *ctx)
{
    *p = (ChatParser){.params = *params, .fn = fn, .ctx = ctx, .state = SAY};
    if (params->thinks) {
        p->state = THINK;
        p->skip_blanks = true;
    }
}

void chat_parser_close(ChatParser *p)
{
    buf_close(&p->held);
    buf_close(&p->header);
    *p = (ChatParser){0};
}

/* ---------------------------------------------------------------- text out */

static void drop(ChatParser *p, size_t n)
{
    if (n == 0) return;
    memmove(p->held.data, p->held.data + n, p->held.len - n);
    p->held.len -= n;
    p->searched = p->scanned = 0;
}

/* The value of "key=" in the header, up to a blank; 0 bytes if there is none. */
static Str in_header(const ChatParser *p, const char *key)
{
    size_t n_key = strlen(key), n = 0;
    const char *at = p->header.len ? memmem(p->header.data, p->header.len, key, n_key) : NULL;
    if (!at) return (Str){"", 0};
    at += n_key;
    while (at + n < p->header.data + p->header.len && !chat_parser_is_blank(at[n])) n++;
    return (Str){at, n};
}

static bool is_call(const ChatParser *p) { return p->state == BODY && in_header(p, "to=").len > 0; }

static Status say(ChatParser *p, const char *text, size_t n, Err *err)
{
    while (p->skip_blanks && n && chat_parser_is_blank(*text)) text++, n--;
    if (n == 0) return OK;
    bool thought = p->state == THINK || (p->state == BODY && str_is(in_header(p, "channel="), "analysis"));
    p->skip_blanks = false;
    if (!thought && !chat_parser_all_blank(text, n)) p->said = true;
    ChatPart part = {thought ? CHAT_PART_THOUGHT : CHAT_PART_CONTENT, text, n, NULL};
    return p->fn(p->ctx, &part, err);
}

/* A body that is no call is what the model said. */
static Status say_raw(ChatParser *p, size_t n, const char *closer, Err *err)
{
    p->state = SAY;
    p->skip_blanks = false;
    if (p->opener) TRY(say(p, p->opener, strlen(p->opener), err));
    TRY(say(p, p->held.data, n, err));
    return closer ? say(p, closer, strlen(closer), err) : OK;
}

/* The first n bytes held are the body of a call. */
static Status end_call(ChatParser *p, size_t n, const char *closer, Err *err)
{
    bool good;
    TRY(chat_parser_calls(p, p->held.data ? p->held.data : "", n, &good, err));
    if (!good) {
        TRY(say_raw(p, n, closer, err));
    } else {
        p->said = false;
        p->skip_blanks = true;
    }
    p->state = SAY;
    drop(p, n);
    return OK;
}

/* The first n bytes held are what stands between <|message|> and its end. */
static Status end_body(ChatParser *p, size_t n, Err *err)
{
    bool good = false;
    if (is_call(p)) {
        static const char space[] = "functions.";
        Str to = in_header(p, "to=");
        if (to.len > sizeof space - 1 && memcmp(to.ptr, space, sizeof space - 1) == 0)
            to = (Str){to.ptr + sizeof space - 1, to.len - (sizeof space - 1)};
        TRY(chat_parser_named_call(p, to.ptr, to.len, p->held.data ? p->held.data : "", n, &good, err));
    }
    if (!good) TRY(say(p, p->held.data, n, err));
    p->state = SAY;
    p->said = false;
    p->skip_blanks = true;
    buf_clear(&p->header);
    drop(p, n);
    return OK;
}

/* ---------------------------------------------------------------- tags */

static void begin_call(ChatParser *p, const char *opener)
{
    p->state = CALL;
    p->opener = opener;
    p->depth = 0;
    p->in_text = p->escaped = false;
    p->searched = p->scanned = 0;
}

/* The tag itself is no longer in what is held. */
static Status act(ChatParser *p, const ChatTag *t, Err *err)
{
    switch (t->act) {
    case OPEN_THOUGHT: p->state = THINK; break;
    case CLOSE_THOUGHT: p->state = SAY; break;
    case OPEN_CALL: begin_call(p, t->text); break;
    case OPEN_HEAD:
    case CHANNEL:
        if (p->state != HEAD) buf_clear(&p->header);
        p->state = HEAD;
        return buf_append(&p->header, " channel=", t->act == CHANNEL ? 9 : 0, err);
    case IN_HEAD: return buf_append(&p->header, " ", 1, err);
    case MESSAGE: p->state = BODY; break;
    case CLOSE_CALL:
    case FINISH: break;
    }
    p->skip_blanks = true;
    return OK;
}

static Status take_tag(ChatParser *p, const ChatTag *t, size_t at, Err *err)
{
    size_t n = strlen(t->text);
    if (t->act == CLOSE_CALL) {
        TRY(end_call(p, at, t->text, err));
        drop(p, n);
        return OK;
    }
    if (p->state == BODY) {
        TRY(end_body(p, at, err));
        at = 0;
    } else if (p->state == HEAD) {
        TRY(buf_append(&p->header, p->held.data, at, err));
    } else {
        /* Blanks before a tag belong to neither side. */
        size_t end = at;
        while (end && chat_parser_is_blank(p->held.data[end - 1])) end--;
        TRY(say(p, p->held.data, end, err));
    }
    drop(p, at + n);
    return act(p, t, err);
}

/* ---------------------------------------------------------------- calls that end with their brackets */

static bool ends_with_brackets(const ChatParser *p)
{
    return p->params.form == CHAT_FORM_MISTRAL ||
           (p->params.form == CHAT_FORM_LLAMA3 && (!p->opener || p->opener[1] == '|'));
}

/* Bytes of held up to where the brackets of the JSON close; 0: not yet. */
static size_t closed_brackets(ChatParser *p)
{
    const char *s = p->held.data;
    size_t first = 0;
    while (first < p->held.len && chat_parser_is_blank(s[first])) first++;
    if (first == p->held.len) return 0;
    /* After a name only a brace begins the arguments: "f[ARGS]{". */
    bool named = s[first] != '[' && s[first] != '{';
    for (size_t i = p->scanned; i < p->held.len; i++) {
        char c = s[i];
        p->scanned = i + 1;
        if (named && p->depth == 0 && c != '{') continue;
        if (p->escaped) p->escaped = false;
        else if (p->in_text && c == '\\') p->escaped = true;
        else if (c == '"') p->in_text = !p->in_text;
        else if (!p->in_text && (c == '{' || c == '[')) p->depth++;
        else if (!p->in_text && (c == '}' || c == ']') && --p->depth <= 0) return i + 1;
    }
    return 0;
}

/* Llama 3 has no tag in front: an answer that begins with a brace may be a call. A semicolon stands between
 * two calls. */
static void begin_bare_call(ChatParser *p)
{
    size_t at = 0;
    if (p->params.form != CHAT_FORM_LLAMA3 || !p->params.tools || p->state != SAY || p->said) return;
    while (at < p->held.len && (chat_parser_is_blank(p->held.data[at]) || (p->n_calls && p->held.data[at] == ';')))
        at++;
    bool brace = at < p->held.len && p->held.data[at] == '{';
    if (brace || p->n_calls) drop(p, at);
    if (!brace) return;
    begin_call(p, NULL);
}

/* *again: something was decided, so that the rest must be looked at anew. */
static Status step_call(ChatParser *p, bool *again, Err *err)
{
    size_t n = closed_brackets(p);
    *again = n > 0 || p->held.len > CHAT_PARSER_MAX_CALL;
    return *again ? end_call(p, n ? n : p->held.len, NULL, err) : OK;
}

static Status step(ChatParser *p, bool *again, Err *err)
{
    size_t at;
    begin_bare_call(p);
    if (p->state == CALL && ends_with_brackets(p)) return step_call(p, again, err);
    const ChatTag *t = chat_parser_find_tag(p, &at);
    *again = t != NULL;
    if (t) return take_tag(p, t, at, err);
    p->searched = p->held.len;
    if (p->state == CALL && p->held.len > CHAT_PARSER_MAX_CALL) return end_call(p, p->held.len, NULL, err);
    if (p->state == CALL || p->state == HEAD || is_call(p)) return OK;

    /* Let go what is certain. Blanks stay if a tag may follow, for then they are dropped. */
    size_t n = p->held.len - chat_parser_partial_tag(p);
    bool plain = p->params.form == CHAT_FORM_PLAIN && p->params.think == CHAT_THINK_NONE;
    while (!plain && n && chat_parser_is_blank(p->held.data[n - 1])) n--;
    TRY(say(p, p->held.data, n, err));
    drop(p, n);
    return OK;
}

Status chat_parser_feed(ChatParser *p, const char *text, size_t n, Err *err)
{
    TRY(buf_append(&p->held, text, n, err));
    for (bool again = p->held.len > 0; again;) TRY(step(p, &again, err));
    return OK;
}

Status chat_parser_end(ChatParser *p, Err *err)
{
    size_t n = p->held.len;
    if (p->state == CALL) return end_call(p, n, NULL, err);
    if (p->state == HEAD) return OK;
    while (p->state != SAY && n && chat_parser_is_blank(p->held.data[n - 1])) n--;
    if (p->state == BODY) return end_body(p, n, err);
    TRY(say(p, p->held.data, n, err));
    drop(p, p->held.len);
    return OK;
}
