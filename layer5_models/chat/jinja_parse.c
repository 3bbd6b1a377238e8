/* jinja_parse.c: statements. Tokens become a tree, by one function for each statement.
 *
 *   {% if C %}..{% elif C %}..{% else %}..{% endif %}    {% for x, y in L if C %}..{% endfor %}
 *   {% set x = E %}  {% set ns.x = E %}  {% set x %}..{% endset %}  {% macro f(a, b=1) %}..
 *   {% filter f %}..  {% break %}  {% continue %}  {% generation %}..{% endgeneration %}
 * A sequence is parsed until a block whose name ends the statement around it. */
#include "jinja_impl.h"

static Status parse_sequence(Parser *p, const char *const *ends, int n_ends, Node **out);

static Status parse_body(Parser *p, const char *end, Node **out)
{
    TRY(jinja_expect(p, TOK_BLOCK_END, "%}"));
    TRY(parse_sequence(p, &end, 1, out));
    p->at += 2; /* {% and the name that ended it */
    return OK;
}

static Status parse_if(Parser *p, Node **out)
{
    static const char *const ends[] = {"elif", "else", "endif"};
    TRY(jinja_node(p, N_IF, NULL, NULL, NULL, out));
    for (;;) {
        Node *condition, *body;
        TRY(jinja_parse_expr(p, &condition));
        TRY(jinja_expect(p, TOK_BLOCK_END, "%}"));
        TRY(parse_sequence(p, ends, 3, &body));
        TRY(jinja_add_kid(p, *out, condition));
        TRY(jinja_add_kid(p, *out, body));
        p->at++;
        if (jinja_skip(p, TOK_NAME, "elif")) continue;
        if (jinja_skip(p, TOK_NAME, "endif")) return OK;
        p->at++;
        Node *other;
        TRY(parse_body(p, "endif", &other));
        return jinja_add_kid(p, *out, other);
    }
}

static Status parse_for(Parser *p, Node **out)
{
    static const char *const ends[] = {"else", "endfor"};
    TRY(jinja_node(p, N_FOR, NULL, NULL, NULL, out));
    Node *f = *out, *made[4] = {0};
    bool brackets = jinja_skip(p, TOK_OP, "(");
    do {
        ChatValue name;
        TRY(jinja_expect_name(p, &name));
        TRY(jinja_add_name(p, f, name));
    } while (jinja_skip(p, TOK_OP, ","));
    if (brackets) TRY(jinja_expect(p, TOK_OP, ")"));
    TRY(jinja_expect(p, TOK_NAME, "in"));
    TRY(jinja_parse_expr_no_if(p, &made[0]));
    if (jinja_skip(p, TOK_NAME, "if")) TRY(jinja_parse_expr(p, &made[1]));
    if (jinja_is(p->at, TOK_NAME, "recursive"))
        return fail(p->err, E_UNSUPPORTED,
                    JINJA_AT "recursive loops are not known here", JINJA_PLACE(p->at->place));
    TRY(jinja_expect(p, TOK_BLOCK_END, "%}"));
    p->loops++;
    TRY(parse_sequence(p, ends, 2, &made[2]));
    p->loops--;
    p->at++;
    bool has_else = jinja_skip(p, TOK_NAME, "else");
    if (has_else)
        TRY(parse_body(p, "endfor", &made[3]));
    else
        p->at++;
    f->a = made[0], f->b = made[1], f->body = made[2], f->c = made[3];
    for (int i = 0; i < 4; i++) TRY(jinja_deepen(p, f, made[i]));
    return OK;
}

static Status parse_set(Parser *p, Node **out)
{
    ChatValue name, member = {0};
    Node *value = NULL;
    TRY(jinja_expect_name(p, &name));
    if (jinja_skip(p, TOK_OP, ".")) TRY(jinja_expect_name(p, &member));
    TRY(jinja_node(p, N_SET, NULL, NULL, NULL, out));
    Node *set = *out;
    TRY(jinja_add_name(p, set, name));
    if (member.kind == CHAT_TEXT) {
        TRY(jinja_add_name(p, set, member));
        set->op = 1;
    } else {
        while (jinja_skip(p, TOK_OP, ",")) {
            TRY(jinja_expect_name(p, &name));
            TRY(jinja_add_name(p, set, name));
        }
    }
    if (jinja_skip(p, TOK_OP, "=")) {
        TRY(jinja_parse_expr(p, &value));
        if (jinja_is(p->at, TOK_OP, ",")) {
            Node *tuple;
            TRY(jinja_node(p, N_TUPLE, NULL, NULL, NULL, &tuple));
            tuple->place = value->place;
            TRY(jinja_add_kid(p, tuple, value));
            while (jinja_skip(p, TOK_OP, ",")) {
                TRY(jinja_parse_expr(p, &value));
                TRY(jinja_add_kid(p, tuple, value));
            }
            value = tuple;
        }
        set->a = value;
    } else {
        /* {% set x | filter %} body: the filters apply to the body. */
        set->kind = N_SET_BLOCK;
        TRY(jinja_node(p, N_NOTHING, NULL, NULL, NULL, &value));
        TRY(jinja_parse_postfix(p, &value, true));
        set->a = value;
        TRY(parse_body(p, "endset", &set->body));
        TRY(jinja_deepen(p, set, set->body));
    }
    return jinja_deepen(p, set, value);
}

static Status parse_macro(Parser *p, Node **out)
{
    TRY(jinja_node(p, N_MACRO, NULL, NULL, NULL, out));
    Node *m = *out;
    TRY(jinja_expect_name(p, &m->value));
    TRY(jinja_expect(p, TOK_OP, "("));
    while (!jinja_skip(p, TOK_OP, ")")) {
        ChatValue name;
        Node *start = NULL;
        if (m->n) TRY(jinja_expect(p, TOK_OP, ","));
        TRY(jinja_expect_name(p, &name));
        if (jinja_skip(p, TOK_OP, "=")) TRY(jinja_parse_expr(p, &start));
        TRY(jinja_add_name(p, m, name));
        TRY(jinja_add_kid(p, m, start));
    }
    int loops = p->loops;
    p->loops = 0;
    TRY(parse_body(p, "endmacro", &m->body));
    p->loops = loops;
    return jinja_deepen(p, m, m->body);
}

static Status parse_filter_block(Parser *p, Node **out)
{
    Node *value;
    TRY(jinja_node(p, N_FILTER_BLOCK, NULL, NULL, NULL, out));
    TRY(jinja_node(p, N_NOTHING, NULL, NULL, NULL, &value));
    /* The name of the first filter comes without a bar: step back onto the token before it. */
    Tok *before = p->at - 1, kept = *before;
    *before = (Tok){TOK_OP, kept.place, "|", 1};
    p->at = before;
    Status s = jinja_parse_postfix(p, &value, true);
    *before = kept;
    TRY(s);
    (*out)->a = value;
    TRY(parse_body(p, "endfilter", &(*out)->body));
    TRY(jinja_deepen(p, *out, (*out)->body));
    return jinja_deepen(p, *out, value);
}

static Status parse_statement(Parser *p, Node **out)
{
    static const char *const known[] = {"if",     "for",        "set",   "macro",
                                        "filter", "generation", "break", "continue"};
    Tok *t = p->at;
    int which = 0;
    while (which < 8 && !jinja_is(t, TOK_NAME, known[which])) which++;
    if (which == 8)
        return fail(p->err, E_UNSUPPORTED,
                    JINJA_AT "statement '%.*s' is unexpected or "
                    "not known here",
                    JINJA_PLACE(t->place), t->n > 40 ? 40 : (int)t->n, t->s);
    p->at++;
    if (which == 0) TRY(parse_if(p, out));
    if (which == 1) TRY(parse_for(p, out));
    if (which == 2) TRY(parse_set(p, out));
    if (which == 3) TRY(parse_macro(p, out));
    if (which == 4) TRY(parse_filter_block(p, out));
    if (which == 5) {
        TRY(jinja_node(p, N_SCOPE, NULL, NULL, NULL, out));
        TRY(parse_body(p, "endgeneration", &(*out)->body));
        TRY(jinja_deepen(p, *out, (*out)->body));
    }
    if (which >= 6) {
        if (p->loops == 0)
            return fail(p->err, E_FORMAT, JINJA_AT "%s outside of a loop", JINJA_PLACE(t->place),
                        known[which]);
        TRY(jinja_node(p, which == 6 ? N_BREAK : N_CONTINUE, NULL, NULL, NULL, out));
    }
    return jinja_expect(p, TOK_BLOCK_END, "%}");
}

/* Stops at {% END; the block is not consumed. Without ends: at the end of the template. */
static Status parse_sequence(Parser *p, const char *const *ends, int n_ends, Node **out)
{
    TRY(jinja_node(p, N_SEQUENCE, NULL, NULL, NULL, out));
    if (++p->depth > JINJA_MAX_NODE_DEPTH)
        return fail(p->err, E_LIMIT, JINJA_AT "nested deeper than %d", JINJA_PLACE(p->at->place),
                    JINJA_MAX_NODE_DEPTH);
    for (;;) {
        Node *n = NULL;
        if (p->at->kind == TOK_END) {
            if (n_ends) return jinja_expect(p, TOK_NAME, ends[n_ends - 1]);
            break;
        } else if (p->at->kind == TOK_DATA) {
            TRY(jinja_node(p, N_DATA, NULL, NULL, NULL, &n));
            n->value = chat_value_bytes(p->at->s, p->at->n);
            p->at++;
        } else if (jinja_skip(p, TOK_PRINT, NULL)) {
            Node *e;
            TRY(jinja_parse_expr(p, &e));
            TRY(jinja_node(p, N_PRINT, e, NULL, NULL, &n));
            TRY(jinja_expect(p, TOK_PRINT_END, "}}"));
        } else {
            bool ended = false;
            for (int i = 0; i < n_ends; i++) ended |= jinja_is(p->at + 1, TOK_NAME, ends[i]);
            if (ended) break;
            TRY(jinja_expect(p, TOK_BLOCK, "{%"));
            TRY(parse_statement(p, &n));
        }
        TRY(jinja_add_kid(p, *out, n));
    }
    p->depth--;
    return OK;
}

Status jinja_parse(Arena *a, Tok *tokens, Node **out, Err *err)
{
    Parser p = {a, tokens, 0, 0, err};
    return parse_sequence(&p, NULL, 0, out);
}
