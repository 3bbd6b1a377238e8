/* Files as spans of bytes: both ways give the same bytes, and what is no regular file is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_bytes.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char dir[256];

static char *in_dir(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void assert_fails(const char *path, MapMode mode, Status want, const char *text)
{
    MapFile m;
    Err err = {0};
    assert_int_equal(map_open(&m, path, mode, &err), want);
    if (!strstr(err.text, text) || !strstr(err.text, "HINT:")) FAILED("message: %s", err.text);
    assert_null(m.data);
    map_close(&m);
}

static void read_and_mmap_give_the_same_bytes(void **state)
{
    (void)state;
    enum { N = 3 * 4096 + 17 };
    static uint8_t bytes[N];
    for (int i = 0; i < N; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
    char *path = in_dir("bytes");
    write_file(path, bytes, N);
    for (MapMode mode = MAP_AUTO; mode <= MAP_READ; mode++) {
        MapFile m;
        Err err;
        MUST(map_open(&m, path, mode, &err), &err);
        assert_int_equal(m.size, N);
        assert_memory_equal(m.data, bytes, N);
        assert_int_equal((uintptr_t)m.data % 64, 0);
        assert_int_equal(m.mapped, mode != MAP_READ);
        /* Advice with any range is harmless. */
        map_dontneed(&m, 100, SIZE_MAX); /* pages come back from the file */
        map_dontneed(&m, SIZE_MAX, 1);
        map_dontneed(&m, N - 1, 1);
        assert_memory_equal(m.data, bytes, N);
        map_close(&m);
        assert_null(m.data);
        map_close(&m);
    }
}

static void the_kernel_table_chooses_the_way(void **state)
{
    (void)state;
    Err err;
    MapFile m;
    char *path = in_dir("one");
    write_file(path, "x", 1);
    assert_string_equal(kernels_selected("load")->variant, "mmap");
    MUST(kernels_use("load:read", &err), &err);
    MUST(map_open(&m, path, MAP_AUTO, &err), &err);
    assert_false(m.mapped);
    assert_int_equal(m.data[0], 'x');
    map_close(&m);
    MUST(kernels_use(NULL, &err), &err);
    MUST(map_open(&m, path, MAP_AUTO, &err), &err);
    assert_true(m.mapped);
    map_close(&m);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    for (MapMode mode = MAP_AUTO; mode <= MAP_READ; mode++) {
        assert_fails(in_dir("nothing"), mode, E_IO, "No such file");
        assert_fails(dir, mode, E_IO, "is a directory");
        assert_fails("/dev/null", mode, E_IO, "not a regular file");
        write_file(in_dir("empty"), "", 0);
        assert_fails(in_dir("empty"), mode, E_FORMAT, "empty (0 bytes)");
    }
}

static void a_fifo_is_refused_without_waiting(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    assert_fails(in_dir("fifo"), MAP_AUTO, E_IO, "not a regular file");
}

static void permission_is_named(void **state)
{
    (void)state;
    write_file(in_dir("secret"), "x", 1);
    assert_int_equal(chmod(in_dir("secret"), 0), 0);
    bool root = geteuid() == 0; /* root may read everything: be somebody else for a moment */
    if (root) assert_int_equal(seteuid(65534), 0);
    assert_fails(in_dir("secret"), MAP_AUTO, E_IO, "Permission denied");
    if (root) assert_int_equal(seteuid(0), 0);
}

static bool refuse(void *ctx, size_t n)
{
    (void)ctx;
    (void)n;
    return false;
}

static void refused_memory_is_an_error_of_read_only(void **state)
{
    (void)state;
    write_file(in_dir("two"), "xy", 2);
    mem_set_hook(refuse, NULL);
    assert_fails(in_dir("two"), MAP_READ, E_MEMORY, "no memory for its 2 bytes");
    MapFile m;
    Err err;
    Status s = map_open(&m, in_dir("two"), MAP_AUTO, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(s, OK);
    map_close(&m);
}

static void a_shrunk_file_is_noticed_by_read(void **state)
{
    (void)state;
    write_file(in_dir("three"), "xyz", 3);
    FILE *f = fopen(in_dir("three"), "rb");
    assert_non_null(f);
    MapFile m = {0};
    Err err;
    assert_int_equal(load_read(&m, fileno(f), 4, "three", &err), E_IO);
    assert_non_null(strstr(err.text, "stopped at byte 3 of 4: the file shrank"));
    assert_null(m.data);
    fclose(f);
}

static void refused_mapping_is_an_error_with_its_reason(void **state)
{
    (void)state;
    MapFile m = {0};
    Err err;
    assert_int_equal(load_mmap(&m, -1, 4096, "four", &err), E_IO);
    assert_non_null(strstr(err.text, "four: mapping 4096 bytes is refused: Bad file descriptor"));
    assert_null(m.data);
}

static int make_dir(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%.200s/sixfold-map-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    const char *names[] = {"bytes", "one", "two", "three", "empty", "fifo", "secret"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(in_dir(names[i]));
    return rmdir(dir);
}

int main(void)
{
    layer1_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_and_mmap_give_the_same_bytes),
        cmocka_unit_test(the_kernel_table_chooses_the_way),
        cmocka_unit_test(what_is_no_regular_file_is_refused),
        cmocka_unit_test(a_fifo_is_refused_without_waiting),
        cmocka_unit_test(permission_is_named),
        cmocka_unit_test(refused_memory_is_an_error_of_read_only),
        cmocka_unit_test(a_shrunk_file_is_noticed_by_read),
        cmocka_unit_test(refused_mapping_is_an_error_with_its_reason),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
