/* chat_commands.c: what a person can do in a conversation besides talking. */
#include "chat_repl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILE = 4 << 20 };

static ChatCommandFn do_help;

static Conversation *talk(ChatRepl *r) { return &r->session.talk; }

static void remark(const ChatRepl *r, const char *what) { cli_screen_remark(&r->screen, "%s", what); }

static Status do_bye(ChatRepl *r, const char *arg, Err *err)
{
    (void)arg;
    (void)err;
    r->quit = true;
    return OK;
}

static Status do_clear(ChatRepl *r, const char *arg, Err *err)
{
    (void)arg;
    conversation_cut(talk(r), 0);
    r->session.first = 0;
    TRY(conversation_set_system(talk(r), r->system.data, r->system.len, err));
    remark(r, "cleared: the conversation begins anew");
    return OK;
}

/* Turns from the last message of the user on; -1: there is none. */
static int64_t last_exchange(ChatRepl *r)
{
    int64_t i = conversation_n(talk(r));
    while (--i >= 0 && conversation_turn(talk(r), i)->role != TURN_USER) continue;
    return i;
}

static Status nothing_yet(Err *err) { return fail(err, E_ARG, "nothing has been said yet. HINT: /help"); }

static Status do_undo(ChatRepl *r, const char *arg, Err *err)
{
    int64_t i = last_exchange(r);
    (void)arg;
    if (i < 0) return nothing_yet(err);
    conversation_cut(talk(r), i);
    r->session.first = 0; /* there is room again */
    remark(r, "undone: your last message and its answer are forgotten");
    return OK;
}

static Status do_regen(ChatRepl *r, const char *arg, Err *err)
{
    int64_t i = last_exchange(r);
    (void)arg;
    if (i < 0) return nothing_yet(err);
    conversation_cut(talk(r), i + 1);
    r->ask = true;
    return OK;
}

static Status do_system(ChatRepl *r, const char *arg, Err *err)
{
    buf_clear(&r->system);
    if (*arg) TRY(buf_append(&r->system, arg, strlen(arg), err));
    TRY(conversation_set_system(talk(r), arg, strlen(arg), err));
    remark(r, *arg ? "system text set" : "no system text any more");
    return OK;
}

/* ---------------------------------------------------------------- files */

/* "~/x" as a shell would have it. */
static const char *at_home(const char *arg, char *out, size_t size)
{
    const char *home = getenv("HOME");
    if (arg[0] != '~' || arg[1] != '/' || !home) return arg;
    return snprintf(out, size, "%s%s", home, arg + 1) < (int)size ? out : arg;
}

static Status need_file(const char *arg, Err *err)
{
    return *arg ? OK : fail(err, E_ARG, "which file? HINT: a name behind the command");
}

static Status write_all(const char *path, const Buf *text, Err *err)
{
    char partial[1024];
    if (snprintf(partial, sizeof partial, "%s.partial", path) >= (int)sizeof partial)
        return fail(err, E_LIMIT, "the path has more than %zu bytes. HINT: a shorter one", sizeof partial - 9);
    FILE *f = fopen(partial, "wb");
    if (!f) return fail(err, E_IO, "cannot write '%.300s': %s. HINT: check the directory", path, strerror(errno));
    bool good = fwrite(text->data, 1, text->len, f) == text->len;
    good &= fflush(f) == 0 && fsync(fileno(f)) == 0;
    good &= fclose(f) == 0;
    if (good && rename(partial, path) == 0) return OK;
    unlink(partial);
    return fail(err, E_IO, "cannot write '%.300s': %s. HINT: is the disk full?", path, strerror(errno));
}

static Status do_save(ChatRepl *r, const char *arg, Err *err)
{
    Buf json = {0};
    TRY(need_file(arg, err));
    Status s = conversation_to_json(talk(r), &json, err);
    if (s == OK && r->c->o.model && cli_same_file(r->c->o.model, arg))
        s = fail(err, E_ARG, "'%.300s' is the model itself. HINT: give another name", arg);
    if (s == OK) s = write_all(arg, &json, err);
    buf_close(&json);
    if (s == OK) cli_screen_remark(&r->screen, "saved: %lld turns", (long long)conversation_n(talk(r)));
    return s;
}

static Status do_load(ChatRepl *r, const char *arg, Err *err)
{
    Buf json = {0};
    TRY(need_file(arg, err));
    Status s = cli_read_text(arg, &json, MAX_FILE, err);
    if (s == OK) s = conversation_from_json(talk(r), json.data ? json.data : "", json.len, err);
    buf_close(&json);
    if (s != OK) return s;
    r->session.first = 0;
    int64_t n = conversation_n(talk(r));
    cli_screen_remark(&r->screen, "loaded: %lld turns", (long long)n);
    cli_chat_say_waiting(r);
    TurnRole last = n > 0 ? conversation_turn(talk(r), n - 1)->role : TURN_SYSTEM;
    r->ask = last == TURN_USER || (last == TURN_TOOL && !cli_chat_waits(r, NULL, 0));
    return OK;
}

static Status do_read(ChatRepl *r, const char *arg, Err *err)
{
    Buf text = {0};
    TRY(need_file(arg, err));
    Status s = cli_read_text(arg, &text, MAX_FILE, err);
    size_t valid = s == OK && text.len ? utf8_valid_prefix(text.data, text.len) : 0;
    if (s == OK && valid < text.len)
        s = fail(err, E_ARG, "'%.300s' is not UTF-8: offset %zu. HINT: convert it, e.g. iconv -f latin1 -t utf8", arg,
                 valid);
    bool result = s == OK && cli_chat_waits(r, NULL, 0);
    if (result) s = cli_chat_give(r, text.data ? text.data : "", text.len, err);
    else if (s == OK) s = conversation_add(talk(r), TURN_USER, text.data, text.len, NULL, err);
    buf_close(&text);
    if (!result) r->ask = s == OK;
    return s;
}

/* ---------------------------------------------------------------- looking */

static Status do_template(ChatRepl *r, const char *arg, Err *err)
{
    (void)arg;
    TRY(cli_screen_aside(&r->screen, r->format.source.ptr, r->format.source.len, err));
    fprintf(stderr, "\n");
    return OK;
}

static Status do_context(ChatRepl *r, const char *arg, Err *err)
{
    int64_t n;
    (void)arg;
    TRY(chat_session_count(&r->session, &n, err));
    cli_screen_line(&r->screen, 0, "%lld turns, %lld of %lld tokens; the model sees turns from %lld on",
                    (long long)conversation_n(talk(r)), (long long)n, (long long)r->g.params.n_ctx,
                    (long long)r->session.first + 1);
    return OK;
}

static Status do_stats(ChatRepl *r, const char *arg, Err *err)
{
    (void)arg;
    (void)err;
    cli_chat_timings(r);
    return OK;
}

static const struct { const char *name, *arg, *text; ChatCommandFn *fn; } commands[] = {
    {"/help", "", "this list", do_help},
    {"/clear", "", "forget the conversation", do_clear},
    {"/undo", "", "forget your last message and its answer", do_undo},
    {"/regen", "", "another answer to your last message", do_regen},
    {"/system", "[TEXT]", "what the model is told before the conversation", do_system},
    {"/set", "NAME VALUE", "temp, seed, predict, think, wrap ...; alone: all", cli_chat_set},
    {"/show", "", "model, template, settings", cli_chat_show},
    {"/template", "", "the template's source", do_template},
    {"/context", "", "how full the context is", do_context},
    {"/stats", "", "speed of the last answer", do_stats},
    {"/save", "FILE", "write the conversation, as JSON", do_save},
    {"/load", "FILE", "go on with one that was saved", do_load},
    {"/read", "FILE", "send a file as your message, or as a result", do_read},
    {"/tools", "[FILE]", "what the model may call; from a file, or: off", cli_chat_tools},
    {"/tool", "NAME RESULT", "what a call gave back", cli_chat_tool},
    {"/exit", "", "leave; also /bye, Ctrl-D, Ctrl-C on an empty line", do_bye},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

const char *const cli_chat_words[] = {"/help", "/clear", "/undo", "/regen", "/system", "/set", "/show", "/template",
                                      "/context", "/stats", "/save", "/load", "/read", "/tools", "/tool", "/exit", "/bye"};
const int cli_chat_word_count = sizeof cli_chat_words / sizeof *cli_chat_words;

static Status do_help(ChatRepl *r, const char *arg, Err *err)
{
    (void)arg;
    (void)err;
    for (int i = 0; i < N_COMMANDS; i++)
        cli_screen_line(&r->screen, 25, "  %-9s %-11s  %s", commands[i].name, commands[i].arg, commands[i].text);
    cli_screen_line(&r->screen, 0, "Several lines: paste them, or \"\"\" around them, or \\ at the end of a line%s.",
                    r->lines.editor ? ", or Alt-Enter" : "");
    cli_screen_line(&r->screen, 0, "Ctrl-C stops an answer and keeps what was said.");
    if (r->lines.editor)
        cli_screen_line(&r->screen, 0, "Keys: arrows, Ctrl-arrows, Home, End; Tab completes, Ctrl-R searches.");
    return OK;
}

Status cli_chat_command(ChatRepl *r, const char *line, Err *err)
{
    static const char *const others[][2] = {{"/bye", "/exit"}, {"/quit", "/exit"}, {"/?", "/help"}, {"/reset", "/clear"},
                                            {"/retry", "/regen"}};
    char name[40];
    size_t n = strcspn(line, " \n");
    snprintf(name, sizeof name, "%.*s", (int)n, line);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i][0]) == 0) snprintf(name, sizeof name, "%s", others[i][1]);
    Buf arg = {0};
    line += n + strspn(line + n, " \n");
    n = strlen(line);
    while (n && strchr(" \n", line[n - 1])) n--;
    TRY(buf_append(&arg, line, n, err));
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, commands[i].name) != 0) continue;
        char path[1024];
        const char *what = arg.data;
        if (strstr(commands[i].arg, "FILE")) what = at_home(what, path, sizeof path);
        Status s = commands[i].fn(r, what, err);
        buf_close(&arg);
        return s;
    }
    buf_close(&arg);
    const char *near = nearest_word(name, cli_chat_words, cli_chat_word_count);
    if (near) return fail(err, E_ARG, "unknown command '%s'. HINT: did you mean %s?", name, near);
    return fail(err, E_ARG, "unknown command '%s'. HINT: /help lists them", name);
}
