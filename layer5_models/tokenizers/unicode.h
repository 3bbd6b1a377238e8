/* unicode.h: what WordPiece asks about a character: is it a mark, punctuation, invisible; what is it
 * without its accents; what is it as a small letter.
 *
 * Interface: all functions take any code point. The tables (unicode_tables.c) are constants.
 * unicode_bases_open builds the one table that is easier to read than to search.
 * Source: Unicode 14, UnicodeData.txt; canonical decomposition: Unicode 14, section 3.7. */
#ifndef SIXFOLD_UNICODE_H
#define SIXFOLD_UNICODE_H

#include "layer4.h"

typedef struct {
    uint32_t first, last;
} UnicodeRange;

typedef struct {
    uint32_t first, last, step;
    int32_t delta;
} UnicodeLower;

typedef struct {
    const char *base;    /* what remains: one or a few characters */
    const char *written; /* each of these characters is base with something on it */
} UnicodeBase;

typedef struct {
    uint32_t first;
    const char *twins; /* of first, first + 1, ... */
} UnicodeTwin;

extern const UnicodeRange UNICODE_MARKS[], UNICODE_PUNCTUATION[], UNICODE_HIDDEN[];
extern const UnicodeLower UNICODE_LOWER[];
extern const UnicodeBase UNICODE_BASES[];
extern const UnicodeTwin UNICODE_TWINS[];
extern const int UNICODE_MARKS_N, UNICODE_PUNCTUATION_N, UNICODE_HIDDEN_N, UNICODE_LOWER_N,
    UNICODE_BASES_N, UNICODE_TWINS_N;

bool unicode_is_mark(uint32_t cp);        /* Mn */
bool unicode_is_punctuation(uint32_t cp); /* P, and every ASCII sign */
bool unicode_is_hidden(uint32_t cp);      /* Cc, Cf, Co, but not tab, line feed, carriage return */
bool unicode_is_space(uint32_t cp);       /* White_Space */
bool unicode_is_chinese(uint32_t cp);     /* in the blocks that BERT cuts character by character */
uint32_t unicode_lower(uint32_t cp);      /* the simple mapping: one character stays one */

typedef struct {
    uint32_t written; /* character */
    const char *base; /* UTF-8; n bytes */
    uint8_t n;
} UnicodeStrip;

typedef struct {
    UnicodeStrip *rows; /* by rising character */
    int64_t n;
} UnicodeBases;

Status unicode_bases_open(UnicodeBases *b, Arena *a, Err *err);
/* The character without marks, as UTF-8 (at most 12 bytes) into out; returns the bytes, 0 if the character
 * is a mark itself. */
int unicode_strip(const UnicodeBases *b, uint32_t cp, char out[12]);

#endif
