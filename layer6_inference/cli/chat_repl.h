/* chat_repl.h: what `sixfold chat` and its /commands work with. Private to cli/. */
#ifndef SIXFOLD_CHAT_REPL_H
#define SIXFOLD_CHAT_REPL_H

#include "chat_screen.h"
#include "cli.h"
#include "line_reader.h"

typedef struct {
    Cli *c;
    ChatFormat format;
    Generator g;
    ChatSession session;
    ChatScreen screen;
    LineReader lines;
    AnswerParams answer;
    Buf system;     /* what is told again after /clear */
    bool timings;   /* a line after each answer */
    bool quit;
    bool ask;       /* the last turn is to be answered */
} ChatRepl;

/* A line that begins with a slash. An error is one of the command; the conversation goes on. */
Status cli_chat_command(ChatRepl *r, const char *line, Err *err);
/* Their names, for Tab. */
extern const char *const cli_chat_words[];
extern const int cli_chat_word_count;

/* "[ Prompt: 123.4 t/s | Generation: 45.6 t/s ]" and how much was not computed again. */
void cli_chat_timings(const ChatRepl *r);

#endif
