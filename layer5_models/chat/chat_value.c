/* chat_value.c: values are made, and read from JSON (RFC 8259).
 *
 * The reader goes through the text once. Integers that fit 64 bits stay integers, other numbers
 * become floating point; of members with the same name the last one counts. */
#include "chat_value.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH   100
#define MAX_MEMBERS 10000 /* of one dict: each is looked for among those before it */

ChatValue chat_value_none(void)
{
    return (ChatValue){.kind = CHAT_NONE};
}
ChatValue chat_value_bool(bool b)
{
    return (ChatValue){.kind = CHAT_BOOL, .truth = b};
}
ChatValue chat_value_int(int64_t i)
{
    return (ChatValue){.kind = CHAT_INT, .number = i};
}
ChatValue chat_value_float(double f)
{
    return (ChatValue){.kind = CHAT_FLOAT, .real = f};
}
ChatValue chat_value_text(const char *s)
{
    return chat_value_bytes(s, strlen(s));
}
ChatValue chat_value_bytes(const char *s, size_t n)
{
    return (ChatValue){.kind = CHAT_TEXT, .text = s, .n = n};
}

static Status no_memory(Err *err)
{
    return fail(err, E_MEMORY, "no memory for a chat value");
}

Status chat_value_list(Arena *a, ChatValue *out, Err *err)
{
    *out = (ChatValue){.kind = CHAT_LIST, .list = ARENA_NEW(a, ChatList, 1)};
    return out->list ? OK : no_memory(err);
}

Status chat_value_dict(Arena *a, ChatValue *out, Err *err)
{
    *out = (ChatValue){.kind = CHAT_DICT, .dict = ARENA_NEW(a, ChatDict, 1)};
    return out->dict ? OK : no_memory(err);
}

Status chat_value_append(Arena *a, ChatValue list, ChatValue item, Err *err)
{
    CHECK(list.kind == CHAT_LIST || list.kind == CHAT_TUPLE, "kind %d", list.kind);
    ChatList *l = list.list;
    if (l->n == l->cap) {
        ChatValue *grown = ARENA_NEW(a, ChatValue, 2 * l->cap + 4);
        if (!grown) return no_memory(err);
        if (l->n) memcpy(grown, l->items, (size_t)l->n * sizeof *grown);
        l->items = grown;
        l->cap = 2 * l->cap + 4;
    }
    l->items[l->n++] = item;
    return OK;
}

static ChatPair *find(const ChatDict *d, const char *key, size_t n)
{
    for (int64_t i = 0; i < d->n; i++) {
        ChatValue k = d->pairs[i].key;
        if (k.kind == CHAT_TEXT && k.n == n && memcmp(k.text, key, n) == 0) return &d->pairs[i];
    }
    return NULL;
}

Status chat_value_put(Arena *a, ChatValue dict, ChatValue key, ChatValue value, Err *err)
{
    CHECK(dict.kind == CHAT_DICT || dict.kind == CHAT_NAMESPACE, "kind %d", dict.kind);
    ChatDict *d = dict.dict;
    ChatPair *there = key.kind == CHAT_TEXT ? find(d, key.text, key.n) : NULL;
    if (there) {
        there->value = value;
        return OK;
    }
    if (d->n == d->cap) {
        ChatPair *grown = ARENA_NEW(a, ChatPair, 2 * d->cap + 4);
        if (!grown) return no_memory(err);
        if (d->n) memcpy(grown, d->pairs, (size_t)d->n * sizeof *grown);
        d->pairs = grown;
        d->cap = 2 * d->cap + 4;
    }
    d->pairs[d->n++] = (ChatPair){key, value};
    return OK;
}

ChatValue chat_value_get(ChatValue dict, const char *key)
{
    bool has = dict.kind == CHAT_DICT || dict.kind == CHAT_NAMESPACE;
    ChatPair *p = has ? find(dict.dict, key, strlen(key)) : NULL;
    return p ? p->value : (ChatValue){0};
}

typedef struct {
    Arena *a;
    const char *start, *s, *end;
    Err *err;
} Reader;

static Status bad(const Reader *r, const char *what)
{
    return fail(r->err, E_FORMAT, "JSON byte %lld: %s", (long long)(r->s - r->start), what);
}

static void blanks(Reader *r)
{
    while (r->s < r->end && (*r->s == ' ' || *r->s == '\n' || *r->s == '\t' || *r->s == '\r'))
        r->s++;
}

static bool skip(Reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->s) < n || memcmp(r->s, word, n) != 0) return false;
    r->s += n;
    return true;
}

static int64_t hex4(const char *s, const char *end)
{
    int64_t v = 0;
    if (end - s < 4) return -1;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef", *d = s[i] ? strchr(digits, s[i] | 32) : NULL;
        if (!d || s[i] < '0') return -1;
        v = v * 16 + (d - digits);
    }
    return v;
}

/* \uXXXX, two of them for a code point above U+FFFF. */
static Status read_unicode(Reader *r, char **to)
{
    int64_t cp = hex4(r->s, r->end);
    if (cp < 0) return bad(r, "\\u needs four hexadecimal digits");
    r->s += 4;
    if (cp >= 0xD800 && cp < 0xDC00 && skip(r, "\\u")) {
        int64_t low = hex4(r->s, r->end);
        if (low < 0xDC00 || low > 0xDFFF) return bad(r, "half of a surrogate pair");
        r->s += 4;
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
    }
    int n = utf8_encode((uint32_t)cp, *to);
    if (n == 0) return bad(r, "half of a surrogate pair");
    *to += n;
    return OK;
}

static Status read_text(Reader *r, ChatValue *out)
{
    if (!skip(r, "\"")) return bad(r, "expected is a text in quotes");
    const char *end = r->s;
    while (end < r->end && *end != '"') end += *end == '\\' ? 2 : 1;
    if (end >= r->end) return bad(r, "text has no end");
    char *copy = ARENA_NEW(r->a, char, end - r->s + 1), *to = copy;
    if (!copy) return no_memory(r->err);
    while (r->s < end) {
        if ((unsigned char)*r->s < 32) return bad(r, "control character in a text");
        if (*r->s != '\\') {
            *to++ = *r->s++;
            continue;
        }
        static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
        char c = r->s[1];
        const char *known = c ? strchr(from, c) : NULL;
        r->s += 2;
        if (known)
            *to++ = into[known - from];
        else if (c == 'u')
            TRY(read_unicode(r, &to));
        else
            return bad(r, "unknown escape");
    }
    r->s = end + 1;
    *out = chat_value_bytes(copy, (size_t)(to - copy));
    return OK;
}

static Status read_number(Reader *r, ChatValue *out)
{
    char text[400];
    size_t n = 0;
    bool whole = true;
    while (r->s + n < r->end && n + 1 < sizeof text && r->s[n] &&
           strchr("+-.eE0123456789", r->s[n])) {
        whole &= !strchr(".eE", r->s[n]);
        text[n] = r->s[n];
        n++;
    }
    text[n] = 0;
    size_t first = text[0] == '-', digits = strspn(text + first, "0123456789");
    char *end = text;
    double f = n ? strtod(text, &end) : 0;
    if (digits == 0 || end != text + n || end[-1] == '.' || (text[first] == '0' && digits > 1))
        return bad(r, "no value that JSON knows");
    *out = whole && digits <= 18 ? chat_value_int(strtoll(text, NULL, 10)) : chat_value_float(f);
    r->s += n;
    return OK;
}

static Status read_value(Reader *r, int depth, ChatValue *out)
{
    if (depth > MAX_DEPTH) return fail(r->err, E_LIMIT, "JSON is nested deeper than %d", MAX_DEPTH);
    blanks(r);
    *out = chat_value_none();
    if (skip(r, "null")) return OK;
    bool yes = skip(r, "true");
    if (yes || skip(r, "false")) {
        *out = chat_value_bool(yes);
        return OK;
    }
    if (r->s < r->end && *r->s == '"') return read_text(r, out);
    bool list = skip(r, "[");
    if (!list && !skip(r, "{")) return read_number(r, out);
    TRY(list ? chat_value_list(r->a, out, r->err) : chat_value_dict(r->a, out, r->err));
    blanks(r);
    if (skip(r, list ? "]" : "}")) return OK;
    do {
        ChatValue key, value;
        blanks(r);
        if (!list) {
            TRY(read_text(r, &key));
            blanks(r);
            if (!skip(r, ":")) return bad(r, "expected is ':'");
            if (out->dict->n >= MAX_MEMBERS)
                return fail(r->err, E_LIMIT, "JSON object has more than %d members", MAX_MEMBERS);
        }
        TRY(read_value(r, depth + 1, &value));
        TRY(list ? chat_value_append(r->a, *out, value, r->err)
                 : chat_value_put(r->a, *out, key, value, r->err));
        blanks(r);
    } while (skip(r, ","));
    return skip(r, list ? "]" : "}")
               ? OK
               : bad(r, list ? "expected is ',' or ']'" : "expected is ',' or '}'");
}

Status chat_value_from_json(Arena *a, const char *json, size_t n, ChatValue *out, Err *err)
{
    Reader r = {a, json, json, json + n, err};
    TRY(read_value(&r, 0, out));
    blanks(&r);
    return r.s == r.end ? OK : bad(&r, "something follows the value");
}
