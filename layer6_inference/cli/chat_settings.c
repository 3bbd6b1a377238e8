/* chat_settings.c: /set and /show. */
#include "chat_repl.h"

#include <stdio.h>
#include <string.h>

static Status set_think(ChatRepl *r, const char *value, Err *err)
{
    int on = strcmp(value, "on") == 0 ? 1 : strcmp(value, "off") == 0 ? 0 : strcmp(value, "auto") == 0 ? -1 : -2;
    if (on == -2) return fail(err, E_ARG, "think is '%.40s', expected is on, off or auto", value);
    if (!r->format.caps.thinking_switch && on >= 0)
        return fail(err, E_UNSUPPORTED, "the template of this model has no switch for thinking. HINT: /set thoughts hide "
                    "shows none");
    r->session.thinking = on;
    return OK;
}

/* One of two words. */
static Status set_switch(bool *to, const char *key, const char *value, const char *yes, const char *no, Err *err)
{
    bool on = strcmp(value, yes) == 0;
    if (!on && strcmp(value, no) != 0)
        return fail(err, E_ARG, "%s is '%.40s', expected is %s or %s", key, value, yes, no);
    *to = on;
    return OK;
}

Status cli_chat_set(ChatRepl *r, const char *arg, Err *err)
{
    char key[40];
    Options *o = &r->c->o, before = *o;
    const char *value = arg + strcspn(arg, " ");
    snprintf(key, sizeof key, "%.*s", (int)(value - arg), arg);
    value += strspn(value, " ");
    if (!*key || !*value)
        return fail(err, E_ARG, "what is to be set? HINT: /set temp 0.5, top-k, top-p, min-p, repeat-penalty, "
                    "repeat-last-n, seed, predict, think on, thoughts hide, wrap off, timings off");
    if (strcmp(key, "think") == 0) return set_think(r, value, err);
    if (strcmp(key, "timings") == 0) return set_switch(&r->timings, key, value, "on", "off", err);
    if (strcmp(key, "wrap") == 0) return set_switch(&r->screen.wrap, key, value, "on", "off", err);
    if (strcmp(key, "thoughts") == 0) return set_switch(&r->screen.hide, key, value, "hide", "show", err);
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

static Status row(const ChatRepl *r, const char *name, const Buf *text, Err *err)
{
    (void)err;
    cli_screen_line(&r->screen, 10, "%-9s %s", name, text->len ? text->data : "");
    return OK;
}

/* What the template can do, as the probe found it. */
static Status abilities(const ChatRepl *r, Buf *out, Err *err)
{
    const ChatCaps *c = &r->format.caps;
    return buf_printf(out, err, "%s%s%s%s%s", c->system ? "system" : "system (inside the first message)",
                      c->tools && c->tool_results ? ", tools" : "",
                      r->format.think != CHAT_THINK_NONE || r->format.form == CHAT_FORM_CHANNELS ? ", thinking" : "",
                      c->thinking_switch ? " (/set think on, off)" : "", c->typed_only ? ", typed content" : "");
}

static Status names_of_tools(const ChatRepl *r, Buf *out, Err *err)
{
    ChatValue tools = r->session.tools;
    if (tools.kind != CHAT_LIST) return buf_printf(out, err, "none");
    for (int64_t i = 0; i < tools.list->n; i++) {
        ChatValue name = chat_value_get(chat_value_get(tools.list->items[i], "function"), "name");
        TRY(buf_printf(out, err, "%s%.*s", i ? ", " : "", (int)name.n, name.text));
    }
    return OK;
}

static Status show_all(ChatRepl *r, Buf *b, Err *err)
{
    const Options *o = &r->c->o;
    cli_screen_line(&r->screen, 10, "model     %s", o->model ? o->model : "(embedded)");
    cli_screen_line(&r->screen, 10, "template  %s", r->format.name);
    TRY(abilities(r, b, err));
    TRY(row(r, "can", b, err));
    buf_clear(b);
    TRY(names_of_tools(r, b, err));
    TRY(row(r, "tools", b, err));
    cli_screen_line(&r->screen, 10, "sampling  temp %g, top-k %lld, top-p %g, min-p %g, repeat-penalty %g over %lld", o->temp,
                    (long long)o->top_k, o->top_p, o->min_p, o->repeat_penalty, (long long)o->repeat_last_n);
    cli_screen_line(&r->screen, 10, "answer    at most %lld tokens (-1: until it ends)", (long long)r->answer.n_predict);
    size_t n = r->system.len ? utf8_valid_prefix(r->system.data, r->system.len < 400 ? r->system.len : 400) : 0;
    cli_screen_line(&r->screen, 10, "system    %.*s%s", (int)n, n ? r->system.data : "",
                    n == 0 ? "(as the template has it)" : n < r->system.len ? " ..." : "");
    return OK;
}

Status cli_chat_show(ChatRepl *r, const char *arg, Err *err)
{
    Buf b = {0};
    (void)arg;
    Status s = show_all(r, &b, err);
    buf_close(&b);
    return s;
}
