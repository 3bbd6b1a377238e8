/* jinja_text.c: a value as text, as Python's str() shows it: None, True, 1.0, ['a', {'k': 1}]. */
#include "jinja_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest digits that read back as the same number, written as Python does. */
Status jinja_real(Buf *out, double f, Err *err)
{
    char text[64];
    int digits = 1;
    if (isnan(f)) return buf_append(out, "nan", 3, err);
    if (isinf(f)) return buf_printf(out, err, f < 0 ? "-inf" : "inf");
    do snprintf(text, sizeof text, "%.*e", digits - 1, f);
    while (strtod(text, NULL) != f && ++digits <= 17);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent < -4 || exponent >= 16) return buf_append(out, text, strlen(text), err);
    int after = digits - 1 - exponent;
    return buf_printf(out, err, "%.*f", after < 1 ? 1 : after, f);
}

static Status quoted(Interp *it, ChatValue v, Buf *out)
{
    const char *end = v.text + v.n;
    bool single = v.n && memchr(v.text, '\'', v.n), dbl = v.n && memchr(v.text, '"', v.n);
    char quote = single && !dbl ? '"' : '\'';
    TRY(buf_append(out, &quote, 1, it->err));
    for (const char *s = v.text; s < end; s++) {
        if (*s == '\n')
            TRY(buf_append(out, "\\n", 2, it->err));
        else if (*s == '\t')
            TRY(buf_append(out, "\\t", 2, it->err));
        else if (*s == '\r')
            TRY(buf_append(out, "\\r", 2, it->err));
        else if ((unsigned char)*s < 32 || *s == 127)
            TRY(buf_printf(out, it->err, "\\x%02x", (unsigned char)*s));
        else {
            if (*s == '\\' || *s == quote) TRY(buf_append(out, "\\", 1, it->err));
            TRY(buf_append(out, s, 1, it->err));
        }
    }
    return buf_append(out, &quote, 1, it->err);
}

/* Texts inside of lists are quoted, at the top they are not. */
static Status show(Interp *it, ChatValue v, int depth, Buf *out)
{
    TRY(jinja_step(it));
    if (depth > JINJA_MAX_VALUE_DEPTH) return jinja_too_deep(it);
    if (out->len > JINJA_MAX_OUTPUT)
        return jinja_fail(it, E_LIMIT, "output exceeds %zu bytes", JINJA_MAX_OUTPUT);
    switch (v.kind) {
    case CHAT_UNDEFINED:
        return depth ? buf_append(out, "Undefined", 9, it->err) : OK;
    case CHAT_NONE:
        return buf_append(out, "None", 4, it->err);
    case CHAT_BOOL:
        return buf_printf(out, it->err, v.truth ? "True" : "False");
    case CHAT_INT:
        return buf_printf(out, it->err, "%lld", (long long)v.number);
    case CHAT_FLOAT:
        return jinja_real(out, v.real, it->err);
    case CHAT_TEXT:
        return depth ? quoted(it, v, out) : buf_append(out, v.text, v.n, it->err);
    case CHAT_LIST:
    case CHAT_TUPLE:
        TRY(buf_append(out, v.kind == CHAT_LIST ? "[" : "(", 1, it->err));
        for (int64_t i = 0; i < v.list->n; i++) {
            if (i) TRY(buf_append(out, ", ", 2, it->err));
            TRY(show(it, v.list->items[i], depth + 1, out));
        }
        if (v.kind == CHAT_TUPLE && v.list->n == 1) TRY(buf_append(out, ",", 1, it->err));
        return buf_append(out, v.kind == CHAT_LIST ? "]" : ")", 1, it->err);
    case CHAT_DICT:
        TRY(buf_append(out, "{", 1, it->err));
        for (int64_t i = 0; i < v.dict->n; i++) {
            if (i) TRY(buf_append(out, ", ", 2, it->err));
            TRY(show(it, v.dict->pairs[i].key, depth + 1, out));
            TRY(buf_append(out, ": ", 2, it->err));
            TRY(show(it, v.dict->pairs[i].value, depth + 1, out));
        }
        return buf_append(out, "}", 1, it->err);
    default:
        return jinja_fail(it, E_UNSUPPORTED, "%s cannot be printed", jinja_kind_name(v));
    }
}

Status jinja_str(Interp *it, ChatValue v, Buf *out)
{
    return show(it, v, 0, out);
}

Status jinja_keep(Interp *it, Buf *b, ChatValue *out)
{
    char *s = arena_strndup(it->a, b->data ? b->data : "", b->len);
    *out = chat_value_bytes(s, b->len);
    buf_close(b);
    return s ? OK : jinja_fail(it, E_MEMORY, "no memory for a text");
}

Status jinja_text(Interp *it, ChatValue v, ChatValue *out)
{
    *out = v;
    if (v.kind == CHAT_TEXT) return OK;
    Buf b = {0};
    Status s = jinja_str(it, v, &b);
    if (s == OK) return jinja_keep(it, &b, out);
    buf_close(&b);
    return s;
}
