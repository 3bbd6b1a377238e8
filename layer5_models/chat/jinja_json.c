/* jinja_json.c: a value as JSON text, byte for byte as Python's json.dumps writes it.
 *
 * One line has ", " and ": " between things; with an indent each element has its own line and the
 * comma no blank. Text is escaped only where JSON needs it, unless ensure_ascii is asked for. */
#include "jinja_impl.h"
#include "utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static Status text(Interp *it, ChatValue v, bool ascii, Buf *out)
{
    TRY(buf_append(out, "\"", 1, it->err));
    for (size_t at = 0; at < v.n;) {
        static const char from[] = "\"\\\n\r\t\b\f", into[] = "\"\\nrtbf";
        int used;
        uint32_t cp = utf8_decode(v.text + at, v.n - at, &used);
        const char *known = cp && cp < 128 ? strchr(from, (int)cp) : NULL;
        if (known)
            TRY(buf_printf(out, it->err, "\\%c", into[known - from]));
        else if (cp < 32)
            TRY(buf_printf(out, it->err, "\\u%04x", cp));
        else if (ascii && cp >= 128 && cp < 0x10000)
            TRY(buf_printf(out, it->err, "\\u%04x", cp));
        else if (ascii && cp >= 0x10000 && cp != UTF8_BAD)
            TRY(buf_printf(out, it->err, "\\u%04x\\u%04x", 0xD7C0 + (cp >> 10),
                           0xDC00 + (cp & 0x3FF)));
        else
            TRY(buf_append(out, v.text + at, (size_t)used, it->err));
        at += (size_t)used;
    }
    return buf_append(out, "\"", 1, it->err);
}

static Status new_line(Interp *it, const JsonStyle *style, int depth, Buf *out)
{
    return style->indent < 0 ? OK : buf_printf(out, it->err, "\n%*s", style->indent * depth, "");
}

static int by_key(const void *x, const void *y)
{
    const ChatValue *a = &((const ChatPair *)x)->key, *b = &((const ChatPair *)y)->key;
    int c = memcmp(a->text, b->text, a->n < b->n ? a->n : b->n);
    return c ? c : a->n < b->n ? -1 : a->n > b->n;
}

static Status sorted(Interp *it, const ChatDict *d, const ChatPair **out)
{
    ChatPair *copy = ARENA_NEW(it->a, ChatPair, d->n + 1);
    if (!copy) return jinja_fail(it, E_MEMORY, "no memory to sort a dict");
    for (int64_t i = 0; i < d->n; i++) {
        copy[i] = d->pairs[i];
        if (copy[i].key.kind != CHAT_TEXT)
            return jinja_fail(it, E_UNSUPPORTED, "sort_keys of a dict with keys that are no text");
    }
    qsort(copy, (size_t)d->n, sizeof *copy, by_key);
    *out = copy;
    return OK;
}

static Status key(Interp *it, ChatValue k, const JsonStyle *style, Buf *out)
{
    if (k.kind == CHAT_TEXT) return text(it, k, style->ascii, out);
    if (k.kind < CHAT_NONE || k.kind > CHAT_FLOAT)
        return jinja_fail(it, E_ARG, "tojson: %s as key of a dict", jinja_kind_name(k));
    TRY(buf_append(out, "\"", 1, it->err));
    TRY(jinja_to_json(it, k, style, 0, out));
    return buf_append(out, "\"", 1, it->err);
}

static Status container(Interp *it, ChatValue v, const JsonStyle *style, int depth, Buf *out)
{
    bool dict = v.kind == CHAT_DICT;
    int64_t n = dict ? v.dict->n : v.list->n;
    if (n == 0) return buf_append(out, dict ? "{}" : "[]", 2, it->err);
    const ChatPair *pairs = dict ? v.dict->pairs : NULL;
    if (dict && style->sort_keys) TRY(sorted(it, v.dict, &pairs));
    TRY(buf_append(out, dict ? "{" : "[", 1, it->err));
    for (int64_t i = 0; i < n; i++) {
        if (i) TRY(buf_append(out, style->comma.text, style->comma.n, it->err));
        TRY(new_line(it, style, depth + 1, out));
        if (dict) {
            TRY(key(it, pairs[i].key, style, out));
            TRY(buf_append(out, style->colon.text, style->colon.n, it->err));
        }
        TRY(jinja_to_json(it, dict ? pairs[i].value : v.list->items[i], style, depth + 1, out));
    }
    TRY(new_line(it, style, depth, out));
    return buf_append(out, dict ? "}" : "]", 1, it->err);
}

Status jinja_to_json(Interp *it, ChatValue v, const JsonStyle *style, int depth, Buf *out)
{
    TRY(jinja_step(it));
    if (depth > JINJA_MAX_VALUE_DEPTH)
        return jinja_fail(it, E_LIMIT, "values are nested deeper than %d", JINJA_MAX_VALUE_DEPTH);
    if (out->len > JINJA_MAX_OUTPUT)
        return jinja_fail(it, E_LIMIT, "output exceeds %zu bytes", JINJA_MAX_OUTPUT);
    switch (v.kind) {
    case CHAT_NONE:
        return buf_append(out, "null", 4, it->err);
    case CHAT_BOOL:
        return buf_printf(out, it->err, v.truth ? "true" : "false");
    case CHAT_INT:
        return buf_printf(out, it->err, "%lld", (long long)v.number);
    case CHAT_FLOAT:
        if (isnan(v.real)) return buf_append(out, "NaN", 3, it->err);
        if (isinf(v.real)) return buf_printf(out, it->err, v.real < 0 ? "-Infinity" : "Infinity");
        return jinja_real(out, v.real, it->err);
    case CHAT_TEXT:
        return text(it, v, style->ascii, out);
    case CHAT_LIST:
    case CHAT_TUPLE:
    case CHAT_DICT:
        return container(it, v, style, depth, out);
    default:
        return jinja_fail(it, E_ARG, "tojson: %s has no JSON form", jinja_kind_name(v));
    }
}

Status chat_value_to_json(ChatValue v, Buf *out, Err *err)
{
    Arena a = {0};
    Interp it = {.a = &a, .err = err};
    JsonStyle style = {.indent = -1, .comma = chat_value_text(", "), .colon = chat_value_text(": ")};
    Status s = jinja_to_json(&it, v, &style, 0, out);
    arena_close(&a);
    return s;
}
