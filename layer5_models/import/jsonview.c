/* jsonview.c: one pass that checks, and steps from value to value that trust it. */
#include "jsonview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- checking */

typedef struct {
    const char *start, *s, *end;
    Err *err;
} Check;

static Status bad(const Check *c, const char *what)
{
    return fail(c->err, E_FORMAT, "JSON byte %lld: %s. HINT: the file is damaged; fetch it again",
                (long long)(c->s - c->start), what);
}

static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static const char *blanks(const char *s, const char *end)
{
    while (s < end && is_blank(*s)) s++;
    return s;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static Status check_text(Check *c)
{
    for (c->s++; c->s < c->end && *c->s != '"'; c->s++) {
        if ((unsigned char)*c->s < 0x20) return bad(c, "a control character in a text");
        if (*c->s != '\\') continue;
        c->s++;
        if (c->s == c->end || !*c->s || !strchr("\"\\/bfnrtu", *c->s)) return bad(c, "an unknown escape");
        for (int i = 0; *c->s == 'u' && i < 4; i++)
            if (c->end - c->s < 5 || hex_digit(c->s[1 + i]) < 0) return bad(c, "\\u needs four hexadecimal digits");
    }
    if (c->s == c->end) return bad(c, "a text has no end");
    c->s++;
    return OK;
}

static int digits(Check *c)
{
    int n = 0;
    for (; c->s < c->end && *c->s >= '0' && *c->s <= '9'; c->s++) n += n < 2;
    return n;
}

static Status check_number(Check *c)
{
    const char *first = c->s;
    if (*c->s == '-') c->s++;
    bool zero = c->s < c->end && *c->s == '0';
    int n = digits(c);
    if (n == 0 || (zero && n > 1)) return bad(c, "expected is a value");
    if (c->s < c->end && *c->s == '.') {
        c->s++;
        if (!digits(c)) return bad(c, "digits are missing after the point");
    }
    if (c->s < c->end && (*c->s | 32) == 'e') {
        c->s++;
        if (c->s < c->end && (*c->s == '+' || *c->s == '-')) c->s++;
        if (!digits(c)) return bad(c, "digits are missing in the exponent");
    }
    return c->s - first < 64 ? OK : bad(c, "a number of more than 63 characters");
}

static Status check_scalar(Check *c)
{
    static const char *const words[] = {"null", "true", "false", "NaN", "Infinity", "-Infinity"};
    if (*c->s == '"') return check_text(c);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(c->end - c->s) >= n && memcmp(c->s, words[i], n) == 0) {
            c->s += n;
            return OK;
        }
    }
    return check_number(c);
}

static Status check_key(Check *c)
{
    c->s = blanks(c->s, c->end);
    if (c->s == c->end || *c->s != '"') return bad(c, "expected is a name in quotes");
    TRY(check_text(c));
    c->s = blanks(c->s, c->end);
    if (c->s == c->end || *c->s != ':') return bad(c, "expected is ':'");
    c->s++;
    return OK;
}

//@ begin jsonview-open
/* What is open is a stack of one bit each: dict or list. */
Status jsonview_open(JsonView *root, const char *text, size_t n, Err *err)
{
    Check c = {text, text, text + n, err};
    bool dict[JSONVIEW_DEPTH + 1] = {0};
    int depth = 0;
    do {
        /* 1. A value: a scalar, or one more level. */
        c.s = blanks(c.s, c.end);
        if (c.s == c.end) return bad(&c, "the text breaks off");
        bool opens = *c.s == '{' || *c.s == '[', empty = false;
        if (opens) {
            if (++depth > JSONVIEW_DEPTH) return bad(&c, "nested too deeply");
            dict[depth] = *c.s++ == '{';
            c.s = blanks(c.s, c.end);
            empty = c.s < c.end && *c.s == (dict[depth] ? '}' : ']');
            if (!empty && dict[depth]) TRY(check_key(&c));
            if (!empty) continue;
        } else TRY(check_scalar(&c));
        /* 2. What ends here; then a comma and the next value, if any. */
        for (;;) {
            c.s = blanks(c.s, c.end);
            if (depth == 0) break;
            if (c.s == c.end) return bad(&c, "the text breaks off");
            if (*c.s == (dict[depth] ? '}' : ']')) depth--;
            else if (*c.s == ',' && !empty) break;
            else return bad(&c, "expected is ',' or the end");
            empty = false;
            c.s++;
        }
        if (depth && c.s++ && dict[depth]) TRY(check_key(&c));
    } while (depth);
    if (c.s < c.end) return bad(&c, "something follows after the end");
    const char *s = blanks(text, c.end);
    while (c.end > s && is_blank(c.end[-1])) c.end--;
    *root = (JsonView){s, c.end};
    return OK;
}
//@ end jsonview-open

/* ---------------------------------------------------------------- walking: the text is known to be good */

static const char *after_text(const char *s)
{
    for (s++; *s != '"'; s++) s += *s == '\\';
    return s + 1;
}

/* Behind the value at s. */
static const char *after_value(const char *s, const char *end)
{
    int depth = 0;
    do {
        if (*s == '"') {
            s = after_text(s);
            continue;
        }
        if (*s == '{' || *s == '[') depth++;
        else if (*s == '}' || *s == ']') depth--;
        else if (!depth) {
            while (s < end && !strchr(",]} \n\t\r", *s)) s++;
            return s;
        }
        s++;
    } while (depth);
    return s;
}

JsonKind jsonview_kind(JsonView v)
{
    if (!v.s) return JSON_ABSENT;
    switch (*v.s) {
    case '{': return JSON_DICT;
    case '[': return JSON_LIST;
    case '"': return JSON_TEXT;
    case 'n': return JSON_NULL;
    case 't':
    case 'f': return JSON_BOOL;
    default: return JSON_NUMBER;
    }
}

JsonWalk jsonview_walk(JsonView v)
{
    JsonKind kind = jsonview_kind(v);
    if (kind != JSON_LIST && kind != JSON_DICT) return (JsonWalk){0};
    return (JsonWalk){blanks(v.s + 1, v.end), v.end - 1, kind == JSON_DICT};
}

bool jsonview_next(JsonWalk *w, JsonView *key, JsonView *value)
{
    JsonView k = {0}, v = {0};
    bool more = w->s < w->end;
    if (more) {
        if (w->dict) {
            k = (JsonView){w->s, after_text(w->s)};
            w->s = blanks(blanks(k.end, w->end) + 1, w->end); /* behind ':' */
        }
        v = (JsonView){w->s, after_value(w->s, w->end)};
        w->s = blanks(v.end, w->end);
        if (w->s < w->end) w->s = blanks(w->s + 1, w->end); /* behind ',' */
    }
    if (key) *key = k;
    if (value) *value = v;
    return more;
}

bool jsonview_is(JsonView v, const char *text)
{
    size_t n = strlen(text);
    return jsonview_kind(v) == JSON_TEXT && (size_t)(v.end - v.s) == n + 2 && memcmp(v.s + 1, text, n) == 0;
}

JsonView jsonview_get(JsonView dict, const char *key)
{
    JsonView k, v;
    if (jsonview_kind(dict) != JSON_DICT) return (JsonView){0};
    for (JsonWalk w = jsonview_walk(dict); jsonview_next(&w, &k, &v);)
        if (jsonview_is(k, key)) return v;
    return (JsonView){0};
}

bool jsonview_true(JsonView v) { return jsonview_kind(v) == JSON_BOOL && *v.s == 't'; }

bool jsonview_number(JsonView v, double *out)
{
    char copy[64] = {0};
    if (jsonview_kind(v) != JSON_NUMBER) return false;
    memcpy(copy, v.s, (size_t)(v.end - v.s) < sizeof copy ? (size_t)(v.end - v.s) : sizeof copy - 1);
    *out = strtod(copy, NULL);
    return true;
}

bool jsonview_int(JsonView v, int64_t lo, int64_t hi, int64_t *out)
{
    double x;
    char copy[64] = {0};
    if (!jsonview_number(v, &x) || v.end - v.s >= (ptrdiff_t)sizeof copy) return false;
    if (!(x >= -0x1p62 && x <= 0x1p62) || x != floor(x)) return false;
    int64_t i = (int64_t)x;
    memcpy(copy, v.s, (size_t)(v.end - v.s));
    if (!strpbrk(copy, ".eE")) i = strtoll(copy, NULL, 10); /* all 63 bits */
    if (i < lo || i > hi) return false;
    *out = i;
    return true;
}

/* \uXXXX at s, behind the backslash; a pair of them is one character. */
static const char *read_unicode(const char *s, const char *end, uint32_t *cp)
{
    uint32_t unit[2] = {0};
    for (int i = 0; i < 4; i++) unit[0] = unit[0] << 4 | (uint32_t)hex_digit(s[1 + i]);
    *cp = unit[0];
    if (unit[0] < 0xD800 || unit[0] > 0xDBFF || end - s < 11 || s[5] != '\\' || s[6] != 'u') return s + 5;
    for (int i = 0; i < 4; i++) unit[1] = unit[1] << 4 | (uint32_t)hex_digit(s[7 + i]);
    if (unit[1] < 0xDC00 || unit[1] > 0xDFFF) return s + 5;
    *cp = 0x10000 + ((unit[0] - 0xD800) << 10) + (unit[1] - 0xDC00);
    return s + 11;
}

Status jsonview_text(JsonView v, Arena *a, Str *out, Err *err)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    *out = (Str){"", 0};
    if (jsonview_kind(v) != JSON_TEXT)
        return fail(err, E_FORMAT, "expected is a text, found is '%.*s'. HINT: the file is damaged",
                    (int)(v.end - v.s > 40 ? 40 : v.end - v.s), v.s ? v.s : "");
    const char *s = v.s + 1, *end = v.end - 1;
    *out = (Str){s, (size_t)(end - s)};
    if (!memchr(s, '\\', out->len)) return OK;
    char *copy = ARENA_NEW(a, char, end - s), *to = copy; /* escapes are longer than what they mean */
    if (!copy) return fail(err, E_MEMORY, "no memory for a text of %zu bytes", out->len);
    while (s < end) {
        if (*s != '\\') {
            *to++ = *s++;
        } else if (*++s != 'u') {
            *to++ = into[strchr(from, *s++) - from];
        } else {
            uint32_t cp;
            s = read_unicode(s, end, &cp);
            if (cp >= 0xD800 && cp <= 0xDFFF) cp = 0xFFFD;
            to += utf8_encode(cp, to);
        }
    }
    *out = (Str){copy, (size_t)(to - copy)};
    return OK;
}
