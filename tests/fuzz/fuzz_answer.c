/* fuzz_answer.c: any bytes as what a model says. The first byte chooses the family, the thoughts and
 * whether tools were offered; the second how the rest is cut. Whole and in pieces the same parts come out,
 * each call has a name and arguments that are a JSON object, and plain text is not changed. */
#include "layer5.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    Buf text[2]; /* content, thoughts */
    Buf calls;
    Arena a;
} Parts;

static Status take(void *ctx, const ChatPart *part, Err *err)
{
    Parts *p = ctx;
    if (part->kind != CHAT_PART_CALL) {
        CHECK(part->n > 0, "an empty part");
        return buf_append(&p->text[part->kind == CHAT_PART_THOUGHT], part->text, part->n, err);
    }
    ChatValue v;
    CHECK(part->name[0], "a call without a name");
    Status s = chat_value_from_json(&p->a, part->text, part->n, &v, err);
    CHECK(s == OK && v.kind == CHAT_DICT, "arguments: %s", err->text);
    return buf_printf(&p->calls, err, "%s %.*s\n", part->name, (int)part->n, part->text);
}

static void parse(const ChatParserParams *params, const uint8_t *data, size_t n, size_t piece, Parts *parts)
{
    ChatParser p;
    Err err = {{0}};
    chat_parser_open(&p, params, take, parts);
    for (size_t at = 0; at < n;) {
        size_t k = piece < n - at ? piece : n - at;
        char *copy = malloc(k);
        CHECK(copy, "no memory for %zu bytes", k);
        memcpy(copy, data + at, k);
        CHECK(chat_parser_feed(&p, copy, k, &err) == OK, "%s", err.text);
        free(copy);
        at += k;
    }
    CHECK(chat_parser_end(&p, &err) == OK, "%s", err.text);
    chat_parser_close(&p);
}

static void same(const Buf *x, const Buf *y)
{
    CHECK(x->len == y->len && (!x->len || !memcmp(x->data, y->data, x->len)), "%zu bytes against %zu", x->len,
          y->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    ChatParserParams params = {.form = (ChatForm)(data[0] % CHAT_FORM_COUNT), .think = (ChatThink)(data[0] / 8 % 3),
                               .thinks = data[0] & 32, .tools = data[0] & 64};
    if (params.think == CHAT_THINK_NONE) params.thinks = false;
    Parts whole = {0}, cut = {0};
    parse(&params, data + 2, size - 2, size, &whole);
    parse(&params, data + 2, size - 2, 1 + data[1] % 32, &cut);
    for (int i = 0; i < 2; i++) same(&whole.text[i], &cut.text[i]);
    same(&whole.calls, &cut.calls);
    if (size > 2 && params.form == CHAT_FORM_PLAIN && params.think == CHAT_THINK_NONE)
        CHECK(whole.text[0].len == size - 2 && !memcmp(whole.text[0].data, data + 2, size - 2), "plain text changed");
    for (int i = 0; i < 2; i++) buf_close(&whole.text[i]), buf_close(&cut.text[i]);
    buf_close(&whole.calls);
    buf_close(&cut.calls);
    arena_close(&whole.a);
    arena_close(&cut.a);
    return 0;
}
