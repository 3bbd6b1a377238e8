/* fuzz_hfconfig.c: any bytes as a config.json. They are refused with a message, or become keys that the reader of
 * hyper-parameters takes or refuses; no number in them is trusted. */
#include "gguf_parts.h"
#include "hf_impl.h"
#include "layer5.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The keys, opened again. */
static void read_again(GgufWriter *w)
{
    GgufParts parts = {0};
    Buf header = {0};
    Gguf g;
    Hparams h;
    Err err = {{0}};
    CHECK(gguf_writer_header(w, &header, &err) == OK, "%s", err.text);
    char *copy = arena_alloc(&parts.arena, (int64_t)header.len, 1);
    CHECK(copy, "no memory for %zu bytes", header.len);
    memcpy(copy, header.data, header.len);
    parts.header = copy;
    parts.header_bytes = header.len;
    buf_close(&header);
    Status s = gguf_open_parts(&g, &parts, &err);
    CHECK(s == OK, "%s", err.text);
    s = hparams_read(&h, &g, &err);
    CHECK(s == OK || err.text[0], "no message");
    gguf_close(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char none[] = "\x02\0\0\0\0\0\0\0{}";
    Err err = {{0}};
    char *copy = malloc(size ? size : 1); /* of exactly this size: a sanitizer sees what is read beyond */
    CHECK(copy, "no memory for %zu bytes", size);
    if (size) memcpy(copy, data, size);
    HfModel m = {.dir = "/nowhere", .n_vocab = 64};
    HfParams p = {.wish = -1, .name = "fuzz"};
    GgufWriter *w = NULL;
    enum { FACTORS = 2 };
    ImportTensor tensors[FACTORS];
    ImportSource sources[FACTORS];
    int64_t n = 0;
    Status s = safetensors_open_memory(&m.weights, none, 10, &err);
    CHECK(s == OK, "%s", err.text);
    s = jsonview_open(&m.config.root, copy, size, &err);
    if (s == OK) s = hf_read_config(&m, &err);
    if (s == OK) s = gguf_writer_open(&w, 32, &err);
    if (s == OK) s = hf_put_config(w, &m, &p, &err);
    if (s == OK) s = hf_put_rope(w, &m, tensors, sources, &n, &err);
    CHECK(s == OK || err.text[0], "no message");
    if (s == OK) read_again(w);
    gguf_writer_close(w);
    hf_close(&m);
    free(copy);
    return 0;
}
