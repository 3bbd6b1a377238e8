/* chat_screen.h: where an answer is shown: content and calls on stdout, thoughts and remarks on stderr, so that
 * a pipe gets the answer alone.
 *
 * On a terminal thoughts are grey, lines end between words, and control characters of the model's text (an
 * escape sequence could rename the window or worse) are replaced. */
#ifndef SIXFOLD_CHAT_SCREEN_H
#define SIXFOLD_CHAT_SCREEN_H

#include "chat_session.h"
#include "word_wrap.h"

typedef struct {
    bool colour;    /* of stderr: remarks, thoughts, the prompt */
    bool out_tty;
    bool moves;     /* the terminal knows escape sequences */
    bool wrap;      /* lines end between words, on terminals */
    bool quiet;     /* no thoughts, no remarks */
    bool hide;      /* no thoughts */
    bool thinking;  /* thoughts are being shown */
    bool line_open; /* content has begun and its line is not ended */
    WordWrap words; /* of the answer, or of the thoughts before it */
    Buf clean, ready;
} ChatScreen;

/* color: "auto", "on" or "off". */
Status cli_screen_open(ChatScreen *s, const char *color, bool quiet, Err *err);
void cli_screen_close(ChatScreen *s);
ChatPartFn cli_screen_part;              /* ctx is the ChatScreen */
Status cli_screen_end(ChatScreen *s, Err *err); /* the answer's line ends */
/* Text of the model or its file on stderr, made safe for a terminal. */
Status cli_screen_aside(ChatScreen *s, const char *text, size_t n, Err *err);
/* A line on stderr; what goes on below begins with blanks. */
void cli_screen_line(const ChatScreen *s, int indent, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same in grey if there are colours; nothing if quiet. */
void cli_screen_remark(const ChatScreen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
