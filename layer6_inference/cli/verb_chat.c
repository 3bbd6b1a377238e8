/* verb_chat.c: a conversation on a terminal, or through a pipe with one message per line. */
#include "chat_repl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SYSTEM = 1 << 20 };

void cli_chat_timings(const ChatRepl *r)
{
    const ChatSession *s = &r->session;
    double prompt = (double)s->prompt_ns * 1e-9, answer = (double)s->answer_ns * 1e-9;
    cli_screen_remark(&r->screen, "[ Prompt: %.1f t/s, %lld new of %lld | Generation: %.1f t/s, %lld tokens ]",
                      prompt > 0 ? (double)s->n_new / prompt : 0, (long long)s->n_new,
                      (long long)(s->n_new + s->n_shared), answer > 0 ? (double)s->n_said / answer : 0,
                      (long long)s->n_said);
}

/* ---------------------------------------------------------------- one answer */

/* Answers the last turn. Ctrl-C is no error: what was said stays. */
static Status answer(ChatRepl *r, Err *err)
{
    ChatSession *s = &r->session;
    int64_t first = s->first, n_before = conversation_n(&s->talk);
    line_quiet(&r->lines, true);
    Status status = chat_session_answer(s, &r->answer, cli_screen_part, &r->screen, err);
    Err late;
    Status shown = cli_screen_end(&r->screen, &late);
    line_quiet(&r->lines, false);
    if (status == OK && shown != OK) return fail(err, shown, "%s", late.text);
    /* A message without any answer is taken back: conversations go by turns. */
    if (conversation_n(&s->talk) == n_before) conversation_cut(&s->talk, n_before - 1);
    if (s->first > first)
        cli_screen_remark(&r->screen, "(the context of %lld tokens is full: the model no longer sees what was said "
                          "before turn %lld)", (long long)r->g.params.n_ctx, (long long)s->first + 1);
    if (status == OK && s->end == ANSWER_FULL)
        cli_screen_remark(&r->screen, "(the context of %lld tokens is full: the answer ends here)",
                          (long long)r->g.params.n_ctx);
    if (status == OK && s->n_said == 0 && r->timings) cli_screen_remark(&r->screen, "(the model ended its turn without a word)");
    if (status == E_CANCELLED && cli_stop) cli_screen_remark(&r->screen, "(stopped)");
    else if (status == OK && r->timings) cli_chat_timings(r);
    if (status == OK && r->lines.terminal) cli_chat_say_waiting(r);
    return status;
}

/* On a terminal a mistake ends no conversation, and Ctrl-C only the answer. */
static Status answer_and_go_on(ChatRepl *r, bool interactive, Err *err)
{
    r->ask = false;
    Status s = answer(r, err);
    /* It came too late for this answer, and is not meant for what follows. */
    if (interactive && s == OK && cli_stop == SIGINT) cli_stop = 0;
    if (!interactive || s == OK || s == E_MEMORY || (s == E_CANCELLED && cli_stop != SIGINT)) return s;
    if (s == E_CANCELLED) cli_stop = 0;
    else cli_screen_line(&r->screen, 0, "error: %s", err->text);
    return OK;
}

/* ---------------------------------------------------------------- one message */

/* Lines until a message is whole. *kind: LINE_TEXT if there is one. */
static Status read_message(ChatRepl *r, Buf *message, LineKind *kind, Err *err)
{
    Buf line = {0};
    bool quoted = false, whole = false;
    char first[TOOLS_MAX_NAME + 8] = "> ";
    Status s = OK;
    if (r->lines.terminal) cli_chat_waits(r, first, sizeof first);
    while (s == OK && !whole) {
        buf_clear(&line);
        s = line_read(&r->lines, message->len || quoted ? ". " : first, r->screen.colour, &line, kind, err);
        if (s != OK || *kind != LINE_TEXT) break;
        s = line_join(message, &quoted, line.data ? line.data : "", line.len, &whole, err);
        /* A pasted text goes on by itself. */
        if (s == OK && whole && r->lines.pasting) {
            whole = false;
            s = buf_append(message, "\n", 1, err);
        }
        if (s == OK && message->len > LINE_MAX_BYTES)
            s = fail(err, E_LIMIT, "a message of more than %d bytes. HINT: /read FILE", LINE_MAX_BYTES);
    }
    /* The file ended inside a message: what is there counts. */
    if (s == OK && *kind == LINE_END && message->len) *kind = LINE_TEXT;
    buf_close(&line);
    return s;
}

static Status add_message(ChatRepl *r, const char *text, size_t n, Err *err)
{
    size_t valid = utf8_valid_prefix(text, n);
    if (valid < n)
        return fail(err, E_ARG, "the message is not UTF-8: byte 0x%02X at offset %zu. HINT: set the terminal to UTF-8",
                    (unsigned char)text[valid], valid);
    return conversation_add(&r->session.talk, TURN_USER, text, n, NULL, err);
}

static Status take_message(ChatRepl *r, const Buf *message, Err *err)
{
    if (message->data[0] == '/') return cli_chat_command(r, message->data, err);
    if (cli_chat_waits(r, NULL, 0)) return cli_chat_give(r, message->data, message->len, err);
    TRY(add_message(r, message->data, message->len, err));
    r->ask = true;
    return OK;
}

/* Ctrl-C at the prompt: drops a line that was begun, leaves on an empty one. Without an editor we cannot see
 * the line, so there it takes two. */
static void interrupted(ChatRepl *r, bool *again)
{
    bool leave = r->lines.editor ? !r->lines.had_text : *again;
    if (!r->lines.editor) fprintf(stderr, "\n");
    if (!leave && !r->lines.editor) fprintf(stderr, "(Ctrl-C again or Ctrl-D leaves)\n");
    r->quit |= leave || cli_stop != SIGINT;
    if (cli_stop == SIGINT) cli_stop = 0;
    *again = true;
}

static Status one_message(ChatRepl *r, Buf *message, bool *again, Err *err)
{
    LineKind kind = LINE_TEXT;
    bool interactive = r->lines.terminal;
    buf_clear(message);
    TRY(read_message(r, message, &kind, err));
    if (kind == LINE_INTERRUPTED) {
        interrupted(r, again);
        return OK;
    }
    *again = false;
    r->quit = kind == LINE_END;
    if (r->quit && interactive) fprintf(stderr, "\n");
    if (r->quit || message->len == 0) return OK;
    line_remember(&r->lines, message->data);
    Status s = take_message(r, message, err);
    if (s == OK || !interactive || s == E_MEMORY) return s;
    cli_screen_line(&r->screen, 0, "error: %s", err->text);
    return OK;
}

static Status go_on(ChatRepl *r, Err *err)
{
    Buf message = {0};
    Status s = OK;
    bool again = false, single = r->c->o.single_turn;
    while (s == OK && !r->quit) {
        bool asked = r->ask;
        if (asked) s = answer_and_go_on(r, r->lines.terminal && !single, err);
        if (s == OK && !(asked && single)) s = one_message(r, &message, &again, err);
        else break;
    }
    buf_close(&message);
    return s == OK && cli_stop ? fail(err, E_CANCELLED, "stopped on request") : s;
}

/* ---------------------------------------------------------------- beginning */

static Status open_format(Cli *c, ChatFormat *f, Err *err)
{
    Buf text = {0};
    const char *chosen = c->o.chat_template;
    if (c->o.chat_template_file) {
        TRY(cli_read_text(c->o.chat_template_file, &text, MAX_SYSTEM, err));
        if (text.data) chosen = arena_strndup(&c->model.arena, text.data, text.len);
        buf_close(&text);
        if (!chosen || !(strstr(chosen, "{{") || strstr(chosen, "{%")))
            return fail(err, E_ARG, "'%.300s' holds no template. HINT: it must contain {{ or {%%",
                        c->o.chat_template_file);
    }
    ChatChoice choice = {chosen, c->o.no_jinja && !c->o.jinja};
    Status s = chat_format_open(f, &c->model.gguf, c->model.tokenizer, &choice, err);
    if (s != OK && !strstr(err->text, "HINT:")) {
        Err what = *err;
        fail(err, s, "%.400s. HINT: --chat-template NAME takes one that is built in", what.text);
    }
    TRY(s);
    if (f->guessed && !c->o.quiet)
        fprintf(stderr, "note: %s; ChatML is used, which is a guess. HINT: --chat-template NAME\n", f->why.text);
    return OK;
}

static Status open_system(ChatRepl *r, Err *err)
{
    const Options *o = &r->c->o;
    if (o->system) TRY(buf_append(&r->system, o->system, strlen(o->system), err));
    else if (o->system_file) TRY(cli_read_text(o->system_file, &r->system, MAX_SYSTEM, err));
    if (r->system.len && utf8_valid_prefix(r->system.data, r->system.len) < r->system.len)
        return fail(err, E_ARG, "the system text is not UTF-8. HINT: convert it, e.g. iconv -f latin1 -t utf8");
    TRY(conversation_set_system(&r->session.talk, r->system.data, r->system.len, err));
    if (!o->prompt) return OK;
    r->ask = true; /* a first message, also if it begins with a slash */
    return add_message(r, o->prompt, strlen(o->prompt), err);
}

/* --reasoning-format and --reasoning-budget. */
static Status open_reasoning(ChatRepl *r, Err *err)
{
    const Options *o = &r->c->o;
    bool none = strcmp(o->reasoning, "none") == 0;
    if (!none && strcmp(o->reasoning, "auto") != 0 && strcmp(o->reasoning, "deepseek") != 0)
        return fail(err, E_ARG, "--reasoning-format is '%.40s', expected is auto, deepseek (thoughts apart from the answer) or "
                    "none (with their tags in it). HINT: --hide-thinking shows none", o->reasoning);
    r->session.raw_thoughts = none;
    if (o->reasoning_budget == 0 && !r->format.caps.thinking_switch)
        cli_screen_remark(&r->screen, "note: the template has no switch for thinking, so --reasoning-budget 0 changes "
                          "nothing");
    return OK;
}

/* $XDG_STATE_HOME/sixfold/history, or below ~/.local/state. */
static const char *history_path(char *out, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = state && *state ? snprintf(out, size, "%s/sixfold/history", state)
            : home && *home ? snprintf(out, size, "%s/.local/state/sixfold/history", home) : 0;
    return n > 0 && (size_t)n < size ? out : NULL;
}

static Status open_repl(ChatRepl *r, Err *err)
{
    Cli *c = r->c;
    GeneratorParams p;
    TRY(cli_screen_open(&r->screen, c->o.color, c->o.quiet, err));
    TRY(cli_open_model(c, err));
    if (!c->model.tokenizer)
        return fail(err, E_UNSUPPORTED, "%s", c->model.no_tokenizer.text);
    TRY(open_format(c, &r->format, err));
    TRY(cli_open_pool(c, err));
    TRY(cli_generator_params(c, &p, err));
    TRY(cli_check_plan(c, &p, 0, err));
    cli_note_context(c, p.n_ctx);
    cli_catch_interrupt();
    cli_catch_terminate();
    TRY(generator_open(&r->g, &c->model, c->pool, &p, &cli_stop, err));
    TRY(cli_adapt(c, &r->g.session, err));
    r->session = (ChatSession){.g = &r->g, .format = &r->format, .thinking = c->o.reasoning_budget == 0 ? 0 : -1};
    r->answer = (AnswerParams){.n_predict = c->o.n_predict, .stops = c->o.stops.items, .n_stops = c->o.stops.n};
    r->screen.hide = c->o.hide_thoughts;
    TRY(open_reasoning(r, err));
    if (c->o.tools) TRY(cli_chat_open_tools(r, c->o.tools, err));
    return open_system(r, err);
}

Status verb_chat(Cli *c, Err *err)
{
    char path[1024];
    ChatRepl r = {.c = c};
    Status s = open_repl(&r, err);
    if (s == OK) {
        bool talks = !(c->o.single_turn && r.ask);
        if (talks) line_open(&r.lines, &cli_stop, cli_chat_words, cli_chat_word_count, history_path(path, sizeof path));
        cli_at_once = line_restore;
        r.timings = talks && r.lines.terminal && !c->o.quiet;
        if (r.timings)
            cli_screen_remark(&r.screen, "Talk with %s. /help lists what else you can do; Ctrl-D leaves.",
                              c->o.model ? c->o.model : "the storyteller");
        s = go_on(&r, err);
        cli_at_once = NULL;
        line_close(&r.lines);
    }
    chat_session_close(&r.session);
    generator_close(&r.g);
    chat_format_close(&r.format);
    cli_screen_close(&r.screen);
    buf_close(&r.system);
    arena_close(&r.tools);
    return s;
}
