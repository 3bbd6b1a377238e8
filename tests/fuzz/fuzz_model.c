/* fuzz_model.c: any bytes at all become a model or are refused with a hint, and a model that opens
 * encodes a text and computes two tokens. */
#include "layer6.h"

#include <string.h>

enum { N_CTX = 4, MOST_BYTES = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compute(const Model *m)
{
    Session s = {0};
    KvCache kv = {0};
    Err err;
    /* A file may claim sizes that nobody has; the command line refuses such a plan, and so do we. */
    int64_t plan = session_plan(m, 2, N_CTX, 1);
    int64_t cache = kvcache_plan(m, DT_F16, DT_F16, N_CTX, 1);
    if (plan < 0 || cache < 0 || plan > MOST_BYTES || cache > MOST_BYTES) return;
    int64_t row = m->weights.output.w.data ? m->hp.n_vocab : m->spec.d_model;
    float *logits = mem_alloc((size_t)row * sizeof *logits);
    Status st = !logits ? E_MEMORY : m->weights.output.w.data ? session_open(&s, m, NULL, 2, N_CTX, &err)
                                   : session_open_hidden(&s, m, NULL, 2, N_CTX, &err);
    if (st == OK) st = kvcache_open(&kv, m, DT_F16, DT_F16, N_CTX, 1, &err);
    BatchItem items[2] = {{0, 0, 0, false}, {(int32_t)m->hp.n_vocab - 1, 0, 1, true}};
    if (st == OK) st = model_forward(&s, items, 2, kvcache_source(&kv), logits, NULL, &err);
    CHECK(st == OK || st == E_LIMIT, "a model that opened does not compute: %s", err.text);
    kvcache_close(&kv);
    session_close(&s);
    mem_free(logits);
}

static void encode(const Tokenizer *t)
{
    static const char text[] = "Ab \xC3\xA4 <s>\xFF 12";
    TokenList ids = {0};
    Buf out = {0};
    Err err;
    EncodeOptions opt = {.add_special = true, .parse_special = true};
    if (tokenizer_encode(t, text, sizeof text - 1, opt, &ids, &err) == OK) {
        Status s = tokenizer_decode(t, ids.ids, ids.n, true, true, &out, &err);
        CHECK(s == OK, "own ids are refused: %s", err.text);
    }
    tokens_close(&ids);
    buf_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Model m;
    Err err;
    layer6_init();
    /* An exact, aligned copy: one byte too many is seen by the sanitizer. */
    uint8_t *copy = mem_alloc(size);
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    if (model_open_memory(&m, copy, size, &err) == OK) {
        if (m.tokenizer) encode(m.tokenizer);
        compute(&m);
    } else {
        CHECK(strstr(err.text, "HINT:"), "an error without a hint: %s", err.text);
    }
    model_close(&m);
    mem_free(copy);
    return 0;
}
