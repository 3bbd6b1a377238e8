/* jinja_parse_expr.c: expressions, one function for each level of precedence, loosest first:
 *
 *   x if c else y | or | and | not | == != < <= > >= in | + - | ~ | * / // % | ** | - + | filters
 *
 * Filters and tests bind tighter than every operator but the sign: -x|abs is (-x)|abs. */
#include "jinja_impl.h"

#include <stdlib.h>
#include <string.h>

static Status enter(Parser *p)
{
    if (++p->depth <= JINJA_MAX_NODE_DEPTH) return OK;
    return fail(p->err, E_LIMIT, JINJA_AT "nested deeper than %d", JINJA_PLACE(p->at->place),
                JINJA_MAX_NODE_DEPTH);
}

/* Arguments up to the closing bracket, which is consumed. */
static Status parse_arguments(Parser *p, Node *call)
{
    while (!jinja_skip(p, TOK_OP, ")")) {
        ChatValue name = {0};
        Node *value;
        if (call->n_names) TRY(jinja_expect(p, TOK_OP, ","));
        if (jinja_skip(p, TOK_OP, ")")) return OK;
        if (p->at->kind == TOK_NAME && jinja_is(p->at + 1, TOK_OP, "=")) {
            TRY(jinja_expect_name(p, &name));
            p->at++;
        } else if (call->n_names && call->names[call->n_names - 1].kind == CHAT_TEXT) {
            return fail(p->err, E_FORMAT,
                        JINJA_AT "an argument without name follows one "
                        "with a name",
                        JINJA_PLACE(p->at->place));
        }
        TRY(jinja_parse_expr(p, &value));
        TRY(jinja_add_kid(p, call, value));
        TRY(jinja_add_name(p, call, name));
    }
    return OK;
}

static Status parse_subscript(Parser *p, Node **node)
{
    Node *part[3] = {0}, *item;
    int n = 0;
    Place at = p->at->place;
    for (; n < 3; n++) {
        if (!jinja_is(p->at, TOK_OP, ":") && !jinja_is(p->at, TOK_OP, "]"))
            TRY(jinja_parse_expr(p, &part[n]));
        if (!jinja_skip(p, TOK_OP, ":")) break;
    }
    if (n == 0 && !part[0]) return fail(p->err, E_FORMAT, JINJA_AT "empty []", JINJA_PLACE(at));
    TRY(jinja_expect(p, TOK_OP, "]"));
    if (n == 0) return jinja_node(p, N_ITEM, *node, part[0], NULL, node);
    TRY(jinja_node(p, N_SLICE, *node, NULL, NULL, &item));
    for (int i = 0; i < 3; i++) TRY(jinja_add_kid(p, item, part[i]));
    *node = item;
    return OK;
}

static Status parse_filter(Parser *p, Node **node)
{
    ChatValue name;
    TRY(jinja_expect_name(p, &name));
    int which = jinja_filter_index(name);
    if (which < 0)
        return fail(p->err, E_UNSUPPORTED, JINJA_AT "filter '%.*s' is not known here",
                    JINJA_PLACE((p->at - 1)->place), name.n > 40 ? 40 : (int)name.n, name.text);
    TRY(jinja_node(p, N_FILTER, *node, NULL, NULL, node));
    (*node)->op = which;
    return jinja_skip(p, TOK_OP, "(") ? parse_arguments(p, *node) : OK;
}

static bool starts_argument(const Tok *t)
{
    static const char *const no[] = {"else", "or", "and", "if", "in", "not", "is"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (jinja_is(t, TOK_NAME, no[i])) return false;
    return (t->kind >= TOK_NAME && t->kind <= TOK_FLOAT) || jinja_is(t, TOK_OP, "[") ||
           jinja_is(t, TOK_OP, "{");
}

static Status parse_test(Parser *p, Node **node)
{
    bool negated = jinja_skip(p, TOK_NAME, "not");
    ChatValue name;
    TRY(jinja_expect_name(p, &name));
    int which = jinja_test_index(name);
    if (which < 0)
        return fail(p->err, E_UNSUPPORTED,
                    JINJA_AT "test 'is %.*s' is not known here", JINJA_PLACE((p->at - 1)->place),
                    name.n > 40 ? 40 : (int)name.n, name.text);
    TRY(jinja_node(p, N_TEST, *node, NULL, NULL, node));
    Node *test = *node, *argument;
    test->op = which;
    if (jinja_skip(p, TOK_OP, "("))
        TRY(parse_arguments(p, test));
    else if (starts_argument(p->at)) {
        TRY(jinja_parse_primary(p, &argument));
        TRY(jinja_parse_postfix(p, &argument, false));
        TRY(jinja_add_kid(p, test, argument));
        TRY(jinja_add_name(p, test, (ChatValue){0}));
    }
    return negated ? jinja_node(p, N_NOT, test, NULL, NULL, node) : OK;
}

/* .name [item] (arguments), and if filters is set |filter and "is test". */
Status jinja_parse_postfix(Parser *p, Node **node, bool filters)
{
    for (;;) {
        if (jinja_skip(p, TOK_OP, ".")) {
            ChatValue name;
            if (p->at->kind == TOK_INT) {
                name = chat_value_int(strtoll(p->at->s, NULL, 10));
                p->at++;
            } else
                TRY(jinja_expect_name(p, &name));
            TRY(jinja_node(p, N_ATTR, *node, NULL, NULL, node));
            (*node)->value = name;
        } else if (jinja_skip(p, TOK_OP, "[")) {
            TRY(parse_subscript(p, node));
        } else if (jinja_skip(p, TOK_OP, "(")) {
            TRY(jinja_node(p, N_CALL, *node, NULL, NULL, node));
            TRY(parse_arguments(p, *node));
        } else if (filters && jinja_skip(p, TOK_OP, "|")) {
            TRY(parse_filter(p, node));
        } else if (filters && jinja_skip(p, TOK_NAME, "is")) {
            TRY(parse_test(p, node));
        } else
            return OK;
    }
}

static Status parse_unary(Parser *p, bool filters, Node **out)
{
    TRY(enter(p));
    Node *x;
    bool minus = jinja_skip(p, TOK_OP, "-"), plus = !minus && jinja_skip(p, TOK_OP, "+");
    if (minus || plus) {
        TRY(parse_unary(p, false, &x));
        TRY(jinja_node(p, minus ? N_NEG : N_POS, x, NULL, NULL, out));
    } else {
        TRY(jinja_parse_primary(p, out));
    }
    TRY(jinja_parse_postfix(p, out, filters));
    p->depth--;
    return OK;
}

/* The levels of operators that group to the left, loosest first. */
static const struct {
    const char *sign;
    int level;
    NodeKind kind;
} operators[] = {
    {"or", 0, N_OR}, {"and", 1, N_AND}, {"+", 4, N_ADD}, {"-", 4, N_SUB},       {"~", 5, N_CONCAT},
    {"*", 6, N_MUL}, {"/", 6, N_DIV},   {"%", 6, N_MOD}, {"//", 6, N_FLOORDIV}, {"**", 7, N_POW},
};

static Status parse_level(Parser *p, int level, Node **out);

static Status parse_compare(Parser *p, Node **out)
{
    static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">=", "in"};
    Node *all = NULL, *x;
    TRY(parse_level(p, 4, out));
    for (;;) {
        int op = 0;
        while (op < 7 && !jinja_is(p->at, op == 6 ? TOK_NAME : TOK_OP, signs[op])) op++;
        bool not_in =
            op == 7 && jinja_is(p->at, TOK_NAME, "not") && jinja_is(p->at + 1, TOK_NAME, "in");
        if (op == 7 && !not_in) return OK;
        p->at += 1 + not_in;
        if (!all) {
            TRY(jinja_node(p, N_COMPARE, NULL, NULL, NULL, &all));
            all->place = (*out)->place;
            TRY(jinja_add_kid(p, all, *out));
            *out = all;
        }
        TRY(parse_level(p, 4, &x));
        TRY(jinja_add_kid(p, all, x));
        TRY(jinja_add_name(p, all, chat_value_int(op)));
    }
}

static Status parse_not(Parser *p, Node **out)
{
    bool negated = false;
    while (jinja_skip(p, TOK_NAME, "not")) negated = !negated;
    bool any = jinja_is(p->at - 1, TOK_NAME, "not");
    TRY(parse_compare(p, out));
    if (!any) return OK;
    TRY(jinja_node(p, N_NOT, *out, NULL, NULL, out));
    return negated ? OK : jinja_node(p, N_NOT, *out, NULL, NULL, out);
}

static Status parse_level(Parser *p, int level, Node **out)
{
    if (level == 2) return parse_not(p, out);
    if (level == 8) return parse_unary(p, true, out);
    TRY(parse_level(p, level + 1, out));
    for (;;) {
        size_t i = 0, n = sizeof operators / sizeof *operators;
        while (i < n && (operators[i].level != level ||
                         !jinja_is(p->at, level < 2 ? TOK_NAME : TOK_OP, operators[i].sign)))
            i++;
        if (i == n) return OK;
        Node *y;
        p->at++;
        TRY(parse_level(p, level + 1, &y));
        TRY(jinja_node(p, operators[i].kind, *out, y, NULL, out));
    }
}

Status jinja_parse_expr_no_if(Parser *p, Node **out)
{
    return parse_level(p, 0, out);
}

Status jinja_parse_expr(Parser *p, Node **out)
{
    TRY(enter(p));
    TRY(parse_level(p, 0, out));
    if (jinja_skip(p, TOK_NAME, "if")) {
        Node *condition, *other = NULL;
        TRY(parse_level(p, 0, &condition));
        if (jinja_skip(p, TOK_NAME, "else")) TRY(jinja_parse_expr(p, &other));
        TRY(jinja_node(p, N_CHOICE, *out, condition, other, out));
    }
    p->depth--;
    return OK;
}
