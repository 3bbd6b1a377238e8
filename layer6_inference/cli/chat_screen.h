/* chat_screen.h: where an answer is shown: content and calls on stdout, thoughts and remarks on stderr, so that
 * a pipe gets the answer alone.
 *
 * On a terminal thoughts are grey, and control characters of the model's text (an escape sequence could
 * rename the window or worse) are replaced. */
#ifndef SIXFOLD_CHAT_SCREEN_H
#define SIXFOLD_CHAT_SCREEN_H

#include "chat_session.h"

typedef struct {
    bool colour;    /* of stderr: remarks, thoughts, the prompt */
    bool out_tty;
    bool quiet;     /* no thoughts, no remarks */
    bool thinking;  /* thoughts are being shown */
    bool line_open; /* content has begun and its line is not ended */
    Buf clean;
} ChatScreen;

/* color: "auto", "on" or "off". */
Status cli_screen_open(ChatScreen *s, const char *color, bool quiet, Err *err);
void cli_screen_close(ChatScreen *s);
ChatPartFn cli_screen_part;              /* ctx is the ChatScreen */
Status cli_screen_end(ChatScreen *s, Err *err); /* the answer's line ends */
/* Text of the model or its file on stderr, made safe for a terminal. */
Status cli_screen_aside(ChatScreen *s, const char *text, size_t n, Err *err);
/* A line on stderr, grey if there are colours; nothing if quiet. */
void cli_screen_remark(const ChatScreen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
