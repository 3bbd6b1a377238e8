/* line_complete.c: what Tab may add: commands, and behind a command the names of files. */
#include "line_reader.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_NAMES = 200 };

typedef struct {
    const char *begin; /* n bytes that candidates begin with */
    size_t n;
    Buf common;        /* what all have in common so far */
    Buf *names;
    int count;
} Matches;

/* Lines stay in the order of the alphabet. */
static Status insert_line(Buf *lines, const char *name, Err *err)
{
    size_t at = 0, n = strlen(name) + 1;
    while (at < lines->len) {
        size_t k = (size_t)((char *)memchr(lines->data + at, '\n', lines->len - at) - lines->data) + 1 - at;
        int order = memcmp(lines->data + at, name, k < n ? k - 1 : n - 1);
        if (order > 0 || (order == 0 && k > n)) break;
        at += k;
    }
    TRY(buf_printf(lines, err, "%s\n", name));
    memmove(lines->data + at + n, lines->data + at, lines->len - n - at);
    memcpy(lines->data + at, name, n - 1);
    lines->data[at + n - 1] = '\n';
    return OK;
}

static Status candidate(Matches *m, const char *name, Err *err)
{
    size_t k = 0;
    if (strlen(name) < m->n || memcmp(name, m->begin, m->n) != 0) return OK;
    if (m->count == 0) TRY(buf_append(&m->common, name, strlen(name), err));
    while (k < m->common.len && name[k] == m->common.data[k]) k++;
    m->common.len = k;
    if (m->count++ == MAX_NAMES) return buf_append(m->names, "...\n", 4, err);
    return m->count > MAX_NAMES ? OK : insert_line(m->names, name, err);
}

/* A name may be any bytes; what a terminal would obey is not shown. */
static bool is_plain(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 127) return false;
    return utf8_valid_prefix(name, n) == n;
}

/* Files whose names begin so; directories end with a slash. */
static Status files(Matches *m, const char *path, size_t n, Err *err)
{
    char dir[1024], name[1400];
    struct stat st;
    const char *slash = memrchr(path, '/', n);
    size_t n_dir = slash ? (size_t)(slash + 1 - path) : 0;
    if (n_dir + 2 > sizeof dir) return OK;
    snprintf(dir, sizeof dir, "%.*s", n_dir ? (int)n_dir : 2, n_dir ? path : "./");
    m->begin = path + n_dir;
    m->n = n - n_dir;
    DIR *d = opendir(dir);
    Status s = OK;
    for (const struct dirent *e; s == OK && d && (e = readdir(d));) {
        if (!is_plain(e->d_name)) continue;
        if (e->d_name[0] == '.' && (m->n == 0 || m->begin[0] != '.')) continue;
        bool fits = snprintf(name, sizeof name, "%s%s", dir, e->d_name) < (int)sizeof name;
        bool is_dir = fits && stat(name, &st) == 0 && S_ISDIR(st.st_mode);
        snprintf(name, sizeof name, "%s%s", e->d_name, is_dir ? "/" : "");
        s = candidate(m, name, err);
    }
    if (d) closedir(d);
    return s;
}

int line_complete(const char *line, size_t n, const char *const *words, int n_words, Buf *rest, Buf *names, Err *err)
{
    Matches m = {.begin = line, .n = n, .names = names};
    const char *blank = n ? memchr(line, ' ', n) : NULL;
    Status s = OK;
    if (n == 0 || line[0] != '/') return 0;
    if (blank) {
        while (blank < line + n && *blank == ' ') blank++;
        s = files(&m, blank, (size_t)(line + n - blank), err);
    }
    for (int i = 0; s == OK && !blank && i < n_words; i++) s = candidate(&m, words[i], err);
    if (s == OK && m.common.len > m.n) s = buf_append(rest, m.common.data + m.n, m.common.len - m.n, err);
    if (s == OK && m.count == 1 && !blank) s = buf_append(rest, " ", 1, err);
    buf_close(&m.common);
    return s == OK ? m.count : 0;
}
