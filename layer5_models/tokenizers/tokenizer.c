/* tokenizer.c: opening a vocabulary: the family decides the defaults, the keys of the file override
 * them, then the tables of the family are built. Everything is checked here, so that encoding and
 * decoding trust the tables. */
#include "tokenizer_impl.h"

#include <string.h>

static void set_defaults(Tokenizer *t, TokenizerKind kind)
{
    t->kind = kind;
    for (int i = 0; i < ID_COUNT; i++) t->ids[i] = -1;
    if (kind == TOKENIZER_SPM) {
        t->ids[ID_BOS] = 1;
        t->ids[ID_EOS] = 2;
        t->ids[ID_UNK] = 0;
        t->add_bos = t->add_space_prefix = true;
    } else if (kind == TOKENIZER_WPM) {
        t->ids[ID_BOS] = 101; /* [CLS] */
        t->ids[ID_UNK] = 100;
        t->ids[ID_SEP] = 102;
        t->add_bos = t->clean_spaces = true;
    } else if (kind == TOKENIZER_UGM) {
        t->ids[ID_EOS] = 1;
        t->ids[ID_UNK] = 2;
        t->add_eos = true;
    }
    if (kind != TOKENIZER_BPE) return;
    bool plain = !(t->pre->flags & PRE_RAW) || t->pre->flags & PRE_BLANKS_STAY;
    t->ids[ID_BOS] = plain && !(t->pre->flags & PRE_NO_BOS_ID) ? 11 : -1;
    t->ids[ID_EOS] = plain ? 11 : -1;
    t->add_bos = t->pre->flags & PRE_ADD_BOS;
    t->clean_spaces = t->pre->flags & PRE_CLEAN;
}

static Status choose_family(Tokenizer *t, const Gguf *g, Err *err)
{
    Str model = {"", 0}, pre = {"default", 7};
    TRY(gguf_get_str(g, "tokenizer.ggml.model", &model, err));
    static const char *const others[] = {"llama", "bert", "t5", "rwkv"};
    static const TokenizerKind kinds[] = {TOKENIZER_SPM, TOKENIZER_WPM, TOKENIZER_UGM, TOKENIZER_RWKV};
    for (int i = 0; i < 4; i++) {
        if (!str_is(model, others[i])) continue;
        set_defaults(t, kinds[i]);
        return OK;
    }
    t->words_only = str_is(model, "whitespace");
    if (!str_is(model, "gpt2") && !str_is(model, "gemma4") && !t->words_only)
        return fail(err, E_UNSUPPORTED, "'tokenizer.ggml.model' is '%.*s' HINT: families known here "
                    "are llama (SentencePiece BPE), gpt2 (byte-level BPE), gemma4, whitespace, "
                    "bert (WordPiece), t5 (Unigram) and rwkv",
                    STR_ARG(model));
    if (str_is(model, "gemma4")) pre = (Str){"gemma4", 6};
    if (t->words_only) {
        pre = (Str){"whitespace", 10};
        TRY(gguf_get_bool(g, "tokenizer.ggml.normalizer.lowercase", &t->lowercase, err));
    }
    TRY(gguf_get_str(g, "tokenizer.ggml.pre", &pre, err));
    TRY(tokenizer_pre_find(&t->pre, pre, err));
    if (t->words_only && !(t->pre->flags & PRE_BLANKS_STAY))
        return fail(err, E_UNSUPPORTED, "'tokenizer.ggml.model' is 'whitespace' and 'tokenizer.ggml.pre' is '%s' "
                    "HINT: such vocabularies have the pre-tokenizer 'whitespace'", t->pre->name);
    set_defaults(t, TOKENIZER_BPE);
    return OK;
}

static Status read_types(Tokenizer *t, Arena *a, const Gguf *g, Err *err)
{
    int32_t n = t->vocab.n_tokens;
    const GgufKv *kv;
    TRY(gguf_array(g, "tokenizer.ggml.token_type", GGUF_I32, n, &kv, err));
    t->types = ARENA_NEW(a, uint8_t, n);
    t->flags = ARENA_NEW(a, uint8_t, n);
    if (!t->types || !t->flags) return fail(err, E_MEMORY, "no memory for %d token types", n);
    for (int32_t i = 0; i < n; i++) {
        int64_t type = kv ? gguf_array_int(kv, i) : TOKEN_NORMAL;
        if (type < 0 || type > TOKEN_BYTE) type = TOKEN_UNDEFINED;
        if (type == TOKEN_BYTE && tokenizer_byte_value(t->vocab.texts[i]) < 0)
            return fail(err, E_FORMAT, "token %d is a byte token, but its text '%.*s' is not of "
                        "the form <0x0A> HINT: convert the model again", i, STR_ARG(t->vocab.texts[i]));
        t->types[i] = (uint8_t)type;
    }
    return OK;
}

/* Where merges can reach across the left edge of U+2581; symbols of merges count too. */
static void find_glued(Tokenizer *t)
{
    for (int32_t i = 0; i < t->vocab.n; i++) {
        const char *s = t->vocab.texts[i].ptr, *end = s + t->vocab.texts[i].len, *at = s;
        while ((at = memmem(at, (size_t)(end - at), SPACE_SIGN, 3)) != NULL) {
            if (at > s) t->glued[(unsigned char)at[-1]] = true;
            at++;
        }
    }
}

static Status open_all(Tokenizer *t, Arena *a, const Gguf *g, Err *err)
{
    TRY(choose_family(t, g, err));
    TRY(tokenizer_vocab_open(&t->vocab, a, g, err));
    TRY(read_types(t, a, g, err));
    TRY(tokenizer_special_ids(t, g, err));
    if (t->pre && t->pre->flags & PRE_RAW && t->pre->flags & PRE_ADD_BOS) t->add_bos = true;
    tokenizer_special_texts(t, g);
    TRY(tokenizer_special_open(t, a, err));
    switch (t->kind) {
    case TOKENIZER_SPM: find_glued(t); return tokenizer_spm_open(t, a, g, err);
    case TOKENIZER_WPM: return tokenizer_wpm_open(t, a, g, err);
    case TOKENIZER_UGM: return tokenizer_ugm_open(t, a, g, err);
    case TOKENIZER_RWKV: return tokenizer_rwkv_open(t, a, err);
    case TOKENIZER_BPE: break;
    }
    TRY(tokenizer_bpe_open(t, a, g, err));
    if (t->pre->flags & PRE_RAW) find_glued(t);
    return tokenizer_patterns_open(t, err);
}

Status tokenizer_open(Tokenizer **out, Arena *arena, const Gguf *g, Err *err)
{
    *out = NULL;
    Tokenizer *t = ARENA_NEW(arena, Tokenizer, 1);
    if (!t) return fail(err, E_MEMORY, "no memory for a tokenizer");
    Status status = open_all(t, arena, g, err);
    if (status != OK) {
        tokenizer_close(t);
        return fail_in(err, status, "tokenizer");
    }
    *out = t;
    return OK;
}

void tokenizer_close(Tokenizer *t)
{
    if (t) tokenizer_patterns_close(t);
}

TokenizerKind tokenizer_kind(const Tokenizer *t) { return t->kind; }
const char *tokenizer_pre(const Tokenizer *t) { return t->pre ? t->pre->name : ""; }
int32_t tokenizer_n_vocab(const Tokenizer *t) { return t->vocab.n_tokens; }
int32_t tokenizer_bos(const Tokenizer *t) { return t->ids[ID_BOS]; }
int32_t tokenizer_eos(const Tokenizer *t) { return t->ids[ID_EOS]; }
bool tokenizer_add_bos(const Tokenizer *t) { return t->add_bos; }
bool tokenizer_adds_space_prefix(const Tokenizer *t) { return t->add_space_prefix; }

static void check_range(const Tokenizer *t, int32_t id)
{
    CHECK(id >= 0 && id < t->vocab.n_tokens, "token id %d of %d", id, t->vocab.n_tokens);
}

bool tokenizer_is_eog(const Tokenizer *t, int32_t id)
{
    check_range(t, id);
    return t->flags[id] & TOKEN_FLAG_EOG;
}

TokenType tokenizer_type(const Tokenizer *t, int32_t id)
{
    check_range(t, id);
    return (TokenType)t->types[id];
}

Str tokenizer_text(const Tokenizer *t, int32_t id)
{
    check_range(t, id);
    return t->vocab.texts[id];
}

int32_t tokenizer_find(const Tokenizer *t, const char *text, size_t n)
{
    int32_t id = tokenizer_vocab_find(&t->vocab, text, n);
    return id < t->vocab.n_tokens ? id : -1;
}

int tokenizer_missing_bytes(const Tokenizer *t)
{
    if (t->kind == TOKENIZER_WPM || t->kind == TOKENIZER_UGM) return 0; /* they need no byte tokens */
    int missing = 0;
    for (int b = 0; b < 256; b++) missing += t->byte_ids[b] < 0;
    return missing;
}
