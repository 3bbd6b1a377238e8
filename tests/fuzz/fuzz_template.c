/* fuzz_template.c: any bytes as a chat template. It is refused with a message, or it renders a
 * fixed conversation to a text within the limit; twice, to the same text. The bytes after the
 * first zero byte, if any, are read as JSON and given as the variable "extra". */
#include "layer5.h"

#include <stdlib.h>
#include <string.h>

static const char CONVERSATION[] =
    "{\"messages\": [{\"role\": \"system\", \"content\": \" s \"}, {\"role\": \"user\", "
    "\"content\": \"é 你\"},"
    "{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"id\": \"1\", \"type\": "
    "\"function\","
    "\"function\": {\"name\": \"f\", \"arguments\": {\"x\": 1.5, \"y\": [null, true]}}}]}],"
    "\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {}}}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena a = {0};
    Err err = {{0}};
    ChatValue all, json, extra;
    ChatTemplate *t;
    const char *zero = size ? memchr(data, 0, size) : NULL;
    size_t n = zero ? (size_t)(zero - (const char *)data) : size;
    /* Copies of exactly these sizes: a sanitizer sees what is read beyond them. */
    char *source = malloc(n ? n : 1);
    CHECK(source, "no memory for %zu bytes", n);
    memcpy(source, data, n);
    CHECK(chat_value_from_json(&a, CONVERSATION, sizeof CONVERSATION - 1, &all, &err) == OK, "%s",
          err.text);
    CHECK(chat_value_dict(&a, &extra, &err) == OK, "%s", err.text);
    if (zero && chat_value_from_json(&a, zero + 1, size - n - 1, &json, &err) == OK)
        CHECK(chat_value_put(&a, extra, chat_value_text("extra"), json, &err) == OK, "%s",
              err.text);
    ChatInput in = {chat_value_get(all, "messages"),
                    chat_value_get(all, "tools"),
                    extra,
                    true,
                    "<s>",
                    "</s>",
                    1};
    if (chat_template_compile(&a, source, n, &t, &err) == OK) {
        Buf first = {0}, second = {0};
        Status s = chat_template_render(t, &in, &first, &err);
        CHECK(s == OK || (first.len == 0 && err.text[0]), "%zu bytes, status %d", first.len, s);
        CHECK(first.len <= (4u << 20), "%zu bytes", first.len);
        CHECK(chat_template_render(t, &in, &second, &err) == s, "other status");
        CHECK(first.len == second.len &&
                  (!first.len || !memcmp(first.data, second.data, first.len)),
              "other text");
        buf_close(&first);
        buf_close(&second);
    } else {
        CHECK(err.text[0], "no message");
    }
    free(source);
    arena_close(&a);
    return 0;
}
