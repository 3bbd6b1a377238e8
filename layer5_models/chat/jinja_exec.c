/* jinja_exec.c: statements are executed.
 *
 * Scopes are a chain: a loop's body (anew for each round), a macro's body and {% generation %} have
 * one of their own, {% if %} has none. {% set %} writes into the innermost scope, reading searches
 * outwards; only a namespace carries a value out of a loop. A break or continue is a mark in `jump`
 * that every sequence passes on until a loop takes it away. */
#include "jinja_impl.h"

#include "clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

Status jinja_fail(Interp *it, Status code, const char *fmt, ...)
{
    char text[sizeof it->err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fail(it->err, code, JINJA_AT "%s", JINJA_PLACE(it->place), text);
}

Status jinja_step(Interp *it)
{
    if (++it->steps > JINJA_MAX_STEPS)
        return jinja_fail(it, E_LIMIT, "more than %d steps", JINJA_MAX_STEPS);
    if (it->a->used_bytes > JINJA_MAX_MEMORY)
        return jinja_fail(it, E_LIMIT, "more than %zu bytes of values", JINJA_MAX_MEMORY);
    if (it->steps >= it->look) {
        /* The clock costs more than a step, so it is asked at the first one and then now and then. */
        int64_t now = clock_cpu_ns();
        if (it->look == 0) it->start_ns = now;
        it->look = it->steps + 1000;
        if (now - it->start_ns > JINJA_MAX_CPU_MS * INT64_C(1000000))
            return jinja_fail(it, E_LIMIT, "more than %d ms of processor time", JINJA_MAX_CPU_MS);
    }
    if (it->out.len > JINJA_MAX_OUTPUT)
        return jinja_fail(it, E_LIMIT, "output exceeds %zu bytes", JINJA_MAX_OUTPUT);
    return OK;
}

Status jinja_bind(Interp *it, ChatValue name, ChatValue value)
{
    Binding *b = it->scope->first;
    while (b && (b->name.n != name.n || memcmp(b->name.text, name.text, name.n) != 0)) b = b->next;
    if (!b) {
        b = ARENA_NEW(it->a, Binding, 1);
        if (!b) return jinja_fail(it, E_MEMORY, "no memory for a variable");
        *b = (Binding){name, value, it->scope->first};
        it->scope->first = b;
    }
    b->value = value;
    return OK;
}

static Status open_scope(Interp *it, Scope *outer)
{
    Scope *s = ARENA_NEW(it->a, Scope, 1);
    if (!s) return jinja_fail(it, E_MEMORY, "no memory for variables");
    s->outer = outer;
    it->scope = s;
    return OK;
}

/* What the node prints becomes a value instead. */
Status jinja_exec_captured(Interp *it, const Node *node, ChatValue *out)
{
    Buf kept = it->out;
    it->out = (Buf){0};
    Status s = jinja_exec(it, node);
    if (s == OK) s = jinja_keep(it, &it->out, out);
    buf_close(&it->out);
    it->out = kept;
    return s;
}

static Status bind_names(Interp *it, const Node *node, ChatValue v)
{
    if (node->n_names == 1) return jinja_bind(it, node->names[0], v);
    ChatList *parts;
    TRY(jinja_each(it, v, &parts));
    if (parts->n != node->n_names)
        return jinja_fail(it, E_ARG, "%lld values for %lld names", (long long)parts->n,
                          (long long)node->n_names);
    for (int64_t i = 0; i < parts->n; i++) TRY(jinja_bind(it, node->names[i], parts->items[i]));
    return OK;
}

static Status assign(Interp *it, const Node *node, ChatValue v)
{
    if (!node->op) return bind_names(it, node, v);
    Node target = {.kind = N_NAME, .place = node->place, .value = node->names[0]};
    ChatValue space;
    TRY(jinja_eval(it, &target, &space));
    if (space.kind != CHAT_NAMESPACE)
        return jinja_fail(it, E_ARG, "set %.*s.%.*s: not a namespace", (int)node->names[0].n,
                          node->names[0].text, (int)node->names[1].n, node->names[1].text);
    return chat_value_put(it->a, space, node->names[1], v, it->err);
}

static Status exec_set(Interp *it, const Node *node)
{
    ChatValue v;
    if (node->kind == N_SET_BLOCK) {
        TRY(open_scope(it, it->scope));
        Scope *inner = it->scope;
        TRY(jinja_exec_captured(it, node->body, &it->captured));
        it->scope = inner->outer;
    }
    TRY(jinja_eval(it, node->a, &v));
    return assign(it, node, v);
}

static Status exec_if(Interp *it, const Node *node)
{
    for (int64_t i = 0; i + 1 < node->n; i += 2) {
        ChatValue condition;
        TRY(jinja_eval(it, node->kids[i], &condition));
        if (jinja_truth(condition)) return jinja_exec(it, node->kids[i + 1]);
    }
    return node->n % 2 ? jinja_exec(it, node->kids[node->n - 1]) : OK;
}

/* The elements for which the loop's condition holds. */
static Status chosen(Interp *it, const Node *node, ChatList **list)
{
    ChatValue kept;
    Scope *outer = it->scope;
    TRY(chat_value_list(it->a, &kept, it->err));
    for (int64_t i = 0; i < (*list)->n; i++) {
        ChatValue holds;
        TRY(open_scope(it, outer));
        TRY(bind_names(it, node, (*list)->items[i]));
        TRY(jinja_eval(it, node->b, &holds));
        if (jinja_truth(holds)) TRY(chat_value_append(it->a, kept, (*list)->items[i], it->err));
    }
    it->scope = outer;
    *list = kept.list;
    return OK;
}

static Status exec_for(Interp *it, const Node *node)
{
    ChatValue v;
    ChatList *list;
    Scope *outer = it->scope;
    TRY(jinja_eval(it, node->a, &v));
    TRY(jinja_each(it, v, &list));
    if (node->b) TRY(chosen(it, node, &list));
    Loop *loop = ARENA_NEW(it->a, Loop, 1);
    if (!loop) return jinja_fail(it, E_MEMORY, "no memory for a loop");
    ChatValue self = {.kind = CHAT_LOOP, .other = loop};
    *loop = (Loop){list, 0, 1};
    //@ begin exec-for
    for (; loop->at < list->n; loop->at++) {
        TRY(jinja_step(it));
        TRY(open_scope(it, outer));
        TRY(jinja_bind(it, chat_value_text("loop"), self));
        TRY(bind_names(it, node, list->items[loop->at]));
        TRY(jinja_exec(it, node->body));
        int jump = it->jump;
        it->jump = 0;
        if (jump == N_BREAK) break;
    }
    it->scope = outer;
    //@ end exec-for
    return list->n == 0 && node->c ? jinja_exec(it, node->c) : OK;
}

static Status exec_macro(Interp *it, const Node *node)
{
    Macro *m = ARENA_NEW(it->a, Macro, 1);
    if (!m) return jinja_fail(it, E_MEMORY, "no memory for a macro");
    *m = (Macro){node, it->scope};
    return jinja_bind(it, node->value, (ChatValue){.kind = CHAT_MACRO, .other = m});
}

static Status exec_inner(Interp *it, const Node *node)
{
    ChatValue v;
    Scope *outer = it->scope;
    TRY(open_scope(it, outer));
    if (node->kind == N_SCOPE)
        TRY(jinja_exec(it, node->body));
    else {
        TRY(jinja_exec_captured(it, node->body, &it->captured));
        TRY(jinja_eval(it, node->a, &v));
        TRY(jinja_str(it, v, &it->out));
    }
    it->scope = outer;
    return OK;
}

static Status exec_one(Interp *it, const Node *node)
{
    ChatValue v;
    switch (node->kind) {
    case N_SEQUENCE:
        for (int64_t i = 0; i < node->n && !it->jump; i++) TRY(jinja_exec(it, node->kids[i]));
        return OK;
    case N_DATA:
        return buf_append(&it->out, node->value.text, node->value.n, it->err);
    case N_PRINT:
        TRY(jinja_eval(it, node->a, &v));
        return jinja_str(it, v, &it->out);
    case N_SET:
    case N_SET_BLOCK:
        return exec_set(it, node);
    case N_IF:
        return exec_if(it, node);
    case N_FOR:
        return exec_for(it, node);
    case N_MACRO:
        return exec_macro(it, node);
    case N_SCOPE:
    case N_FILTER_BLOCK:
        return exec_inner(it, node);
    case N_BREAK:
    case N_CONTINUE:
        it->jump = (int)node->kind;
        return OK;
    default:
        CHECK(false, "node %d is no statement", node->kind);
    }
    return OK;
}

Status jinja_exec(Interp *it, const Node *node)
{
    it->place = node->place;
    TRY(jinja_step(it));
    if (++it->depth > JINJA_MAX_DEPTH)
        return jinja_fail(it, E_LIMIT, "nested deeper than %d. HINT: does a macro call itself?",
                          JINJA_MAX_DEPTH);
    Status s = exec_one(it, node);
    it->depth--;
    return s;
}
