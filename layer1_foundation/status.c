/* status.c: error messages as values, and the abort for our own mistakes.
 *
 * A message may quote bytes from a hostile file, so control characters are replaced before anyone
 * prints it: one error stays one line, and no file can send escape codes to a terminal. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Unicode has a second set of control characters, U+0080 to U+009F (bytes C2 80 to C2 9F), which
 * terminals obey too. */
static void make_printable(char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];
        if (c < 0x20 || c == 0x7F) s[0] = '?';
        if (c == 0xC2 && next >= 0x80 && next <= 0x9F) s[0] = s[1] = '?';
    }
}

Status fail(Err *err, Status code, const char *fmt, ...)
{
    if (!err) return code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    make_printable(err->text);
    return code;
}

Status fail_in(Err *err, Status code, const char *prefix)
{
    if (!err) return code;
    Err inner = *err;
    return fail(err, code, "%.200s: %s", prefix, inner.text);
}

const char *status_name(Status s)
{
    switch (s) {
    case OK: return "OK";
    case E_IO: return "E_IO";
    case E_FORMAT: return "E_FORMAT";
    case E_UNSUPPORTED: return "E_UNSUPPORTED";
    case E_LIMIT: return "E_LIMIT";
    case E_ARG: return "E_ARG";
    case E_MEMORY: return "E_MEMORY";
    case E_CANCELLED: return "E_CANCELLED";
    }
    return "E_?";
}

void check_failed(const char *file, int line, const char *cond, const char *fmt, ...)
{
    fprintf(stderr, "%s:%d: internal error: CHECK(%s) failed: ", file, line, cond);
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

/* Changes (a letter missing, added, replaced, or two neighbours exchanged) that turn a into b.
 * d[i][j] is the distance of the first i letters of a to the first j of b; three rows of it are
 * enough. Words longer than 63 bytes are never near anything. Source: Damerau 1964. */
static int edit_distance(const char *a, const char *b)
{
    int la = (int)strlen(a), lb = (int)strlen(b), d[3][64];
    if (la > 63 || lb > 63) return 64;
    for (int i = 0; i <= la; i++) {
        int *row = d[i % 3];
        const int *above = d[(i + 2) % 3], *above2 = d[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= lb; j++) {
            row[j] = row[j - 1] + 1;
            if (i == 0) continue;
            int replace = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < row[j]) row[j] = above[j] + 1;
            if (replace < row[j]) row[j] = replace;
            bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (exchanged && above2[j - 2] + 1 < row[j]) row[j] = above2[j - 2] + 1;
        }
    }
    return d[la % 3][lb];
}

const char *nearest_word(const char *word, const char *const *candidates, int n)
{
    int limit = (int)strlen(word) / 3;
    if (limit > 3) limit = 3;
    if (limit < 1) limit = 1;
    const char *best = NULL;
    for (int i = 0; i < n; i++) {
        int d = edit_distance(word, candidates[i]);
        if (d <= limit) {
            best = candidates[i];
            limit = d - 1; /* only something strictly closer replaces it */
        }
    }
    return best;
}
