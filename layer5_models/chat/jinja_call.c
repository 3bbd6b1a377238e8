/* jinja_call.c: what can be called: macros, the functions that a template finds ready, methods. */
#include "jinja_impl.h"

#include <string.h>
#include <time.h>

enum { F_RAISE, F_NAMESPACE, F_RANGE, F_STRFTIME, F_DICT, N_FUNCTIONS };

int jinja_function(ChatValue name)
{
    static const char *const names[N_FUNCTIONS] = {"raise_exception", "namespace", "range",
                                                   "strftime_now", "dict"};
    for (int i = 0; i < N_FUNCTIONS; i++)
        if (jinja_same_text(name, names[i])) return i;
    return -1;
}

/* Argument `at`, or the one with this name, or an undefined value. */
ChatValue jinja_arg(const Args *args, int64_t at, const char *name)
{
    if (at < args->n) return args->v[at];
    for (int64_t i = 0; name && i < args->n_keys; i++)
        if (jinja_same_text(args->key_names[i], name)) return args->key_values[i];
    return (ChatValue){0};
}

Status jinja_args(Interp *it, const Node *call, ChatValue first, bool with_first, Args *out)
{
    *out = (Args){0};
    int64_t n = call->n + with_first;
    ChatValue *all = n ? ARENA_NEW(it->a, ChatValue, 3 * n) : NULL;
    if (n && !all) return jinja_fail(it, E_MEMORY, "no memory for arguments");
    if (n) *out = (Args){all, 0, all + n, all + 2 * n, 0};
    if (with_first) out->v[out->n++] = first;
    for (int64_t i = 0; i < call->n; i++) {
        ChatValue v;
        TRY(jinja_eval(it, call->kids[i], &v));
        if (call->names[i].kind == CHAT_TEXT) {
            out->key_names[out->n_keys] = call->names[i];
            out->key_values[out->n_keys++] = v;
        } else
            out->v[out->n++] = v;
    }
    return OK;
}

static Status call_macro(Interp *it, const Macro *m, const Args *args, ChatValue *out)
{
    const Node *node = m->node;
    Scope *caller = it->scope, *inner = ARENA_NEW(it->a, Scope, 1);
    if (!inner) return jinja_fail(it, E_MEMORY, "no memory for variables");
    if (args->n > node->n_names)
        return jinja_fail(it, E_ARG, "macro %.*s takes %lld arguments, was given %lld",
                          (int)node->value.n, node->value.text, (long long)node->n_names,
                          (long long)args->n);
    inner->outer = m->scope;
    it->scope = inner;
    int64_t used = 0;
    for (int64_t i = 0; i < node->n_names; i++) {
        ChatValue v = {0};
        bool given = i < args->n;
        if (given) v = args->v[i];
        for (int64_t k = 0; !given && k < args->n_keys; k++) {
            ChatValue name = args->key_names[k];
            if (name.n != node->names[i].n || memcmp(name.text, node->names[i].text, name.n) != 0)
                continue;
            v = args->key_values[k];
            given = true;
            used++;
        }
        if (!given && node->kids[i]) TRY(jinja_eval(it, node->kids[i], &v));
        TRY(jinja_bind(it, node->names[i], v));
    }
    if (used < args->n_keys)
        return jinja_fail(it, E_ARG, "macro %.*s does not take the argument '%.*s'",
                          (int)node->value.n, node->value.text, (int)args->key_names[0].n,
                          args->key_names[0].text);
    TRY(jinja_exec_captured(it, node->body, out));
    it->scope = caller;
    return OK;
}

static Status raise(Interp *it, const Args *args)
{
    ChatValue message;
    TRY(jinja_text(it, jinja_arg(args, 0, "message"), &message));
    return jinja_fail(it, E_ARG, "the template refuses: %.*s",
                      (int)(message.n > 400 ? 400 : message.n), message.text);
}

static Status make_space(Interp *it, const Args *args, ChatKind kind, ChatValue *out)
{
    TRY(chat_value_dict(it->a, out, it->err));
    out->kind = kind;
    ChatValue from = jinja_arg(args, 0, NULL);
    if (args->n && from.kind != CHAT_DICT)
        return jinja_fail(it, E_ARG, "namespace() takes names with values or a dict");
    for (int64_t i = 0; args->n && i < from.dict->n; i++)
        TRY(chat_value_put(it->a, *out, from.dict->pairs[i].key, from.dict->pairs[i].value,
                           it->err));
    for (int64_t i = 0; i < args->n_keys; i++)
        TRY(chat_value_put(it->a, *out, args->key_names[i], args->key_values[i], it->err));
    return OK;
}

static Status range(Interp *it, const Args *args, ChatValue *out)
{
    int64_t v[3] = {0, 0, 1};
    if (args->n < 1 || args->n > 3) return jinja_fail(it, E_ARG, "range takes 1 to 3 integers");
    for (int64_t i = 0; i < args->n; i++) {
        if (args->v[i].kind != CHAT_INT)
            return jinja_fail(it, E_ARG, "range of %s", jinja_kind_name(args->v[i]));
        v[args->n == 1 ? 1 : i] = args->v[i].number;
    }
    if (v[2] == 0) return jinja_fail(it, E_ARG, "range with step 0");
    /* How many there are is known before the first is made. */
    bool up = v[2] > 0, any = up ? v[0] < v[1] : v[0] > v[1];
    uint64_t step = up ? (uint64_t)v[2] : 0 - (uint64_t)v[2];
    uint64_t span = !any ? 0 : up ? (uint64_t)v[1] - (uint64_t)v[0] : (uint64_t)v[0] - (uint64_t)v[1];
    if (span / step + (span % step != 0) > JINJA_MAX_RANGE)
        return jinja_fail(it, E_LIMIT, "range has more than %d elements", JINJA_MAX_RANGE);
    TRY(chat_value_list(it->a, out, it->err));
    for (int64_t i = v[0]; up ? i < v[1] : i > v[1];) {
        TRY(jinja_step(it));
        TRY(chat_value_append(it->a, *out, chat_value_int(i), it->err));
        if (__builtin_add_overflow(i, v[2], &i)) break;
    }
    return OK;
}

static Status strftime_now(Interp *it, const Args *args, ChatValue *out)
{
    ChatValue format = jinja_arg(args, 0, "format");
    if (format.kind != CHAT_TEXT || format.n > 200)
        return jinja_fail(it, E_ARG, "strftime_now takes a format of at most 200 bytes");
    char text[256], shown[4096];
    memcpy(text, format.text, format.n);
    text[format.n] = 0;
    time_t now = it->now_s ? (time_t)it->now_s : time(NULL);
    struct tm tm;
    if (!localtime_r(&now, &tm)) return jinja_fail(it, E_ARG, "the time is out of range");
    size_t n = strftime(shown, sizeof shown, text, &tm);
    char *kept = arena_strndup(it->a, shown, n);
    *out = chat_value_bytes(kept, n);
    return kept ? OK : jinja_fail(it, E_MEMORY, "no memory for the date");
}

Status jinja_call(Interp *it, ChatValue callee, const Args *args, ChatValue *out)
{
    if (callee.kind == CHAT_MACRO) return call_macro(it, callee.other, args, out);
    if (callee.kind == CHAT_METHOD) return jinja_method(it, callee.other, args, out);
    if (callee.kind != CHAT_FUNCTION)
        return jinja_fail(it, E_ARG, "%s%s%.*s%s cannot be called", jinja_kind_name(callee),
                          callee.kind == CHAT_UNDEFINED && callee.n ? " '" : "",
                          callee.kind == CHAT_UNDEFINED ? (int)callee.n : 0,
                          callee.kind == CHAT_UNDEFINED && callee.n ? callee.text : "",
                          callee.kind == CHAT_UNDEFINED && callee.n ? "'" : "");
    switch (callee.number) {
    case F_RAISE:
        return raise(it, args);
    case F_NAMESPACE:
        return make_space(it, args, CHAT_NAMESPACE, out);
    case F_DICT:
        return make_space(it, args, CHAT_DICT, out);
    case F_RANGE:
        return range(it, args, out);
    default:
        return strftime_now(it, args, out);
    }
}
