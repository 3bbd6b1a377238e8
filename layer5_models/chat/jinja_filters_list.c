/* jinja_filters_list.c: filters whose value or result is a list: sorted, chosen from, mapped. */
#include "jinja_impl.h"

#include <string.h>

Status jinja_f_list(Interp *it, const Args *args, ChatValue *out)
{
    ChatList *list;
    TRY(jinja_each(it, args->v[0], &list));
    TRY(chat_value_list(it->a, out, it->err));
    for (int64_t i = 0; i < list->n; i++)
        TRY(chat_value_append(it->a, *out, list->items[i], it->err));
    return OK;
}

Status jinja_f_items(Interp *it, const Args *args, ChatValue *out)
{
    ChatValue v = args->v[0];
    TRY(chat_value_list(it->a, out, it->err));
    if (v.kind == CHAT_UNDEFINED) return OK;
    if (v.kind != CHAT_DICT)
        return jinja_fail(it, E_ARG, "items of %s, expected is a dict", jinja_kind_name(v));
    for (int64_t i = 0; i < v.dict->n; i++) {
        ChatValue pair;
        TRY(jinja_step(it));
        TRY(chat_value_list(it->a, &pair, it->err));
        pair.kind = CHAT_TUPLE;
        TRY(chat_value_append(it->a, pair, v.dict->pairs[i].key, it->err));
        TRY(chat_value_append(it->a, pair, v.dict->pairs[i].value, it->err));
        TRY(chat_value_append(it->a, *out, pair, it->err));
    }
    return OK;
}

/* The value under a dotted path; without a path the value itself. */
static Status member(Interp *it, ChatValue v, ChatValue path, ChatValue *out)
{
    *out = v;
    if (path.kind == CHAT_INT) return jinja_item(it, v, path, out);
    if (path.kind != CHAT_TEXT) return OK;
    for (const char *s = path.text, *end = s + path.n; s <= end;) {
        const char *dot = memchr(s, '.', (size_t)(end - s));
        size_t n = (size_t)((dot ? dot : end) - s);
        TRY(jinja_item(it, *out, chat_value_bytes(s, n), out));
        s += n + 1;
    }
    return OK;
}

/* Stable; texts are compared without case unless the second argument says otherwise. */
static Status sort_by(Interp *it, ChatValue list, ChatValue path, bool cased, bool reverse)
{
    int64_t n = list.list->n;
    ChatValue *items = list.list->items, *keys = ARENA_NEW(it->a, ChatValue, n + 1);
    if (!keys) return jinja_fail(it, E_MEMORY, "no memory to sort");
    for (int64_t i = 0; i < n; i++) {
        ChatValue key, item = items[i];
        TRY(member(it, item, path, &key));
        if (key.kind == CHAT_TEXT && !cased) TRY(jinja_change_case(it, key, 'A', &key));
        int64_t at = i;
        for (; at > 0; at--) {
            int sign;
            TRY(jinja_less(it, key, keys[at - 1], &sign));
            if (reverse ? sign <= 0 : sign >= 0) break;
            keys[at] = keys[at - 1];
            items[at] = items[at - 1];
        }
        keys[at] = key;
        items[at] = item;
    }
    return OK;
}

Status jinja_f_sort(Interp *it, const Args *args, ChatValue *out)
{
    TRY(jinja_f_list(it, args, out));
    return sort_by(it, *out, jinja_arg(args, 3, "attribute"),
                   jinja_truth(jinja_arg(args, 2, "case_sensitive")),
                   jinja_truth(jinja_arg(args, 1, "reverse")));
}

Status jinja_f_dictsort(Interp *it, const Args *args, ChatValue *out)
{
    ChatValue by = jinja_arg(args, 2, "by");
    if (args->v[0].kind != CHAT_DICT)
        return jinja_fail(it, E_ARG, "dictsort of %s, expected is a dict",
                          jinja_kind_name(args->v[0]));
    TRY(jinja_f_items(it, args, out));
    return sort_by(it, *out, chat_value_int(jinja_same_text(by, "value")),
                   jinja_truth(jinja_arg(args, 1, "case_sensitive")),
                   jinja_truth(jinja_arg(args, 3, "reverse")));
}

Status jinja_f_min(Interp *it, const Args *args, ChatValue *out)
{
    ChatValue sorted;
    TRY(jinja_f_list(it, args, &sorted));
    TRY(sort_by(it, sorted, (ChatValue){0}, false, false));
    *out = sorted.list->n ? sorted.list->items[0] : (ChatValue){0};
    return OK;
}

Status jinja_f_max(Interp *it, const Args *args, ChatValue *out)
{
    ChatValue sorted;
    TRY(jinja_f_list(it, args, &sorted));
    TRY(sort_by(it, sorted, (ChatValue){0}, false, true));
    *out = sorted.list->n ? sorted.list->items[0] : (ChatValue){0};
    return OK;
}

/* select and reject: (list, test, argument); selectattr and rejectattr: (list, path, test, ...). */
static Status choose(Interp *it, const Args *args, bool attr, bool wanted, ChatValue *out)
{
    ChatList *list;
    ChatValue path = attr ? jinja_arg(args, 1, NULL) : (ChatValue){0},
              name = jinja_arg(args, 1 + attr, NULL);
    int which = name.kind == CHAT_TEXT ? jinja_test_index(name) : -1;
    if (name.kind != CHAT_UNDEFINED && which < 0)
        return jinja_fail(it, E_UNSUPPORTED, "test '%.*s' is not known here",
                          name.kind == CHAT_TEXT ? (int)name.n : 0,
                          name.kind == CHAT_TEXT ? name.text : "");
    TRY(chat_value_list(it->a, out, it->err));
    if (!jinja_truth(args->v[0])) return OK;
    TRY(jinja_each(it, args->v[0], &list));
    for (int64_t i = 0; i < list->n; i++) {
        ChatValue v[2] = {{0}, jinja_arg(args, 2 + attr, NULL)};
        Args of = {.v = v, .n = args->n > 2 + attr ? 2 : 1};
        TRY(member(it, list->items[i], path, &v[0]));
        bool holds = jinja_truth(v[0]);
        if (which >= 0) TRY(jinja_test(it, which, &of, &holds));
        if (holds == wanted) TRY(chat_value_append(it->a, *out, list->items[i], it->err));
    }
    return OK;
}

Status jinja_f_select(Interp *it, const Args *args, ChatValue *out)
{
    return choose(it, args, false, true, out);
}
Status jinja_f_reject(Interp *it, const Args *args, ChatValue *out)
{
    return choose(it, args, false, false, out);
}
Status jinja_f_selectattr(Interp *it, const Args *args, ChatValue *out)
{
    return choose(it, args, true, true, out);
}
Status jinja_f_rejectattr(Interp *it, const Args *args, ChatValue *out)
{
    return choose(it, args, true, false, out);
}

Status jinja_f_map(Interp *it, const Args *args, ChatValue *out)
{
    ChatList *list;
    ChatValue path = jinja_arg(args, args->n, "attribute"), name = jinja_arg(args, 1, NULL);
    int which = name.kind == CHAT_TEXT ? jinja_filter_index(name) : -1;
    if (which < 0 && path.kind == CHAT_UNDEFINED)
        return jinja_fail(it, E_UNSUPPORTED,
                          "map needs attribute=... or a filter that is known here");
    TRY(chat_value_list(it->a, out, it->err));
    if (!jinja_truth(args->v[0])) return OK;
    TRY(jinja_each(it, args->v[0], &list));
    for (int64_t i = 0; i < list->n; i++) {
        ChatValue v = list->items[i],
                  v2[3] = {v, jinja_arg(args, 2, NULL), jinja_arg(args, 3, NULL)};
        TRY(jinja_step(it));
        if (which < 0)
            TRY(member(it, v, path, &v));
        else {
            Args of = {.v = v2, .n = args->n > 4 ? 3 : args->n - 1};
            TRY(jinja_filter(it, which, &of, &v));
        }
        TRY(chat_value_append(it->a, *out, v, it->err));
    }
    return OK;
}

Status jinja_f_first(Interp *it, const Args *args, ChatValue *out)
{
    ChatList *list;
    TRY(jinja_each(it, args->v[0], &list));
    *out = list->n ? list->items[0] : (ChatValue){0};
    return OK;
}

Status jinja_f_last(Interp *it, const Args *args, ChatValue *out)
{
    ChatList *list;
    TRY(jinja_each(it, args->v[0], &list));
    *out = list->n ? list->items[list->n - 1] : (ChatValue){0};
    return OK;
}
