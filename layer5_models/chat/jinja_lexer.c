/* jinja_lexer.c: a template's text becomes tokens.
 *
 * Outside of tags everything is data. {{ opens a print, {% a statement, {# a comment. Whitespace:
 *   {%-  -%}   strip all whitespace before or after the tag,
 *   trim_blocks    the line end directly after %} or #} goes,
 *   lstrip_blocks  blanks between the start of the line and {% or {# go; {%+ keeps them.
 * Inside brackets a }} is two closing braces: {{ {"a": {}} }} is one print. */
#include "jinja_impl.h"
#include "utf8.h"

#include <string.h>

typedef struct {
    Arena *a;
    const char *s, *end, *line_begin;
    int line;
    TokList *out;
    Err *err;
} Lexer;

static Place here(const Lexer *l) { return (Place){l->line, (int)(l->s - l->line_begin) + 1}; }

static Status add(Lexer *l, TokKind kind, const char *s, size_t n)
{
    TokList *t = l->out;
    if (t->n == t->cap) {
        Tok *grown = ARENA_NEW(l->a, Tok, t->cap * 2 + 64);
        if (!grown) return fail(l->err, E_MEMORY, "no memory for a chat template");
        if (t->n) memcpy(grown, t->items, (size_t)t->n * sizeof *grown);
        t->items = grown;
        t->cap = t->cap * 2 + 64;
    }
    t->items[t->n++] = (Tok){kind, here(l), s, n};
    return OK;
}

static void advance(Lexer *l, const char *to)
{
    for (; l->s < to; l->s++)
        if (*l->s == '\n') l->line++, l->line_begin = l->s + 1;
}

static bool begins(const char *s, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - s) >= n && memcmp(s, word, n) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_word(char c)
{
    return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

//@ begin lexer-data
/* Data up to the next tag; line_starts says whether it begins a line. */
static Status lex_data(Lexer *l, bool line_starts)
{
    const char *from = l->s, *tag = l->s;
    while (tag < l->end && !begins(tag, l->end, "{{") && !begins(tag, l->end, "{%") &&
           !begins(tag, l->end, "{#"))
        tag++;
    const char *to = tag;
    char sign = tag + 2 < l->end ? tag[2] : 0;
    if (tag < l->end && sign == '-')
        while (to > from && is_blank(to[-1])) to--;
    else if (tag < l->end && tag[1] != '{' && sign != '+') {
        const char *blank = to;
        while (blank > from && is_blank(blank[-1]) && blank[-1] != '\n') blank--;
        if (blank > from ? blank[-1] == '\n' : line_starts) to = blank;
    }
    if (to > from) TRY(add(l, TOK_DATA, from, (size_t)(to - from)));
    advance(l, tag);
    return OK;
}
//@ end lexer-data

/* After the end of a tag: sign is '-', '+' or 0. */
static bool after_tag(Lexer *l, char sign, bool trims)
{
    const char *s = l->s;
    if (sign == '-')
        while (s < l->end && is_blank(*s)) s++;
    else if (trims && sign != '+' && s < l->end && *s == '\n')
        s++;
    bool line_starts = s > l->s && s[-1] == '\n';
    advance(l, s);
    return line_starts;
}

static Status lex_comment(Lexer *l, bool *line_starts)
{
    const char *s = l->s + 2;
    while (s < l->end && !begins(s, l->end, "#}")) s++;
    if (s == l->end)
        return fail(l->err, E_FORMAT,
                    JINJA_AT "comment {# has no end. HINT: close it "
                    "with #}",
                    JINJA_PLACE(here(l)));
    char sign = s > l->s + 2 && (s[-1] == '-' || s[-1] == '+') ? s[-1] : 0;
    advance(l, s + 2);
    *line_starts = after_tag(l, sign, true);
    return OK;
}

static int hex_value(const char *s, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        char c = s[i];
        int d = is_digit(c)            ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0) return -1;
        v = v * 16 + d;
    }
    return v;
}

/* One escape at s (after the backslash); writes to *to, returns the characters consumed. Escapes
 * that Python does not know keep their backslash. */
static int unescape(const char *s, const char *end, char **to)
{
    static const char from[] = "ntr\\'\"abfv0\n", into[] = "\n\t\r\\'\"\a\b\f\v\0";
    const char *known = *s ? strchr(from, *s) : NULL;
    if (known) {
        if (*s != '\n') *(*to)++ = into[known - from];
        return 1;
    }
    int digits = *s == 'x' ? 2 : *s == 'u' ? 4 : 0;
    int cp = digits && end - s > digits ? hex_value(s + 1, digits) : -1;
    int n = cp >= 0 ? utf8_encode((uint32_t)cp, *to) : 0;
    if (n) {
        *to += n;
        return digits + 1;
    }
    *(*to)++ = '\\';
    *(*to)++ = *s;
    return 1;
}

static Status lex_text(Lexer *l)
{
    char quote = *l->s;
    const char *s = l->s + 1;
    while (s < l->end && *s != quote) s += *s == '\\' && s + 1 < l->end ? 2 : 1;
    if (s >= l->end)
        return fail(l->err, E_FORMAT, JINJA_AT "text in quotes has no end",
                    JINJA_PLACE(here(l)));
    char *copy = ARENA_NEW(l->a, char, s - l->s + 1), *to = copy;
    if (!copy) return fail(l->err, E_MEMORY, "no memory for a chat template");
    for (const char *c = l->s + 1; c < s;) {
        if (*c == '\\')
            c += 1 + unescape(c + 1, s, &to);
        else
            *to++ = *c++;
    }
    TRY(add(l, TOK_TEXT, copy, (size_t)(to - copy)));
    advance(l, s + 1);
    return OK;
}

static Status lex_number(Lexer *l)
{
    const char *s = l->s;
    TokKind kind = TOK_INT;
    while (s < l->end && (is_digit(*s) || *s == '_')) s++;
    if (s + 1 < l->end && *s == '.' && is_digit(s[1])) {
        kind = TOK_FLOAT;
        for (s++; s < l->end && is_digit(*s); s++) {
        }
    }
    if (s < l->end && (*s == 'e' || *s == 'E')) {
        const char *e = s + 1;
        if (e < l->end && (*e == '+' || *e == '-')) e++;
        if (e < l->end && is_digit(*e)) {
            kind = TOK_FLOAT;
            for (s = e; s < l->end && is_digit(*s); s++) {
            }
        }
    }
    TRY(add(l, kind, l->s, (size_t)(s - l->s)));
    l->s = s;
    return OK;
}

static Status lex_operator(Lexer *l, int *open)
{
    static const char *const two[] = {"==", "!=", "<=", ">=", "//", "**"};
    size_t n = 1;
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (begins(l->s, l->end, two[i])) n = 2;
    if (!strchr("+-*/%~<>=!()[]{},.:|", *l->s) || !*l->s || (*l->s == '!' && n == 1))
        return fail(l->err, E_FORMAT, JINJA_AT "unexpected character '%c' in a tag",
                    JINJA_PLACE(here(l)), *l->s);
    if (strchr("([{", *l->s)) ++*open;
    if (strchr(")]}", *l->s) && --*open < 0)
        return fail(l->err, E_FORMAT, JINJA_AT "'%c' was not opened",
                    JINJA_PLACE(here(l)), *l->s);
    TRY(add(l, TOK_OP, l->s, n));
    l->s += n;
    return OK;
}

static Status lex_tag(Lexer *l, bool *line_starts)
{
    bool print = l->s[1] == '{';
    const char *close = print ? "}}" : "%}";
    int open = 0;
    Place from = here(l);
    TRY(add(l, print ? TOK_PRINT : TOK_BLOCK, l->s, 2));
    l->s += 2;
    if (l->s < l->end && (*l->s == '-' || *l->s == '+')) l->s++;
    for (;;) {
        const char *s = l->s;
        while (s < l->end && is_blank(*s)) s++;
        advance(l, s);
        if (s == l->end)
            return fail(l->err, E_FORMAT,
                        JINJA_AT "tag has no end. HINT: close it "
                        "with %s",
                        JINJA_PLACE(from), close);
        bool sign =
            open == 0 && (*s == '-' || (*s == '+' && !print)) && begins(s + 1, l->end, close);
        if (sign || (open == 0 && begins(s, l->end, close))) {
            TRY(add(l, print ? TOK_PRINT_END : TOK_BLOCK_END, s + sign, 2));
            l->s = s + (sign ? 3 : 2);
            *line_starts = after_tag(l, sign ? *s : 0, !print);
            return OK;
        }
        if (*s == '\'' || *s == '"')
            TRY(lex_text(l));
        else if (is_digit(*s))
            TRY(lex_number(l));
        else if (is_word(*s)) {
            while (s < l->end && is_word(*s)) s++;
            TRY(add(l, TOK_NAME, l->s, (size_t)(s - l->s)));
            l->s = s;
        } else
            TRY(lex_operator(l, &open));
    }
}

Status jinja_lex(Arena *a, const char *source, size_t n, TokList *out, Err *err)
{
    if (n > JINJA_MAX_SOURCE)
        return fail(err, E_LIMIT, "chat template has %zu bytes, the limit is %d", n,
                    JINJA_MAX_SOURCE);
    /* Line ends become \n, and one at the very end goes. */
    char *copy = arena_strndup(a, source, n), *to = copy;
    if (!copy) return fail(err, E_MEMORY, "no memory for a chat template");
    for (size_t i = 0; i < n; i++) {
        if (source[i] != '\r')
            *to++ = source[i];
        else if (i + 1 == n || source[i + 1] != '\n')
            *to++ = '\n';
    }
    if (to > copy && to[-1] == '\n') to--;
    *to = 0;
    Lexer l = {a, copy, to, copy, 1, out, err};
    bool line_starts = true;
    while (l.s < l.end) {
        TRY(lex_data(&l, line_starts));
        if (l.s == l.end) break;
        if (l.s[1] == '#')
            TRY(lex_comment(&l, &line_starts));
        else
            TRY(lex_tag(&l, &line_starts));
    }
    return add(&l, TOK_END, l.s, 0);
}
