/* jinja_expr.c: expressions are evaluated, straight from the tree.
 *
 * A name that is nowhere gives an undefined value, not an error: it is false, prints as nothing,
 * and "is defined" tells. Only using one (a member of it, arithmetic, a call) fails. */
#include "jinja_impl.h"

#include <string.h>

/* Long texts cost steps, so that the limit of steps also bounds time. */
static void charge(Interp *it, ChatValue v)
{
    if (v.kind == CHAT_TEXT) it->steps += (int64_t)(v.n / 16);
}

static ChatValue missing(ChatValue name)
{
    return (ChatValue){
        .kind = CHAT_UNDEFINED, .text = name.text, .n = name.kind == CHAT_TEXT ? name.n : 0};
}

static ChatValue look_up(Interp *it, ChatValue name)
{
    for (const Scope *s = it->scope; s; s = s->outer)
        for (const Binding *b = s->first; b; b = b->next)
            if (b->name.n == name.n && memcmp(b->name.text, name.text, name.n) == 0)
                return b->value;
    int f = jinja_function(name);
    return f < 0 ? missing(name) : (ChatValue){.kind = CHAT_FUNCTION, .number = f};
}

static ChatValue neighbour(const Loop *l, int64_t at, ChatValue name)
{
    return at < 0 || at >= l->list->n ? missing(name) : l->list->items[at];
}

static ChatValue loop_member(const Loop *l, ChatValue name)
{
    int64_t n = l->list->n;
    if (jinja_same_text(name, "index")) return chat_value_int(l->at + 1);
    if (jinja_same_text(name, "index0")) return chat_value_int(l->at);
    if (jinja_same_text(name, "first")) return chat_value_bool(l->at == 0);
    if (jinja_same_text(name, "last")) return chat_value_bool(l->at == n - 1);
    if (jinja_same_text(name, "length")) return chat_value_int(n);
    if (jinja_same_text(name, "revindex")) return chat_value_int(n - l->at);
    if (jinja_same_text(name, "revindex0")) return chat_value_int(n - l->at - 1);
    if (jinja_same_text(name, "previtem")) return neighbour(l, l->at - 1, name);
    if (jinja_same_text(name, "nextitem")) return neighbour(l, l->at + 1, name);
    return missing(name);
}

static Status undefined_member(Interp *it, ChatValue v, ChatValue name)
{
    return jinja_fail(it, E_ARG, "'%.*s' is undefined, so it has no member '%.*s'", (int)v.n,
                      v.n ? v.text : "", name.kind == CHAT_TEXT ? (int)name.n : 0,
                      name.kind == CHAT_TEXT ? name.text : "");
}

/* v.name: a method first, then a member. */
Status jinja_attr(Interp *it, ChatValue v, ChatValue name, ChatValue *out)
{
    if (v.kind == CHAT_UNDEFINED) return undefined_member(it, v, name);
    if (name.kind == CHAT_INT) return jinja_item(it, v, name, out);
    int which = jinja_method_index(v, name);
    if (which >= 0) {
        Method *m = ARENA_NEW(it->a, Method, 1);
        if (!m) return jinja_fail(it, E_MEMORY, "no memory for a method");
        *m = (Method){v, which};
        *out = (ChatValue){.kind = CHAT_METHOD, .other = m};
        return OK;
    }
    *out = missing(name);
    if (v.kind == CHAT_LOOP) *out = loop_member(v.other, name);
    if (v.kind == CHAT_DICT || v.kind == CHAT_NAMESPACE) {
        ChatPair *there;
        TRY(jinja_find(it, v, name, &there));
        if (there) *out = there->value;
    }
    return OK;
}

/* v[key]: a member first, then a method. */
Status jinja_item(Interp *it, ChatValue v, ChatValue key, ChatValue *out)
{
    if (v.kind == CHAT_UNDEFINED) return undefined_member(it, v, key);
    *out = missing(key);
    if (v.kind == CHAT_DICT) {
        ChatPair *there;
        TRY(jinja_find(it, v, key, &there));
        if (there) {
            *out = there->value;
            return OK;
        }
    }
    bool sequence = v.kind == CHAT_LIST || v.kind == CHAT_TUPLE || v.kind == CHAT_TEXT;
    if (sequence && (key.kind == CHAT_INT || key.kind == CHAT_BOOL)) {
        int64_t at = key.kind == CHAT_INT ? key.number : key.truth, n = jinja_length(v);
        if (at < 0) at += n;
        if (at < 0 || at >= n) return OK;
        size_t from = v.kind == CHAT_TEXT ? jinja_offset(v, at) : 0;
        *out = v.kind != CHAT_TEXT
                   ? v.list->items[at]
                   : chat_value_bytes(v.text + from, jinja_offset(v, at + 1) - from);
        return OK;
    }
    return key.kind == CHAT_TEXT ? jinja_attr(it, v, key, out) : OK;
}

static Status eval_list(Interp *it, const Node *node, ChatValue *out)
{
    TRY(chat_value_list(it->a, out, it->err));
    if (node->kind == N_TUPLE) out->kind = CHAT_TUPLE;
    for (int64_t i = 0; i < node->n; i++) {
        ChatValue v;
        TRY(jinja_eval(it, node->kids[i], &v));
        TRY(chat_value_append(it->a, *out, v, it->err));
    }
    return OK;
}

static Status eval_dict(Interp *it, const Node *node, ChatValue *out)
{
    TRY(chat_value_dict(it->a, out, it->err));
    for (int64_t i = 0; i + 1 < node->n; i += 2) {
        ChatValue key, v;
        ChatPair *there;
        TRY(jinja_eval(it, node->kids[i], &key));
        TRY(jinja_eval(it, node->kids[i + 1], &v));
        TRY(jinja_find(it, *out, key, &there));
        if (there)
            there->value = v;
        else
            TRY(chat_value_put(it->a, *out, key, v, it->err));
    }
    return OK;
}

static Status eval_compare(Interp *it, const Node *node, ChatValue *out)
{
    ChatValue x, y;
    bool holds = true;
    TRY(jinja_eval(it, node->kids[0], &x));
    for (int64_t i = 1; i < node->n && holds; i++, x = y) {
        CompareOp op = (CompareOp)node->names[i - 1].number;
        int sign = 0;
        TRY(jinja_eval(it, node->kids[i], &y));
        charge(it, x);
        charge(it, y);
        if (op == CMP_EQ || op == CMP_NE)
            TRY(jinja_equal(it, x, y, 0, &holds));
        else if (op == CMP_IN || op == CMP_NOT_IN)
            TRY(jinja_contains(it, y, x, &holds));
        else
            TRY(jinja_less(it, x, y, &sign));
        if (op == CMP_NE || op == CMP_NOT_IN) holds = !holds;
        if (op == CMP_LT) holds = sign < 0;
        if (op == CMP_LE) holds = sign <= 0;
        if (op == CMP_GT) holds = sign > 0;
        if (op == CMP_GE) holds = sign >= 0;
    }
    *out = chat_value_bool(holds);
    return OK;
}

static Status eval_choice(Interp *it, const Node *node, ChatValue *out)
{
    ChatValue condition;
    TRY(jinja_eval(it, node->b, &condition));
    *out = (ChatValue){0};
    if (jinja_truth(condition)) return jinja_eval(it, node->a, out);
    return node->c ? jinja_eval(it, node->c, out) : OK;
}

static Status eval_slice(Interp *it, const Node *node, ChatValue *out)
{
    ChatValue v, part[3] = {{.kind = CHAT_NONE}, {.kind = CHAT_NONE}, {.kind = CHAT_NONE}};
    TRY(jinja_eval(it, node->a, &v));
    charge(it, v);
    for (int i = 0; i < 3; i++)
        if (node->kids[i]) TRY(jinja_eval(it, node->kids[i], &part[i]));
    return jinja_slice(it, v, part, out);
}

static Status eval_applied(Interp *it, const Node *node, ChatValue *out)
{
    ChatValue first;
    Args args;
    TRY(jinja_eval(it, node->a, &first));
    charge(it, first);
    TRY(jinja_args(it, node, first, node->kind != N_CALL, &args));
    it->place = node->place;
    if (node->kind == N_CALL) return jinja_call(it, first, &args, out);
    if (node->kind == N_FILTER) return jinja_filter(it, node->op, &args, out);
    bool holds;
    TRY(jinja_test(it, node->op, &args, &holds));
    *out = chat_value_bool(holds);
    return OK;
}

static Status eval_one(Interp *it, const Node *node, ChatValue *out)
{
    ChatValue x, y;
    switch (node->kind) {
    case N_NOTHING:
        *out = it->captured;
        return OK;
    case N_CONST:
        *out = node->value;
        return OK;
    case N_NAME:
        *out = look_up(it, node->value);
        return OK;
    case N_LIST:
    case N_TUPLE:
        return eval_list(it, node, out);
    case N_DICT:
        return eval_dict(it, node, out);
    case N_COMPARE:
        return eval_compare(it, node, out);
    case N_CHOICE:
        return eval_choice(it, node, out);
    case N_SLICE:
        return eval_slice(it, node, out);
    case N_CALL:
    case N_FILTER:
    case N_TEST:
        return eval_applied(it, node, out);
    default:
        break;
    }
    TRY(jinja_eval(it, node->a, &x));
    charge(it, x);
    if (node->kind == N_ATTR) return jinja_attr(it, x, node->value, out);
    if (node->kind == N_NOT) {
        *out = chat_value_bool(!jinja_truth(x));
        return OK;
    }
    if (node->kind == N_NEG || node->kind == N_POS)
        return jinja_arith(it, node->kind == N_NEG ? N_SUB : N_ADD, chat_value_int(0), x, out);
    if (node->kind == N_AND || node->kind == N_OR) {
        *out = x;
        return jinja_truth(x) == (node->kind == N_OR) ? OK : jinja_eval(it, node->b, out);
    }
    TRY(jinja_eval(it, node->b, &y));
    it->place = node->place;
    return node->kind == N_ITEM ? jinja_item(it, x, y, out)
                                : jinja_arith(it, node->kind, x, y, out);
}

Status jinja_eval(Interp *it, const Node *node, ChatValue *out)
{
    it->place = node->place;
    TRY(jinja_step(it));
    if (++it->depth > JINJA_MAX_DEPTH)
        return jinja_fail(it, E_LIMIT, "nested deeper than %d. HINT: does a macro call itself?",
                          JINJA_MAX_DEPTH);
    Status s = eval_one(it, node, out);
    it->depth--;
    return s;
}
