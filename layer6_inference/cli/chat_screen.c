/* chat_screen.c: what goes where, in which colour. */
#include "chat_screen.h"

#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GREY  "\x1b[90m"
#define RESET "\x1b[0m"

Status cli_screen_open(ChatScreen *s, const char *color, bool quiet, Err *err)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    bool on = strcmp(color, "on") == 0;
    *s = (ChatScreen){.quiet = quiet, .out_tty = isatty(STDOUT_FILENO)};
    if (!on && strcmp(color, "off") != 0 && strcmp(color, "auto") != 0)
        return fail(err, E_ARG, "--color is '%.40s', expected is auto, on or off. HINT: auto is the default", color);
    s->colour = on || (strcmp(color, "auto") == 0 && isatty(STDERR_FILENO) && s->out_tty && !(no && *no) && term &&
                       strcmp(term, "dumb") != 0);
    return OK;
}

void cli_screen_close(ChatScreen *s)
{
    buf_close(&s->clean);
    *s = (ChatScreen){0};
}

void cli_screen_remark(const ChatScreen *s, const char *fmt, ...)
{
    va_list args;
    if (s->quiet) return;
    va_start(args, fmt);
    fprintf(stderr, "%s", s->colour ? GREY : "");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "%s\n", s->colour ? RESET : "");
    va_end(args);
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

static void end_thoughts(ChatScreen *s)
{
    if (s->thinking) fprintf(stderr, "%s\n\n", s->colour ? RESET : "");
    s->thinking = false;
}

static Status show(ChatScreen *s, const char *text, size_t n, Err *err)
{
    if (s->out_tty) {
        TRY(clean(s, text, n, err));
        text = s->clean.data;
        n = s->clean.len;
    }
    s->line_open = n > 0 && text[n - 1] != '\n';
    return cli_write(text, n, err);
}

Status cli_screen_part(void *ctx, const ChatPart *part, Err *err)
{
    ChatScreen *s = ctx;
    if (part->kind == CHAT_PART_THOUGHT) {
        if (s->quiet) return OK;
        if (!s->thinking) fprintf(stderr, "%s", s->colour ? GREY : "");
        s->thinking = true;
        return cli_screen_aside(s, part->text, part->n, err);
    }
    end_thoughts(s);
    if (part->kind == CHAT_PART_CONTENT) return show(s, part->text, part->n, err);
    if (s->line_open) TRY(show(s, "\n", 1, err));
    TRY(show(s, part->name, strlen(part->name), err));
    TRY(show(s, " ", 1, err));
    TRY(show(s, part->text, part->n, err));
    return show(s, "\n", 1, err);
}

Status cli_screen_end(ChatScreen *s, Err *err)
{
    end_thoughts(s);
    Status status = s->line_open ? cli_write("\n", 1, err) : OK;
    s->line_open = false;
    return status;
}
