/* word_wrap.c: the next word fits, or a line ends before it. */
#include "word_wrap.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

enum { NARROWEST = 16, LONGEST_WORD = 4096 };

bool cli_utf8_locale(void)
{
    if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return true;
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL;
}

int cli_terminal_width(int fd)
{
    struct winsize size = {0};
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int cli_wrap_columns(uint32_t cp)
{
    int n = wcwidth((wchar_t)cp);
    return n < 0 ? 1 : n > 2 ? 2 : n;
}

void cli_wrap_start(WordWrap *w)
{
    w->column = w->word_columns = 0;
    buf_clear(&w->word);
}

void cli_wrap_close(WordWrap *w)
{
    buf_close(&w->word);
    *w = (WordWrap){0};
}

static bool is_blank(uint32_t cp) { return cp == ' ' || cp == '\t' || cp == '\n'; }

/* Columns of what is here of the word that begins the text. */
static int ahead(const char *text, size_t n, int most)
{
    int columns = 0, used;
    for (size_t i = 0; i < n && columns <= most; i += (size_t)used) {
        uint32_t cp = utf8_decode(text + i, n - i, &used);
        int k = cli_wrap_columns(cp);
        if (is_blank(cp) || (k == 2 && i)) break;
        columns += k;
        if (k == 2) break;
    }
    return columns;
}

static Status next_line(WordWrap *w, Buf *out, Err *err)
{
    w->column = w->indent;
    return buf_printf(out, err, "\n%*s", w->indent, "");
}

static Status blank(WordWrap *w, char c, int last, Buf *out, Err *err)
{
    int to = c == '\t' ? (w->column / 8 + 1) * 8 : w->column + 1;
    bool ends = c == '\n' || to > last;
    w->word_columns = 0;
    buf_clear(&w->word);
    if (ends && c != '\n') return next_line(w, out, err); /* the line end stands for the blank */
    w->column = ends ? 0 : to;
    return buf_append(out, &c, 1, err);
}

/* The word goes on with a character that does not fit: its beginning moves to the next line. */
static Status take_back(WordWrap *w, Buf *out, Err *err)
{
    bool moves = w->word_columns > 0 && w->column - w->word_columns > w->indent;
    if (moves) TRY(buf_printf(out, err, "\x1b[%dD\x1b[K", w->word_columns));
    TRY(next_line(w, out, err));
    if (moves) {
        w->column += w->word_columns;
        return buf_append(out, w->word.data, w->word.len, err);
    }
    w->word_columns = 0;
    buf_clear(&w->word);
    return OK;
}

Status cli_wrap_feed(WordWrap *w, const char *text, size_t n, Buf *out, Err *err)
{
    int used, last = w->width - 1;
    if (w->width < NARROWEST) return n ? buf_append(out, text, n, err) : OK;
    for (size_t i = 0; i < n; i += (size_t)used) {
        uint32_t cp = utf8_decode(text + i, n - i, &used);
        if (is_blank(cp)) {
            TRY(blank(w, (char)cp, last, out, err));
            continue;
        }
        int columns = cli_wrap_columns(cp);
        /* 1. A character of double width is a word of its own. */
        if (columns == 2 || w->word.len > LONGEST_WORD) w->word_columns = 0, buf_clear(&w->word);
        /* 2. A word begins: does what we have of it fit? */
        if (w->word.len == 0) {
            int whole = ahead(text + i, n - i, last);
            if (w->column + whole > last && w->indent + whole <= last && w->column > w->indent)
                TRY(next_line(w, out, err));
        }
        if (w->column + columns > last) TRY(take_back(w, out, err));
        /* 3. The character itself. */
        TRY(buf_append(out, text + i, (size_t)used, err));
        w->column += columns;
        if (columns == 2) continue;
        w->word_columns += columns;
        TRY(buf_append(&w->word, text + i, (size_t)used, err));
    }
    return OK;
}
