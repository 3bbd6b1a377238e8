/* fuzz_gguf.c: any bytes at all are opened or refused, and what is opened can be read. */
#include "gguf_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Gguf g;
    Err err;
    /* An exact, aligned copy: one byte too many is seen by the sanitizer. */
    uint8_t *copy = mem_alloc(size);
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    if (gguf_open_memory(&g, copy, size, &err) == OK) {
        volatile uint64_t sum = gguf_walk(&g);
        (void)sum;
    } else {
        CHECK(strstr(err.text, "HINT:"), "an error without a hint: %s", err.text);
    }
    gguf_close(&g);
    mem_free(copy);
    return 0;
}
