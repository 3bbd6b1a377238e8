/* decode.c: ids to text. A token is bytes, and a character may be spread over several tokens. */
#include "tokenizer_impl.h"

#include <string.h>

/* SPM: U+2581 was a space. */
static Status append_spaced(Str s, Buf *out, Err *err)
{
    while (s.len > 0) {
        const char *sign = memmem(s.ptr, s.len, SPACE_SIGN, 3);
        size_t n = sign ? (size_t)(sign - s.ptr) : s.len;
        TRY(buf_append(out, s.ptr, n, err));
        if (!sign) break;
        TRY(buf_append(out, " ", 1, err));
        s.ptr += n + 3;
        s.len -= n + 3;
    }
    return OK;
}

/* BPE: characters of the alphabet were bytes. Others can only come from a text that was put into
 * the vocabulary by hand, and stand for themselves. */
static Status append_mapped(const Tokenizer *t, Str s, Buf *out, Err *err)
{
    for (size_t at = 0; at < s.len;) {
        int used;
        uint32_t cp = utf8_decode(s.ptr + at, s.len - at, &used);
        int byte = cp < sizeof t->bytes_of / sizeof *t->bytes_of ? t->bytes_of[cp] : -1;
        char c = (char)byte;
        if (byte >= 0) TRY(buf_append(out, &c, 1, err));
        else TRY(buf_append(out, s.ptr + at, (size_t)used, err));
        at += (size_t)used;
    }
    return OK;
}

static Status append_unescaped(Str s, Buf *out, Err *err)
{
    TRY(buf_reserve(out, out->len + s.len + 1, err));
    out->len += tokenizer_rwkv_bytes(s, out->data + out->len);
    return OK;
}

static Status check_id(const Tokenizer *t, int32_t id, Err *err)
{
    if (id >= 0 && id < t->vocab.n_tokens) return OK;
    return fail(err, E_ARG, "token id %d is outside the vocabulary (0 to %d) "
                "HINT: the ids may come from another model", id,
                t->vocab.n_tokens - 1);
}

Status tokenizer_piece(const Tokenizer *t, int32_t id, bool special, Buf *out, Err *err)
{
    TRY(check_id(t, id, err));
    Str text = t->vocab.texts[id];
    switch (t->types[id]) {
    case TOKEN_NORMAL:
        if (t->kind == TOKENIZER_RWKV) return append_unescaped(text, out, err);
        if (t->kind == TOKENIZER_BPE && t->pre->flags & PRE_BLANKS_STAY) return buf_append(out, text.ptr, text.len, err);
        if (t->kind != TOKENIZER_BPE || t->pre->flags & PRE_RAW)
            return append_spaced(text, out, err);
        return append_mapped(t, text, out, err);
    case TOKEN_UNKNOWN:
    case TOKEN_CONTROL:
        return special ? buf_append(out, text.ptr, text.len, err) : OK;
    case TOKEN_USER_DEFINED:
        return buf_append(out, text.ptr, text.len, err);
    case TOKEN_BYTE: {
        char byte = (char)tokenizer_byte_value(text); /* checked when the file was opened */
        return buf_append(out, &byte, 1, err);
    }
    default:
        return OK; /* unused and undefined tokens have no output */
    }
}

/* Closes the gap where `drop` bytes at `at` go. Called with growing `at`: one pass in all. */
typedef struct {
    char *s;
    size_t n, from, to;
} Compactor;

static void keep(Compactor *c, size_t n)
{
    memmove(c->s + c->to, c->s + c->from, n);
    c->from += n;
    c->to += n;
}

static bool follows(const Compactor *c, const char *word)
{
    size_t n = strlen(word);
    return c->n - c->from >= n && memcmp(c->s + c->from, word, n) == 0;
}

/* Spaces that some tokenizers put around punctuation, removed in three passes. */
static size_t clean_spaces(char *s, size_t n)
{
    for (int pass = 0; pass < 3; pass++) {
        Compactor c = {.s = s, .n = n};
        while (c.from < n) {
            if (pass == 0 && (follows(&c, " ?") || follows(&c, " !") || follows(&c, " .") ||
                              follows(&c, " ,"))) {
                c.from++;
            } else if (pass == 1 && follows(&c, " ' ")) {
                c.from++;
                keep(&c, 1);
                c.from++;
                continue;
            } else if (pass == 2 && (follows(&c, " 's") || follows(&c, " 'm") ||
                                     follows(&c, " 're") || follows(&c, " 've"))) {
                c.from++;
            }
            keep(&c, 1);
        }
        n = c.to;
    }
    return n;
}

Status tokenizer_decode(const Tokenizer *t, const int32_t *ids, int64_t n, bool special,
                        bool clean_up, Buf *out, Err *err)
{
    for (int64_t i = 0; i < n; i++) TRY(check_id(t, ids[i], err));

    /* 1. What the encoder put around the text is not part of it. */
    if (n > 0 && t->add_bos && ids[0] == t->ids[ID_BOS]) ids++, n--;
    if (n > 0 && t->add_eos && ids[n - 1] == t->ids[ID_EOS]) n--;

    /* 2. The pieces; the first one without the space that the encoder added. */
    size_t begin = out->len;
    for (int64_t i = 0; i < n; i++) {
        TRY(tokenizer_piece(t, ids[i], special, out, err));
        bool added = i == 0 && t->add_space_prefix && t->types[ids[0]] != TOKEN_USER_DEFINED;
        if (added && out->len > begin && out->data[begin] == ' ') {
            out->len--;
            memmove(out->data + begin, out->data + begin + 1, out->len - begin);
        }
    }

    /* 3. Spaces before punctuation. */
    if (clean_up && t->clean_spaces && out->len > begin)
        out->len = begin + clean_spaces(out->data + begin, out->len - begin);
    if (out->data) out->data[out->len] = 0;
    return OK;
}
