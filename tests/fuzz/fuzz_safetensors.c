/* fuzz_safetensors.c: any bytes as a safetensors file, and as JSON. It is refused with a message, or every
 * byte of every tensor, and every text of every value, can be read. */
#include "layer5.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All values down to a depth; the parser's limit is what keeps this recursion short. */
static int64_t walk(JsonView v, Arena *a)
{
    JsonView key, value;
    Str text;
    Err err;
    double x = 0;
    int64_t n = 1, i;
    for (JsonWalk w = jsonview_walk(v); jsonview_next(&w, &key, &value);) {
        if (key.s) CHECK(jsonview_text(key, a, &text, &err) == OK, "a key is no text");
        n += walk(value, a);
    }
    if (jsonview_kind(v) == JSON_TEXT) CHECK(jsonview_text(v, a, &text, &err) == OK, "a text is none");
    if (jsonview_kind(v) == JSON_NUMBER) CHECK(jsonview_number(v, &x), "a number is none");
    jsonview_int(v, INT64_MIN, INT64_MAX, &i);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {{0}};
    SafeTensors st;
    JsonView root;
    Arena a = {0};
    uint8_t *copy = malloc(size ? size : 1); /* of exactly this size: a sanitizer sees what is read beyond */
    CHECK(copy, "no memory for %zu bytes", size);
    if (size) memcpy(copy, data, size);
    if (safetensors_open_memory(&st, copy, size, &err) == OK) {
        uint64_t sum = 0;
        for (int64_t t = 0; t < st.n; t++)
            for (int64_t i = 0; i < st.tensors[t].bytes; i++) sum += st.tensors[t].data[i];
        CHECK(sum <= 255 * (uint64_t)size, "more bytes than there are");
        safetensors_close(&st);
    } else {
        CHECK(err.text[0], "no message");
    }
    err.text[0] = 0;
    if (jsonview_open(&root, (const char *)copy, size, &err) == OK) walk(root, &a);
    else CHECK(err.text[0], "no message");
    arena_close(&a);
    free(copy);
    return 0;
}
