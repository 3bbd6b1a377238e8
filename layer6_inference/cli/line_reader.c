/* line_reader.c: lines without an editor, and messages of several lines. */
#include "line_reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* ---------------------------------------------------------------- keys while an answer comes */

static struct termios before_quiet;
static volatile sig_atomic_t is_quiet;

void line_quiet(const LineReader *r, bool on)
{
    if (on && !is_quiet && r->terminal && tcgetattr(STDIN_FILENO, &before_quiet) == 0) {
        struct termios quiet = before_quiet;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        is_quiet = tcsetattr(STDIN_FILENO, TCSANOW, &quiet) == 0;
    } else if (!on && is_quiet) {
        tcsetattr(STDIN_FILENO, TCSANOW, &before_quiet);
        is_quiet = 0;
    }
}

void line_restore(void)
{
    if (is_quiet) tcsetattr(STDIN_FILENO, TCSANOW, &before_quiet);
    line_editor_restore();
}

void line_open(LineReader *r, const volatile int *stop, const char *const *words, int n_words, const char *history)
{
    *r = (LineReader){.terminal = isatty(STDIN_FILENO), .stop = stop};
    if (r->terminal && isatty(STDERR_FILENO)) r->editor = line_editor_open(r, words, n_words, history);
}

void line_close(LineReader *r)
{
    line_quiet(r, false);
    line_editor_close(r->editor);
    buf_close(&r->pending);
    *r = (LineReader){0};
}

void line_remember(LineReader *r, const char *message)
{
    if (r->editor) line_editor_remember(r->editor, message);
}

static void cut_front(Buf *b, size_t n)
{
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

/* A signal may come at any moment, also just before we wait; so we look five times a second. */
int64_t line_read_bytes(const volatile int *stop, void (*waiting)(void), char *to, size_t n, bool *stopped)
{
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    for (*stopped = false; !*stopped; *stopped = stop && *stop) {
        int ready = poll(&in, 1, 200);
        if (waiting) waiting();
        ssize_t got = ready > 0 ? read(STDIN_FILENO, to, n) : -1;
        if (ready > 0 && (got >= 0 || errno != EINTR)) return got;
        if (ready < 0 && errno != EINTR) return -1;
    }
    return 0;
}

/* More of stdin. *kind changes if there is none. */
static Status read_more(LineReader *r, LineKind *kind, Err *err)
{
    TRY(buf_reserve(&r->pending, 4096, err));
    bool stopped;
    int64_t n = line_read_bytes(r->stop, NULL, r->pending.data + r->pending.len, 4096, &stopped);
    if (n < 0)
        return fail(err, E_IO, "cannot read stdin: %s. HINT: it must be a terminal, a pipe or a file",
                    strerror(errno));
    r->pending.len += (size_t)n;
    if (stopped) *kind = LINE_INTERRUPTED;
    else if (n == 0) r->at_end = true;
    return OK;
}

static Status read_plain(LineReader *r, Buf *out, LineKind *kind, Err *err)
{
    size_t from = 0;
    *kind = LINE_TEXT;
    for (;;) {
        const char *end = r->pending.len > from ? memchr(r->pending.data + from, '\n', r->pending.len - from) : NULL;
        if (end || (r->at_end && r->pending.len)) {
            size_t n = end ? (size_t)(end - r->pending.data) : r->pending.len;
            TRY(n ? buf_append(out, r->pending.data, n, err) : OK);
            cut_front(&r->pending, n + (end != NULL));
            return OK;
        }
        from = r->pending.len;
        if (r->at_end) *kind = LINE_END;
        else if (from > LINE_MAX_BYTES)
            return fail(err, E_LIMIT, "a line of more than %d bytes. HINT: /read FILE", LINE_MAX_BYTES);
        else TRY(read_more(r, kind, err));
        if (*kind != LINE_TEXT) break;
    }
    if (*kind == LINE_INTERRUPTED) buf_clear(&r->pending);
    return OK;
}

Status line_read(LineReader *r, const char *prompt, bool colour, Buf *out, LineKind *kind, Err *err)
{
    r->pasting = r->had_text = false;
    if (r->editor) return line_editor_read(r->editor, prompt, colour, out, kind, err);
    if (r->terminal) fprintf(stderr, "%s", prompt);
    return read_plain(r, out, kind, err);
}

static bool starts(const char *s, size_t n) { return n >= 3 && memcmp(s, "\"\"\"", 3) == 0; }

Status line_join(Buf *message, bool *quoted, const char *line, size_t n, bool *whole, Err *err)
{
    bool first = message->len == 0 && !*quoted;
    if (n && line[n - 1] == '\r') n--;
    *whole = false;
    if (first && starts(line, n)) {
        *quoted = true;
        line += 3;
        n -= 3;
        if (n == 0) return OK;
    }
    if (*quoted) {
        *whole = n >= 3 && starts(line + n - 3, 3);
        if (*whole) n -= 3;
        TRY(buf_append(message, line, n, err));
        if (*whole && message->len && n == 0 && message->data[message->len - 1] == '\n')
            message->data[--message->len] = 0;
        if (*whole) *quoted = false;
        else TRY(buf_append(message, "\n", 1, err));
        return OK;
    }
    *whole = n == 0 || line[n - 1] != '\\';
    TRY(buf_append(message, line, *whole ? n : n - 1, err));
    return *whole ? OK : buf_append(message, "\n", 1, err);
}
