/* utf8.c: text as bytes.
 *
 *   U+0000  .. U+007F    0xxxxxxx
 *   U+0080  .. U+07FF    110xxxxx 10xxxxxx
 *   U+0800  .. U+FFFF    1110xxxx 10xxxxxx 10xxxxxx        without U+D800 .. U+DFFF
 *   U+10000 .. U+10FFFF  11110xxx 10xxxxxx 10xxxxxx 10xxxxxx
 *
 * Every code point has exactly one form. What would break that rule shows in the first two bytes:
 * the lead byte fixes the length and the range that the second byte may have.
 * Source: RFC 3629; Unicode 15, table 3-7. */
#include "utf8.h"

#include "layer1.h"

#include <string.h>

/* How far the bytes at s agree with the form of one character. */
typedef struct {
    int need; /* length that the lead byte announces; 0 if it cannot lead */
    int good; /* bytes that fit: = need if the character is complete */
} Match;

//@ begin utf8-match
static Match match(const unsigned char *s, size_t n)
{
    /* 1. The lead byte: its length, and the range of the second byte. */
    unsigned lead = s[0], lo = 0x80, hi = 0xBF;
    if (lead < 0x80) return (Match){1, 1};
    if (lead < 0xC2 || lead > 0xF4) return (Match){0, 0};
    int need = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead == 0xE0) lo = 0xA0; /* below: fits in two bytes */
    if (lead == 0xED) hi = 0x9F; /* above: surrogates */
    if (lead == 0xF0) lo = 0x90; /* below: fits in three bytes */
    if (lead == 0xF4) hi = 0x8F; /* above: beyond U+10FFFF */

    /* 2. The rest, as far as it is there and fits. */
    int good = 1;
    while (good < need && (size_t)good < n && s[good] >= lo && s[good] <= hi) {
        lo = 0x80;
        hi = 0xBF;
        good++;
    }
    return (Match){need, good};
}
//@ end utf8-match

uint32_t utf8_decode(const char *s, size_t n, int *used)
{
    const unsigned char *u = (const unsigned char *)s;
    Match m = match(u, n);
    *used = 1;
    if (m.need == 0 || m.good < m.need) return UTF8_BAD;
    *used = m.need;
    if (m.need == 1) return u[0];
    uint32_t cp = u[0] & (0x7Fu >> m.need);
    for (int i = 1; i < m.need; i++) cp = cp << 6 | (u[i] & 0x3Fu);
    return cp;
}

//@ exercise 1.2 Write a code point as bytes
EXERCISE int utf8_encode(uint32_t cp, char out[4])
{
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) return 0;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    int n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, cp >>= 6) out[i] = (char)(0x80 | (cp & 0x3F));
    out[0] = (char)((0xF00u >> n & 0xFF) | cp); /* n ones, then a zero */
    return n;
}
//@ end exercise

size_t utf8_valid_prefix(const char *s, size_t n)
{
    size_t at = 0;
    while (at < n) {
        Match m = match((const unsigned char *)s + at, n - at);
        if (m.need == 0 || m.good < m.need) break;
        at += (size_t)m.need;
    }
    return at;
}

int utf8_lead_length(unsigned char lead)
{
    return lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* ---------------------------------------------------------------- the stream */

static const char REPLACEMENT[] = "\xEF\xBF\xBD"; /* U+FFFD */

static void drop_held(Utf8Stream *s, int n)
{
    s->n_held -= n;
    memmove(s->held, s->held + n, (size_t)s->n_held);
}

Status utf8_stream_feed(Utf8Stream *s, const char *bytes, size_t n, Buf *out, Err *err)
{
    /* A byte becomes at most three. With the room made now, nothing fails halfway. */
    TRY(buf_reserve(out, 3 * (n + sizeof s->held), err));
    for (size_t i = 0; i < n; i++) {
        s->held[s->n_held++] = bytes[i];
        while (s->n_held > 0) {
            Match m = match((const unsigned char *)s->held, (size_t)s->n_held);
            if (m.need > 0 && m.good == m.need) {
                TRY(buf_append(out, s->held, (size_t)m.need, err));
                drop_held(s, m.need);
            } else if (m.need > 0 && m.good == s->n_held) {
                break; /* so far so good: wait for the rest */
            } else {
                TRY(buf_append(out, REPLACEMENT, 3, err));
                drop_held(s, m.good > 0 ? m.good : 1);
            }
        }
    }
    return OK;
}

Status utf8_stream_end(Utf8Stream *s, Buf *out, Err *err)
{
    if (s->n_held > 0) TRY(buf_append(out, REPLACEMENT, 3, err));
    s->n_held = 0;
    return OK;
}
