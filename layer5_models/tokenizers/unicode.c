/* unicode.c: reading the tables of characters.
 *
 * Ranges are searched by halving. A letter with accents is found the same way, after the strings of
 * the table ("A", "ÀÁÂ...") have been turned into sorted rows. Hangul needs no table: a syllable is
 *
 *   cp = 0xAC00 + (lead * 21 + vowel) * 28 + tail,   tail 0 = none
 *
 * Source: Unicode 14, section 3.12 (Hangul). */
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

static bool in_ranges(const UnicodeRange *r, int n, uint32_t cp)
{
    int lo = 0;
    while (n > 0) {
        int half = n / 2;
        if (r[lo + half].last < cp) lo += half + 1, n -= half + 1;
        else if (r[lo + half].first > cp) n = half;
        else return true;
    }
    return false;
}

bool unicode_is_mark(uint32_t cp)
{
    return cp >= 0x300 && in_ranges(UNICODE_MARKS, UNICODE_MARKS_N, cp);
}

bool unicode_is_punctuation(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= 0x21 && cp <= 0x2F) || (cp >= 0x3A && cp <= 0x40) ||
               (cp >= 0x5B && cp <= 0x60) || (cp >= 0x7B && cp <= 0x7E);
    return in_ranges(UNICODE_PUNCTUATION, UNICODE_PUNCTUATION_N, cp);
}

bool unicode_is_hidden(uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7F) return false;
    return in_ranges(UNICODE_HIDDEN, UNICODE_HIDDEN_N, cp);
}

bool unicode_is_space(uint32_t cp)
{
    return cp == 0x20 || (cp >= 9 && cp <= 13) || cp == 0x85 || cp == 0xA0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F ||
           cp == 0x205F || cp == 0x3000;
}

bool unicode_is_chinese(uint32_t cp)
{
    return (cp >= 0x3400 && cp <= 0x4DBF) || (cp >= 0x4E00 && cp <= 0x9FFF) ||
           (cp >= 0xF900 && cp <= 0xFAFF) || (cp >= 0x20000 && cp <= 0x2A6DF) ||
           (cp >= 0x2A700 && cp <= 0x2B73F) || (cp >= 0x2B740 && cp <= 0x2B81F) ||
           (cp >= 0x2B920 && cp <= 0x2CEAF) || (cp >= 0x2F800 && cp <= 0x2FA1F);
}

uint32_t unicode_lower(uint32_t cp)
{
    if (cp < 0x80) return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    int lo = 0, n = UNICODE_LOWER_N;
    while (n > 0) {
        int half = n / 2;
        const UnicodeLower *l = &UNICODE_LOWER[lo + half];
        if (l->last < cp) lo += half + 1, n -= half + 1;
        else if (l->first > cp) n = half;
        else return (cp - l->first) % l->step ? cp : (uint32_t)((int32_t)cp + l->delta);
    }
    return cp;
}

static int by_character(const void *a, const void *b)
{
    uint32_t x = ((const UnicodeStrip *)a)->written, y = ((const UnicodeStrip *)b)->written;
    return (x > y) - (x < y);
}

/* All pairs of the tables; counts them only if there are no rows yet. */
static void list_bases(UnicodeBases *b)
{
    int used;
    b->n = 0;
    for (int i = 0; i < UNICODE_BASES_N; i++) {
        const UnicodeBase *u = &UNICODE_BASES[i];
        for (const char *s = u->written; *s; s += used, b->n++) {
            uint32_t cp = utf8_decode(s, strlen(s), &used);
            if (b->rows) b->rows[b->n] = (UnicodeStrip){cp, u->base, (uint8_t)strlen(u->base)};
        }
    }
    for (int i = 0; i < UNICODE_TWINS_N; i++) {
        uint32_t cp = UNICODE_TWINS[i].first;
        for (const char *s = UNICODE_TWINS[i].twins; *s; s += used, b->n++, cp++) {
            used = utf8_lead_length((unsigned char)*s);
            if (b->rows) b->rows[b->n] = (UnicodeStrip){cp, s, (uint8_t)used};
        }
    }
}

Status unicode_bases_open(UnicodeBases *b, Arena *a, Err *err)
{
    *b = (UnicodeBases){0};
    list_bases(b);
    b->rows = ARENA_NEW(a, UnicodeStrip, b->n);
    if (!b->rows) return fail(err, E_MEMORY, "no memory for %lld letters", (long long)b->n);
    list_bases(b);
    qsort(b->rows, (size_t)b->n, sizeof *b->rows, by_character);
    return OK;
}

static int strip_hangul(uint32_t index, char *out)
{
    int n = utf8_encode(0x1100 + index / (21 * 28), out);
    n += utf8_encode(0x1161 + index / 28 % 21, out + n);
    if (index % 28) n += utf8_encode(0x11A7 + index % 28, out + n);
    return n;
}

int unicode_strip(const UnicodeBases *b, uint32_t cp, char out[12])
{
    if (cp >= 0xC0) {
        if (unicode_is_mark(cp)) return 0;
        if (cp - 0xAC00 < 19 * 21 * 28) return strip_hangul(cp - 0xAC00, out);
        UnicodeStrip key = {.written = cp};
        const UnicodeStrip *row = bsearch(&key, b->rows, (size_t)b->n, sizeof key, by_character);
        if (row) {
            memcpy(out, row->base, row->n);
            return row->n;
        }
    }
    return utf8_encode(cp, out);
}
