/* mapfile.c: two ways to get a file into memory.
 *
 *   read   allocate size bytes, copy the file there: costs a pass over the file before work starts
 *          and a second copy beside the page cache
 *   mmap   ask the kernel to let our addresses mean "that page of that file": costs nothing until a
 *          page is touched, and processes that map the same file share one copy
 *
 * Everything is asked of the open descriptor, not of the path again: between two looks at a path
 * somebody may put another file there. */
#include "layer1.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOAD_ALIGN = 64, READ_PIECE = 1 << 30 };

LoadFn *load = load_read;

//@ exercise 1.4 Read a file whole
//@ begin load-read
EXERCISE Status load_read(MapFile *m, int fd, size_t n, const char *path,
                          Err *err)
{
    /* 1. Memory of our own, aligned like the pieces of an arena. */
    void *owned = n > SIZE_MAX - LOAD_ALIGN ? NULL : mem_alloc(n + LOAD_ALIGN);
    if (!owned)
        return fail(err, E_MEMORY, "%s: no memory for its %zu bytes. HINT: "
                    "mmap needs none (SIXFOLD_KERNELS=load:mmap)", path, n);
    uint8_t *data = (uint8_t *)owned + LOAD_ALIGN
                    - (uintptr_t)owned % LOAD_ALIGN;
    nodes_spread(data, n);

    /* 2. Copy. One read may bring less than asked, or be interrupted. */
    for (size_t have = 0; have < n;) {
        size_t want = n - have < READ_PIECE ? n - have : READ_PIECE;
        ssize_t got = pread(fd, data + have, want, (off_t)have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            int why = errno;
            mem_free(owned);
            return fail(err, E_IO, "%s: reading stopped at byte %zu of %zu: %s."
                        " HINT: check the disk, or fetch the file again", path,
                        have, n, got < 0 ? strerror(why) : "the file shrank");
        }
        have += (size_t)got;
    }
    *m = (MapFile){.data = data, .size = n, .owned = owned};
    return OK;
}
//@ end load-read
//@ end exercise

//@ begin load-mmap
Status load_mmap(MapFile *m, int fd, size_t n, const char *path,
                 Err *err)
{
    /* 1. Addresses, no memory yet: pages arrive when they are touched. */
    void *data = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return fail(err, E_IO, "%s: mapping %zu bytes is refused: %s. HINT: "
                    "read it instead (SIXFOLD_KERNELS=load:read)", path, n,
                    strerror(errno));

    /* 2. Nothing to copy. */
    *m = (MapFile){.data = data, .size = n, .mapped = true};
    return OK;
}
//@ end load-mmap

static Status cannot_open(const char *path, int why, Err *err)
{
    const char *hint = "is it on a disk that is still there?";
    if (why == ENOENT || why == ENOTDIR) hint = "check the spelling and the directory";
    if (why == EACCES || why == EPERM) hint = "ls -l shows who may read it";
    if (why == EMFILE || why == ENFILE) hint = "too many files are open; see ulimit -n";
    return fail(err, E_IO, "cannot open '%.300s': %s. HINT: %s", path, strerror(why), hint);
}

/* Accepts regular files that are not empty; *n gets the size. */
static Status check_kind(int fd, const char *path, size_t *n, Err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return cannot_open(path, errno, err);
    if (S_ISDIR(st.st_mode))
        return fail(err, E_IO, "'%.300s' is a directory. HINT: name a file in it", path);
    if (!S_ISREG(st.st_mode))
        return fail(err, E_IO, "'%.300s' is a pipe or a device, not a regular file. HINT: save it "
                    "to disk first", path);
    if (st.st_size == 0)
        return fail(err, E_FORMAT, "'%.300s' is empty (0 bytes). HINT: the download may have failed; "
                    "fetch it again", path);
    *n = (size_t)st.st_size;
    return OK;
}

static Status load_fd(MapFile *m, int fd, const char *path, MapMode mode, Err *err)
{
    size_t n = 0;
    TRY(check_kind(fd, path, &n, err));
    if (mode == MAP_READ) return load_read(m, fd, n, path, err);
    if (mode == MAP_MMAP) return load_mmap(m, fd, n, path, err);
    Status s = load(m, fd, n, path, err);
    if (s != OK && load == load_mmap) s = load_read(m, fd, n, path, err);
    return s;
}

Status map_open(MapFile *m, const char *path, MapMode mode, Err *err)
{
    *m = (MapFile){0};
    /* O_NONBLOCK: opening a FIFO must return and be refused, not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return cannot_open(path, errno, err);
    Status s = load_fd(m, fd, path, mode, err);
    close(fd); /* a mapping outlives its descriptor */
    return s;
}

void map_close(MapFile *m)
{
    if (m->mapped) munmap((void *)(uintptr_t)m->data, m->size);
    mem_free(m->owned);
    *m = (MapFile){0};
}

void map_dontneed(const MapFile *m, size_t offset, size_t n)
{
    if (!m->mapped || offset >= m->size) return;
    if (n > m->size - offset) n = m->size - offset;
    /* Only pages that lie inside: a neighbour may still be in use. */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = -offset & (page - 1);
    if (n < skip + page) return;
    /* Advice: a refusal changes nothing. */
    madvise((void *)(uintptr_t)(m->data + offset + skip), (n - skip) / page * page, MADV_DONTNEED);
}
