/* word_wrap.h: lines that end between words, though the text is still coming.
 *
 * A terminal breaks a line in the middle of a word. So a line end is written before a word that does not
 * fit; and if its first half is on the screen already, that half is taken back and written again below.
 *
 * Interface: cli_wrap_feed appends to out what the terminal gets. The text is whole characters of UTF-8
 * without escape sequences. Words longer than a line, and characters of double width, may stand on both sides
 * of a line end. The last column stays empty, for terminals do not agree on what a cursor does there.
 * cli_wrap_columns needs a locale of UTF-8 (wcwidth); what it does not know is one column wide. */
#ifndef SIXFOLD_WORD_WRAP_H
#define SIXFOLD_WORD_WRAP_H

#include "layer1.h"

typedef struct {
    int width;        /* of the terminal in columns; 0: nothing is wrapped */
    int indent;       /* blanks in front of what goes on in the next line */
    int column;       /* where the cursor stands */
    int word_columns; /* of the word that stands before it */
    Buf word;         /* its bytes */
} WordWrap;

Status cli_wrap_feed(WordWrap *w, const char *text, size_t n, Buf *out, Err *err);
void cli_wrap_start(WordWrap *w); /* the cursor is at the start of a line */
void cli_wrap_close(WordWrap *w);

/* Columns of a character: 0, 1 or 2. */
int cli_wrap_columns(uint32_t cp);
/* Columns of the terminal behind a file descriptor; 0: it is none, or does not say. */
int cli_terminal_width(int fd);
/* Columns are counted by the locale; false if none of UTF-8 is installed. */
bool cli_utf8_locale(void);

#endif
