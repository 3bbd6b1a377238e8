/* jinja_tests.c: "value is name", one row for each name. */
#include "jinja_impl.h"

#include <string.h>

typedef enum {
    T_DEFINED,
    T_UNDEFINED,
    T_NONE,
    T_STRING,
    T_MAPPING,
    T_ITERABLE,
    T_SEQUENCE,
    T_BOOLEAN,
    T_TRUE,
    T_FALSE,
    T_NUMBER,
    T_INTEGER,
    T_FLOAT,
    T_CALLABLE,
    T_ODD,
    T_EVEN,
    T_EQUALTO,
    T_EQ,
    T_SIGN,
    T_NE,
    T_IN,
    N_TESTS
} TestKind;

static const char *const names[N_TESTS] = {
    "defined", "undefined", "none",    "string", "mapping", "iterable", "sequence",
    "boolean", "true",      "false",   "number", "integer", "float",    "callable",
    "odd",     "even",      "equalto", "eq",     "==",      "ne",       "in",
};

int jinja_test_index(ChatValue name)
{
    for (int i = 0; i < N_TESTS; i++)
        if (jinja_same_text(name, names[i])) return i;
    return -1;
}

Status jinja_test(Interp *it, int which, const Args *args, bool *out)
{
    ChatValue v = args->v[0], other = jinja_arg(args, 1, NULL);
    bool listed = v.kind == CHAT_TEXT || v.kind == CHAT_LIST || v.kind == CHAT_TUPLE ||
                  v.kind == CHAT_DICT || v.kind == CHAT_UNDEFINED;
    if ((which == T_ODD || which == T_EVEN) && v.kind != CHAT_INT)
        return jinja_fail(it, E_ARG, "%s is neither odd nor even", jinja_kind_name(v));
    if (which >= T_EQUALTO && args->n < 2)
        return jinja_fail(it, E_ARG, "test '%s' needs an argument", names[which]);
    switch ((TestKind)which) {
    case T_DEFINED:
        *out = v.kind != CHAT_UNDEFINED;
        break;
    case T_UNDEFINED:
        *out = v.kind == CHAT_UNDEFINED;
        break;
    case T_NONE:
        *out = v.kind == CHAT_NONE;
        break;
    case T_STRING:
        *out = v.kind == CHAT_TEXT;
        break;
    case T_MAPPING:
        *out = v.kind == CHAT_DICT;
        break;
    case T_ITERABLE:
        *out = listed || v.kind == CHAT_LOOP;
        break;
    case T_SEQUENCE:
        *out = listed;
        break;
    case T_BOOLEAN:
        *out = v.kind == CHAT_BOOL;
        break;
    case T_TRUE:
        *out = v.kind == CHAT_BOOL && v.truth;
        break;
    case T_FALSE:
        *out = v.kind == CHAT_BOOL && !v.truth;
        break;
    case T_NUMBER:
        *out = v.kind >= CHAT_BOOL && v.kind <= CHAT_FLOAT;
        break;
    case T_INTEGER:
        *out = v.kind == CHAT_INT;
        break;
    case T_FLOAT:
        *out = v.kind == CHAT_FLOAT;
        break;
    case T_CALLABLE:
        *out = v.kind >= CHAT_MACRO && v.kind <= CHAT_METHOD;
        break;
    case T_ODD:
        *out = v.number % 2 != 0;
        break;
    case T_EVEN:
        *out = v.number % 2 == 0;
        break;
    case T_IN:
        return jinja_contains(it, other, v, out);
    default:
        TRY(jinja_equal(it, v, other, 0, out));
        if (which == T_NE) *out = !*out;
    }
    return OK;
}
