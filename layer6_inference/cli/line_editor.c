/* line_editor.c: libedit, opened at run time if it is installed, never needed.
 *
 * Its interface (histedit.h of version 3.1) is written down here as far as it is used. We read the keys
 * ourselves (EL_GETCFN), which gives three things: Ctrl-C ends the line instead of being retried, bytes become
 * characters by our own decoder, and a pasted text, which terminals put between ESC [200~ and ESC [201~, is
 * known to be one, so that its line ends do not send it. */
#include "line_reader.h"

#include <dlfcn.h>
#include <langinfo.h>
#include <locale.h>
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
enum { EL_EDITOR = 2, EL_SIGNAL = 3, EL_BIND = 4, EL_ADDFN = 9, EL_HIST = 10, EL_GETCFN = 13, EL_CLIENTDATA = 14,
       EL_PROMPT_ESC = 21 };
enum { H_SETSIZE = 1, H_ENTER = 10, H_LOAD = 17, H_SAVE = 18, H_SETUNIQUE = 20 };
enum { CC_REFRESH = 4, CC_REFRESH_BEEP = 9 };

static struct {
    EditLine *(*init)(const char *, FILE *, FILE *, FILE *);
    void (*end)(EditLine *);
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
    char prompt[64];
    char bytes[4096];     /* typed, but not yet taken */
    int at, n;
    bool in_paste, interrupted;
};

static LineEditor editor;

static bool open_library(void)
{
    static const struct { const char *name; void *to; } symbols[] = {
        {"el_init", &lib.init}, {"el_end", &lib.end}, {"el_set", &lib.set},
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

/* The editor counts columns by the locale; it must be one of UTF-8. */
static bool utf8_locale(void)
{
    if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return true;
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL;
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
    int64_t n = line_read_bytes(e->reader->stop, e->bytes + e->n, sizeof e->bytes - (size_t)e->n, &e->interrupted);
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

/* Tab: what all commands that begin like the line have in common. */
static unsigned char complete(EditLine *el, int key)
{
    const LineInfo *line = lib.line(el);
    size_t n = (size_t)(line->cursor - line->buffer), common = 0;
    const char *match = NULL;
    int matches = 0;
    (void)key;
    for (int i = 0; i < editor.n_words; i++) {
        const char *w = editor.words[i];
        if (n == 0 || strlen(w) < n || memcmp(w, line->buffer, n) != 0) continue;
        if (!matches++) match = w, common = strlen(w);
        while (strncmp(w, match, common) != 0) common--;
    }
    if (!matches) return CC_REFRESH_BEEP;
    char rest[64];
    snprintf(rest, sizeof rest, "%.*s%s", (int)(common - n), match + n, matches == 1 ? " " : "");
    if (rest[0]) lib.insertstr(el, rest);
    return CC_REFRESH;
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
    if (!term || !*term || strcmp(term, "dumb") == 0 || !utf8_locale() || !open_library()) return NULL;
    editor = (LineEditor){.reader = r, .words = words, .n_words = n_words};
    editor.el = lib.init("sixfold", stdin, stderr, stderr);
    if (!editor.el) return NULL;
    lib.set(editor.el, EL_SIGNAL, 0);
    lib.set(editor.el, EL_PROMPT_ESC, show_prompt, '\1');
    lib.set(editor.el, EL_EDITOR, "emacs");
    lib.set(editor.el, EL_GETCFN, next_key);
    lib.set(editor.el, EL_ADDFN, "sixfold-complete", "complete a command", complete);
    lib.set(editor.el, EL_BIND, "^I", "sixfold-complete", NULL);
    open_history(&editor, history);
    fprintf(stderr, "\x1b[?2004h"); /* mark pasted text */
    return &editor;
}

void line_editor_close(LineEditor *e)
{
    HistEvent event;
    if (!e) return;
    fprintf(stderr, "\x1b[?2004l");
    if (e->history && e->history_file) {
        make_parents(e->history_file);
        lib.history(e->history, &event, H_SAVE, e->history_file);
    }
    lib.end(e->el);
    if (e->history) lib.history_end(e->history);
    *e = (LineEditor){0};
}

void line_editor_remember(LineEditor *e, const char *message)
{
    HistEvent event;
    if (e->history) lib.history(e->history, &event, H_ENTER, message);
}

Status line_editor_read(LineEditor *e, const char *prompt, bool colour, Buf *out, LineKind *kind, Err *err)
{
    /* \1 around what takes no room. */
    snprintf(e->prompt, sizeof e->prompt, colour ? "\1\x1b[32m\1%s\1\x1b[0m\1" : "%s", prompt);
    e->interrupted = false;
    int n = 0;
    const wchar_t *line = lib.wgets(e->el, &n);
    *kind = e->interrupted ? LINE_INTERRUPTED : line && n > 0 ? LINE_TEXT : LINE_END;
    if (*kind == LINE_INTERRUPTED) {
        const LineInfo *typed = lib.line(e->el);
        e->reader->had_text = typed && typed->lastchar > typed->buffer;
        e->in_paste = false;
        e->at = e->n = 0;
        fprintf(stderr, "^C\n");
        return OK;
    }
    for (int i = 0; *kind == LINE_TEXT && i < n; i++) {
        char bytes[4];
        int k = utf8_encode((uint32_t)line[i], bytes);
        if (line[i] != L'\n') TRY(buf_append(out, bytes, (size_t)k, err));
    }
    e->reader->pasting = e->in_paste;
    return OK;
}
