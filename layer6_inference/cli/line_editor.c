/* line_editor.c: libedit, opened at run time if it is installed, never needed.
 *
 * Its interface (histedit.h of version 3.1) is written down here as far as it is used. We read the keys
 * ourselves (EL_GETCFN), which gives four things: Ctrl-C ends the line instead of being retried, bytes become
 * characters by our own decoder, a pasted text, which terminals put between ESC [200~ and ESC [201~, is
 * known to be one, so that its line ends do not send it, and a line is drawn anew when the window changes. */
#include "line_reader.h"
#include "word_wrap.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

typedef struct editline EditLine;
typedef struct history History;
typedef struct { int num; const char *str; } HistEvent;
typedef struct { const char *buffer, *cursor, *lastchar; } LineInfo;

/* Operations of el_set and history, what a bound function returns. */
enum { EL_EDITOR = 2, EL_SIGNAL = 3, EL_BIND = 4, EL_ADDFN = 9, EL_HIST = 10, EL_GETCFN = 13, EL_REFRESH = 20,
       EL_PROMPT_ESC = 21 };
enum { H_SETSIZE = 1, H_ENTER = 10, H_LOAD = 17, H_SAVE = 18, H_SETUNIQUE = 20 };
enum { CC_REFRESH = 4, CC_REDISPLAY = 8, CC_REFRESH_BEEP = 9 };

static struct {
    EditLine *(*init)(const char *, FILE *, FILE *, FILE *);
    void (*end)(EditLine *);
    void (*resize)(EditLine *);
    int (*set)(EditLine *, int, ...);
    const wchar_t *(*wgets)(EditLine *, int *);
    const LineInfo *(*line)(EditLine *);
    int (*insertstr)(EditLine *, const char *);
    History *(*history_init)(void);
    void (*history_end)(History *);
    int (*history)(History *, HistEvent *, int, ...);
} lib;

struct LineEditor {
    LineReader *reader;
    EditLine *el;
    History *history;
    const char *history_file, *const *words;
    int n_words;
    char prompt[128];
    int prompt_columns;
    char bytes[4096];     /* typed, but not yet taken */
    int at, n;
    bool in_paste, interrupted, colour;
    int width;            /* of the terminal, when the line was drawn */
    struct sigaction before;
};

static LineEditor editor;

static bool open_library(void)
{
    static const struct { const char *name; void *to; } symbols[] = {
        {"el_init", &lib.init}, {"el_end", &lib.end}, {"el_resize", &lib.resize}, {"el_set", &lib.set},
        {"el_wgets", &lib.wgets}, {"el_line", &lib.line}, {"el_insertstr", &lib.insertstr},
        {"history_init", &lib.history_init}, {"history_end", &lib.history_end}, {"history", &lib.history}};
    if (lib.init) return true;
    void *so = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!so) so = dlopen("libedit.so.0", RTLD_NOW | RTLD_LOCAL);
    bool all = so != NULL;
    for (size_t i = 0; all && i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(so, symbols[i].name);
        all = symbol != NULL;
        memcpy(symbols[i].to, &symbol, sizeof symbol); /* POSIX allows it, C has no cast for it */
    }
    if (all) return true;
    if (so) dlclose(so);
    memset(&lib, 0, sizeof lib);
    return false;
}

/* ---------------------------------------------------------------- the window changes */

static volatile sig_atomic_t window_changed;

static void on_window_change(int signal)
{
    (void)signal;
    window_changed = 1;
}

/* Lines of a terminal that stand above the cursor's, if a line is so wide. */
static int rows_above(const LineInfo *line, int width)
{
    int rows = 0, column = editor.prompt_columns, used;
    for (const char *s = line->buffer; s < line->cursor; s += used) {
        uint32_t cp = utf8_decode(s, (size_t)(line->cursor - s), &used);
        int columns = cp == '\n' ? width - column : cli_wrap_columns(cp);
        column += columns;
        if (column >= width) rows++, column = cp == '\n' || column == width ? 0 : columns;
    }
    return rows;
}

/* The line is drawn anew where it began. Some terminals break its lines anew themselves, others do not: the
 * smaller of both numbers never overwrites what stands before it. */
static void follow_window(void)
{
    if (!window_changed) return;
    window_changed = 0;
    int width = cli_terminal_width(STDERR_FILENO), old = editor.width;
    if (width < 4 || width == old) return;
    const LineInfo *line = lib.line(editor.el);
    int was = rows_above(line, old < 4 ? 80 : old), is = rows_above(line, width);
    int up = was < is ? was : is;
    if (up) fprintf(stderr, "\x1b[%dA", up);
    fprintf(stderr, "\r\x1b[J");
    lib.resize(editor.el);
    lib.set(editor.el, EL_REFRESH);
    editor.width = width;
}

/* ---------------------------------------------------------------- keys */

static bool take(LineEditor *e, const char *sequence)
{
    int n = (int)strlen(sequence);
    if (e->n - e->at < n || memcmp(e->bytes + e->at, sequence, (size_t)n) != 0) return false;
    e->at += n;
    return true;
}

/* Fills the buffer; false if there is nothing more, or Ctrl-C. */
static bool fill(LineEditor *e)
{
    memmove(e->bytes, e->bytes + e->at, (size_t)(e->n - e->at));
    e->n -= e->at;
    e->at = 0;
    int64_t n = line_read_bytes(e->reader->stop, follow_window, e->bytes + e->n, sizeof e->bytes - (size_t)e->n, &e->interrupted);
    if (n > 0) e->n += (int)n;
    return n > 0;
}

/* One character for the editor: 1, 0 at the end, -1 on Ctrl-C. */
static int next_key(EditLine *el, wchar_t *out)
{
    LineEditor *e = &editor;
    for (;;) {
        if (e->at == e->n && !fill(e)) return e->interrupted ? -1 : 0;
        /* 1. Where pasted text begins and ends. */
        if (take(e, "\x1b[200~")) e->in_paste = true;
        else if (take(e, "\x1b[201~")) e->in_paste = false;
        else {
            /* 2. A whole character; what cannot become one is dropped. */
            int used;
            unsigned char lead = (unsigned char)e->bytes[e->at];
            if (lead >= 0xC0 && utf8_lead_length(lead) > e->n - e->at && !fill(e)) return e->interrupted ? -1 : 0;
            uint32_t cp = utf8_decode(e->bytes + e->at, (size_t)(e->n - e->at), &used);
            e->at += used;
            if (cp == UTF8_BAD) continue;
            if (e->in_paste && cp == '\r') cp = '\n';
            /* 3. In pasted text keys are only text: Tab completes nothing. */
            if (e->in_paste && cp == '\t') lib.insertstr(el, "\t");
            else if (!e->in_paste || cp == '\n' || cp >= ' ') {
                *out = (wchar_t)cp;
                return 1;
            }
        }
    }
}

static char *show_prompt(EditLine *el)
{
    (void)el;
    return editor.prompt;
}

/* Tab: adds what all candidates have in common, or shows them. */
static unsigned char complete(EditLine *el, int key)
{
    const LineInfo *line = lib.line(el);
    Buf rest = {0}, names = {0};
    Err none;
    unsigned char done = CC_REFRESH_BEEP;
    (void)key;
    int n = line_complete(line->buffer, (size_t)(line->cursor - line->buffer), editor.words, editor.n_words, &rest, &names,
                          &none);
    if (n > 0 && rest.len) {
        lib.insertstr(el, rest.data);
        done = CC_REFRESH;
    } else if (n > 1) {
        for (size_t i = 0; i + 1 < names.len; i++)
            if (names.data[i] == '\n') names.data[i] = ' ';
        fprintf(stderr, "%s\n%s", editor.colour ? "\x1b[0m" : "", names.data);
        done = CC_REDISPLAY;
    }
    buf_close(&rest);
    buf_close(&names);
    return done;
}

/* Alt-Enter: the message goes on in a line of its own. */
static unsigned char new_line(EditLine *el, int key)
{
    (void)key;
    return lib.insertstr(el, "\n") == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
}

/* What libedit's emacs keys leave out, or have differently from other programs. */
static void bind_keys(EditLine *el)
{
    static const char *const keys[][2] = {
        {"^I", "sixfold-complete"}, {"\\e^M", "sixfold-newline"}, {"\\e^J", "sixfold-newline"},
        {"^R", "em-inc-search-prev"}, {"^U", "vi-kill-line-prev"}, {"^W", "ed-delete-prev-word"},
        /* Ctrl and Alt with an arrow */
        {"\\e[1;5C", "em-next-word"}, {"\\e[1;5D", "ed-prev-word"}, {"\\e[1;3C", "em-next-word"},
        {"\\e[1;3D", "ed-prev-word"}, {"\\e[5C", "em-next-word"}, {"\\e[5D", "ed-prev-word"},
        {"\\eOc", "em-next-word"}, {"\\eOd", "ed-prev-word"}, {"\\e[3;5~", "em-delete-next-word"},
        /* Home and End of consoles and others */
        {"\\e[1~", "ed-move-to-beg"}, {"\\e[4~", "ed-move-to-end"}, {"\\e[7~", "ed-move-to-beg"},
        {"\\e[8~", "ed-move-to-end"}};
    lib.set(el, EL_ADDFN, "sixfold-complete", "complete a command or a file", complete);
    lib.set(el, EL_ADDFN, "sixfold-newline", "a line end in the message", new_line);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) lib.set(el, EL_BIND, keys[i][0], keys[i][1], NULL);
}

/* ---------------------------------------------------------------- open, read, close */

/* The directories above a file, as mkdir -p does. */
static void make_parents(const char *file)
{
    char path[1024];
    snprintf(path, sizeof path, "%s", file);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void open_history(LineEditor *e, const char *file)
{
    HistEvent event;
    e->history = lib.history_init();
    if (!e->history) return;
    lib.history(e->history, &event, H_SETSIZE, 1000);
    lib.history(e->history, &event, H_SETUNIQUE, 1);
    lib.set(e->el, EL_HIST, lib.history, e->history);
    e->history_file = file;
    if (file) lib.history(e->history, &event, H_LOAD, file);
}

LineEditor *line_editor_open(LineReader *r, const char *const *words, int n_words, const char *history)
{
    const char *term = getenv("TERM");
    if (!term || !*term || strcmp(term, "dumb") == 0 || !cli_utf8_locale() || !open_library()) return NULL;
    editor = (LineEditor){.reader = r, .words = words, .n_words = n_words};
    editor.el = lib.init("sixfold", stdin, stderr, stderr);
    if (!editor.el) return NULL;
    lib.set(editor.el, EL_SIGNAL, 0);
    lib.set(editor.el, EL_PROMPT_ESC, show_prompt, '\1');
    lib.set(editor.el, EL_EDITOR, "emacs");
    lib.set(editor.el, EL_GETCFN, next_key);
    bind_keys(editor.el);
    open_history(&editor, history);
    struct sigaction follow = {.sa_handler = on_window_change};
    sigaction(SIGWINCH, &follow, &editor.before);
    fprintf(stderr, "\x1b[?2004h"); /* mark pasted text */
    return &editor;
}

void line_editor_close(LineEditor *e)
{
    HistEvent event;
    if (!e) return;
    fprintf(stderr, "\x1b[?2004l");
    sigaction(SIGWINCH, &e->before, NULL);
    if (e->history && e->history_file) {
        make_parents(e->history_file);
        lib.history(e->history, &event, H_SAVE, e->history_file);
    }
    lib.end(e->el);
    if (e->history) lib.history_end(e->history);
    *e = (LineEditor){0};
}

void line_editor_restore(void)
{
    static const char end[] = "\x1b[?2004l";
    ssize_t written = editor.el ? write(STDERR_FILENO, end, sizeof end - 1) : 0;
    (void)written;
}

void line_editor_remember(LineEditor *e, const char *message)
{
    HistEvent event;
    if (e->history) lib.history(e->history, &event, H_ENTER, message);
}

Status line_editor_read(LineEditor *e, const char *prompt, bool colour, Buf *out, LineKind *kind, Err *err)
{
    /* \1 around what takes no room. What is typed is green too: libedit drops what stands last. */
    snprintf(e->prompt, sizeof e->prompt, colour ? "\1\x1b[32m\1%s" : "%s", prompt);
    e->prompt_columns = (int)strlen(prompt);
    e->interrupted = false;
    e->colour = colour;
    e->width = cli_terminal_width(STDERR_FILENO);
    window_changed = 0;
    lib.resize(e->el);
    int n = 0;
    const wchar_t *line = lib.wgets(e->el, &n);
    *kind = e->interrupted ? LINE_INTERRUPTED : line && n > 0 ? LINE_TEXT : LINE_END;
    if (colour) fprintf(stderr, "\x1b[0m");
    if (*kind == LINE_INTERRUPTED) {
        const LineInfo *typed = lib.line(e->el);
        e->reader->had_text = typed && typed->lastchar > typed->buffer;
        e->in_paste = false;
        e->at = e->n = 0;
        fprintf(stderr, "^C\n");
        return OK;
    }
    /* Only the last line end is Enter's: others belong to the message. */
    if (*kind == LINE_TEXT && line[n - 1] == L'\n') n--;
    for (int i = 0; *kind == LINE_TEXT && i < n; i++) {
        char bytes[4];
        int k = utf8_encode((uint32_t)line[i], bytes);
        TRY(buf_append(out, bytes, (size_t)k, err));
    }
    e->reader->pasting = e->in_paste;
    return OK;
}
