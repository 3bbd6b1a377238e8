/* gguf_write_file.c: the writing half of the GGUF writer.
 *
 * A reader must never see half a file under the final name. So everything goes to PATH.partial, is
 * forced to the disk (fsync), and only then takes the name PATH (rename, which is atomic). The name
 * itself is an entry of the directory, which is forced to the disk too. If anything fails before the
 * renaming, closing the writer removes PATH.partial and PATH is untouched. */
#include "gguf_write_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OUT_BYTES = 1 << 20 }; /* collected for one write */

Status gguf_writer_open(GgufWriter **out, uint32_t alignment, Err *err)
{
    *out = NULL;
    if (alignment < GGUF_MIN_ALIGNMENT || alignment > GGUF_MAX_ALIGNMENT ||
        (alignment & (alignment - 1)) != 0)
        return fail(err, E_ARG, "alignment %u must be a power of two from %d to %d. HINT: 32 is what "
                    "every reader expects", alignment, GGUF_MIN_ALIGNMENT, GGUF_MAX_ALIGNMENT);
    GgufWriter *w = mem_alloc(sizeof *w);
    if (!w) return fail(err, E_MEMORY, "no memory for a GGUF writer");
    *w = (GgufWriter){.alignment = alignment, .fd = -1};
    if (alignment != GGUF_DEFAULT_ALIGNMENT) {
        static const char key[] = "general.alignment";
        GgufKv kv = {.key = {key, sizeof key - 1}, .type = GGUF_U32, .elem = GGUF_U32, .count = 1,
                     .data = (const uint8_t *)&w->alignment, .bytes = 4};
        Status s = gguf_writer_put(w, &kv, err);
        if (s != OK) {
            gguf_writer_close(w);
            return s;
        }
    }
    *out = w;
    return OK;
}

void gguf_writer_close(GgufWriter *w)
{
    if (!w) return;
    if (w->fd >= 0) {
        close(w->fd);
        unlink(w->partial);
    }
    buf_close(&w->kv);
    buf_close(&w->infos);
    buf_close(&w->tensor_bytes);
    buf_close(&w->out);
    arena_close(&w->arena);
    mem_free(w);
}

/* ---------------------------------------------------------------- bytes to the file */

static Status cannot(const GgufWriter *w, const char *verb, int why, Err *err)
{
    const char *hint = "check the disk and the directory";
    if (why == ENOSPC || why == EDQUOT) hint = "free some disk space and try again";
    if (why == EACCES || why == EPERM || why == EROFS) hint = "choose a directory you may write to";
    if (why == ENOENT || why == ENOTDIR) hint = "create the directory first";
    if (why == EISDIR) hint = "name a file, not a directory";
    return fail(err, E_IO, "cannot %s '%.300s' at byte %llu: %s. HINT: %s", verb, w->path,
                (unsigned long long)w->n_written, strerror(why), hint);
}

static Status write_all(GgufWriter *w, const char *bytes, size_t n, Err *err)
{
    while (n > 0) {
        ssize_t put = write(w->fd, bytes, n);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return cannot(w, "write", put < 0 ? errno : ENOSPC, err);
        bytes += put;
        w->n_written += (uint64_t)put;
        n -= (size_t)put;
    }
    return OK;
}

static Status flush(GgufWriter *w, Err *err)
{
    TRY(write_all(w, w->out.data, w->out.len, err));
    buf_clear(&w->out);
    return OK;
}

/* Small pieces are collected, large ones go straight through. */
static Status emit(GgufWriter *w, const void *bytes, size_t n, Err *err)
{
    if (w->out.len + n > OUT_BYTES) TRY(flush(w, err));
    TRY(n > OUT_BYTES ? write_all(w, bytes, n, err) : buf_append(&w->out, bytes, n, err));
    w->file_pos += n;
    return OK;
}

static Status pad(GgufWriter *w, Err *err)
{
    static const char zeros[4096];
    uint64_t left = -w->file_pos & (w->alignment - 1);
    while (left > 0) {
        size_t n = left < sizeof zeros ? (size_t)left : sizeof zeros;
        TRY(emit(w, zeros, n, err));
        left -= n;
    }
    return OK;
}

/* ---------------------------------------------------------------- the three steps */

static int64_t bytes_of(const GgufWriter *w, int32_t i)
{
    int64_t n;
    memcpy(&n, w->tensor_bytes.data + (size_t)i * sizeof n, sizeof n);
    return n;
}

static Status keep_paths(GgufWriter *w, const char *path, Err *err)
{
    size_t n = strlen(path);
    char *partial = arena_alloc(&w->arena, (int64_t)n + 9, 1);
    w->path = arena_strndup(&w->arena, path, n);
    if (!w->path || !partial) return fail(err, E_MEMORY, "no memory to write '%.300s'", path);
    snprintf(partial, n + 9, "%s.partial", path);
    w->partial = partial;
    return OK;
}

/* "GGUF" | u32 version | u64 tensors | u64 keys */
static void fixed_head(const GgufWriter *w, char out[GGUF_HEADER_BYTES])
{
    uint32_t version = 3;
    uint64_t n_tensors = (uint64_t)w->tensors.n, n_kv = (uint64_t)w->keys.n;
    memcpy(out, "GGUF", 4);
    memcpy(out + 4, &version, 4);
    memcpy(out + 8, &n_tensors, 8);
    memcpy(out + 16, &n_kv, 8);
}

Status gguf_writer_header(const GgufWriter *w, Buf *out, Err *err)
{
    static const char zeros[64];
    char head[GGUF_HEADER_BYTES];
    fixed_head(w, head);
    TRY(buf_append(out, head, sizeof head, err));
    TRY(buf_append(out, w->kv.data, w->kv.len, err));
    TRY(buf_append(out, w->infos.data, w->infos.len, err));
    for (size_t left; (left = -out->len & (w->alignment - 1)) > 0;)
        TRY(buf_append(out, zeros, left < sizeof zeros ? left : sizeof zeros, err));
    return OK;
}

Status gguf_write_header(GgufWriter *w, const char *path, Err *err)
{
    CHECK(!w->path, "the header of '%s' is written twice", path);
    TRY(keep_paths(w, path, err));
    w->fd = open(w->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0) return cannot(w, "create", errno, err);

    char head[GGUF_HEADER_BYTES];
    fixed_head(w, head);
    TRY(emit(w, head, sizeof head, err));
    TRY(emit(w, w->kv.data, w->kv.len, err));
    TRY(emit(w, w->infos.data, w->infos.len, err));
    return pad(w, err);
}

Status gguf_write_data(GgufWriter *w, const void *bytes, size_t n, Err *err)
{
    CHECK(w->fd >= 0, "tensor data without a header");
    const char *at = bytes;
    while (n > 0) {
        if (w->tensor == w->tensors.n)
            return fail(err, E_ARG, "%zu bytes of data follow after the last tensor. HINT: the sizes "
                        "given to the writer are wrong", n);
        int64_t left = bytes_of(w, w->tensor) - w->tensor_done;
        size_t piece = n < (size_t)left ? n : (size_t)left;
        TRY(emit(w, at, piece, err));
        w->tensor_done += (int64_t)piece;
        at += piece;
        n -= piece;
        if (w->tensor_done == bytes_of(w, w->tensor)) {
            TRY(pad(w, err));
            w->tensor++;
            w->tensor_done = 0;
        }
    }
    return OK;
}

/* The directory's own bytes. A file system that cannot do this has said so by EINVAL, and no more can be done. */
static Status sync_name(GgufWriter *w, Err *err)
{
    char *slash = strrchr(w->path, '/'), *dir = w->partial; /* no longer needed, and long enough */
    if (slash) snprintf(dir, (size_t)(slash - w->path) + 2, "%s", w->path);
    else snprintf(dir, 2, ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return OK; /* a directory that may be written to but not read */
    int why = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    close(fd);
    return why ? cannot(w, "store the name", why, err) : OK;
}

Status gguf_writer_seal(GgufWriter *w, const char **partial, Err *err)
{
    CHECK(w->fd >= 0, "a writer is finished before its header is written");

    /* 1. Nothing missing? */
    if (w->tensor < w->tensors.n)
        return fail(err, E_ARG, "tensor '%.*s' has %lld of its %lld bytes. HINT: give the data of all "
                    "tensors before finishing", NAME_ARG(w->tensors.names[w->tensor]),
                    (long long)w->tensor_done, (long long)bytes_of(w, w->tensor));

    /* 2. On the disk, all of it. */
    TRY(flush(w, err));
    if (fsync(w->fd) != 0) return cannot(w, "write", errno, err);
    if (partial) *partial = w->partial;
    return OK;
}

Status gguf_writer_finish(GgufWriter *w, Err *err)
{
    //@ begin gguf-finish
    /* 1, 2. Nothing missing; flush and fsync: on the disk, all of it. */
    TRY(gguf_writer_seal(w, NULL, err));

    /* 3. Only now under its name. */
    if (rename(w->partial, w->path) != 0)
        return cannot(w, "rename the finished file to", errno, err);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0) return cannot(w, "close", errno, err);

    /* 4. The name is an entry of the directory: on the disk too. */
    return sync_name(w, err);
    //@ end gguf-finish
}
