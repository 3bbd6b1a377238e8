/* jinja_methods.c: methods of texts, dicts and lists. Only these names exist: nothing else of a
 * value can be reached from a template. */
#include "jinja_impl.h"
#include "utf8.h"

#include <string.h>

enum {
    M_STRIP,
    M_LSTRIP,
    M_RSTRIP,
    M_STARTSWITH,
    M_ENDSWITH,
    M_REPLACE,
    M_SPLIT,
    M_FORMAT,
    M_LOWER,
    M_UPPER,
    M_FIND,
    N_TEXT_METHODS,
    M_GET = N_TEXT_METHODS,
    M_ITEMS,
    M_KEYS,
    M_VALUES,
    N_DICT_METHODS,
    M_APPEND = N_DICT_METHODS,
    M_POP,
    N_METHODS
};

static const char *const names[N_METHODS] = {
    "strip", "lstrip", "rstrip", "startswith", "endswith", "replace", "split",  "format", "lower",
    "upper", "find",   "get",    "items",      "keys",     "values",  "append", "pop",
};

int jinja_method_index(ChatValue self, ChatValue name)
{
    int from = self.kind == CHAT_TEXT ? 0 : self.kind == CHAT_DICT ? M_GET : M_APPEND;
    int to = self.kind == CHAT_TEXT   ? N_TEXT_METHODS
             : self.kind == CHAT_DICT ? N_DICT_METHODS
                                      : N_METHODS;
    if (self.kind != CHAT_TEXT && self.kind != CHAT_DICT && self.kind != CHAT_LIST) return -1;
    for (int i = from; i < to; i++)
        if (jinja_same_text(name, names[i])) return i;
    return -1;
}

static bool in_set(const ChatValue *set, const char *s, size_t n)
{
    int used;
    if (!set) return jinja_is_space(utf8_decode(s, n, &used));
    for (size_t at = 0; at < set->n; at += (size_t)used) {
        utf8_decode(set->text + at, set->n - at, &used);
        if ((size_t)used == n && memcmp(set->text + at, s, n) == 0) return true;
    }
    return false;
}

/* set: the characters to take away; NULL: whitespace. */
Status jinja_strip(ChatValue v, const ChatValue *set, bool left, bool right, ChatValue *out)
{
    size_t from = 0, to = v.n;
    while (left && from < to) {
        int used;
        utf8_decode(v.text + from, to - from, &used);
        if (!in_set(set, v.text + from, (size_t)used)) break;
        from += (size_t)used;
    }
    while (right && from < to) {
        size_t at = to - 1;
        while (at > from && to - at < 4 && ((unsigned char)v.text[at] & 0xC0) == 0x80) at--;
        if (!in_set(set, v.text + at, to - at)) break;
        to = at;
    }
    *out = chat_value_bytes(v.text + from, to - from);
    return OK;
}

Status jinja_replace(Interp *it, ChatValue v, ChatValue from, ChatValue to, int64_t limit,
                     ChatValue *out)
{
    if (from.kind != CHAT_TEXT || to.kind != CHAT_TEXT || from.n == 0)
        return jinja_fail(it, E_ARG, "replace needs two texts, the first not empty");
    Buf b = {0};
    size_t at = 0;
    Status s = OK;
    for (int64_t n = 0; s == OK && at + from.n <= v.n && n != limit; n++) {
        const char *hit = memmem(v.text + at, v.n - at, from.text, from.n);
        if (!hit) break;
        s = buf_append(&b, v.text + at, (size_t)(hit - v.text) - at, it->err);
        if (s == OK) s = buf_append(&b, to.text, to.n, it->err);
        if (s == OK && b.len > JINJA_MAX_OUTPUT)
            s = jinja_fail(it, E_LIMIT, "text exceeds %zu bytes", JINJA_MAX_OUTPUT);
        at = (size_t)(hit - v.text) + from.n;
    }
    if (s == OK) s = buf_append(&b, v.text + at, v.n - at, it->err);
    if (s == OK) return jinja_keep(it, &b, out);
    buf_close(&b);
    return s;
}

/* Pieces between whitespace, none of them empty. */
static Status split_words(Interp *it, ChatValue v, int64_t limit, ChatValue out)
{
    for (;;) {
        TRY(jinja_step(it));
        TRY(jinja_strip(v, NULL, true, false, &v));
        if (v.n == 0) return OK;
        size_t n = 0;
        while (n < v.n) {
            int used;
            if (jinja_is_space(utf8_decode(v.text + n, v.n - n, &used))) break;
            n += (size_t)used;
        }
        if (limit >= 0 && out.list->n == limit) {
            TRY(jinja_strip(v, NULL, false, true, &v));
            n = v.n;
        }
        TRY(chat_value_append(it->a, out, chat_value_bytes(v.text, n), it->err));
        v = chat_value_bytes(v.text + n, v.n - n);
    }
}

static Status split(Interp *it, ChatValue v, const Args *args, ChatValue *out)
{
    ChatValue by = jinja_arg(args, 0, "sep"), max = jinja_arg(args, 1, "maxsplit");
    int64_t limit = max.kind == CHAT_INT ? max.number : -1;
    TRY(chat_value_list(it->a, out, it->err));
    if (by.kind <= CHAT_NONE) return split_words(it, v, limit, *out);
    if (by.kind != CHAT_TEXT || by.n == 0)
        return jinja_fail(it, E_ARG, "split needs a text that is not empty");
    for (;;) {
        const char *hit =
            limit >= 0 && out->list->n >= limit ? NULL : memmem(v.text, v.n, by.text, by.n);
        size_t n = hit ? (size_t)(hit - v.text) : v.n;
        TRY(jinja_step(it));
        TRY(chat_value_append(it->a, *out, chat_value_bytes(v.text, n), it->err));
        if (!hit) return OK;
        v = chat_value_bytes(hit + by.n, v.n - n - by.n);
    }
}

/* {} {0} {name}, and {{ }} for braces; formats after a colon are refused. */
static Status format_into(Interp *it, ChatValue v, const Args *args, Buf *b)
{
    int64_t next = 0;
    for (const char *s = v.text, *end = s + v.n; s < end;) {
        if ((*s == '{' || *s == '}') && s + 1 < end && s[1] == *s) {
            TRY(buf_append(b, s, 1, it->err));
            s += 2;
        } else if (*s == '{') {
            const char *close = memchr(s, '}', (size_t)(end - s));
            if (!close) return jinja_fail(it, E_ARG, "format: '{' without '}'");
            ChatValue name = chat_value_bytes(s + 1, (size_t)(close - s - 1)), value = {0};
            if (name.n == 0)
                value = jinja_arg(args, next++, NULL);
            else if (name.n == 1 && name.text[0] >= '0' && name.text[0] <= '9')
                value = jinja_arg(args, name.text[0] - '0', NULL);
            for (int64_t i = 0; i < args->n_keys; i++)
                if (args->key_names[i].n == name.n &&
                    memcmp(args->key_names[i].text, name.text, name.n) == 0)
                    value = args->key_values[i];
            if (value.kind == CHAT_UNDEFINED)
                return jinja_fail(it, E_ARG, "format: no value for '{%.*s}'",
                                  name.n > 40 ? 40 : (int)name.n, name.text);
            TRY(jinja_str(it, value, b));
            s = close + 1;
        } else {
            TRY(buf_append(b, s++, 1, it->err));
        }
        if (b->len > JINJA_MAX_OUTPUT)
            return jinja_fail(it, E_LIMIT, "text exceeds %zu bytes", JINJA_MAX_OUTPUT);
    }
    return OK;
}

static Status format(Interp *it, ChatValue v, const Args *args, ChatValue *out)
{
    Buf b = {0};
    Status s = format_into(it, v, args, &b);
    if (s == OK) return jinja_keep(it, &b, out);
    buf_close(&b);
    return s;
}

static Status starts_or_ends(Interp *it, ChatValue v, ChatValue part, bool end, ChatValue *out)
{
    ChatList one = {&part, 1, 1}, *all = part.kind == CHAT_TUPLE ? part.list : &one;
    bool holds = false;
    for (int64_t i = 0; i < all->n; i++) {
        ChatValue p = all->items[i];
        if (p.kind != CHAT_TEXT)
            return jinja_fail(it, E_ARG, "%s of %s", end ? "endswith" : "startswith",
                              jinja_kind_name(p));
        holds |=
            p.n == 0 || (p.n <= v.n && memcmp(v.text + (end ? v.n - p.n : 0), p.text, p.n) == 0);
    }
    *out = chat_value_bool(holds);
    return OK;
}

static Status on_text(Interp *it, ChatValue v, int which, const Args *args, ChatValue *out)
{
    ChatValue x = jinja_arg(args, 0, NULL), y = jinja_arg(args, 1, NULL),
              z = jinja_arg(args, 2, "count");
    Args self = {.v = &v, .n = 1};
    switch (which) {
    case M_STRIP:
        return jinja_strip(v, x.kind == CHAT_TEXT ? &x : NULL, true, true, out);
    case M_LSTRIP:
        return jinja_strip(v, x.kind == CHAT_TEXT ? &x : NULL, true, false, out);
    case M_RSTRIP:
        return jinja_strip(v, x.kind == CHAT_TEXT ? &x : NULL, false, true, out);
    case M_STARTSWITH:
    case M_ENDSWITH:
        return starts_or_ends(it, v, x, which == M_ENDSWITH, out);
    case M_REPLACE:
        return jinja_replace(it, v, x, y, z.kind == CHAT_INT ? z.number : -1, out);
    case M_SPLIT:
        return split(it, v, args, out);
    case M_FORMAT:
        return format(it, v, args, out);
    case M_LOWER:
    case M_UPPER:
        return jinja_filter(it, jinja_filter_index(chat_value_text(names[which])), &self, out);
    default:
        break;
    }
    if (x.kind != CHAT_TEXT) return jinja_fail(it, E_ARG, "find of %s", jinja_kind_name(x));
    const char *hit = x.n ? memmem(v.text, v.n, x.text, x.n) : v.text;
    *out =
        chat_value_int(hit ? jinja_length(chat_value_bytes(v.text, (size_t)(hit - v.text))) : -1);
    return OK;
}

static Status on_dict(Interp *it, ChatValue v, int which, const Args *args, ChatValue *out)
{
    Args self = {.v = &v, .n = 1};
    if (which == M_ITEMS)
        return jinja_filter(it, jinja_filter_index(chat_value_text("items")), &self, out);
    if (which == M_GET) {
        ChatPair *there;
        if (args->n < 1) return jinja_fail(it, E_ARG, "get needs a key");
        TRY(jinja_find(it, v, args->v[0], &there));
        *out = there ? there->value : args->n > 1 ? args->v[1] : chat_value_none();
        return OK;
    }
    TRY(chat_value_list(it->a, out, it->err));
    for (int64_t i = 0; i < v.dict->n; i++)
        TRY(chat_value_append(
            it->a, *out, which == M_KEYS ? v.dict->pairs[i].key : v.dict->pairs[i].value, it->err));
    return OK;
}

/* append and pop change the list itself, which a template may have been given: the caller's lists
 * are not changed, because a rendering works on a copy of them (see chat_template.c). */
static Status on_list(Interp *it, ChatValue v, int which, const Args *args, ChatValue *out)
{
    ChatList *l = v.list;
    *out = chat_value_none();
    if (which == M_APPEND) return chat_value_append(it->a, v, jinja_arg(args, 0, NULL), it->err);
    ChatValue at = args->n ? args->v[0] : chat_value_int(-1);
    int64_t i = at.kind == CHAT_INT ? at.number : l->n;
    if (i < 0) i += l->n;
    if (i < 0 || i >= l->n) return jinja_fail(it, E_ARG, "pop from outside of the list");
    *out = l->items[i];
    memmove(l->items + i, l->items + i + 1, (size_t)(l->n - i - 1) * sizeof *l->items);
    l->n--;
    return OK;
}

Status jinja_method(Interp *it, const Method *m, const Args *args, ChatValue *out)
{
    if (m->which < N_TEXT_METHODS) return on_text(it, m->self, m->which, args, out);
    if (m->which < N_DICT_METHODS) return on_dict(it, m->self, m->which, args, out);
    return on_list(it, m->self, m->which, args, out);
}
