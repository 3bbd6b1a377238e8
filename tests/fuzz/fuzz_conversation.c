/* fuzz_conversation.c: any bytes as a saved conversation. It is refused with a message and nothing changes, or
 * it is read, written, and read again to the same text; and a template renders it or refuses it. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Conversation c = {0};
    Err err = {{0}};
    Buf first = {0}, second = {0};
    char *json = malloc(size ? size : 1);
    CHECK(json, "no memory for %zu bytes", size);
    if (size) memcpy(json, data, size);
    Status s = conversation_from_json(&c, json, size, &err);
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
    conversation_close(&c);
    buf_close(&first);
    buf_close(&second);
    return 0;
}
