/* fuzz_vocab.c: any bytes as a GGUF file with a vocabulary. It is refused, or it works: a text is
 * encoded (which may fail for lack of tokens), every id that comes out is in range and decodes. */
#include "layer5.h"

#include <stdlib.h>
#include <string.h>

static const char TEXT[] = "the <s>aaaa</s>  12 é \xFF\n<|x|>ab hello 你好 '";

static void use_vocabulary(const Tokenizer *t, bool parse_special)
{
    Err err;
    TokenList l = {0};
    Buf out = {0};
    Status s = tokenizer_encode(t, TEXT, sizeof TEXT - 1, (EncodeOptions){true, parse_special}, &l,
                                &err);
    CHECK(s == OK || l.n == 0, "%lld ids after %s", (long long)l.n, err.text);
    for (int64_t i = 0; i < l.n; i++)
        CHECK(l.ids[i] >= 0 && l.ids[i] < tokenizer_n_vocab(t), "id %d", l.ids[i]);
    s = tokenizer_decode(t, l.ids, l.n, parse_special, true, &out, &err);
    CHECK(s == OK, "%s", err.text);
    tokens_close(&l);
    buf_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    layer5_init();
    /* A copy of exactly this size: a sanitizer sees what is read beyond it, and it is aligned. */
    void *bytes = malloc(size ? size : 1);
    CHECK(bytes, "no memory for %zu bytes", size);
    memcpy(bytes, data, size);
    Gguf g = {0};
    Arena arena = {0};
    Tokenizer *t = NULL;
    Err err;
    if (gguf_open_memory(&g, bytes, size, &err) == OK &&
        tokenizer_open(&t, &arena, &g, &err) == OK) {
        use_vocabulary(t, false);
        use_vocabulary(t, true);
        Buf out = {0};
        for (int32_t id = 0; id < tokenizer_n_vocab(t) && id < 1000; id++)
            CHECK(tokenizer_piece(t, id, true, &out, &err) == OK, "%s", err.text);
        buf_close(&out);
    }
    tokenizer_close(t);
    arena_close(&arena);
    gguf_close(&g);
    free(bytes);
    return 0;
}
