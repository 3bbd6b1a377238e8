/* ugm_charsmap.c: SentencePiece's table of what to write instead: "ﬁ" becomes "fi", full width letters
 * become plain ones. It is a trie over bytes, stored as a double array of 32-bit units:
 *
 *   node 0, then for each byte c:   next = (node ^ offset(unit)) ^ c,   valid if label(unit[next]) = c
 *
 * A unit with a leaf has its value (a place among the replacement texts) at next ^ offset, with no byte.
 * The array comes from a file: every step is checked against its end, and a match is no longer than any
 * real one, so that a ring of nodes does not eat the whole text at every place.
 * Source: Aoe 1989 (double array); SentencePiece's precompiled_charsmap. */
#include "tokenizer_impl.h"

#include <string.h>

enum { MAX_KEY = 64, MAX_REPLACEMENT = 256 }; /* bytes */

static uint32_t unit_at(const Tokenizer *t, uint32_t i)
{
    const unsigned char *p = (const unsigned char *)t->charsmap.ptr + 4 * (size_t)i;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

Status tokenizer_charsmap_open(Tokenizer *t, const Gguf *g, Err *err)
{
    const GgufKv *kv = gguf_find(g, "tokenizer.ggml.precompiled_charsmap");
    if (!kv) return OK;
    if (kv->type != GGUF_ARRAY || (kv->elem != GGUF_I8 && kv->elem != GGUF_U8))
        return fail(err, E_FORMAT, "'tokenizer.ggml.precompiled_charsmap' is not an array of bytes "
                    "HINT: convert the model again");
    if (kv->count == 0) return OK;
    t->charsmap = (Str){(const char *)kv->data, 0};
    size_t total = (size_t)kv->count;
    uint32_t size = total >= 4 ? unit_at(t, 0) : 0;
    if (total < 8 || size < 4 || size % 4 || size > total - 4)
        return fail(err, E_FORMAT, "'tokenizer.ggml.precompiled_charsmap' has %zu bytes and says that "
                    "its tree has %u HINT: download the file again", total, size);
    t->charsmap = (Str){(const char *)kv->data + 4, size};
    t->replacements = (Str){t->charsmap.ptr + size, total - 4 - size};
    return OK;
}

static uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & 512) >> 6); }

/* The longest key that text begins with: its length, 0 if none, and its value. */
static size_t longest_key(const Tokenizer *t, const char *text, size_t n, uint32_t *value)
{
    uint32_t n_units = (uint32_t)(t->charsmap.len / 4);
    size_t best = 0;
    if (n_units == 0) return 0;
    uint32_t node = offset_of(unit_at(t, 0));
    for (size_t i = 0; i < n && i < MAX_KEY && text[i]; i++) {
        unsigned char c = (unsigned char)text[i];
        node ^= c;
        if (node >= n_units) break;
        uint32_t unit = unit_at(t, node);
        if ((unit & 0x800000FFu) != c) break;
        node ^= offset_of(unit);
        if (!(unit & 256) || node >= n_units) continue;
        best = i + 1;
        *value = unit_at(t, node) & 0x7FFFFFFFu;
    }
    return best;
}

Str tokenizer_charsmap_next(const Tokenizer *t, const char *text, size_t n, size_t *used)
{
    /* 1. What the map knows. */
    uint32_t value = 0;
    *used = longest_key(t, text, n, &value);
    if (*used && value < t->replacements.len) {
        const char *s = t->replacements.ptr + value;
        size_t room = t->replacements.len - value;
        size_t len = strnlen(s, room < MAX_REPLACEMENT + 1 ? room : MAX_REPLACEMENT + 1);
        if (len < room && len <= MAX_REPLACEMENT) return (Str){s, len};
    }

    /* 2. Any other character as it is; a broken byte becomes U+FFFD. */
    int one;
    uint32_t cp = utf8_decode(text, n, &one);
    *used = (size_t)one;
    return cp == UTF8_BAD ? (Str){"\xEF\xBF\xBD", 3} : (Str){text, *used};
}
