/* jinja_value.c: what values are, as Python sees them: truth, equality, order, length. */
#include "jinja_impl.h"
#include "utf8.h"

#include <string.h>

const char *jinja_kind_name(ChatValue v)
{
    static const char *const names[] = {
        "undefined", "none",   "a boolean",   "an integer", "a number",   "text",     "a list",
        "a tuple",   "a dict", "a namespace", "a macro",    "a function", "a method", "a loop"};
    return names[v.kind];
}

bool jinja_truth(ChatValue v)
{
    switch (v.kind) {
    case CHAT_UNDEFINED:
    case CHAT_NONE:
        return false;
    case CHAT_BOOL:
        return v.truth;
    case CHAT_INT:
        return v.number != 0;
    case CHAT_FLOAT:
        return v.real != 0;
    case CHAT_TEXT:
        return v.n > 0;
    case CHAT_LIST:
    case CHAT_TUPLE:
        return v.list->n > 0;
    case CHAT_DICT:
        return v.dict->n > 0;
    default:
        return true;
    }
}

bool jinja_same_text(ChatValue v, const char *s)
{
    return v.kind == CHAT_TEXT && v.n == strlen(s) && memcmp(v.text, s, v.n) == 0;
}

static bool is_number(ChatValue v)
{
    return v.kind >= CHAT_BOOL && v.kind <= CHAT_FLOAT;
}
static int64_t whole(ChatValue v)
{
    return v.kind == CHAT_BOOL ? v.truth : v.number;
}
static double real(ChatValue v)
{
    return v.kind == CHAT_FLOAT ? v.real : (double)whole(v);
}

Status jinja_too_deep(Interp *it)
{
    return jinja_fail(it, E_LIMIT, "values are nested deeper than %d", JINJA_MAX_VALUE_DEPTH);
}

Status jinja_equal(Interp *it, ChatValue x, ChatValue y, int depth, bool *out)
{
    TRY(jinja_step(it));
    if (depth > JINJA_MAX_VALUE_DEPTH) return jinja_too_deep(it);
    *out = false;
    if (is_number(x) && is_number(y)) {
        *out = x.kind == CHAT_FLOAT || y.kind == CHAT_FLOAT ? real(x) == real(y)
                                                            : whole(x) == whole(y);
        return OK;
    }
    if (x.kind != y.kind) return OK;
    *out = true;
    if (x.kind <= CHAT_NONE) return OK;
    if (x.kind == CHAT_TEXT) {
        *out = x.n == y.n && (x.n == 0 || memcmp(x.text, y.text, x.n) == 0);
    } else if (x.kind == CHAT_LIST || x.kind == CHAT_TUPLE) {
        *out = x.list->n == y.list->n;
        for (int64_t i = 0; *out && i < x.list->n; i++)
            TRY(jinja_equal(it, x.list->items[i], y.list->items[i], depth + 1, out));
    } else if (x.kind == CHAT_DICT) {
        *out = x.dict->n == y.dict->n;
        for (int64_t i = 0; *out && i < x.dict->n; i++) {
            ChatPair *other;
            TRY(jinja_find(it, y, x.dict->pairs[i].key, &other));
            if (!other)
                *out = false;
            else
                TRY(jinja_equal(it, x.dict->pairs[i].value, other->value, depth + 1, out));
        }
    } else
        *out = x.other == y.other;
    return OK;
}

Status jinja_less(Interp *it, ChatValue x, ChatValue y, int *sign)
{
    TRY(jinja_step(it));
    if (is_number(x) && is_number(y)) {
        if (x.kind == CHAT_FLOAT || y.kind == CHAT_FLOAT)
            *sign = real(x) < real(y) ? -1 : real(x) > real(y);
        else
            *sign = whole(x) < whole(y) ? -1 : whole(x) > whole(y);
        return OK;
    }
    if (x.kind != CHAT_TEXT || y.kind != CHAT_TEXT)
        return jinja_fail(it, E_ARG, "%s and %s have no order", jinja_kind_name(x),
                          jinja_kind_name(y));
    size_t n = x.n < y.n ? x.n : y.n;
    int c = n ? memcmp(x.text, y.text, n) : 0;
    *sign = c < 0 ? -1 : c > 0 ? 1 : x.n < y.n ? -1 : x.n > y.n;
    return OK;
}

static int64_t code_points(ChatValue v)
{
    int64_t n = 0;
    for (size_t at = 0; at < v.n; n++) {
        int used;
        utf8_decode(v.text + at, v.n - at, &used);
        at += (size_t)used;
    }
    return n;
}

size_t jinja_offset(ChatValue v, int64_t index)
{
    size_t at = 0;
    for (; index > 0 && at < v.n; index--) {
        int used;
        utf8_decode(v.text + at, v.n - at, &used);
        at += (size_t)used;
    }
    return at;
}

int64_t jinja_length(ChatValue v)
{
    switch (v.kind) {
    case CHAT_UNDEFINED:
        return 0;
    case CHAT_TEXT:
        return code_points(v);
    case CHAT_LIST:
    case CHAT_TUPLE:
        return v.list->n;
    case CHAT_DICT:
        return v.dict->n;
    default:
        return -1;
    }
}

Status jinja_each(Interp *it, ChatValue v, ChatList **out)
{
    ChatValue list;
    if (v.kind == CHAT_LIST || v.kind == CHAT_TUPLE) {
        *out = v.list;
        return OK;
    }
    TRY(chat_value_list(it->a, &list, it->err));
    *out = list.list;
    if (v.kind == CHAT_DICT) {
        for (int64_t i = 0; i < v.dict->n; i++)
            TRY(chat_value_append(it->a, list, v.dict->pairs[i].key, it->err));
    } else if (v.kind == CHAT_TEXT) {
        for (size_t at = 0; at < v.n;) {
            int used;
            TRY(jinja_step(it));
            utf8_decode(v.text + at, v.n - at, &used);
            TRY(chat_value_append(it->a, list, chat_value_bytes(v.text + at, (size_t)used),
                                  it->err));
            at += (size_t)used;
        }
    } else if (v.kind != CHAT_UNDEFINED) {
        return jinja_fail(it, E_ARG, "%s cannot be iterated", jinja_kind_name(v));
    }
    return OK;
}

Status jinja_find(Interp *it, ChatValue dict, ChatValue key, ChatPair **out)
{
    for (int64_t i = 0; i < dict.dict->n; i++) {
        bool same;
        TRY(jinja_equal(it, dict.dict->pairs[i].key, key, 0, &same));
        *out = &dict.dict->pairs[i];
        if (same) return OK;
    }
    *out = NULL;
    return OK;
}

bool jinja_is_space(uint32_t cp)
{
    return cp == ' ' || (cp >= 9 && cp <= 13) || (cp >= 28 && cp <= 31) || cp == 0x85 ||
           cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 ||
           cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}
