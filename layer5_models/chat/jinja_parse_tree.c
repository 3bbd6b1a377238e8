/* jinja_parse_tree.c: what the parsers stand on: looking at tokens, making nodes of the tree. Each
 * node knows its depth, and no tree is deeper than a limit: what walks it later may recurse. */
#include "jinja_impl.h"

#include <string.h>

bool jinja_is(const Tok *t, TokKind kind, const char *s)
{
    return t->kind == kind && (!s || (strlen(s) == t->n && memcmp(s, t->s, t->n) == 0));
}

bool jinja_skip(Parser *p, TokKind kind, const char *s)
{
    if (!jinja_is(p->at, kind, s)) return false;
    p->at++;
    return true;
}

Status jinja_expect(Parser *p, TokKind kind, const char *s)
{
    if (jinja_skip(p, kind, s)) return OK;
    int n = p->at->n > 40 ? 40 : (int)p->at->n;
    if (p->at->kind == TOK_END)
        return fail(p->err, E_FORMAT, JINJA_AT "ends where %s is expected",
                    JINJA_PLACE(p->at->place), s ? s : "a name");
    return fail(p->err, E_FORMAT, JINJA_AT "found '%.*s', expected is %s",
                JINJA_PLACE(p->at->place), n, p->at->s, s ? s : "a name");
}

Status jinja_expect_name(Parser *p, ChatValue *out)
{
    *out = chat_value_bytes(p->at->s, p->at->n);
    return jinja_expect(p, TOK_NAME, NULL);
}

static int depth_of(const Node *n)
{
    return n ? n->depth : 0;
}

Status jinja_deepen(Parser *p, Node *node, const Node *child)
{
    if (depth_of(child) + 1 > node->depth) node->depth = depth_of(child) + 1;
    if (node->depth <= JINJA_MAX_NODE_DEPTH) return OK;
    return fail(p->err, E_LIMIT, JINJA_AT "nested deeper than %d", JINJA_PLACE(p->at->place),
                JINJA_MAX_NODE_DEPTH);
}

Status jinja_node(Parser *p, NodeKind kind, Node *a, Node *b, Node *c, Node **out)
{
    Node *n = ARENA_NEW(p->a, Node, 1);
    if (!n) return fail(p->err, E_MEMORY, "no memory for a chat template");
    *n = (Node){.kind = kind, .place = a ? a->place : p->at->place, .depth = 1, .a = a, .b = b, .c = c};
    *out = n;
    TRY(jinja_deepen(p, n, a));
    TRY(jinja_deepen(p, n, b));
    return jinja_deepen(p, n, c);
}

/* Room doubles whenever the count is a power of two. */
static Status room(Parser *p, void **items, int64_t n, size_t size)
{
    if (n & (n - 1)) return OK;
    void *grown = arena_alloc(p->a, n ? 2 * n : 1, size);
    if (!grown) return fail(p->err, E_MEMORY, "no memory for a chat template");
    if (n) memcpy(grown, *items, (size_t)n * size);
    *items = grown;
    return OK;
}

Status jinja_add_kid(Parser *p, Node *parent, Node *kid)
{
    void *items = parent->kids;
    TRY(room(p, &items, parent->n, sizeof(Node *)));
    parent->kids = items;
    parent->kids[parent->n++] = kid;
    return jinja_deepen(p, parent, kid);
}

Status jinja_add_name(Parser *p, Node *node, ChatValue name)
{
    void *items = node->names;
    TRY(room(p, &items, node->n_names, sizeof(ChatValue)));
    node->names = items;
    node->names[node->n_names++] = name;
    return OK;
}
