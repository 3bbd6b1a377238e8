/* pickle.c: the stack machine, without the power to call anything.
 *
 *   c torch._utils _rebuild_tensor_v2  ( (storage) offset (shape) (strides) ... t R   ->   one tensor
 *
 * Values are small records; what a value holds of others (a tuple its items, a dictionary its pairs) stands
 * in lists beside the stack, named by an index. So nothing is nested in memory, and nothing recurses:
 * an instruction looks at the top of the stack and is done. Each takes at least one byte of the pickle
 * and adds at most one value, so memory is bounded by the file. */
#include "pickle.h"

#include <string.h>

typedef enum {
    V_MARK, V_NONE, V_INT, V_TEXT, V_TUPLE, V_DICT, V_STORAGE, V_TENSOR,
    V_ORDERED_DICT, V_REBUILD_TENSOR, V_REBUILD_PARAMETER, V_CLASS /* names that may stand alone */
} Kind;

typedef struct {
    Kind kind;
    int32_t at;             /* tuple: its first cell; dictionary: which; storage, tensor: place in tensors */
    int64_t n;              /* number; items of a tuple */
    Str text;
    const PickleType *type; /* V_CLASS, V_STORAGE */
} Value;

typedef struct {
    int32_t dict;
    Value key, value;
} Pair;

typedef struct {
    const uint8_t *data;
    size_t size, at, op_at;
    Buf stack, cells, memo; /* Value */
    Buf pairs;              /* Pair, of all dictionaries */
    Buf tensors;            /* PickleTensor; storages are ones without a shape */
    int32_t n_dicts;
} Machine;

static const struct { const char *class; PickleType type; } storages[] = {
    {"FloatStorage", {"F32", DT_F32, 4}}, {"HalfStorage", {"F16", DT_F16, 2}}, {"BFloat16Storage", {"BF16", DT_BF16, 2}},
    {"DoubleStorage", {"F64", DT_F64, 8}}, {"LongStorage", {"I64", DT_I64, 8}}, {"IntStorage", {"I32", DT_I32, 4}},
    {"ShortStorage", {"I16", DT_I16, 2}}, {"CharStorage", {"I8", DT_I8, 1}}, {"ByteStorage", {"U8", -1, 1}},
    {"BoolStorage", {"BOOL", -1, 1}}};

/* ---------------------------------------------------------------- bytes and stack */

static Status broken(const Machine *m, const char *what, Err *err)
{
    return fail(err, E_FORMAT, "the pickle %s at byte %zu of %zu. HINT: the checkpoint is damaged", what, m->op_at,
                m->size);
}

static Status take(Machine *m, size_t n, const uint8_t **p, Err *err)
{
    if (n > m->size - m->at) return broken(m, "breaks off", err);
    *p = m->data + m->at;
    m->at += n;
    return OK;
}

static Status take_number(Machine *m, size_t bytes, uint64_t *x, Err *err)
{
    const uint8_t *p = NULL;
    TRY(take(m, bytes, &p, err));
    *x = 0;
    for (size_t i = bytes; i-- > 0;) *x = *x << 8 | p[i];
    return OK;
}

/* Up to a line feed, which is taken too. */
static Status take_line(Machine *m, Str *line, Err *err)
{
    const uint8_t *from = m->data + m->at, *end = memchr(from, '\n', m->size - m->at);
    if (!end) return broken(m, "breaks off", err);
    *line = (Str){(const char *)from, (size_t)(end - from)};
    m->at += line->len + 1;
    return OK;
}

static int64_t depth(const Machine *m) { return (int64_t)(m->stack.len / sizeof(Value)); }
/* NULL + 0 is not allowed: what was never filled has no memory. */
static Value *at_of(const Buf *b, int64_t i) { return b->data ? (Value *)(void *)b->data + i : NULL; }
static Value *stack_at(const Machine *m, int64_t i) { return at_of(&m->stack, i); }
static const Value *cell(const Machine *m, int64_t i) { return at_of(&m->cells, i); }

static Status push(Machine *m, Value v, Err *err)
{
    if (depth(m) >= PICKLE_MAX_DEPTH)
        return fail(err, E_LIMIT, "the pickle stacks more than %d values. HINT: no checkpoint needs so many",
                    PICKLE_MAX_DEPTH);
    return buf_append(&m->stack, &v, sizeof v, err);
}

/* The topmost value, which is of the kind. It stays readable until the next push. */
static Status pop(Machine *m, Kind kind, Value *v, Err *err)
{
    if (depth(m) == 0 || stack_at(m, depth(m) - 1)->kind != kind) return broken(m, "has a wrong value on its stack", err);
    *v = *stack_at(m, depth(m) - 1);
    m->stack.len -= sizeof *v;
    return OK;
}

/* The place of the topmost mark. */
static Status find_mark(const Machine *m, int64_t *mark, Err *err)
{
    for (*mark = depth(m) - 1; *mark >= 0; --*mark)
        if (stack_at(m, *mark)->kind == V_MARK) return OK;
    return broken(m, "misses a mark", err);
}

/* ---------------------------------------------------------------- what a state dict is made of */

/* The topmost n values become one tuple. */
static Status make_tuple(Machine *m, int64_t n, Err *err)
{
    if (depth(m) < n) return broken(m, "has too few values for a tuple", err);
    Value v = {.kind = V_TUPLE, .n = n, .at = (int32_t)(m->cells.len / sizeof(Value))};
    if (v.at > PICKLE_MAX_MEMO)
        return fail(err, E_LIMIT, "the pickle has tuples of more than %d items in all. HINT: no checkpoint needs so many",
                    PICKLE_MAX_MEMO);
    int64_t first = depth(m) - n;
    for (int64_t i = 0; i < n; i++) {
        if (stack_at(m, first + i)->kind == V_MARK) return broken(m, "has a mark inside a tuple", err);
        TRY(buf_append(&m->cells, stack_at(m, first + i), sizeof v, err));
    }
    m->stack.len -= (size_t)n * sizeof v;
    return push(m, v, err);
}

/* Of a name that is not known only the beginning is said. */
static Status refuse_name(Str module, Str name, Err *err)
{
    if (module.len > 100) module.len = 100;
    if (name.len > 100) name.len = 100;
    return fail(err, E_UNSUPPORTED, "the checkpoint asks for '%.*s' of the module '%.*s'. HINT: only plain tensors are "
                "read and nothing is ever run; save the model's state_dict(), or as safetensors", STR_ARG(name),
                STR_ARG(module));
}

//@ begin pickle-names
/* A function or class that the pickle asks for: one of the few known. */
static Status push_name(Machine *m, Str module, Str name, Err *err)
{
    Value v = {.kind = V_NONE};
    if (str_is(module, "collections")) {
        if (str_is(name, "OrderedDict")) v.kind = V_ORDERED_DICT;
    } else if (str_is(module, "torch._utils")) {
        if (str_is(name, "_rebuild_tensor_v2")) v.kind = V_REBUILD_TENSOR;
        if (str_is(name, "_rebuild_parameter")) v.kind = V_REBUILD_PARAMETER;
    } else if (str_is(module, "torch")) {
        for (size_t i = 0; i < sizeof storages / sizeof *storages; i++)
            if (str_is(name, storages[i].class))
                v = (Value){.kind = V_CLASS, .type = &storages[i].type};
    }
    if (v.kind == V_NONE) return refuse_name(module, name, err);
    return push(m, v, err);
}
//@ end pickle-names

/* A storage or a tensor; the value says where its description is. */
static Status push_tensor(Machine *m, Kind kind, const PickleTensor *p, Err *err)
{
    size_t at = m->tensors.len / sizeof *p;
    if (at >= PICKLE_MAX_DEPTH)
        return fail(err, E_LIMIT, "the pickle has more than %d storages and tensors. HINT: no checkpoint needs so many",
                    PICKLE_MAX_DEPTH);
    TRY(buf_append(&m->tensors, p, sizeof *p, err));
    return push(m, (Value){.kind = kind, .at = (int32_t)at}, err);
}

/* ('storage', class, key, device, numbers) */
static Status load_storage(Machine *m, Err *err)
{
    Value t;
    TRY(pop(m, V_TUPLE, &t, err));
    const Value *c = cell(m, t.at);
    if (t.n != 5 || c[0].kind != V_TEXT || !str_is(c[0].text, "storage") || c[1].kind != V_CLASS || c[2].kind != V_TEXT ||
        c[4].kind != V_INT || c[4].n < 0)
        return broken(m, "has a storage that is not described as one", err);
    PickleTensor p = {.type = c[1].type, .storage = c[2].text, .numel = c[4].n};
    return push_tensor(m, V_STORAGE, &p, err);
}

/* A tuple of at most PICKLE_DIMS nonnegative numbers. */
static bool read_dims(const Machine *m, const Value *v, int64_t out[PICKLE_DIMS])
{
    if (v->kind != V_TUPLE || v->n > PICKLE_DIMS) return false;
    for (int64_t i = 0; i < v->n; i++) {
        const Value *x = cell(m, v->at + i);
        if (x->kind != V_INT || x->n < 0) return false;
        out[i] = x->n;
    }
    return true;
}

/* (storage, offset, shape, strides, needs a gradient, hooks[, metadata]) */
static Status rebuild_tensor(Machine *m, const Value *args, Err *err)
{
    const Value *c = cell(m, args->at);
    PickleTensor p;
    if (args->n < 6 || args->n > 7 || c[0].kind != V_STORAGE || c[1].kind != V_INT || c[1].n < 0)
        return broken(m, "has a tensor that is not described as one", err);
    memcpy(&p, m->tensors.data + (size_t)c[0].at * sizeof p, sizeof p);
    p.offset = c[1].n;
    if (!read_dims(m, &c[2], p.shape) || !read_dims(m, &c[3], p.stride) || c[2].n != c[3].n)
        return broken(m, "has a tensor with a wrong shape", err);
    p.n_dims = (int)c[2].n;
    return push_tensor(m, V_TENSOR, &p, err);
}

/* What a call would make, noted instead of called. */
static Status reduce(Machine *m, Err *err)
{
    Value args, name;
    TRY(pop(m, V_TUPLE, &args, err));
    if (depth(m) == 0) return broken(m, "calls nothing", err);
    name = *stack_at(m, depth(m) - 1);
    m->stack.len -= sizeof name;
    switch (name.kind) {
    case V_ORDERED_DICT:
        if (args.n != 0) return broken(m, "fills an OrderedDict in a way that is not known here", err);
        return push(m, (Value){.kind = V_DICT, .at = m->n_dicts++}, err);
    case V_REBUILD_TENSOR: return rebuild_tensor(m, &args, err);
    case V_REBUILD_PARAMETER:
        if (args.n < 1 || cell(m, args.at)->kind != V_TENSOR) return broken(m, "has a parameter that is no tensor", err);
        return push(m, *cell(m, args.at), err);
    default: return broken(m, "calls something that is no function", err);
    }
}

/* The pairs above `first` belong to the dictionary below. */
static Status set_items(Machine *m, int64_t first, int64_t dict, Err *err)
{
    if (dict < 0 || stack_at(m, dict)->kind != V_DICT || (depth(m) - first) % 2)
        return broken(m, "puts items into something else than a dictionary", err);
    for (int64_t i = first; i < depth(m); i += 2) {
        Pair p = {stack_at(m, dict)->at, *stack_at(m, i), *stack_at(m, i + 1)};
        TRY(buf_append(&m->pairs, &p, sizeof p, err));
    }
    m->stack.len = (size_t)(dict + 1) * sizeof(Value);
    return OK;
}

/* ---------------------------------------------------------------- memory */

static Status memo_put(Machine *m, uint64_t i, Err *err)
{
    size_t n = m->memo.len / sizeof(Value);
    if (depth(m) == 0) return broken(m, "remembers nothing", err);
    /* Python counts upwards, so a gap is damage; some tools start at 1. */
    if (i > n + 1 || i >= PICKLE_MAX_MEMO) return broken(m, "remembers a value under a number out of order", err);
    Value none = {.kind = V_MARK};
    while (m->memo.len / sizeof(Value) <= i) TRY(buf_append(&m->memo, &none, sizeof none, err));
    memcpy(m->memo.data + i * sizeof(Value), stack_at(m, depth(m) - 1), sizeof(Value));
    return OK;
}

static Status memo_get(Machine *m, uint64_t i, Err *err)
{
    Value v = {.kind = V_MARK};
    if (i < m->memo.len / sizeof v) memcpy(&v, m->memo.data + i * sizeof v, sizeof v);
    return v.kind == V_MARK ? broken(m, "recalls what it never remembered", err) : push(m, v, err);
}

/* ---------------------------------------------------------------- instructions */

static Status push_int(Machine *m, int64_t n, Err *err) { return push(m, (Value){.kind = V_INT, .n = n}, err); }

static Status push_text(Machine *m, size_t length_bytes, Err *err)
{
    uint64_t n;
    const uint8_t *p = NULL;
    TRY(take_number(m, length_bytes, &n, err));
    TRY(take(m, n, &p, err));
    return push(m, (Value){.kind = V_TEXT, .text = {(const char *)p, n}}, err);
}

/* Whole numbers of any length; more than 8 bytes are in no state dict. */
static Status push_long(Machine *m, Err *err)
{
    uint64_t n, x = 0;
    TRY(take_number(m, 1, &n, err));
    if (n > 8) return broken(m, "has a number of more than 8 bytes", err);
    TRY(take_number(m, n, &x, err));
    if (n > 0 && n < 8 && x >> (8 * n - 1)) x |= UINT64_MAX << 8 * n;
    return push_int(m, (int64_t)x, err);
}

static Status unknown(const Machine *m, uint8_t op, Err *err)
{
    bool shown = op > ' ' && op < 127;
    return fail(err, E_UNSUPPORTED, "the pickle uses the instruction 0x%02X%s%c%s at byte %zu, which no state dict needs. "
                "HINT: save the model's state_dict(), or as safetensors", op, shown ? " ('" : "", shown ? op : ' ',
                shown ? "')" : "", m->op_at);
}

static Status step_values(Machine *m, uint8_t op, Err *err)
{
    const uint8_t *p = NULL;
    uint64_t x;
    switch (op) {
    case '(': return push(m, (Value){.kind = V_MARK}, err);
    case 'N': return push(m, (Value){.kind = V_NONE}, err);
    case 0x88: return push_int(m, 1, err);
    case 0x89: return push_int(m, 0, err);
    case 'K': TRY(take_number(m, 1, &x, err)); return push_int(m, (int64_t)x, err);
    case 'M': TRY(take_number(m, 2, &x, err)); return push_int(m, (int64_t)x, err);
    case 'J': TRY(take_number(m, 4, &x, err)); return push_int(m, (int32_t)(uint32_t)x, err);
    case 0x8a: return push_long(m, err);
    case 'G': TRY(take(m, 8, &p, err)); return push(m, (Value){.kind = V_NONE}, err);
    case 'X': return push_text(m, 4, err);
    case 0x8c: return push_text(m, 1, err);
    case 0x8d: return push_text(m, 8, err);
    case ')': return make_tuple(m, 0, err);
    case 0x85: case 0x86: case 0x87: return make_tuple(m, op - 0x84, err);
    case '}': return push(m, (Value){.kind = V_DICT, .at = m->n_dicts++}, err);
    default: return unknown(m, op, err);
    }
}

static Status step(Machine *m, uint8_t op, Err *err)
{
    uint64_t x;
    int64_t mark;
    Str module, name;
    Value v, w;
    switch (op) {
    case 0x80: TRY(take_number(m, 1, &x, err)); return x <= 5 ? OK : broken(m, "is of a newer protocol than 5", err);
    case 0x95: return take_number(m, 8, &x, err); /* a frame: how far to read at once */
    case 'c':
        TRY(take_line(m, &module, err));
        TRY(take_line(m, &name, err));
        return push_name(m, module, name, err);
    case 0x93:
        TRY(pop(m, V_TEXT, &v, err));
        TRY(pop(m, V_TEXT, &w, err));
        return push_name(m, w.text, v.text, err);
    case 'q': TRY(take_number(m, 1, &x, err)); return memo_put(m, x, err);
    case 'r': TRY(take_number(m, 4, &x, err)); return memo_put(m, x, err);
    case 0x94: return memo_put(m, m->memo.len / sizeof v, err);
    case 'h': TRY(take_number(m, 1, &x, err)); return memo_get(m, x, err);
    case 'j': TRY(take_number(m, 4, &x, err)); return memo_get(m, x, err);
    case 't':
        TRY(find_mark(m, &mark, err));
        TRY(make_tuple(m, depth(m) - mark - 1, err));
        *stack_at(m, mark) = *stack_at(m, mark + 1);
        m->stack.len -= sizeof v;
        return OK;
    case 'Q': return load_storage(m, err);
    case 'R': return reduce(m, err);
    case 's': return set_items(m, depth(m) - 2, depth(m) - 3, err);
    case 'u': TRY(find_mark(m, &mark, err)); return set_items(m, mark + 1, mark - 1, err);
    case 'b': /* the state of an OrderedDict: versions of modules, which say nothing about tensors */
        if (depth(m) < 2 || stack_at(m, depth(m) - 2)->kind != V_DICT) return broken(m, "gives a state to no dictionary", err);
        m->stack.len -= sizeof v;
        return OK;
    default: return step_values(m, op, err);
    }
}

/* The dictionary that is left: each of its values is a tensor. */
static Status collect(Machine *m, Arena *a, PickleTensor **out, int64_t *n, Err *err)
{
    Value dict;
    const Pair *p = (const Pair *)(const void *)m->pairs.data;
    int64_t n_pairs = (int64_t)(m->pairs.len / sizeof *p);
    TRY(pop(m, V_DICT, &dict, err));
    if (depth(m) != 0) return broken(m, "leaves more than one value", err);
    *n = 0;
    *out = ARENA_NEW(a, PickleTensor, n_pairs + 1);
    if (!*out) return fail(err, E_MEMORY, "no memory for %lld tensors", (long long)n_pairs);
    for (int64_t i = 0; i < n_pairs; i++) {
        if (p[i].dict != dict.at) continue;
        if (p[i].key.kind != V_TEXT) return broken(m, "has a name that is no text", err);
        if (p[i].value.kind != V_TENSOR)
            return fail(err, E_UNSUPPORTED, "'%.*s' in the checkpoint is no tensor. HINT: save the state_dict() alone, "
                        "without optimiser or settings", STR_ARG(p[i].key.text));
        PickleTensor *t = &(*out)[(*n)++];
        memcpy(t, m->tensors.data + (size_t)p[i].value.at * sizeof *t, sizeof *t);
        t->name = p[i].key.text;
    }
    return OK;
}

static Status run(Machine *m, Arena *a, PickleTensor **out, int64_t *n, Err *err)
{
    for (;;) {
        const uint8_t *op = NULL;
        m->op_at = m->at;
        TRY(take(m, 1, &op, err));
        if (*op == '.') return collect(m, a, out, n, err);
        TRY(step(m, *op, err));
    }
}

Status pickle_tensors(Arena *a, const void *data, size_t size, PickleTensor **out, int64_t *n, Err *err)
{
    if (size > PICKLE_MAX_BYTES)
        return fail(err, E_LIMIT, "a pickle of %zu bytes (limit %d). HINT: no state dict needs so many", size,
                    PICKLE_MAX_BYTES);
    Machine m = {.data = data, .size = size};
    Status s = run(&m, a, out, n, err);
    buf_close(&m.stack);
    buf_close(&m.cells);
    buf_close(&m.memo);
    buf_close(&m.pairs);
    buf_close(&m.tensors);
    return s;
}
