/* jinja_filters.c: filters (value|name) and tests (value is name), each a row of a table. */
#include "jinja_impl.h"

#include <stdlib.h>
#include <string.h>

static Status f_tojson(Interp *it, const Args *args, ChatValue *out)
{
    JsonStyle style = {.indent = -1};
    ChatValue indent = jinja_arg(args, 2, "indent"), separators = jinja_arg(args, 3, "separators");
    if (indent.kind == CHAT_INT)
        style.indent = indent.number < 0 ? 0 : indent.number > 64 ? 64 : (int)indent.number;
    else if (indent.kind > CHAT_NONE)
        return jinja_fail(it, E_ARG, "tojson: indent is %s, expected is an integer",
                          jinja_kind_name(indent));
    style.ascii = jinja_truth(jinja_arg(args, 1, "ensure_ascii"));
    style.sort_keys = jinja_truth(jinja_arg(args, 4, "sort_keys"));
    style.comma = chat_value_text(style.indent < 0 ? ", " : ",");
    style.colon = chat_value_text(": ");
    if (separators.kind == CHAT_LIST || separators.kind == CHAT_TUPLE) {
        if (separators.list->n != 2 || separators.list->items[0].kind != CHAT_TEXT ||
            separators.list->items[1].kind != CHAT_TEXT)
            return jinja_fail(it, E_ARG, "tojson: separators are two texts");
        style.comma = separators.list->items[0];
        style.colon = separators.list->items[1];
    }
    Buf b = {0};
    Status s = jinja_to_json(it, args->v[0], &style, 0, &b);
    if (s == OK) return jinja_keep(it, &b, out);
    buf_close(&b);
    return s;
}

static Status f_from_json(Interp *it, const Args *args, ChatValue *out)
{
    if (args->v[0].kind != CHAT_TEXT)
        return jinja_fail(it, E_ARG, "from_json of %s", jinja_kind_name(args->v[0]));
    return chat_value_from_json(it->a, args->v[0].text, args->v[0].n, out, it->err);
}

static Status f_length(Interp *it, const Args *args, ChatValue *out)
{
    *out = chat_value_int(jinja_length(args->v[0]));
    return out->number >= 0
               ? OK
               : jinja_fail(it, E_ARG, "%s has no length", jinja_kind_name(args->v[0]));
}

static Status f_trim(Interp *it, const Args *args, ChatValue *out)
{
    ChatValue text, set = jinja_arg(args, 1, "chars");
    TRY(jinja_text(it, args->v[0], &text));
    return jinja_strip(text, set.kind == CHAT_TEXT ? &set : NULL, true, true, out);
}

static Status f_default(Interp *it, const Args *args, ChatValue *out)
{
    (void)it;
    ChatValue other = jinja_arg(args, 1, "default_value"), v = args->v[0];
    bool empty =
        v.kind == CHAT_UNDEFINED || (jinja_truth(jinja_arg(args, 2, "boolean")) && !jinja_truth(v));
    *out = !empty ? v : other.kind == CHAT_UNDEFINED ? chat_value_text("") : other;
    return OK;
}

/* Also "safe": Jinja2 then escapes what + joins to the text, for HTML, which no prompt is. */
static Status f_string(Interp *it, const Args *args, ChatValue *out)
{
    return jinja_text(it, args->v[0], out);
}

/* Letters A to Z only: no template changes the case of others. */
Status jinja_change_case(Interp *it, ChatValue v, char from, ChatValue *out)
{
    TRY(jinja_text(it, v, out));
    char *copy = arena_strndup(it->a, out->n ? out->text : "", out->n);
    if (!copy) return jinja_fail(it, E_MEMORY, "no memory for a text");
    for (size_t i = 0; i < out->n; i++)
        if (copy[i] >= from && copy[i] < from + 26) copy[i] ^= 32;
    *out = chat_value_bytes(copy, out->n);
    return OK;
}

static Status f_lower(Interp *it, const Args *args, ChatValue *out)
{
    return jinja_change_case(it, args->v[0], 'A', out);
}
static Status f_upper(Interp *it, const Args *args, ChatValue *out)
{
    return jinja_change_case(it, args->v[0], 'a', out);
}

static Status f_join(Interp *it, const Args *args, ChatValue *out)
{
    ChatList *list;
    Buf b = {0};
    ChatValue between = jinja_arg(args, 1, "d");
    TRY(jinja_each(it, args->v[0], &list));
    Status s = OK;
    for (int64_t i = 0; s == OK && i < list->n; i++) {
        if (i) s = jinja_str(it, between, &b);
        if (s == OK) s = jinja_str(it, list->items[i], &b);
        if (s == OK && b.len > JINJA_MAX_OUTPUT)
            s = jinja_fail(it, E_LIMIT, "text exceeds %zu bytes", JINJA_MAX_OUTPUT);
    }
    if (s == OK) return jinja_keep(it, &b, out);
    buf_close(&b);
    return s;
}

static Status f_replace(Interp *it, const Args *args, ChatValue *out)
{
    ChatValue v, limit = jinja_arg(args, 3, "count");
    TRY(jinja_text(it, args->v[0], &v));
    return jinja_replace(it, v, jinja_arg(args, 1, "old"), jinja_arg(args, 2, "new"),
                         limit.kind == CHAT_INT ? limit.number : -1, out);
}

static Status f_int(Interp *it, const Args *args, ChatValue *out)
{
    (void)it;
    ChatValue v = args->v[0], other = jinja_arg(args, 1, "default");
    char text[32] = {0}, *end = text;
    *out = other.kind == CHAT_UNDEFINED ? chat_value_int(0) : other;
    if (v.kind == CHAT_INT) *out = v;
    if (v.kind == CHAT_BOOL) *out = chat_value_int(v.truth);
    if (v.kind == CHAT_FLOAT && v.real > -9e15 && v.real < 9e15)
        *out = chat_value_int((int64_t)v.real);
    if (v.kind == CHAT_TEXT && v.n > 0 && v.n < 19) {
        memcpy(text, v.text, v.n);
        long long number = strtoll(text, &end, 10);
        if (end > text && *end == 0) *out = chat_value_int(number);
    }
    return OK;
}

static const struct {
    const char *name;
    FilterFn *run;
} filters[] = {
    {"tojson", f_tojson},
    {"from_json", f_from_json},
    {"length", f_length},
    {"count", f_length},
    {"trim", f_trim},
    {"default", f_default},
    {"d", f_default},
    {"string", f_string},
    {"safe", f_string},
    {"lower", f_lower},
    {"upper", f_upper},
    {"join", f_join},
    {"list", jinja_f_list},
    {"items", jinja_f_items},
    {"dictsort", jinja_f_dictsort},
    {"sort", jinja_f_sort},
    {"min", jinja_f_min},
    {"max", jinja_f_max},
    {"replace", f_replace},
    {"select", jinja_f_select},
    {"reject", jinja_f_reject},
    {"selectattr", jinja_f_selectattr},
    {"rejectattr", jinja_f_rejectattr},
    {"map", jinja_f_map},
    {"first", jinja_f_first},
    {"last", jinja_f_last},
    {"int", f_int},
};

int jinja_filter_index(ChatValue name)
{
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (jinja_same_text(name, filters[i].name)) return (int)i;
    return -1;
}

Status jinja_filter(Interp *it, int which, const Args *args, ChatValue *out)
{
    TRY(jinja_step(it));
    return filters[which].run(it, args, out);
}
