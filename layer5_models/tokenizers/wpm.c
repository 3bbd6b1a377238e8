/* wpm.c: WordPiece, as BERT uses it: text is made plain, cut into words, and each word is covered from
 * the left, always by the longest token that fits.
 *
 *   "Les Élèves" -> "les eleves" -> "▁les", "▁eleves" -> ▁les ▁el eve s
 *
 * A file stores a token that begins a word as "▁el" and one that continues it as "eve". There is no
 * way back from a bad choice: if at some place nothing fits, the whole word is [UNK].
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

Status tokenizer_wpm_encode(Encoder *e, const char *text, size_t n, Err *err)
{
    int n_chars = 0, used;
    TRY(end_word(e, &n_chars, err));
    for (size_t at = 0; at < n; at += (size_t)used) {
        uint32_t cp = utf8_decode(text + at, n - at, &used);
        /* 1. What cannot be seen is not there: controls, private use, broken bytes, U+FFFD. */
        if (cp == UTF8_BAD || cp == 0xFFFD || unicode_is_hidden(cp)) continue;

        /* 2. White space ends a word. */
        if (unicode_is_space(cp)) {
            TRY(end_word(e, &n_chars, err));
            continue;
        }

        /* 3. Accents go; what is left may be several characters. */
        char plain[12];
        int n_plain = e->t->strip_accents ? unicode_strip(&e->t->bases, cp, plain)
                                          : utf8_encode(cp, plain);
        for (int k = 0, len; k < n_plain; k += len) {
            uint32_t c = utf8_decode(plain + k, (size_t)(n_plain - k), &len);
            TRY(add_character(e, c, &n_chars, err));
        }
    }
    return end_word(e, &n_chars, err);
}
