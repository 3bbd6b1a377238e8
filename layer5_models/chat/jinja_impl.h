/* jinja_impl.h: what the parts of the template interpreter share. Read in this order:
 * jinja_lexer.c (text to tokens), jinja_parse.c, jinja_parse_expr.c, jinja_parse_primary.c
 * and jinja_parse_tree.c (tokens to a tree), jinja_value.c, jinja_text.c and jinja_json.c (values),
 * jinja_exec.c (statements), jinja_expr.c (expressions),
 * jinja_arith.c (operators), jinja_call.c (macros and functions), jinja_filters.c and
 * jinja_filters_list.c, jinja_tests.c, jinja_methods.c.
 * Semantics: Jinja2 3.1 with trim_blocks, lstrip_blocks and loop controls. */
#ifndef SIXFOLD_JINJA_IMPL_H
#define SIXFOLD_JINJA_IMPL_H

#include "chat_template.h"

#define JINJA_MAX_SOURCE      (1 << 20)
#define JINJA_MAX_NODE_DEPTH  100 /* of the tree */
#define JINJA_MAX_DEPTH       600 /* of evaluation, through macros */
#define JINJA_MAX_VALUE_DEPTH 100 /* of lists in lists */
#define JINJA_MAX_STEPS       10000000
#define JINJA_MAX_OUTPUT      ((size_t)4 << 20)
#define JINJA_MAX_MEMORY      ((size_t)256 << 20)
#define JINJA_MAX_RANGE       100000
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define JINJA_MAX_CPU_MS      5000 /* instrumented code is many times slower */
#else
#define JINJA_MAX_CPU_MS      100 /* of one rendering */
#endif

/* Line and column of the template, both from 1; columns are bytes. */
typedef struct {
    int line, column;
} Place;
#define JINJA_AT "chat template line %d, column %d: "
#define JINJA_PLACE(p) (p).line, (p).column

typedef enum {
    TOK_DATA,
    TOK_PRINT,
    TOK_PRINT_END,
    TOK_BLOCK,
    TOK_BLOCK_END,
    TOK_NAME,
    TOK_TEXT,
    TOK_INT,
    TOK_FLOAT,
    TOK_OP,
    TOK_END
} TokKind;

typedef struct {
    TokKind kind;
    Place place;
    const char *s; /* TOK_TEXT: without the quotes, escapes resolved */
    size_t n;
} Tok;

typedef struct {
    Tok *items;
    int64_t n, cap;
} TokList;

Status jinja_lex(Arena *a, const char *source, size_t n, TokList *out, Err *err);

typedef enum {
    /* statements */
    N_SEQUENCE,
    N_DATA,
    N_PRINT,
    N_SET,
    N_SET_BLOCK,
    N_IF,
    N_FOR,
    N_MACRO,
    N_FILTER_BLOCK,
    N_SCOPE,
    N_BREAK,
    N_CONTINUE,
    N_NOTHING,
    /* expressions */
    N_CONST,
    N_NAME,
    N_LIST,
    N_TUPLE,
    N_DICT,
    N_ATTR,
    N_ITEM,
    N_SLICE,
    N_CALL,
    N_FILTER,
    N_TEST,
    N_NOT,
    N_NEG,
    N_POS,
    N_AND,
    N_OR,
    N_ADD,
    N_SUB,
    N_MUL,
    N_DIV,
    N_FLOORDIV,
    N_MOD,
    N_POW,
    N_CONCAT,
    N_COMPARE,
    N_CHOICE
} NodeKind;

typedef enum { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE, CMP_IN, CMP_NOT_IN } CompareOp;

typedef struct Node Node;
struct Node {
    NodeKind kind;
    Place place; /* where its text begins */
    int depth;
    Node *a, *b, *c;  /* operands; N_FOR: list, condition, else; N_SET: target, value */
    Node **kids;      /* sequence, elements, arguments, if: condition and body by turns */
    ChatValue *names; /* of arguments (undefined: positional), of targets, of macro parameters */
    int64_t n;        /* of kids */
    int64_t n_names;
    ChatValue value; /* constant, name, data */
    int op;          /* CompareOp, index of filter or test, 1 for "is not" */
    Node *body;
};

typedef struct {
    Arena *a;
    Tok *at;
    int depth;
    int loops; /* open for statements, for break and continue */
    Err *err;
} Parser;

Status jinja_parse(Arena *a, Tok *tokens, Node **out, Err *err);
Status jinja_deepen(Parser *p, Node *node, const Node *child); /* E_LIMIT */
Status jinja_parse_primary(Parser *p, Node **out);
Status jinja_parse_expr(Parser *p, Node **out);       /* with "x if y else z" */
Status jinja_parse_expr_no_if(Parser *p, Node **out); /* for "for x in LIST if CONDITION" */
Status jinja_parse_postfix(Parser *p, Node **node, bool filters);
Status jinja_node(Parser *p, NodeKind kind, Node *a, Node *b, Node *c, Node **out);
Status jinja_add_kid(Parser *p, Node *parent, Node *kid);
Status jinja_add_name(Parser *p, Node *node, ChatValue name);
bool jinja_skip(Parser *p, TokKind kind, const char *s);
bool jinja_is(const Tok *t, TokKind kind, const char *s);
Status jinja_expect(Parser *p, TokKind kind, const char *s);
Status jinja_expect_name(Parser *p, ChatValue *out);

typedef struct Binding Binding;
struct Binding {
    ChatValue name, value;
    Binding *next;
};

typedef struct Scope Scope;
struct Scope {
    Binding *first;
    Scope *outer;
};

typedef struct {
    Arena *a; /* of this rendering */
    Err *err;
    Buf out;
    Scope *scope;
    Place place; /* of what is being computed */
    int depth;
    int64_t steps, look, start_ns; /* done; when the clock is asked next; its time at the first */
    ChatValue captured; /* what N_NOTHING stands for */
    int jump;           /* 0, N_BREAK or N_CONTINUE while one is on its way to its loop */
    int64_t now_s;
} Interp;

typedef struct {
    const Node *node;
    Scope *scope; /* where it was defined */
} Macro;

typedef struct {
    ChatValue self; /* of the method */
    int which;
} Method;

typedef struct {
    const ChatList *list;
    int64_t at;
    int depth;
} Loop;

typedef struct {
    ChatValue *v; /* positional first */
    int64_t n;
    ChatValue *key_names, *key_values;
    int64_t n_keys;
} Args;

struct ChatTemplate {
    Node *root;
};

/* Errors name line and column, then the message. */
Status jinja_fail(Interp *it, Status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
Status jinja_step(Interp *it); /* counts; E_LIMIT */

/* jinja_value.c, jinja_text.c */
const char *jinja_kind_name(ChatValue v);
bool jinja_truth(ChatValue v);
bool jinja_same_text(ChatValue v, const char *s);
Status jinja_equal(Interp *it, ChatValue x, ChatValue y, int depth, bool *out);
Status jinja_less(Interp *it, ChatValue x, ChatValue y, int *sign); /* sign of x - y */
Status jinja_str(Interp *it, ChatValue v, Buf *out);                /* as print shows it */
Status jinja_text(Interp *it, ChatValue v, ChatValue *out);         /* the same as a value */
Status jinja_keep(Interp *it, Buf *b, ChatValue *out); /* moves b into the arena, closes it */
Status jinja_real(Buf *out, double f, Err *err);
Status jinja_too_deep(Interp *it);
int64_t jinja_length(ChatValue v);                          /* -1: has none */
Status jinja_each(Interp *it, ChatValue v, ChatList **out); /* what iteration gives */
Status jinja_find(Interp *it, ChatValue dict, ChatValue key, ChatPair **out); /* NULL: not there */
size_t jinja_offset(ChatValue text, int64_t at); /* byte of code point `at` */
bool jinja_is_space(uint32_t cp);

/* jinja_json.c */
typedef struct {
    bool ascii, sort_keys;
    int indent; /* -1: one line */
    ChatValue comma, colon;
} JsonStyle;
Status jinja_to_json(Interp *it, ChatValue v, const JsonStyle *style, int depth, Buf *out);

/* jinja_exec.c, jinja_expr.c, jinja_call.c, jinja_filters.c, jinja_methods.c */
Status jinja_exec(Interp *it, const Node *node);
Status jinja_exec_captured(Interp *it, const Node *node, ChatValue *out);
Status jinja_eval(Interp *it, const Node *node, ChatValue *out);
Status jinja_attr(Interp *it, ChatValue v, ChatValue name, ChatValue *out);
Status jinja_arith(Interp *it, NodeKind op, ChatValue x, ChatValue y, ChatValue *out);
Status jinja_contains(Interp *it, ChatValue in, ChatValue x, bool *out);
Status jinja_item(Interp *it, ChatValue v, ChatValue key, ChatValue *out);
Status jinja_slice(Interp *it, ChatValue v, const ChatValue part[3], ChatValue *out);
Status jinja_bind(Interp *it, ChatValue name, ChatValue value);
Status jinja_args(Interp *it, const Node *call, ChatValue first, bool with_first, Args *out);
ChatValue jinja_arg(const Args *args, int64_t at, const char *name);
Status jinja_call(Interp *it, ChatValue callee, const Args *args, ChatValue *out);
int jinja_function(ChatValue name); /* index of a global function or -1 */
int jinja_filter_index(ChatValue name);
Status jinja_filter(Interp *it, int which, const Args *args, ChatValue *out);
Status jinja_change_case(Interp *it, ChatValue v, char first, ChatValue *out); /* of its alphabet */
typedef Status FilterFn(Interp *it, const Args *args, ChatValue *out);
FilterFn jinja_f_list, jinja_f_items, jinja_f_sort, jinja_f_dictsort, jinja_f_min, jinja_f_max,
    jinja_f_select, jinja_f_reject, jinja_f_selectattr, jinja_f_rejectattr, jinja_f_map,
    jinja_f_first, jinja_f_last; /* jinja_filters_list.c */
int jinja_test_index(ChatValue name);
Status jinja_test(Interp *it, int which, const Args *args, bool *out);
int jinja_method_index(ChatValue self, ChatValue name);
Status jinja_method(Interp *it, const Method *m, const Args *args, ChatValue *out);
Status jinja_strip(ChatValue v, const ChatValue *set, bool left, bool right, ChatValue *out);
Status jinja_replace(Interp *it, ChatValue v, ChatValue from, ChatValue to, int64_t limit,
                     ChatValue *out);

#endif
