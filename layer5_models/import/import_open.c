/* import_open.c: a file or a directory. */
#include "hf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool import_is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static Str last_part(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    size_t start = n;
    while (start > 0 && path[start - 1] != '/') start--;
    return (Str){path + start, n - start};
}

const char *import_model_name(const char *path, char out[IMPORT_MODEL_NAME])
{
    char real[PATH_MAX];
    Str s = last_part(path);
    if ((str_is(s, ".") || str_is(s, "..")) && realpath(path, real)) s = last_part(real);
    if (s.len > 4 && memcmp(s.ptr + s.len - 4, ".bin", 4) == 0) s.len -= 4;
    int n = (int)(s.len < IMPORT_MODEL_NAME ? s.len : IMPORT_MODEL_NAME - 1);
    snprintf(out, IMPORT_MODEL_NAME, "%.*s", n, s.ptr);
    return out;
}

static Status open_path(Gguf *g, const char *path, MapMode mode, bool shapes_only, const ImportRun *run,
                        ImportNotes *notes, Err *err)
{
    char name[IMPORT_MODEL_NAME];
    HfModel m;
    *notes = (ImportNotes){0};
    if (!import_is_directory(path)) return gguf_open(g, path, mode, err);
    *g = (Gguf){0};
    HfParams p = {.wish = -1, .name = import_model_name(path, name)};
    TRY(hf_open(&m, path, mode, err));
    Status s = hf_view(&m, g, &p, shapes_only, run, err);
    *notes = m.notes;
    hf_close(&m);
    return s;
}

Status import_open(Gguf *g, const char *path, MapMode mode, bool shapes_only, ImportNotes *notes, Err *err)
{
    return open_path(g, path, mode, shapes_only, NULL, notes, err);
}

Status import_open_run(Gguf *g, const char *path, MapMode mode, const ImportRun *run, ImportNotes *notes, Err *err)
{
    return open_path(g, path, mode, false, run, notes, err);
}
