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
    Arena tools;    /* what session.tools points into */
} ChatRepl;

typedef Status ChatCommandFn(ChatRepl *r, const char *arg, Err *err);

/* A line that begins with a slash. An error is one of the command; the conversation goes on. */
Status cli_chat_command(ChatRepl *r, const char *line, Err *err);
/* Their names, for Tab. */
extern const char *const cli_chat_words[];
extern const int cli_chat_word_count;

ChatCommandFn cli_chat_set, cli_chat_show;   /* chat_settings.c */
ChatCommandFn cli_chat_tool, cli_chat_tools; /* chat_tools.c */

/* chat_tools.c: functions from a file, for this model; a template that shows none is an error. */
Status cli_chat_open_tools(ChatRepl *r, const char *path, Err *err);
/* Whether a call waits for its result. name (or NULL) becomes a prompt, "look> ", safe for a terminal. */
bool cli_chat_waits(const ChatRepl *r, char *name, size_t size);
/* Says which calls wait. */
void cli_chat_say_waiting(ChatRepl *r);
/* The result of the first call that waits; after the last the model goes on. */
Status cli_chat_give(ChatRepl *r, const char *text, size_t n, Err *err);

/* "[ Prompt: 123.4 t/s | Generation: 45.6 t/s ]" and how much was not computed again. */
void cli_chat_timings(const ChatRepl *r);

#endif
