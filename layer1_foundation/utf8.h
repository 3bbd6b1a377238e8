/* utf8.h: UTF-8 text, decoded strictly and without ever failing.
 *
 * Interface:
 * - utf8_decode reads one code point; an invalid byte (overlong form, surrogate, above U+10FFFF, bad
 *   continuation) yields UTF8_BAD and consumes one byte.
 * - Utf8Stream holds back an incomplete character at the end of what it was given, so that streamed
 *   output never shows half of one: feed bytes, take complete text.
 * Source: RFC 3629; Unicode 15, table 3-7. */
#ifndef SIXFOLD_UTF8_H
#define SIXFOLD_UTF8_H

#include "arena.h"

#define UTF8_BAD 0xFFFFFFFFu

/* Code point at s[0 .. n-1], n > 0; *used gets the bytes consumed (1 to 4). */
uint32_t utf8_decode(const char *s, size_t n, int *used);

/* Writes cp as 1 to 4 bytes; returns their number (0 if cp is not a code point). */
int utf8_encode(uint32_t cp, char out[4]);

/* Length of the valid prefix; equal to n if all of s is valid. */
size_t utf8_valid_prefix(const char *s, size_t n);

/* Length that the lead byte alone announces, as tokenizers cut: 1 to 4. A byte that cannot lead
 * counts as 1. The caller limits it to what is left of the text. */
int utf8_lead_length(unsigned char lead);

typedef struct {
    char held[4];
    int n_held;
} Utf8Stream;

/* Appends to out what is complete. Where a character breaks off, the bytes of it that were there
 * become one U+FFFD together, and any other invalid byte one of its own (Unicode 15, section 3.9).
 * The result does not depend on how the bytes were cut into pieces. */
Status utf8_stream_feed(Utf8Stream *s, const char *bytes, size_t n, Buf *out, Err *err);
Status utf8_stream_end(Utf8Stream *s, Buf *out, Err *err); /* a held tail becomes U+FFFD */

#endif
