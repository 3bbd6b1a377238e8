/* fuzz_conversation.c: any bytes as a saved conversation. It is refused with a message and nothing changes, or
 * it is read, written, and read again to the same text; and a template renders it or refuses it. The same bytes as
 * a list of tools: refused, or each has a name that is found, and what was read is read again as the same. */
#include "layer6.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void render(const Conversation *c)
{
    Arena a = {0};
    Buf out = {0};
    Err err = {{0}};
    ChatTalk talk = {.thinking = -1, .add_generation_prompt = true, .now_s = 1};
    ChatFormat f;
    Gguf none = {0};
    CHECK(chat_format_open(&f, &none, NULL, NULL, &err) == OK, "%s", err.text);
    CHECK(conversation_messages(c, 1, &a, &talk.messages, &err) == OK, "%s", err.text);
    CHECK(chat_format_render(&f, &talk, &out, &err) == OK || err.text[0], "no message");
    chat_format_close(&f);
    buf_close(&out);
    arena_close(&a);
}

/* Calls that wait can be answered, each once. */
static void answer_all(Conversation *c)
{
    Arena a = {0};
    Err err = {{0}};
    ChatValue calls;
    CHECK(conversation_waiting(c, &a, &calls, &err) == OK, "%s", err.text);
    for (int64_t left = calls.list->n; left > 0; left--) {
        CHECK(conversation_waiting(c, &a, &calls, &err) == OK && calls.list->n > 0, "%s", err.text);
        CHECK(conversation_add_result(c, calls.list->items[calls.list->n - 1], "r", 1, &err) == OK, "%s", err.text);
    }
    arena_close(&a);
}

static void read_tools(const char *json, size_t n)
{
    Arena a = {0};
    ChatValue tools, again;
    Err err = {{0}};
    Buf first = {0}, second = {0};
    if (tools_from_json(&a, json, n, &tools, &err) != OK) {
        CHECK(err.text[0] && tools.kind == CHAT_UNDEFINED, "no message");
    } else {
        for (int64_t i = 0; i < tools.list->n; i++) {
            ChatValue name = chat_value_get(chat_value_get(tools.list->items[i], "function"), "name");
            CHECK(tools_is_name((Str){name.text, name.n}), "a name of %zu bytes", name.n);
            CHECK(tools_find(tools, (Str){name.text, name.n}).kind == CHAT_DICT, "not found");
        }
        CHECK(chat_value_to_json(tools, &first, &err) == OK, "%s", err.text);
        /* Numbers too large for us become infinite, which JSON cannot say; and defaults make the text longer. */
        if (tools_from_json(&a, first.data, first.len, &again, &err) == OK) {
            CHECK(chat_value_to_json(again, &second, &err) == OK, "%s", err.text);
            CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0, "%s", first.data);
        }
    }
    buf_close(&first);
    buf_close(&second);
    arena_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Conversation c = {0};
    Err err = {{0}};
    Buf first = {0}, second = {0};
    char *json = malloc(size ? size : 1);
    CHECK(json, "no memory for %zu bytes", size);
    if (size) memcpy(json, data, size);
    Status s = conversation_from_json(&c, json, size, &err);
    read_tools(json, size);
    free(json);
    if (s != OK) {
        CHECK(err.text[0] && conversation_n(&c) == 0, "status %d", s);
    } else if (conversation_to_json(&c, &first, &err) == OK) {
        render(&c);
        /* Infinite numbers in calls are read, but JSON cannot say them again. */
        if (conversation_from_json(&c, first.data, first.len, &err) == OK) {
            CHECK(conversation_to_json(&c, &second, &err) == OK, "%s", err.text);
            CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0, "%s", first.data);
        }
    }
    if (s == OK) answer_all(&c);
    conversation_close(&c);
    buf_close(&first);
    buf_close(&second);
    return 0;
}
