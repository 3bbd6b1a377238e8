/* chat_screen.c: what goes where, in which colour. */
#include "chat_screen.h"

#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GREY  "\x1b[90m"
#define CYAN  "\x1b[36m"
#define RESET "\x1b[0m"

Status cli_screen_open(ChatScreen *s, const char *color, bool quiet, Err *err)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    bool on = strcmp(color, "on") == 0;
    *s = (ChatScreen){.quiet = quiet, .out_tty = isatty(STDOUT_FILENO), .wrap = true};
    s->moves = term && *term && strcmp(term, "dumb") != 0;
    if (s->moves && (s->out_tty || isatty(STDERR_FILENO))) cli_utf8_locale();
    if (!on && strcmp(color, "off") != 0 && strcmp(color, "auto") != 0)
        return fail(err, E_ARG, "--color is '%.40s', expected is auto, on or off. HINT: auto is the default", color);
    s->colour = on || (strcmp(color, "auto") == 0 && isatty(STDERR_FILENO) && s->out_tty && !(no && *no) && s->moves);
    return OK;
}

void cli_screen_close(ChatScreen *s)
{
    buf_close(&s->clean);
    buf_close(&s->ready);
    cli_wrap_close(&s->words);
    *s = (ChatScreen){0};
}

/* Columns between whose ends words are kept whole; 0: all that come. */
static int width_of(const ChatScreen *s, int fd) { return s->wrap && s->moves ? cli_terminal_width(fd) : 0; }

static void put_line(const ChatScreen *s, int indent, const char *begin, const char *text, const char *end)
{
    int width = width_of(s, STDERR_FILENO);
    WordWrap w = {.width = width, .indent = indent < width / 2 ? indent : width / 4};
    Buf out = {0};
    Err none;
    bool wrapped = cli_wrap_feed(&w, text, strlen(text), &out, &none) == OK && out.len;
    fprintf(stderr, "%s%s%s\n", begin, wrapped ? out.data : text, end);
    buf_close(&out);
    cli_wrap_close(&w);
}

void cli_screen_line(const ChatScreen *s, int indent, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put_line(s, indent, "", text, "");
}

void cli_screen_remark(const ChatScreen *s, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    if (s->quiet) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put_line(s, 0, s->colour ? GREY : "", text, s->colour ? RESET : "");
}

/* The text without what a terminal would obey: C0 but for line feed and tab, DEL, C1. */
static Status clean(ChatScreen *s, const char *text, size_t n, Err *err)
{
    buf_clear(&s->clean);
    for (size_t i = 0; i < n;) {
        int used;
        uint32_t cp = utf8_decode(text + i, n - i, &used);
        bool obeyed = (cp < 32 && cp != '\n' && cp != '\t') || (cp >= 127 && cp < 160) || cp == UTF8_BAD;
        TRY(obeyed ? buf_append(&s->clean, "\xEF\xBF\xBD", 3, err) : buf_append(&s->clean, text + i, (size_t)used, err));
        i += (size_t)used;
    }
    return OK;
}

Status cli_screen_aside(ChatScreen *s, const char *text, size_t n, Err *err)
{
    TRY(clean(s, text, n, err));
    if (s->clean.len) fwrite(s->clean.data, 1, s->clean.len, stderr);
    return OK;
}

/* What is clean, with lines that end between words. */
static Status wrapped(ChatScreen *s, int fd, Err *err)
{
    buf_clear(&s->ready);
    s->words.width = width_of(s, fd); /* it may have changed */
    return cli_wrap_feed(&s->words, s->clean.data, s->clean.len, &s->ready, err);
}

static Status show(ChatScreen *s, const char *text, size_t n, Err *err)
{
    if (s->out_tty) {
        TRY(clean(s, text, n, err));
        TRY(wrapped(s, STDOUT_FILENO, err));
        text = s->ready.data;
        n = s->ready.len;
    }
    if (n) s->line_open = text[n - 1] != '\n';
    return cli_write(text, n, err);
}

static Status show_thought(ChatScreen *s, const ChatPart *part, Err *err)
{
    if (s->quiet || (s->hide && s->thinking)) return OK;
    if (!s->thinking) fprintf(stderr, "%s%s", s->colour ? GREY : "(thinking) ", s->colour && s->hide ? "(thinking)" : "");
    s->thinking = true;
    if (s->hide) return OK;
    TRY(clean(s, part->text, part->n, err));
    if (isatty(STDERR_FILENO)) TRY(wrapped(s, STDERR_FILENO, err));
    const Buf *text = isatty(STDERR_FILENO) ? &s->ready : &s->clean;
    if (text->len) fwrite(text->data, 1, text->len, stderr);
    return OK;
}

static void end_thoughts(ChatScreen *s)
{
    if (!s->thinking) return;
    fprintf(stderr, "%s\n%s", s->colour ? RESET : "", s->hide ? "" : "\n");
    cli_wrap_start(&s->words);
    s->thinking = false;
}

/* On a terminal a call is shown as what it is: a name, and a line for each argument. */
static Status show_call(ChatScreen *s, const ChatPart *part, Err *err)
{
    Arena a = {0};
    ChatValue arguments;
    Buf text = {0};
    Status status = chat_value_from_json(&a, part->text, part->n, &arguments, err);
    if (status == OK) status = buf_printf(&text, err, "call %s\n", part->name);
    for (int64_t i = 0; status == OK && arguments.kind == CHAT_DICT && i < arguments.dict->n; i++) {
        ChatPair pair = arguments.dict->pairs[i];
        status = buf_printf(&text, err, "  %.*s: ", (int)pair.key.n, pair.key.text);
        if (status == OK) status = chat_value_to_json(pair.value, &text, err);
        if (status == OK) status = buf_append(&text, "\n", 1, err);
    }
    if (status == OK && s->colour) status = cli_write(CYAN, sizeof CYAN - 1, err);
    s->words.indent = 4;
    if (status == OK) status = show(s, text.data, text.len, err);
    s->words.indent = 0;
    if (s->colour) {
        Err late;
        Status reset = cli_write(RESET, sizeof RESET - 1, &late);
        if (status == OK && reset != OK) status = fail(err, reset, "%s", late.text);
    }
    buf_close(&text);
    arena_close(&a);
    return status;
}

Status cli_screen_part(void *ctx, const ChatPart *part, Err *err)
{
    ChatScreen *s = ctx;
    if (part->kind == CHAT_PART_THOUGHT) return show_thought(s, part, err);
    end_thoughts(s);
    if (part->kind == CHAT_PART_CONTENT) return show(s, part->text, part->n, err);
    if (s->line_open) TRY(show(s, "\n", 1, err));
    if (s->out_tty) return show_call(s, part, err);
    TRY(show(s, part->name, strlen(part->name), err));
    TRY(show(s, " ", 1, err));
    TRY(show(s, part->text, part->n, err));
    return show(s, "\n", 1, err);
}

Status cli_screen_end(ChatScreen *s, Err *err)
{
    end_thoughts(s);
    Status status = s->line_open ? cli_write("\n", 1, err) : OK;
    cli_wrap_start(&s->words);
    s->line_open = false;
    return status;
}
