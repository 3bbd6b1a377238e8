/* fuzz_llama2c.c: any bytes as a llama2.c model, and as its vocabulary. It is refused with a message, or
 * every number it promises can be read. */
#include "layer5.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {{0}};
    Llama2c m;
    GgufWriter *w;
    uint8_t *copy = malloc(size ? size : 1); /* of exactly this size: a sanitizer sees what is read beyond */
    CHECK(copy, "no memory for %zu bytes", size);
    if (size) memcpy(copy, data, size);
    layer5_init();
    if (llama2c_open_memory(&m, copy, size, &err) == OK) {
        const uint8_t *end = copy + size;
        for (int p = 0; p < LLAMA2C_PARTS; p++)
            CHECK(m.starts[p] >= 0 && copy + m.starts[p] <= end, "part %d at %lld", p, (long long)m.starts[p]);
    } else {
        CHECK(err.text[0], "no message");
    }
    err.text[0] = 0;
    CHECK(gguf_writer_open(&w, 32, &err) == OK, "%s", err.text);
    Status s = llama2c_put_vocabulary(w, copy, size, size ? copy[0] + 1 : 1, &err);
    CHECK(s == OK || err.text[0], "no message");
    gguf_writer_close(w);
    free(copy);
    return 0;
}
