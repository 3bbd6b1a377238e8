/* line_reader.h: lines that a person types, or that come through a pipe.
 *
 * On a terminal the line editor of libedit is used, if it is installed (it is opened at run time, as OpenBLAS
 * is): emacs keys, history, Tab for commands and files, and pasted text of several lines. Without it, with TERM=dumb
 * and for pipes and files, lines are read as they come.
 *
 * Interface:
 * - line_read appends one line to out, without its end. It says how it ended: LINE_TEXT, LINE_END (Ctrl-D, end of
 *   the file), LINE_INTERRUPTED (Ctrl-C; what was typed is dropped). The prompt goes to stderr, and only if
 *   stdin is a terminal.
 * - line_join makes a message of lines: a backslash at the end of a line, or three quotation marks around
 *   several, say that it goes on.
 * - One reader per process: libedit and the terminal are global. */
#ifndef SIXFOLD_LINE_READER_H
#define SIXFOLD_LINE_READER_H

#include "layer1.h"

typedef enum { LINE_TEXT, LINE_END, LINE_INTERRUPTED } LineKind;

typedef struct LineEditor LineEditor;

typedef struct {
    bool terminal;       /* stdin is one */
    LineEditor *editor;  /* NULL: plain reading */
    bool pasting;        /* the line that was read is part of a pasted text that goes on */
    bool had_text;       /* LINE_INTERRUPTED: something had been typed (unknown without an editor: false) */
    Buf pending;         /* read, but of later lines */
    bool at_end;
    const volatile int *stop; /* set by the handler of Ctrl-C */
} LineReader;

enum { LINE_MAX_BYTES = 4 << 20 };

/* words: for Tab, n_words of them; history: a file or NULL. Both must stay. */
void line_open(LineReader *r, const volatile int *stop, const char *const *words, int n_words, const char *history);
void line_close(LineReader *r); /* the terminal is as before; the history is saved */
Status line_read(LineReader *r, const char *prompt, bool colour, Buf *out, LineKind *kind, Err *err);
/* Puts a message into the history. */
/* on: keys are not shown while an answer is; they wait for the next line. */
void line_quiet(const LineReader *r, bool on);
/* Puts the terminal back from inside a signal handler that ends the program. */
void line_restore(void);
void line_remember(LineReader *r, const char *message);

/* Adds a line to a message. *quoted: inside quotation marks; begin with false. *whole: it is complete. */
Status line_join(Buf *message, bool *quoted, const char *line, size_t n, bool *whole, Err *err);

/* Reads what stdin has, at most n bytes; -1 on an error, and *stopped if stop was set before anything came.
 * waiting (or NULL) is called after signals, and a few times a second. */
int64_t line_read_bytes(const volatile int *stop, void (*waiting)(void), char *to, size_t n, bool *stopped);

/* line_complete.c: what Tab may add to a line that ends at the cursor: rest gets what all candidates have in
 * common, names the candidates' names with a line feed behind each. Returns how many there are. Beginnings of
 * words are completed, and files behind a command. */
int line_complete(const char *line, size_t n, const char *const *words, int n_words, Buf *rest, Buf *names, Err *err);

/* line_editor.c: NULL if there is no editor for this terminal. */
LineEditor *line_editor_open(LineReader *r, const char *const *words, int n_words, const char *history);
void line_editor_close(LineEditor *e);
void line_editor_restore(void); /* as line_restore */
Status line_editor_read(LineEditor *e, const char *prompt, bool colour, Buf *out, LineKind *kind, Err *err);
void line_editor_remember(LineEditor *e, const char *message);

#endif
