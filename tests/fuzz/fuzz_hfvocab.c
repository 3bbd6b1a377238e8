/* fuzz_hfvocab.c: any bytes as a tokenizer.json, a tokenizer.model or a vocab.txt. They are refused with a message, or
 * become a vocabulary in which every id has a text. */
#include "hf_vocab_impl.h"
#include "layer5.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {{0}};
    uint8_t *copy = malloc(size ? size : 1); /* of exactly this size: a sanitizer sees what is read beyond */
    CHECK(copy, "no memory for %zu bytes", size);
    if (size) memcpy(copy, data, size);
    for (int form = 0; form < 3; form++) {
        HfModel m = {.n_vocab = 64, .n_layer = 1};
        HfVocab v = {.m = &m};
        JsonView root;
        Status s = jsonview_open(&root, "{\"architectures\":[\"LlamaForCausalLM\"]}", 38, &err);
        CHECK(s == OK, "%s", err.text);
        JsonWalk w = jsonview_walk(jsonview_get(root, "architectures"));
        JsonView name;
        jsonview_next(&w, NULL, &name);
        m.family = hf_family_find(name);
        CHECK(hf_vocab_room(&v, &err) == OK, "%s", err.text);
        err.text[0] = 0;
        if (form == 1) s = hf_vocab_from_model(&v, copy, size, &err);
        else if (form == 2) s = hf_vocab_from_lines(&v, (const char *)copy, size, &err);
        else if ((s = jsonview_open(&m.tokenizer.root, (const char *)copy, size, &err)) == OK)
            s = hf_vocab_from_json(&v, NULL, &err);
        CHECK(s == OK || err.text[0], "no message");
        for (int64_t i = 0; s == OK && i < v.n; i++)
            CHECK(v.types[i] >= 0 && v.types[i] <= HF_BYTE, "token %lld is of type %d", (long long)i, v.types[i]);
        arena_close(&m.arena);
    }
    free(copy);
    return 0;
}
