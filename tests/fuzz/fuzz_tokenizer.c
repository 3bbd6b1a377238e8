/* fuzz_tokenizer.c: any bytes as text, for two small vocabularies that have a token for every byte.
 * The first byte chooses vocabulary and options. Encoding must succeed, the naive and the quick
 * way must agree, and what is decoded must be the input. */
#include "layer5.h"

#include "layer5/vocab_bytes.h"

enum { MAX_BYTES = 1 << 14 }; /* scan takes quadratic time */

typedef struct {
    VocabBytes bytes;
    Gguf gguf;
    Arena arena;
    Tokenizer *t;
} Vocabulary;

static Vocabulary vocabularies[4];

static void open_one(Vocabulary *v, const char *model, const char *pre)
{
    static const char *const merges[] = {"t h", "h e", "Ġ t", "th e", "Ġt he", "a a", "aa aa",
                                         "Ġ Ġ", "ĠĠ ĠĠ", "1 2", "Ã ©", "a b"};
    static const char *const bpe[] = {"th", "he", "Ġt", "the", "Ġthe", "aa", "aaaa", "ĠĠ", "ĠĠĠĠ",
                                      "12", "Ã©"};
    static const char *const spm[] = {"▁", "t", "h", "e", "th", "he", "▁t", "the", "▁the", "a",
                                      "aa", "aaaa", "▁▁", "é", "12", "1"};
    static VocabList l;
    bool is_spm = strcmp(model, "llama") == 0;
    l.n = 0;
    vl_add(&l, "<unk>", TOKEN_UNKNOWN, 0);
    vl_add(&l, "<s>", TOKEN_CONTROL, 0);
    vl_add(&l, "</s>", TOKEN_CONTROL, 0);
    vl_add(&l, "<|x|>", TOKEN_CONTROL, 0);
    if (is_spm) {
        vl_byte_names(&l);
        for (int i = 0; i < 16; i++) vl_add(&l, spm[i], TOKEN_NORMAL, (float)-i);
    } else {
        vl_byte_alphabet(&l);
        for (int i = 0; i < 11; i++) vl_add(&l, bpe[i], TOKEN_NORMAL, 0);
    }
    v->bytes = vb_open();
    vb_str(&v->bytes, "model", model);
    vb_str(&v->bytes, "pre", pre);
    vb_num(&v->bytes, "bos_token_id", 1);
    vb_num(&v->bytes, "eos_token_id", 2);
    vb_list(&v->bytes, &l, is_spm);
    vb_texts(&v->bytes, "merges", merges, 12);
    Err err;
    Status s = gguf_open_memory(&v->gguf, v->bytes.b.data, v->bytes.b.len, &err);
    if (s == OK) s = tokenizer_open(&v->t, &v->arena, &v->gguf, &err);
    CHECK(s == OK, "%s", err.text);
}

static void encode(const Tokenizer *t, const char *variant, const char *text, size_t n,
                   EncodeOptions opt, TokenList *l)
{
    Err err;
    CHECK(kernels_use(variant, &err) == OK, "%s", err.text);
    Status s = tokenizer_encode(t, text, n, opt, l, &err);
    CHECK(s == OK, "%s", err.text);
}

/* In SPM a space is the same as U+2581, so that one comes back as the other. */
static bool has_space_sign(const char *text, size_t n) { return memmem(text, n, "▁", 3) != NULL; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!vocabularies[0].t) {
        layer5_init();
        open_one(&vocabularies[0], "llama", "default");
        open_one(&vocabularies[1], "gpt2", "llama-bpe");
        open_one(&vocabularies[2], "gpt2", "deepseek-v3");
        open_one(&vocabularies[3], "gpt2", "tiny_aya");
    }
    if (size < 1 || size > MAX_BYTES) return 0;
    const Tokenizer *t = vocabularies[data[0] & 3].t;
    EncodeOptions opt = {.add_special = data[0] & 4, .parse_special = data[0] & 8};
    const char *text = (const char *)data + 1;
    size_t n = size - 1;

    TokenList scan = {0}, heap = {0};
    encode(t, "tokenize:plain,bpe_merge:scan", text, n, opt, &scan);
    encode(t, NULL, text, n, opt, &heap);
    CHECK(scan.n == heap.n && (!scan.n || !memcmp(scan.ids, heap.ids, 4 * (size_t)scan.n)),
          "the naive way gives %lld ids, the quick one %lld", (long long)scan.n, (long long)heap.n);

    /* A typed "<s>" is a token, and a leading one is no part of the text: no way back from there. */
    bool exact = !opt.parse_special &&
                 !(tokenizer_kind(t) == TOKENIZER_SPM && has_space_sign(text, n));
    Buf back = {0};
    Err err;
    Status s = tokenizer_decode(t, heap.ids, heap.n, true, false, &back, &err);
    CHECK(s == OK, "%s", err.text);
    if (exact)
        CHECK(back.len == n && (n == 0 || !memcmp(back.data, text, n)),
              "%zu bytes came back as %zu", n, back.len);
    tokens_close(&scan);
    tokens_close(&heap);
    buf_close(&back);
    return 0;
}
