/* chat_encode.c: a conversation as ids, so that nobody's text becomes a command.
 *
 * A rendered template is one text in which "<|im_end|>" ends a turn, whoever wrote it. So what looks like
 * a control token in a user's message, or in what describes a tool, is taken out before rendering and a
 * marker stands in for it: two characters of Unicode's private planes around a number. Afterwards it is put
 * back, and the tokenizer is told which bytes it must read letter by letter. Everything else is encoded in
 * one go, exactly as the model has seen it in its training. */
#include "chat_format_impl.h"
#include "tokenizer_impl.h"
#include "utf8.h"

#include <string.h>

typedef struct {
    const ChatFormat *f;
    const Tokenizer *t;
    Arena a;
    Buf masked;          /* Str: the texts that were taken out */
    char open[4], close[4]; /* around the number of one of them */
    int n_open, n_close;
} Mask;

/* Roles whose text comes from outside. */
static bool is_foreign(ChatValue message)
{
    ChatValue role = chat_value_get(message, "role");
    return role.kind != CHAT_TEXT || !((role.n == 9 && memcmp(role.text, "assistant", 9) == 0) ||
                                       (role.n == 6 && memcmp(role.text, "system", 6) == 0));
}

/* Control tokens, and of the others those that the template writes itself. */
static bool is_command(const Mask *m, int32_t id)
{
    Str text = tokenizer_text(m->t, id);
    TokenType type = tokenizer_type(m->t, id);
    if (type == TOKEN_CONTROL || type == TOKEN_UNKNOWN) return true;
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r\n", text.ptr[i]))
            return memmem(m->f->source.ptr, m->f->source.len, text.ptr, text.len) != NULL;
    return false;
}

static Status mask_text(Mask *m, ChatValue text, ChatValue *out, Err *err)
{
    Buf hits = {0}, b = {0};
    *out = text;
    size_t from = 0;
    Status s = tokenizer_find_special(m->t, text.text, text.n, true, &hits, err);
    const SpecialHit *hit = (const SpecialHit *)(const void *)hits.data;
    for (size_t i = 0; s == OK && i < hits.len / sizeof *hit; i++) {
        if (!is_command(m, hit[i].id)) continue;
        Str it = {text.text + hit[i].pos, tokenizer_text(m->t, hit[i].id).len};
        s = buf_append(&b, text.text + from, hit[i].pos - from, err);
        if (s == OK)
            s = buf_printf(&b, err, "%.*s%zu%.*s", m->n_open, m->open, m->masked.len / sizeof it, m->n_close,
                           m->close);
        if (s == OK) s = buf_append(&m->masked, &it, sizeof it, err);
        from = hit[i].pos + it.len;
    }
    if (s == OK && from > 0) {
        s = buf_append(&b, text.text + from, text.n - from, err);
        char *copy = s == OK ? arena_strndup(&m->a, b.data, b.len) : NULL;
        if (s == OK && !copy) s = fail(err, E_MEMORY, "no memory for a message");
        *out = chat_value_bytes(copy, b.len);
    }
    buf_close(&hits);
    buf_close(&b);
    return s;
}

/* A copy of a value with its texts masked; the depth of JSON is limited where it is read. */
static Status mask_value(Mask *m, ChatValue v, int depth, ChatValue *out, Err *err)
{
    *out = v;
    if (depth > 100) return fail(err, E_LIMIT, "a message is nested deeper than 100");
    if (v.kind == CHAT_TEXT) return mask_text(m, v, out, err);
    if (v.kind == CHAT_LIST) {
        TRY(chat_value_list(&m->a, out, err));
        for (int64_t i = 0; i < v.list->n; i++) {
            ChatValue item;
            TRY(mask_value(m, v.list->items[i], depth + 1, &item, err));
            TRY(chat_value_append(&m->a, *out, item, err));
        }
    } else if (v.kind == CHAT_DICT) {
        TRY(chat_value_dict(&m->a, out, err));
        for (int64_t i = 0; i < v.dict->n; i++) {
            ChatValue key = v.dict->pairs[i].key, item;
            if (key.kind == CHAT_TEXT) TRY(mask_text(m, key, &key, err));
            TRY(mask_value(m, v.dict->pairs[i].value, depth + 1, &item, err));
            TRY(chat_value_put(&m->a, *out, key, item, err));
        }
    }
    return OK;
}

static Status mask_messages(Mask *m, ChatValue messages, ChatValue *out, Err *err)
{
    TRY(chat_value_list(&m->a, out, err));
    for (int64_t i = 0; i < messages.list->n; i++) {
        ChatValue message = messages.list->items[i];
        if (is_foreign(message)) TRY(mask_value(m, message, 0, &message, err));
        TRY(chat_value_append(&m->a, *out, message, err));
    }
    return OK;
}

static bool stands_in(ChatValue v, const char *bytes, size_t n, int depth)
{
    if (depth > 100) return false;
    if (v.kind == CHAT_TEXT) return v.n >= n && memmem(v.text, v.n, bytes, n);
    int64_t count = v.kind == CHAT_LIST ? v.list->n : v.kind == CHAT_DICT ? v.dict->n : 0;
    for (int64_t i = 0; i < count; i++) {
        if (stands_in(v.kind == CHAT_LIST ? v.list->items[i] : v.dict->pairs[i].value, bytes, n, depth + 1))
            return true;
        if (v.kind == CHAT_DICT && stands_in(v.dict->pairs[i].key, bytes, n, depth + 1)) return true;
    }
    return false;
}

/* Two private characters that nobody in this conversation uses. */
static Status choose_marks(Mask *m, ChatValue messages, ChatValue tools, Err *err)
{
    int found = 0;
    for (uint32_t cp = 0xF5A10; cp < 0xF5A10 + 64 && found < 2; cp++) {
        char *to = found ? m->close : m->open;
        int n = utf8_encode(cp, to);
        if (stands_in(messages, to, (size_t)n, 0) || stands_in(tools, to, (size_t)n, 0) ||
            memmem(m->f->source.ptr, m->f->source.len, to, (size_t)n))
            continue;
        *(found++ ? &m->n_close : &m->n_open) = n;
    }
    return found == 2 ? OK : fail(err, E_LIMIT, "a message holds all private characters from U+F5A10 to U+F5A4F. "
                                  "HINT: leave them out");
}

/* The number between two marks at s; -1 if there is none. */
static int64_t number_at(const Mask *m, const char *s, const char *end, const char **after)
{
    int64_t v = 0;
    const char *at = s;
    while (at < end && *at >= '0' && *at <= '9' && v < 100000000) v = 10 * v + (*at++ - '0');
    if (at == s || end - at < m->n_close || memcmp(at, m->close, (size_t)m->n_close) != 0) return -1;
    *after = at + m->n_close;
    return v < (int64_t)(m->masked.len / sizeof(Str)) ? v : -1;
}

static const char *next_mark(const Mask *m, const char *s, const char *end)
{
    return m->masked.len ? memmem(s, (size_t)(end - s), m->open, (size_t)m->n_open) : NULL;
}

//@ begin encode-unmask
/* Puts back what was taken out, and remembers where it stands. */
static Status unmask(const Mask *m, const Buf *rendered, Buf *text,
                     Buf *ranges, Err *err)
{
    const char *s = rendered->data, *end = s + rendered->len;
    while (s < end) {
        const char *mark = next_mark(m, s, end);
        TRY(buf_append(text, s, (size_t)((mark ? mark : end) - s), err));
        if (!mark) return OK;
        s = mark + m->n_open;
        int64_t which = number_at(m, s, end, &s);
        /* A template may cut texts: half a marker stands for nothing. */
        if (which < 0) continue;
        Str it = ((const Str *)(const void *)m->masked.data)[which];
        TextRange range = {text->len, text->len + it.len};
        TRY(buf_append(text, it.ptr, it.len, err));
        TRY(buf_append(ranges, &range, sizeof range, err));
    }
    return OK;
}
//@ end encode-unmask

Status chat_format_encode(const ChatFormat *f, const Tokenizer *t, const ChatTalk *talk, TokenList *out,
                          bool *thinks, Err *err)
{
    Mask m = {.f = f, .t = t};
    Buf rendered = {0}, text = {0}, ranges = {0};
    ChatValue messages;
    ChatTalk masked = *talk;
    int64_t n_before = out->n;
    Status s = chat_format_shape(f, &m.a, talk->messages, &messages, err);
    if (s == OK) s = choose_marks(&m, messages, talk->tools, err);
    if (s == OK) s = mask_messages(&m, messages, &messages, err);
    if (s == OK) s = mask_value(&m, talk->tools, 0, &masked.tools, err);
    if (s == OK) s = chat_format_render_shaped(f, &m.a, &masked, messages, &rendered, err);
    if (s == OK) s = unmask(&m, &rendered, &text, &ranges, err);
    /* bos in front, unless the template has put it there. */
    int32_t bos = tokenizer_bos(t);
    size_t n_bos = f->bos_text ? strlen(f->bos_text) : 0;
    bool there = n_bos && text.len >= n_bos && memcmp(text.data, f->bos_text, n_bos) == 0;
    if (s == OK && bos >= 0 && tokenizer_add_bos(t) && !there) s = tokens_push(out, bos, err);
    const TextRange *plain = (const TextRange *)(const void *)ranges.data;
    int64_t n_plain = (int64_t)(ranges.len / sizeof *plain);
    if (s == OK && text.len) s = tokenizer_encode_except(t, text.data, text.len, plain, n_plain, out, err);
    if (s != OK) out->n = n_before;
    *thinks = s == OK && chat_format_thinks(f, &text);
    buf_close(&rendered);
    buf_close(&text);
    buf_close(&ranges);
    buf_close(&m.masked);
    arena_close(&m.a);
    return s;
}
