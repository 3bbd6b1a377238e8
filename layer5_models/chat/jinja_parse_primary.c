/* jinja_parse_primary.c: the leaves of expressions: names, numbers, texts, lists, tuples, dicts. */
#include "jinja_impl.h"

#include <stdlib.h>
#include <string.h>

/* Elements up to `close`, which is consumed. */
static Status parse_elements(Parser *p, Node *list, const char *close, bool pairs)
{
    while (!jinja_skip(p, TOK_OP, close)) {
        Node *value;
        if (list->n) TRY(jinja_expect(p, TOK_OP, ","));
        if (jinja_skip(p, TOK_OP, close)) return OK;
        TRY(jinja_parse_expr(p, &value));
        TRY(jinja_add_kid(p, list, value));
        if (!pairs) continue;
        TRY(jinja_expect(p, TOK_OP, ":"));
        TRY(jinja_parse_expr(p, &value));
        TRY(jinja_add_kid(p, list, value));
    }
    return OK;
}

static Status parse_brackets(Parser *p, Node **out)
{
    Node *first, *tuple;
    if (jinja_skip(p, TOK_OP, ")")) return jinja_node(p, N_TUPLE, NULL, NULL, NULL, out);
    TRY(jinja_parse_expr(p, &first));
    *out = first;
    if (!jinja_is(p->at, TOK_OP, ",")) return jinja_expect(p, TOK_OP, ")");
    TRY(jinja_node(p, N_TUPLE, NULL, NULL, NULL, &tuple));
    tuple->place = first->place;
    TRY(jinja_add_kid(p, tuple, first));
    *out = tuple;
    return parse_elements(p, tuple, ")", false);
}

static Status number(Parser *p, ChatValue *out)
{
    char text[64];
    size_t n = 0;
    for (size_t i = 0; i < p->at->n; i++) {
        if (n + 1 == sizeof text)
            return fail(p->err, E_LIMIT, JINJA_AT "number is too long", JINJA_PLACE(p->at->place));
        if (p->at->s[i] != '_') text[n++] = p->at->s[i];
    }
    text[n] = 0;
    bool whole = p->at->kind == TOK_INT;
    if (whole && n > 18)
        return fail(p->err, E_LIMIT, JINJA_AT "number %s is too large", JINJA_PLACE(p->at->place),
                    text);
    *out = whole ? chat_value_int(strtoll(text, NULL, 10)) : chat_value_float(strtod(text, NULL));
    return OK;
}

/* Adjacent texts are one text. */
static Status joined_text(Parser *p, ChatValue *out)
{
    size_t n = 0;
    Tok *t = p->at;
    for (; t->kind == TOK_TEXT; t++) n += t->n;
    char *text = ARENA_NEW(p->a, char, (int64_t)n + 1);
    if (!text) return fail(p->err, E_MEMORY, "no memory for a chat template");
    *out = chat_value_bytes(text, n);
    for (; p->at < t; text += p->at->n, p->at++) memcpy(text, p->at->s, p->at->n);
    return OK;
}

static Status constant(Parser *p, ChatValue value, Node **out)
{
    TRY(jinja_node(p, N_CONST, NULL, NULL, NULL, out));
    (*out)->value = value;
    (*out)->place = (p->at - 1)->place;
    return OK;
}

static Status parse_name(Parser *p, Node **out)
{
    static const char *const words[] = {"true", "True", "false", "False", "none", "None"};
    for (int i = 0; i < 6; i++)
        if (jinja_skip(p, TOK_NAME, words[i]))
            return constant(p, i < 4 ? chat_value_bool(i < 2) : chat_value_none(), out);
    TRY(jinja_node(p, N_NAME, NULL, NULL, NULL, out));
    return jinja_expect_name(p, &(*out)->value);
}

Status jinja_parse_primary(Parser *p, Node **out)
{
    ChatValue v;
    if (p->at->kind == TOK_NAME) return parse_name(p, out);
    if (p->at->kind == TOK_TEXT) {
        TRY(joined_text(p, &v));
        return constant(p, v, out);
    }
    if (p->at->kind == TOK_INT || p->at->kind == TOK_FLOAT) {
        TRY(number(p, &v));
        p->at++;
        return constant(p, v, out);
    }
    if (jinja_skip(p, TOK_OP, "(")) return parse_brackets(p, out);
    bool list = jinja_skip(p, TOK_OP, "[");
    if (!list && !jinja_skip(p, TOK_OP, "{")) return jinja_expect(p, TOK_NAME, "an expression");
    TRY(jinja_node(p, list ? N_LIST : N_DICT, NULL, NULL, NULL, out));
    (*out)->place = (p->at - 1)->place;
    return parse_elements(p, *out, list ? "]" : "}", !list);
}
