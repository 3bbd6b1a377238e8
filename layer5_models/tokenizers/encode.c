/* encode.c: text to ids.
 *
 *   text -> special tokens and the fragments between them -> (BPE: words) -> symbols -> merges -> ids
 *
 * SPM writes a space as U+2581 and merges over a whole fragment. BPE merges inside each word. This is
 * the plain twin, which takes every step for every word; encode_quick.c saves most of them. The
 * families that merge nothing are in files of their own, with WordPiece's own plain and quick way. */
#include "tokenizer_impl.h"

#include "layer5_kernels.h"

#include <string.h>

Status tokens_push(TokenList *l, int32_t id, Err *err)
{
    if (l->n == l->cap) {
        int64_t cap = l->cap ? 2 * l->cap : 64;
        int32_t *ids = mem_resize(l->ids, (size_t)cap * sizeof *ids);
        if (!ids) return fail(err, E_MEMORY, "no memory for %lld token ids", (long long)cap);
        l->ids = ids;
        l->cap = cap;
    }
    l->ids[l->n++] = id;
    return OK;
}

void tokens_close(TokenList *l)
{
    mem_free(l->ids);
    *l = (TokenList){0};
}

/* Room for n symbols and for merging them. */
static Status symbols_reserve(Encoder *e, size_t n, Err *err)
{
    buf_clear(&e->symbols);
    TRY(buf_reserve(&e->symbols, n * sizeof(BpeSymbol), err));
    return buf_reserve(&e->work, bpe_merge_work_bytes((int64_t)n), err);
}

/* Copies the text with each space as U+2581, one more in front if asked for. */
static Status escape_spaces(Encoder *e, const char *text, size_t n, bool prefix, Err *err)
{
    buf_clear(&e->text);
    TRY(buf_reserve(&e->text, n + 3, err));
    if (prefix) TRY(buf_append(&e->text, SPACE_SIGN, 3, err));
    for (const char *end = text + n; text < end;) {
        const char *space = memchr(text, ' ', (size_t)(end - text));
        const char *stop = space ? space : end;
        TRY(buf_append(&e->text, text, (size_t)(stop - text), err));
        if (space) TRY(buf_append(&e->text, SPACE_SIGN, 3, err));
        text = stop + (space != NULL);
    }
    return OK;
}

/* One symbol per character, and per byte that is in none; named by the vocabulary if asked for. A cut
 * by lead bytes alone, which others make, would let a stray 0xF0 swallow the space that follows. */
static int64_t cut_characters(Encoder *e, const char *text, size_t n, bool named)
{
    BpeSymbol *s = (BpeSymbol *)(void *)e->symbols.data;
    int64_t count = 0;
    for (size_t at = 0, len; at < n; at += len) {
        int used;
        utf8_decode(text + at, n - at, &used);
        len = (size_t)used;
        int32_t id = named ? tokenizer_vocab_find(&e->t->vocab, text + at, len) : -1;
        s[count++] = (BpeSymbol){(uint32_t)at, (uint32_t)len, id};
    }
    return count;
}

/* A symbol without a token of its own: one token per byte. */
static Status push_bytes(Encoder *e, const char *text, size_t n, Err *err)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)text[i];
        int32_t id = e->t->byte_ids[b];
        if (id < 0 && e->t->kind == TOKENIZER_BPE) continue;
        if (id < 0) id = e->t->ids[ID_UNK];
        if (id < 0)
            return fail(err, E_FORMAT, "the vocabulary has no token for the byte 0x%02X and no "
                        "unknown token HINT: the model file cannot express this text", b);
        TRY(tokens_push(e->out, id, err));
    }
    return OK;
}

/* The token whose text is the whole word, or -1. */
static Status find_whole(Encoder *e, const char *word, size_t n, int32_t *id, Err *err)
{
    *id = -1;
    if (n > MAX_TOKEN_BYTES) return OK;
    if (e->t->pre->flags & PRE_RAW) {
        *id = tokenizer_vocab_find(&e->t->vocab, word, n);
    } else {
        buf_clear(&e->text);
        for (size_t i = 0; i < n; i++) {
            char c[4];
            int len = tokenizer_byte_char((unsigned char)word[i], c);
            TRY(buf_append(&e->text, c, (size_t)len, err));
        }
        *id = tokenizer_vocab_find(&e->t->vocab, e->text.data, e->text.len);
    }
    if (*id >= e->t->vocab.n_tokens) *id = -1;
    return OK;
}

/* The first character is white; then the piece is a gap between words. */
static bool is_gap(const char *piece, size_t n)
{
    int used;
    return unicode_is_space(utf8_decode(piece, n, &used));
}

Status tokenizer_encode_word(Encoder *e, const char *word, size_t n, Err *err)
{
    /* 1. Some vocabularies take a word that is a token as it is, some have nothing for gaps. */
    const Tokenizer *t = e->t;
    if (t->words_only && is_gap(word, n)) return OK;
    bool spm = t->kind == TOKENIZER_SPM;
    unsigned flags = spm ? PRE_RAW : t->pre->flags;
    if (flags & PRE_IGNORE_MERGES || (flags & PRE_NEWLINE_RUNS && word[0] == '\n')) {
        int32_t id;
        TRY(find_whole(e, word, n, &id, err));
        if (id >= 0) return tokens_push(e->out, id, err);
    }

    /* 2. One symbol per character or byte. */
    TRY(symbols_reserve(e, n, err));
    BpeSymbol *s = (BpeSymbol *)(void *)e->symbols.data;
    int64_t count = (int64_t)n;
    if (flags & PRE_RAW) {
        count = cut_characters(e, word, n, !spm);
    } else {
        for (size_t i = 0; i < n; i++)
            s[i] = (BpeSymbol){(uint32_t)i, 1, t->byte_symbols[(unsigned char)word[i]]};
    }

    /* 3. Merge. */
    BpeRules rules = {spm ? tokenizer_spm_pair : tokenizer_bpe_pair, t, word};
    if (count > 1) count = bpe_merge(&rules, s, count, e->work.data);

    /* 4. What merged is a token; a single character may be one too. What is none (in BPE, if only merges
     *    mention it) is written byte by byte. */
    for (int64_t i = 0; i < count; i++) {
        const char *at = word + s[i].start;
        int32_t id = s[i].id;
        if (spm && id < 0) id = tokenizer_vocab_find(&t->vocab, at, s[i].len);
        if (id >= 0 && id < t->vocab.n_tokens) TRY(tokens_push(e->out, id, err));
        else TRY(push_bytes(e, at, s[i].len, err));
    }
    return OK;
}

/* Letter by letter; what is no character stays. */
static Status lower_text(Encoder *e, const char *text, size_t n, Err *err)
{
    buf_clear(&e->text);
    for (size_t at = 0; at < n;) {
        int used, len;
        char c[4];
        uint32_t cp = utf8_decode(text + at, n - at, &used);
        if (cp == UTF8_BAD) c[0] = text[at], len = 1;
        else len = utf8_encode(unicode_lower(cp), c);
        TRY(buf_append(&e->text, c, (size_t)len, err));
        at += (size_t)used;
    }
    return OK;
}

Status tokenizer_prepare(Encoder *e, const char **text, size_t *n, Err *err)
{
    const Tokenizer *t = e->t;
    if (tokenizer_writes_space_signs(t)) TRY(escape_spaces(e, *text, *n, t->add_space_prefix, err));
    else if (t->lowercase) TRY(lower_text(e, *text, *n, err));
    else return OK;
    *text = e->text.data;
    *n = e->text.len;
    return OK;
}

Status tokenize_plain(Encoder *e, const char *text, size_t n, Err *err)
{
    const Tokenizer *t = e->t;
    if (t->kind == TOKENIZER_WPM) return tokenizer_wpm_encode(e, text, n, err);
    TRY(tokenizer_prepare(e, &text, &n, err));
    if (t->kind == TOKENIZER_SPM) return tokenizer_encode_word(e, text, n, err);
    const uint32_t *ends;
    int64_t n_pieces;
    TRY(tokenizer_pretokenize(t, &e->pre, text, n, &ends, &n_pieces, err));
    uint32_t begin = 0;
    for (int64_t k = 0; k < n_pieces; begin = ends[k++])
        TRY(tokenizer_encode_word(e, text + begin, ends[k] - begin, err));
    return OK;
}

/* ---------------------------------------------------------------- all */

static Status encode_fragment(Encoder *e, const char *text, size_t n, Err *err)
{
    switch (e->t->kind) {
    case TOKENIZER_SPM:
    case TOKENIZER_BPE:
    case TOKENIZER_WPM: return tokenize(e, text, n, err);
    case TOKENIZER_UGM: return tokenizer_ugm_encode(e, text, n, err);
    case TOKENIZER_RWKV: return tokenizer_rwkv_encode(e, text, n, err);
    }
    CHECK(false, "tokenizer family %d", (int)e->t->kind);
    return OK;
}

static bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Drops what the caller wants to be read letter by letter. Both lists are in order. */
static void drop_plain(Encoder *e)
{
    SpecialHit *hits = (SpecialHit *)(void *)e->hits.data;
    size_t kept = 0;
    int64_t r = 0;
    for (size_t i = 0; i < e->hits.len / sizeof *hits; i++) {
        size_t from = hits[i].pos, to = from + e->t->vocab.texts[hits[i].id].len;
        while (r < e->n_plain && e->plain[r].to <= from) r++;
        if (r == e->n_plain || to <= e->plain[r].from) hits[kept++] = hits[i];
    }
    e->hits.len = kept * sizeof *hits;
}

static Status encode_all(Encoder *e, const char *text, size_t n, bool parse_special, Err *err)
{
    const Tokenizer *t = e->t;
    TRY(tokenizer_find_special(t, text, n, parse_special, &e->hits, err));
    if (e->n_plain) drop_plain(e);
    const SpecialHit *hits = (const SpecialHit *)(const void *)e->hits.data;
    size_t n_hits = e->hits.len / sizeof *hits;

    size_t begin = 0;
    for (size_t k = 0; k <= n_hits; k++) {
        /* 1. The fragment before this special token, without the space that its neighbours eat. */
        size_t end = k < n_hits ? hits[k].pos : n;
        int eats_right = k > 0 ? t->flags[hits[k - 1].id] & TOKEN_FLAG_RSTRIP : 0;
        int eats_left = k < n_hits ? t->flags[hits[k].id] & TOKEN_FLAG_LSTRIP : 0;
        while (eats_right && begin < end && is_white(text[begin])) begin++;
        size_t stop = end;
        while (eats_left && begin < stop && is_white(text[stop - 1])) stop--;
        if (begin < stop) TRY(encode_fragment(e, text + begin, stop - begin, err));

        /* 2. The special token itself. */
        if (k == n_hits) break;
        TRY(tokens_push(e->out, hits[k].id, err));
        begin = end + t->vocab.texts[hits[k].id].len;
    }
    return OK;
}

static Status encode_with_ends(Encoder *e, const char *text, size_t n, EncodeOptions opt, Err *err)
{
    /* BERT reads a text between [CLS] (its bos) and [SEP], whatever else the file says. */
    const Tokenizer *t = e->t;
    bool wpm = t->kind == TOKENIZER_WPM;
    if (opt.add_special && (wpm || t->add_bos) && t->ids[ID_BOS] >= 0)
        TRY(tokens_push(e->out, t->ids[ID_BOS], err));
    TRY(encode_all(e, text, n, opt.parse_special, err));
    if (wpm)
        return opt.add_special && t->ids[ID_SEP] >= 0 ? tokens_push(e->out, t->ids[ID_SEP], err) : OK;
    if (opt.add_special && t->add_eos && t->ids[ID_EOS] >= 0)
        TRY(tokens_push(e->out, t->ids[ID_EOS], err));
    return OK;
}

static Status encode_text(Encoder *e, const char *text, size_t n, EncodeOptions opt, Err *err)
{
    if (n > MAX_TEXT_BYTES)
        return fail(err, E_LIMIT, "a text of %zu bytes (limit %zu) HINT: split it", n,
                    MAX_TEXT_BYTES);
    int64_t before = e->out->n;
    Status status = encode_with_ends(e, text, n, opt, err);
    if (status != OK) e->out->n = before;
    tokenizer_prework_close(&e->pre);
    buf_close(&e->hits);
    buf_close(&e->text);
    buf_close(&e->symbols);
    buf_close(&e->work);
    buf_close(&e->cache);
    return status;
}

Status tokenizer_encode(const Tokenizer *t, const char *text, size_t n, EncodeOptions opt,
                        TokenList *out, Err *err)
{
    Encoder e = {.t = t, .out = out};
    return encode_text(&e, text, n, opt, err);
}

Status tokenizer_encode_except(const Tokenizer *t, const char *text, size_t n, const TextRange *plain,
                               int64_t n_plain, TokenList *out, Err *err)
{
    Encoder e = {.t = t, .out = out, .plain = plain, .n_plain = n_plain};
    return encode_text(&e, text, n, (EncodeOptions){.parse_special = true}, err);
}
