/* train_log.c: the loss, step by step, for gnuplot and for whoever compares two runs. */
#include "train_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char header[] = "# step\trate\tloss\tgradient norm\theld-out loss\n";

static Status cannot(const TrainLog *l, const char *what, Err *err)
{
    return fail(err, E_IO, "cannot %s '%.300s': %s HINT: make room on the disk or choose another --out "
                "directory, then use --resume", what, l->path, strerror(errno));
}

/* Bytes of text that belong to steps before `step`; a line without its end belongs to none. */
static size_t kept_bytes(const char *text, size_t n, int64_t step)
{
    size_t at = 0;
    while (at < n) {
        const char *end = memchr(text + at, '\n', n - at);
        if (!end || (text[at] != '#' && strtoll(text + at, NULL, 10) >= step)) break;
        at = (size_t)(end - text) + 1;
    }
    return at;
}

Status train_log_open(TrainLog *l, const char *path, int64_t step, Err *err)
{
    *l = (TrainLog){0};
    snprintf(l->path, sizeof l->path, "%s", path);
    struct stat info;
    size_t kept = 0;
    if (step > 0 && stat(path, &info) == 0 && info.st_size > 0) {
        MapFile old = {0};
        TRY(map_open(&old, path, MAP_READ, err));
        kept = kept_bytes((const char *)old.data, old.size, step);
        map_close(&old);
    }
    l->file = fopen(path, "ae");
    if (!l->file) return cannot(l, "open", err);
    if (ftruncate(fileno(l->file), (off_t)kept) != 0) return cannot(l, "shorten", err);
    if (kept == 0 && (fputs(header, l->file) == EOF || fflush(l->file) == EOF))
        return cannot(l, "write", err);
    return OK;
}

Status train_log_line(TrainLog *l, const StepReport *r, Err *err)
{
    fprintf(l->file, "%lld\t%.9g\t%.9g\t%.9g\t%.9g\n", (long long)r->step, (double)r->lr, r->loss,
            r->norm, r->held_out);
    return fflush(l->file) == EOF ? cannot(l, "write", err) : OK;
}

void train_log_close(TrainLog *l)
{
    if (l->file) fclose(l->file);
    *l = (TrainLog){0};
}
