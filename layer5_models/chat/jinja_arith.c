/* jinja_arith.c: operators on values: + - * / // % ** ~, in, slices.
 *
 * Integers have 64 bits; a result beyond them is an error. // and % round towards minus infinity,
 * as Python's do. + also joins texts and lists, * repeats a text, ~ joins anything as text. */
#include "jinja_impl.h"

#include <math.h>
#include <string.h>

static Status no_operation(Interp *it, NodeKind op, ChatValue x, ChatValue y)
{
    static const char *const signs[] = {"+", "-", "*", "/", "//", "%", "**", "~"};
    return jinja_fail(it, E_ARG, "%s %s %s is not possible", jinja_kind_name(x), signs[op - N_ADD],
                      jinja_kind_name(y));
}

static Status on_integers(Interp *it, NodeKind op, int64_t x, int64_t y, ChatValue *out)
{
    int64_t z = 0;
    bool over = false;
    if ((op == N_DIV || op == N_FLOORDIV || op == N_MOD) && y == 0)
        return jinja_fail(it, E_ARG, "division by zero");
    if (op == N_DIV) {
        *out = chat_value_float((double)x / (double)y);
        return OK;
    }
    if (op == N_POW && y < 0) {
        *out = chat_value_float(pow((double)x, (double)y));
        return OK;
    }
    if (op == N_ADD) over = __builtin_add_overflow(x, y, &z);
    if (op == N_SUB) over = __builtin_sub_overflow(x, y, &z);
    if (op == N_MUL) over = __builtin_mul_overflow(x, y, &z);
    if (op == N_FLOORDIV || op == N_MOD) {
        over = x == INT64_MIN && y == -1;
        int64_t q = over ? 0 : x / y, r = over ? 0 : x % y;
        bool down = r != 0 && (r < 0) != (y < 0);
        z = op == N_MOD ? r + (down ? y : 0) : q - down;
    }
    if (op == N_POW) {
        double f = pow((double)x, (double)y);
        over = fabs(f) > 9e15;
        z = over ? 0 : (int64_t)f;
    }
    if (over) return jinja_fail(it, E_LIMIT, "integer result is too large");
    *out = chat_value_int(z);
    return OK;
}

static Status on_reals(Interp *it, NodeKind op, double x, double y, ChatValue *out)
{
    if ((op == N_DIV || op == N_FLOORDIV || op == N_MOD) && y == 0)
        return jinja_fail(it, E_ARG, "division by zero");
    double z = op == N_ADD        ? x + y
               : op == N_SUB      ? x - y
               : op == N_MUL      ? x * y
               : op == N_DIV      ? x / y
               : op == N_FLOORDIV ? floor(x / y)
               : op == N_MOD      ? x - floor(x / y) * y
                                  : pow(x, y);
    *out = chat_value_float(z);
    return OK;
}

static Status join(Interp *it, ChatValue x, ChatValue y, ChatValue *out)
{
    TRY(jinja_text(it, x, &x));
    TRY(jinja_text(it, y, &y));
    if (x.n + y.n > JINJA_MAX_OUTPUT)
        return jinja_fail(it, E_LIMIT, "text exceeds %zu bytes", JINJA_MAX_OUTPUT);
    char *both = arena_alloc_dirty(it->a, (int64_t)(x.n + y.n) + 1, 1);
    if (!both) return jinja_fail(it, E_MEMORY, "no memory for a text");
    memcpy(both, x.text, x.n);
    memcpy(both + x.n, y.text, y.n);
    *out = chat_value_bytes(both, x.n + y.n);
    return OK;
}

static Status repeat(Interp *it, ChatValue x, int64_t times, ChatValue *out)
{
    *out = chat_value_text("");
    if (times <= 0 || x.n == 0) return OK;
    if ((uint64_t)times > JINJA_MAX_OUTPUT / x.n)
        return jinja_fail(it, E_LIMIT, "text exceeds %zu bytes", JINJA_MAX_OUTPUT);
    char *all = arena_alloc_dirty(it->a, times * (int64_t)x.n, 1);
    if (!all) return jinja_fail(it, E_MEMORY, "no memory for a text");
    for (int64_t i = 0; i < times; i++) memcpy(all + (size_t)i * x.n, x.text, x.n);
    *out = chat_value_bytes(all, (size_t)times * x.n);
    return OK;
}

static Status join_lists(Interp *it, ChatValue x, ChatValue y, ChatValue *out)
{
    TRY(chat_value_list(it->a, out, it->err));
    out->kind = x.kind;
    for (int which = 0; which < 2; which++) {
        const ChatList *l = which ? y.list : x.list;
        for (int64_t i = 0; i < l->n; i++) {
            TRY(jinja_step(it));
            TRY(chat_value_append(it->a, *out, l->items[i], it->err));
        }
    }
    return OK;
}

Status jinja_arith(Interp *it, NodeKind op, ChatValue x, ChatValue y, ChatValue *out)
{
    if (op == N_CONCAT) return join(it, x, y, out);
    if (op == N_ADD && x.kind == CHAT_TEXT && y.kind == CHAT_TEXT) return join(it, x, y, out);
    if (op == N_ADD && x.kind == y.kind && (x.kind == CHAT_LIST || x.kind == CHAT_TUPLE))
        return join_lists(it, x, y, out);
    if (op == N_MUL && x.kind == CHAT_TEXT && y.kind == CHAT_INT)
        return repeat(it, x, y.number, out);
    if (op == N_MUL && x.kind == CHAT_INT && y.kind == CHAT_TEXT)
        return repeat(it, y, x.number, out);
    if (x.kind < CHAT_BOOL || x.kind > CHAT_FLOAT || y.kind < CHAT_BOOL || y.kind > CHAT_FLOAT)
        return no_operation(it, op, x, y);
    if (x.kind == CHAT_BOOL) x = chat_value_int(x.truth);
    if (y.kind == CHAT_BOOL) y = chat_value_int(y.truth);
    if (x.kind == CHAT_INT && y.kind == CHAT_INT)
        return on_integers(it, op, x.number, y.number, out);
    return on_reals(it, op, x.kind == CHAT_INT ? (double)x.number : x.real,
                    y.kind == CHAT_INT ? (double)y.number : y.real, out);
}

Status jinja_contains(Interp *it, ChatValue in, ChatValue x, bool *out)
{
    *out = false;
    if (in.kind == CHAT_TEXT) {
        if (x.kind != CHAT_TEXT)
            return jinja_fail(it, E_ARG, "%s in text is not possible", jinja_kind_name(x));
        *out = x.n == 0 || (x.n <= in.n && memmem(in.text, in.n, x.text, x.n));
        return OK;
    }
    if (in.kind == CHAT_DICT) {
        ChatPair *there;
        TRY(jinja_find(it, in, x, &there));
        *out = there != NULL;
        return OK;
    }
    ChatList *list;
    TRY(jinja_each(it, in, &list));
    for (int64_t i = 0; i < list->n && !*out; i++) TRY(jinja_equal(it, list->items[i], x, 0, out));
    return OK;
}

static Status slice_text(Interp *it, ChatValue v, int64_t from, int64_t to, int64_t step,
                         ChatValue *out)
{
    if (step == 1) {
        size_t start = jinja_offset(v, from), end = jinja_offset(v, to);
        *out = chat_value_bytes(v.text + start, end > start ? end - start : 0);
        return OK;
    }
    ChatList *letters;
    Buf b = {0};
    TRY(jinja_each(it, v, &letters));
    Status s = OK;
    for (int64_t i = from; s == OK && (step > 0 ? i < to : i > to); i += step)
        s = buf_append(&b, letters->items[i].text, letters->items[i].n, it->err);
    if (s == OK) return jinja_keep(it, &b, out);
    buf_close(&b);
    return s;
}

/* v[from:to:step], each of them none or an integer; what lies outside is cut off, as in Python. */
Status jinja_slice(Interp *it, ChatValue v, const ChatValue part[3], ChatValue *out)
{
    if (v.kind != CHAT_TEXT && v.kind != CHAT_LIST && v.kind != CHAT_TUPLE)
        return jinja_fail(it, E_ARG, "%s cannot be sliced", jinja_kind_name(v));
    int64_t n = jinja_length(v), step = part[2].kind == CHAT_INT ? part[2].number : 1, at[2];
    for (int i = 0; i < 3; i++)
        if (part[i].kind != CHAT_INT && part[i].kind != CHAT_NONE)
            return jinja_fail(it, E_ARG, "slice from or to %s", jinja_kind_name(part[i]));
    if (step == 0) return jinja_fail(it, E_ARG, "slice with step 0");
    if (step > n) step = n + 1;
    if (step < -n) step = -n - 1;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    for (int i = 0; i < 2; i++) {
        int64_t x = part[i].kind == CHAT_INT ? part[i].number : (i == 0) == (step > 0) ? low : high;
        if (part[i].kind == CHAT_INT && x < 0) x += n;
        at[i] = x < low ? low : x > high ? high : x;
    }
    if (v.kind == CHAT_TEXT) return slice_text(it, v, at[0], at[1], step, out);
    TRY(chat_value_list(it->a, out, it->err));
    out->kind = v.kind;
    for (int64_t i = at[0]; step > 0 ? i < at[1] : i > at[1]; i += step) {
        TRY(jinja_step(it));
        TRY(chat_value_append(it->a, *out, v.list->items[i], it->err));
    }
    return OK;
}
