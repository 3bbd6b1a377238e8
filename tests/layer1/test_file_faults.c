/* Faults of the operating system while files are read and written. The calls below stand in front of
 * the C library's and fail on request: interrupted, cut short, or refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_bytes.h"
#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What goes wrong: which call, from which time on, with which errno; or only short and interrupted. */
static struct {
    const char *call;
    int after, why, n_calls;
    bool hiccups;
    const char *advised;
    size_t advised_bytes;
} fault;

static bool fails(const char *call)
{
    if (!fault.call || strcmp(fault.call, call) != 0 || fault.n_calls++ < fault.after) return false;
    errno = fault.why;
    return true;
}

/* Every second call is interrupted, the others move 7 bytes at most. */
static bool hiccup(size_t *n)
{
    if (!fault.hiccups) return false;
    if (*n > 7) *n = 7;
    errno = EINTR;
    return fault.n_calls++ % 2 == 0;
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    if (fails("pread") || hiccup(&n)) return -1;
    return syscall(SYS_pread64, fd, to, n, at);
}

ssize_t write(int fd, const void *from, size_t n)
{
    if (fd > 2 && (fails("write") || hiccup(&n))) return -1;
    return syscall(SYS_write, fd, from, n);
}

int fsync(int fd)
{
    return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    return fails("rename") ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    if (fd >= 0 && fails("mmap")) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}

int madvise(void *at, size_t n, int advice)
{
    fault.advised = at;
    fault.advised_bytes = n;
    return (int)syscall(SYS_madvise, at, n, advice);
}

static char dir[256], path[300], partial[320];
static char bytes[1000];

static void write_bytes(void)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 31 + i / 256);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
    assert_int_equal(fclose(f), 0);
}

static bool exists(const char *p)
{
    struct stat st;
    return stat(p, &st) == 0;
}

static void interrupted_and_short_reads_bring_all_bytes(void **state)
{
    (void)state;
    MapFile m;
    Err err;
    write_bytes();
    fault.hiccups = true;
    fault.n_calls = 0;
    Status s = map_open(&m, path, MAP_READ, &err);
    fault.hiccups = false;
    MUST(s, &err);
    assert_true(fault.n_calls > 2 * 1000 / 7);
    assert_int_equal(m.size, sizeof bytes);
    assert_memory_equal(m.data, bytes, sizeof bytes);
    map_close(&m);
}

static void a_read_error_names_the_byte(void **state)
{
    (void)state;
    MapFile m;
    Err err;
    write_bytes();
    fault.call = "pread", fault.why = EIO, fault.after = 0, fault.n_calls = 0;
    Status s = map_open(&m, path, MAP_READ, &err);
    fault.call = NULL;
    assert_int_equal(s, E_IO);
    assert_non_null(strstr(err.text, "reading stopped at byte 0 of 1000: Input/output error. HINT:"));
    assert_null(m.data);
}

static void auto_reads_when_mapping_is_refused(void **state)
{
    (void)state;
    MapFile m, n;
    Err err, err_mmap;
    write_bytes();
    fault.call = "mmap", fault.why = ENODEV, fault.after = 0;
    Status s = map_open(&m, path, MAP_AUTO, &err), s_mmap = map_open(&n, path, MAP_MMAP, &err_mmap);
    fault.call = NULL;
    MUST(s, &err);
    assert_false(m.mapped);
    assert_memory_equal(m.data, bytes, sizeof bytes);
    map_close(&m);
    assert_int_equal(s_mmap, E_IO);
    assert_non_null(strstr(err_mmap.text, "is refused: No such device. HINT:"));
}

static void advice_is_about_whole_pages_inside_the_range(void **state)
{
    (void)state;
    enum { N = 5 * 65536 };
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fseek(f, N - 1, SEEK_SET), 0);
    fputc(1, f);
    fclose(f);
    MapFile m;
    Err err;
    MUST(map_open(&m, path, MAP_MMAP, &err), &err);
    map_dontneed(&m, 70000, 100000);
    const char *first = (const char *)m.data + 70000;
    assert_int_equal((uintptr_t)fault.advised % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
    assert_true(fault.advised >= first && fault.advised - first < sysconf(_SC_PAGESIZE));
    const char *end = fault.advised + fault.advised_bytes;
    assert_int_equal((uintptr_t)end % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
    assert_true(end <= first + 100000 && first + 100000 - end < sysconf(_SC_PAGESIZE));
    map_dontneed(&m, 65536, SIZE_MAX);
    assert_true(fault.advised == (const char *)m.data + 65536 && fault.advised_bytes == N - 65536);
    map_dontneed(&m, N - 10, SIZE_MAX); /* not one whole page: no advice */
    assert_true(fault.advised == (const char *)m.data + 65536);
    map_close(&m);
    unlink(path);
}

static Status write_model(Err *err)
{
    GgufWriter *w = NULL;
    Status s = gguf_writer_open(&w, 32, err);
    if (s == OK) s = gguf_put_str(w, "general.architecture", "toy", err);
    if (s == OK) s = gguf_put_tensor(w, "t", DT_I8, 1, (int64_t[]){sizeof bytes}, err);
    if (s == OK) s = gguf_write_header(w, path, err);
    if (s == OK) s = gguf_write_data(w, bytes, sizeof bytes, err);
    if (s == OK) s = gguf_writer_finish(w, err);
    gguf_writer_close(w);
    return s;
}

static void interrupted_and_short_writes_store_all_bytes(void **state)
{
    (void)state;
    Err err;
    fault.hiccups = true;
    fault.n_calls = 0;
    Status s = write_model(&err);
    fault.hiccups = false;
    MUST(s, &err);
    assert_true(fault.n_calls > 2 * 1000 / 7);
    Gguf g;
    MUST(gguf_open(&g, path, MAP_AUTO, &err), &err);
    assert_memory_equal(gguf_tensor(&g, "t")->view.data, bytes, sizeof bytes);
    gguf_close(&g);
    unlink(path);
}

/* A full disk is noticed in the middle of one write: five times seven bytes were taken. */
static void the_message_says_how_far_the_file_came(void **state)
{
    (void)state;
    Err err;
    fault.hiccups = true, fault.call = "write", fault.why = ENOSPC, fault.after = 10, fault.n_calls = 0;
    Status s = write_model(&err);
    fault.hiccups = false, fault.call = NULL;
    assert_int_equal(s, E_IO);
    assert_non_null(strstr(err.text, "at byte 35: No space left on device. HINT: free some disk space"));
    assert_false(exists(path) || exists(partial));
}

/* What was there before stays until the new file is complete and looked at. */
static void an_older_file_stays_until_the_new_one_is_sealed(void **state)
{
    (void)state;
    static const char *const calls[] = {"write", "fsync", "rename"};
    Err err;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        write_bytes();
        fault.call = calls[i], fault.why = EIO, fault.after = 0, fault.n_calls = 0;
        assert_int_equal(write_model(&err), E_IO);
        fault.call = NULL;
        MapFile m;
        MUST(map_open(&m, path, MAP_READ, &err), &err);
        assert_memory_equal(m.data, bytes, sizeof bytes);
        map_close(&m);
        assert_false(exists(partial));
    }
    const char *sealed = NULL;
    GgufWriter *w = NULL;
    Gguf g;
    MUST(gguf_writer_open(&w, 32, &err), &err);
    MUST(gguf_put_tensor(w, "t", DT_I8, 1, (int64_t[]){sizeof bytes}, &err), &err);
    MUST(gguf_write_header(w, path, &err), &err);
    MUST(gguf_write_data(w, bytes, sizeof bytes, &err), &err);
    MUST(gguf_writer_seal(w, &sealed, &err), &err);
    assert_string_equal(sealed, partial);
    MUST(gguf_open(&g, sealed, MAP_READ, &err), &err); /* whole, before it has its name */
    gguf_close(&g);
    gguf_writer_close(w);
    assert_false(exists(partial));
    assert_true(exists(path));
    unlink(path);
}

/* The second fsync is the directory's: without it a crash may leave the file without its name. */
static void the_name_is_forced_to_the_disk_too(void **state)
{
    (void)state;
    Err err;
    fault.call = "fsync", fault.why = EIO, fault.after = 1, fault.n_calls = 0;
    Status s = write_model(&err);
    fault.call = NULL;
    assert_int_equal(s, E_IO);
    assert_int_equal(fault.n_calls, 2);
    assert_non_null(strstr(err.text, "cannot store the name"));
    assert_true(exists(path) && !exists(partial));
    fault.call = "fsync", fault.why = EINVAL, fault.after = 1, fault.n_calls = 0; /* a file system that has no such thing */
    s = write_model(&err);
    fault.call = NULL;
    MUST(s, &err);
    unlink(path);
}

static void a_write_that_fails_leaves_no_file(void **state)
{
    (void)state;
    static const struct { const char *call; int why; const char *text; } cases[] = {
        {"write", EIO, "cannot write"},
        {"write", ENOSPC, "No space left on device. HINT: free some disk space"},
        {"fsync", EIO, "Input/output error"},
        {"rename", EACCES, "cannot rename the finished file to"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err err;
        fault.call = cases[i].call, fault.why = cases[i].why, fault.after = 0, fault.n_calls = 0;
        Status s = write_model(&err);
        fault.call = NULL;
        assert_int_equal(s, E_IO);
        assert_non_null(strstr(err.text, cases[i].text));
        assert_non_null(strstr(err.text, path));
        assert_false(exists(path));
        assert_false(exists(partial));
    }
}

static int make_dir(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%.200s/sixfold-faults-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%.250s/out.gguf", dir);
    snprintf(partial, sizeof partial, "%s.partial", path);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir); /* fails if a test left a file */
}

int main(void)
{
    layer1_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_and_short_reads_bring_all_bytes),
        cmocka_unit_test(a_read_error_names_the_byte),
        cmocka_unit_test(auto_reads_when_mapping_is_refused),
        cmocka_unit_test(advice_is_about_whole_pages_inside_the_range),
        cmocka_unit_test(interrupted_and_short_writes_store_all_bytes),
        cmocka_unit_test(a_write_that_fails_leaves_no_file),
        cmocka_unit_test(the_message_says_how_far_the_file_came),
        cmocka_unit_test(an_older_file_stays_until_the_new_one_is_sealed),
        cmocka_unit_test(the_name_is_forced_to_the_disk_too),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
