/* wpm.c: WordPiece, as BERT uses it: text is made plain, cut into words, and each word is covered from
 * the left, always by the longest token that fits.
 *
 *   "Les Élèves" -> "les eleves" -> "▁les", "▁eleves" -> ▁les ▁el eve s
 *
 * A file stores a token that begins a word as "▁el" and one that continues it as "eve". There is no
 * way back from a bad choice: if at some place nothing fits, the whole word is [UNK]. The quick twin copies
 * the tokens of an ASCII word that was there before; all else goes the plain way.
 * Source: Schuster and Nakajima 2012; Devlin et al. 2019 (BERT), section 3. */
#include "tokenizer_impl.h"

#include <string.h>

enum { MAX_WORD = 100 }; /* characters; BERT was trained with longer ones unknown */

Status tokenizer_wpm_open(Tokenizer *t, Arena *a, const Gguf *g, Err *err)
{
    t->lowercase = true;
    TRY(gguf_get_bool(g, "tokenizer.ggml.normalizer.lowercase", &t->lowercase, err));
    t->strip_accents = t->lowercase;
    TRY(gguf_get_bool(g, "tokenizer.ggml.normalizer.strip_accents", &t->strip_accents, err));
    if (t->ids[ID_UNK] < 0)
        return fail(err, E_FORMAT, "model 'bert' has no unknown token, but a word without tokens "
                    "must become something HINT: convert the model again");
    for (int32_t i = 0; i < t->vocab.n_tokens; i++) {
        size_t len = t->vocab.texts[i].len;
        t->longest = len > t->longest ? len : t->longest;
    }
    return unicode_bases_open(&t->bases, a, err);
}

//@ begin wpm-word
/* Tokens of one word; what was pushed goes again if a place is left. */
static Status encode_word(Encoder *e, const char *word, size_t n, Err *err)
{
    const Tokenizer *t = e->t;
    int64_t before = e->out->n;
    for (size_t at = 0; at < n;) {
        size_t len = n - at < t->longest ? n - at : t->longest;
        int32_t id = -1;
        while (len > 0 &&
               (id = tokenizer_vocab_find(&t->vocab, word + at, len)) < 0)
            len--;
        if (id < 0) {
            e->out->n = before;
            return tokens_push(e->out, t->ids[ID_UNK], err);
        }
        TRY(tokens_push(e->out, id, err));
        at += len;
    }
    return OK;
}
//@ end wpm-word

/* The word collected in e->text, which begins with U+2581; then it is empty again. */
static Status end_word(Encoder *e, int *n_chars, Err *err)
{
    if (*n_chars > MAX_WORD) TRY(tokens_push(e->out, e->t->ids[ID_UNK], err));
    else if (*n_chars > 0) TRY(encode_word(e, e->text.data, e->text.len, err));
    *n_chars = 0;
    buf_clear(&e->text);
    return buf_append(&e->text, SPACE_SIGN, 3, err);
}

/* A character that is not white: part of a word, or a word of its own. */
static Status add_character(Encoder *e, uint32_t cp, int *n_chars, Err *err)
{
    bool alone = unicode_is_punctuation(cp) || unicode_is_chinese(cp);
    if (alone) TRY(end_word(e, n_chars, err));
    char c[4];
    int n = utf8_encode(e->t->lowercase ? unicode_lower(cp) : cp, c);
    if (++*n_chars <= MAX_WORD) TRY(buf_append(&e->text, c, (size_t)n, err));
    return alone ? end_word(e, n_chars, err) : OK;
}

/* The character that the text begins with; *used gets its bytes. */
static Status add_next(Encoder *e, const char *text, size_t n, int *n_chars, int *used, Err *err)
{
    /* 1. What cannot be seen is not there: controls, private use, broken bytes, U+FFFD. */
    uint32_t cp = utf8_decode(text, n, used);
    if (cp == UTF8_BAD || cp == 0xFFFD || unicode_is_hidden(cp)) return OK;

    /* 2. White space ends a word. */
    if (unicode_is_space(cp)) return end_word(e, n_chars, err);

    /* 3. Accents go; what is left may be several characters. */
    char plain[12];
    int n_plain = e->t->strip_accents ? unicode_strip(&e->t->bases, cp, plain)
                                      : utf8_encode(cp, plain);
    for (int k = 0, len; k < n_plain; k += len) {
        uint32_t c = utf8_decode(plain + k, (size_t)(n_plain - k), &len);
        TRY(add_character(e, c, n_chars, err));
    }
    return OK;
}

Status tokenizer_wpm_encode(Encoder *e, const char *text, size_t n, Err *err)
{
    int n_chars = 0, used;
    TRY(end_word(e, &n_chars, err));
    for (size_t at = 0; at < n; at += (size_t)used)
        TRY(add_next(e, text + at, n - at, &n_chars, &used, err));
    return end_word(e, &n_chars, err);
}

/* ---------------------------------------------------------------- the quick twin */

/* Bytes of the word that a text begins with, if it is a sign, or letters and digits up to white space or a
 * sign: ASCII has no accents, and nothing that comes after can join. Otherwise 0. */
static size_t plain_word(const char *s, size_t n)
{
    size_t i = 0;
    for (; i < n; i++) {
        unsigned char c = (unsigned char)s[i], low = c | 0x20;
        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9'))) break;
    }
    if (i == n) return i;
    unsigned char next = (unsigned char)s[i];
    if (next >= 0x80) return 0;
    if (i > 0) return unicode_is_space(next) || unicode_is_punctuation(next) ? i : 0;
    return unicode_is_punctuation(next);
}

/* A plain word: copied if it was there before. */
static Status encode_plain(Encoder *e, const char *word, size_t n, Err *err)
{
    CachedWord key, *slot = tokenizer_cache_slot(e, 0, word, n, &key);
    if (slot && tokenizer_cache_has(slot, &key)) return tokenizer_cache_copy(e->out, slot, err);
    int64_t before = e->out->n;
    int n_chars = 0;
    for (size_t i = 0; i < n; i++) TRY(add_character(e, (unsigned char)word[i], &n_chars, err));
    TRY(end_word(e, &n_chars, err));
    tokenizer_cache_keep(slot, &key, e->out, before);
    return OK;
}

Status tokenizer_wpm_quick(Encoder *e, const char *text, size_t n, Err *err)
{
    int n_chars = 0, used;
    TRY(tokenizer_cache_open(e, n, err));
    TRY(end_word(e, &n_chars, err));
    for (size_t at = 0; at < n; at += (size_t)used) {
        size_t word = n_chars == 0 ? plain_word(text + at, n - at) : 0;
        used = (int)word;
        if (word) TRY(encode_plain(e, text + at, word, err));
        else TRY(add_next(e, text + at, n - at, &n_chars, &used, err));
    }
    return end_word(e, &n_chars, err);
}
