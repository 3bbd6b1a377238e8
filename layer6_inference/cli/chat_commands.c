/* chat_commands.c: what a person can do in a conversation besides talking. */
#include "chat_repl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILE = 4 << 20 };

typedef Status CommandFn(ChatRepl *r, const char *arg, Err *err);
static CommandFn do_help;

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
    r->ask = n > 0 && conversation_turn(talk(r), n - 1)->role == TURN_USER;
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
    if (s == OK) s = conversation_add(talk(r), TURN_USER, text.data, text.len, NULL, err);
    buf_close(&text);
    r->ask = s == OK;
    return s;
}

/* ---------------------------------------------------------------- settings */

static Status set_think(ChatRepl *r, const char *value, Err *err)
{
    int on = strcmp(value, "on") == 0 ? 1 : strcmp(value, "off") == 0 ? 0 : strcmp(value, "auto") == 0 ? -1 : -2;
    if (on == -2) return fail(err, E_ARG, "think is '%.40s', expected is on, off or auto", value);
    if (!r->format.caps.thinking_switch && on >= 0)
        return fail(err, E_UNSUPPORTED, "the template of this model has no switch for thinking");
    r->session.thinking = on;
    return OK;
}

static Status do_set(ChatRepl *r, const char *arg, Err *err)
{
    char key[40];
    Options *o = &r->c->o, before = *o;
    const char *value = arg + strcspn(arg, " ");
    snprintf(key, sizeof key, "%.*s", (int)(value - arg), arg);
    value += strspn(value, " ");
    if (!*key || !*value)
        return fail(err, E_ARG, "what is to be set? HINT: /set temp 0.5, top-k, top-p, min-p, repeat-penalty, "
                    "repeat-last-n, seed, predict, think on, timings off");
    if (strcmp(key, "think") == 0) return set_think(r, value, err);
    if (strcmp(key, "timings") == 0) {
        r->timings = strcmp(value, "on") == 0;
        return r->timings || strcmp(value, "off") == 0 ? OK : fail(err, E_ARG, "timings is '%.40s', expected is on or "
                                                                   "off", value);
    }
    if (strcmp(key, "predict") == 0) TRY(options_set(o, VERB_CHAT, "text", "n-predict", value, err));
    else TRY(options_set(o, VERB_CHAT, "sampling", key, value, err));
    /* Numbers were checked; the draws go on where they were unless there is a new seed. */
    r->answer.n_predict = o->n_predict;
    SamplerParams p = cli_sampling(o);
    if (strcmp(key, "seed") == 0 || o->seed != before.seed) r->g.sampler.rng = rng_seed(p.seed);
    else p.seed = r->g.sampler.params.seed;
    r->g.sampler.params = p;
    cli_screen_remark(&r->screen, "%s: %s", key, value);
    return OK;
}

/* ---------------------------------------------------------------- looking */

static Status do_show(ChatRepl *r, const char *arg, Err *err)
{
    (void)arg;
    (void)err;
    const Options *o = &r->c->o;
    const ChatCaps *c = &r->format.caps;
    fprintf(stderr, "model     %s\ntemplate  %s\ncan       %s%s%s%s%s\nsampling  temp %g, top-k %lld, top-p %g, min-p %g, "
            "repeat-penalty %g over %lld\nanswer    at most %lld tokens (-1: until it ends)\nsystem    %s\n",
            o->model ? o->model : "(embedded)", r->format.name,
            c->system ? "system" : "system (inside the first message)", c->tools ? ", tools" : "",
            c->tool_calls ? ", calls" : "", c->thinking_switch ? ", thinking on/off" : "",
            c->typed_only ? ", typed content" : "", o->temp, (long long)o->top_k, o->top_p, o->min_p,
            o->repeat_penalty, (long long)o->repeat_last_n, (long long)r->answer.n_predict,
            r->system.len ? r->system.data : "(as the template has it)");
    return OK;
}

static Status do_template(ChatRepl *r, const char *arg, Err *err)
{
    (void)arg;
    TRY(cli_screen_aside(&r->screen, r->format.source.ptr, r->format.source.len, err));
    fprintf(stderr, "\n");
    return OK;
}

static Status do_context(ChatRepl *r, const char *arg, Err *err)
{
    (void)arg;
    (void)err;
    fprintf(stderr, "%lld turns, %lld of %lld tokens; the model sees turns from %lld on\n",
            (long long)conversation_n(talk(r)), (long long)r->g.tokens.n, (long long)r->g.params.n_ctx,
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

static const struct { const char *name, *arg, *text; CommandFn *fn; } commands[] = {
    {"/help", "", "this list", do_help},
    {"/clear", "", "forget the conversation", do_clear},
    {"/undo", "", "forget your last message and its answer", do_undo},
    {"/regen", "", "another answer to your last message", do_regen},
    {"/system", "[TEXT]", "what the model is told before the conversation", do_system},
    {"/set", "NAME VALUE", "temp, top-k, top-p, min-p, repeat-penalty, seed, predict, think, timings ...", do_set},
    {"/show", "", "model, template, settings", do_show},
    {"/template", "", "the template's source", do_template},
    {"/context", "", "how full the context is", do_context},
    {"/stats", "", "speed of the last answer", do_stats},
    {"/save", "FILE", "write the conversation, as JSON", do_save},
    {"/load", "FILE", "go on with one that was saved", do_load},
    {"/read", "FILE", "send a file as your message", do_read},
    {"/exit", "", "leave; also /bye, Ctrl-D, Ctrl-C on an empty line", do_bye},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

const char *const cli_chat_words[] = {"/help", "/clear", "/undo", "/regen", "/system", "/set", "/show", "/template",
                                      "/context", "/stats", "/save", "/load", "/read", "/exit", "/bye"};
const int cli_chat_word_count = sizeof cli_chat_words / sizeof *cli_chat_words;

static Status do_help(ChatRepl *r, const char *arg, Err *err)
{
    (void)r;
    (void)arg;
    (void)err;
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(stderr, "  %-9s %-11s %s\n", commands[i].name, commands[i].arg, commands[i].text);
    fprintf(stderr, "A message of several lines: \"\"\" around it, or \\ at the end of a line, or paste it.\n"
            "Ctrl-C stops an answer and keeps what was said.\n");
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
    const char *arg = line + n + strspn(line + n, " \n");
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].fn(r, arg, err);
    const char *near = nearest_word(name, cli_chat_words, cli_chat_word_count);
    if (near) return fail(err, E_ARG, "unknown command '%s'. HINT: did you mean %s?", name, near);
    return fail(err, E_ARG, "unknown command '%s'. HINT: /help lists them", name);
}
