/* The GGUF writer: what it writes is what the reader reads, and half a file is never left behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fuzz/gguf_walk.h"
#include "gguf_bytes.h"
#include "gguf_parts.h"
#include "must.h"

#include <stdlib.h>
#include <sys/stat.h>

static char dir[256], path[300], partial[310];

static bool exists(const char *p)
{
    struct stat st;
    return stat(p, &st) == 0;
}

static GgufWriter *writer(uint32_t alignment)
{
    GgufWriter *w;
    Err err;
    MUST(gguf_writer_open(&w, alignment, &err), &err);
    return w;
}

static void bytes_are_those_of_a_hand_built_file(void **state)
{
    (void)state;
    GgufWriter *w = writer(32);
    Err err;
    int64_t ne[] = {3, 2};
    float data[6] = {1, 2, 3, 4, 5, 6}, more[3] = {7, 8, 9};
    MUST(gguf_put_str(w, "general.architecture", "toy", &err), &err);
    MUST(gguf_put_u32(w, "n", 77, &err), &err);
    MUST(gguf_put_array(w, "a", GGUF_I16, (int16_t[]){-1, 2}, 2, &err), &err);
    MUST(gguf_put_tensor(w, "m", DT_F32, 2, ne, &err), &err);
    MUST(gguf_put_tensor(w, "v", DT_F32, 1, ne, &err), &err);
    MUST(gguf_write_header(w, path, &err), &err);
    /* The pieces need not be tensors: here 20 bytes, then the rest of m with the start of v. */
    MUST(gguf_write_data(w, data, 20, &err), &err);
    char joined[16];
    memcpy(joined, data + 5, 4);
    memcpy(joined + 4, more, 12);
    MUST(gguf_write_data(w, joined, 16, &err), &err);
    MUST(gguf_writer_finish(w, &err), &err);
    gguf_writer_close(w);

    Buf b = {0};
    gb_header(&b, 3, 2, 3);
    gb_kv_str(&b, "general.architecture", "toy");
    gb_kv_u32(&b, "n", 77);
    gb_array(&b, "a", GGUF_I16, 2), gb_u16(&b, 0xFFFF), gb_u16(&b, 2);
    gb_tensor(&b, "m", 2, ne, DT_F32, 0);
    gb_tensor(&b, "v", 1, ne, DT_F32, 32);
    gb_pad(&b, 32);
    gb_bytes(&b, data, 24), gb_pad(&b, 32);
    gb_bytes(&b, more, 12), gb_pad(&b, 32);
    MapFile m;
    MUST(map_open(&m, path, MAP_READ, &err), &err);
    assert_int_equal(m.size, b.len);
    assert_memory_equal(m.data, b.data, b.len);
    assert_false(exists(partial));
    map_close(&m);
    buf_close(&b);
    unlink(path);
}

static void put_everything(GgufWriter *w)
{
    Err err;
    Str strings[] = {{"one", 3}, {"", 0}, {"t\0o", 3}};
    MUST(gguf_put_u32(w, "u32", 4000000000u, &err), &err);
    MUST(gguf_put_i32(w, "i32", -5, &err), &err);
    MUST(gguf_put_f32(w, "f32", 0.1f, &err), &err);
    MUST(gguf_put_bool(w, "bool", true, &err), &err);
    MUST(gguf_put_str(w, "str", "text", &err), &err);
    MUST(gguf_put_strings(w, "strings", strings, 3, &err), &err);
    MUST(gguf_put_strings(w, "nothing", NULL, 0, &err), &err);
    MUST(gguf_put_array(w, "floats", GGUF_F32, (float[]){1, 2}, 2, &err), &err);
    MUST(gguf_put_array(w, "empty", GGUF_U64, NULL, 0, &err), &err);
}

/* A header alone, and tensors that lie where they lay before. */
static void a_header_finds_its_tensors_elsewhere(void **state)
{
    (void)state;
    Err err;
    GgufParts parts = {0};
    Gguf g;
    Buf header = {0};
    static const float m[6] = {1, 2, 3, 4, 5, 6}, v[3] = {7, 8, 9};
    const void *const data[2] = {m, v};
    for (uint32_t alignment = 8; alignment <= 256; alignment *= 32) {
        GgufWriter *w = writer(alignment);
        put_everything(w);
        MUST(gguf_put_tensor(w, "m", DT_F32, 2, (int64_t[]){3, 2}, &err), &err);
        MUST(gguf_put_tensor(w, "v", DT_F32, 1, (int64_t[]){3}, &err), &err);
        buf_clear(&header);
        MUST(gguf_writer_header(w, &header, &err), &err);
        MUST(gguf_write_header(w, path, &err), &err);
        MUST(gguf_write_data(w, m, sizeof m, &err), &err);
        MUST(gguf_write_data(w, v, sizeof v, &err), &err);
        MUST(gguf_writer_finish(w, &err), &err);
        gguf_writer_close(w);
        MapFile file;
        MUST(map_open(&file, path, MAP_READ, &err), &err);
        assert_true(header.len < file.size);
        assert_memory_equal(header.data, file.data, header.len);
        for (int with_data = 0; with_data < 2; with_data++) {
            parts = (GgufParts){.header = header.data, .header_bytes = header.len, .data = with_data ? data : NULL};
            assert_non_null(arena_alloc(&parts.arena, 1, 100));
            MUST(gguf_open_parts(&g, &parts, &err), &err);
            assert_int_equal(g.data_start, header.len);
            assert_int_equal(g.file_bytes, file.size);
            assert_int_equal(g.alignment, alignment);
            const GgufTensor *t = gguf_tensor(&g, "v");
            assert_ptr_equal(t->view.data, with_data ? v : NULL);
            assert_int_equal(t->view.ne[0], 3);
            gguf_close(&g);
        }
        map_close(&file);
        unlink(path);
    }
    /* What is taken over is closed, whatever is wrong with the header; a file, too. The end is padding. */
    for (size_t n = 0; n + 256 < header.len; n += 40) {
        MapFile *files = ARENA_NEW(&parts.arena, MapFile, 1);
        assert_non_null(files);
        MUST(map_open(files, "Makefile", MAP_READ, &err), &err);
        parts = (GgufParts){.header = header.data, .header_bytes = n, .data = data, .files = files, .n_files = 1,
                            .arena = parts.arena};
        assert_int_equal(gguf_open_parts(&g, &parts, &err), E_FORMAT);
        assert_null(parts.arena.chunks);
        assert_int_equal(parts.n_files, 0);
    }
    buf_close(&header);
}

static void every_key_comes_back_and_can_be_copied(void **state)
{
    (void)state;
    Err err;
    for (uint32_t alignment = 8; alignment <= 4096; alignment *= 8) {
        GgufWriter *w = writer(alignment);
        put_everything(w);
        MUST(gguf_put_tensor(w, "q", DT_Q8_0, 2, (int64_t[]){64, 3}, &err), &err);
        MUST(gguf_put_tensor(w, "h", DT_F16, 3, (int64_t[]){2, 2, 2}, &err), &err);
        MUST(gguf_write_header(w, path, &err), &err);
        char data[6 * 34 + 16];
        for (size_t i = 0; i < sizeof data; i++) data[i] = (char)i;
        MUST(gguf_write_data(w, data, sizeof data, &err), &err);
        MUST(gguf_writer_finish(w, &err), &err);
        gguf_writer_close(w);

        Gguf g;
        MUST(gguf_open(&g, path, MAP_AUTO, &err), &err);
        assert_int_equal(g.alignment, alignment);
        assert_int_equal(g.data_start % alignment, 0);
        assert_memory_equal(gguf_tensor(&g, "q")->view.data, data, 6 * 34);
        assert_memory_equal(gguf_tensor(&g, "h")->view.data, data + 6 * 34, 16);
        assert_int_equal((uintptr_t)gguf_tensor(&g, "h")->view.data % alignment, 0);
        gguf_walk(&g);

        /* A copy of all keys, with another alignment: the same values. */
        char copy_path[320];
        snprintf(copy_path, sizeof copy_path, "%s.copy", path);
        GgufWriter *c = writer(64);
        for (int64_t i = 0; i < g.n_kv; i++) MUST(gguf_put_copy(c, &g.kv[i], &err), &err);
        MUST(gguf_write_header(c, copy_path, &err), &err);
        MUST(gguf_writer_finish(c, &err), &err);
        gguf_writer_close(c);
        Gguf h;
        MUST(gguf_open(&h, copy_path, MAP_AUTO, &err), &err);
        assert_int_equal(h.alignment, 64);
        int n_same = 0;
        for (int64_t i = 0; i < g.n_kv; i++) {
            char key[64] = "";
            memcpy(key, g.kv[i].key.ptr, g.kv[i].key.len);
            const GgufKv *kv = gguf_find(&h, key);
            assert_non_null(kv);
            if (strcmp(key, "general.alignment") == 0) continue;
            assert_int_equal(kv->bytes, g.kv[i].bytes);
            assert_int_equal(kv->type, g.kv[i].type);
            assert_memory_equal(kv->data, g.kv[i].data, kv->bytes);
            n_same++;
        }
        assert_int_equal(n_same, 9);
        gguf_close(&h);
        gguf_close(&g);
        unlink(copy_path);
        unlink(path);
    }
}

static void what_the_reader_refuses_is_not_written(void **state)
{
    (void)state;
    GgufWriter *w;
    Err err;
    char name[65];
    memset(name, 'n', 64);
    name[64] = 0;
    assert_int_equal(gguf_writer_open(&w, 24, &err), E_ARG);
    assert_non_null(strstr(err.text, "alignment 24 must be a power of two"));
    assert_null(w);
    gguf_writer_close(w);

    w = writer(32);
    assert_int_equal(gguf_put_u32(w, "", 1, &err), E_ARG);
    assert_int_equal(gguf_put_u32(w, "general.alignment", 64, &err), E_ARG);
    MUST(gguf_put_u32(w, "k", 1, &err), &err);
    assert_int_equal(gguf_put_str(w, "k", "again", &err), E_ARG);
    assert_non_null(strstr(err.text, "key 'k' is given twice"));
    int64_t ne[] = {256, 0};
    assert_int_equal(gguf_put_tensor(w, name, DT_F32, 1, ne, &err), E_ARG);
    assert_non_null(strstr(err.text, "(64 bytes) cannot be written"));
    assert_int_equal(gguf_put_tensor(w, "t", DT_F32, 2, ne, &err), E_ARG);
    assert_non_null(strstr(err.text, "tensor 't' cannot be written as F32 [256, 0, 1, 1]"));
    ne[1] = 3;
    assert_int_equal(gguf_put_tensor(w, "t", DT_Q4_K, 1, &ne[1], &err), E_ARG);
    assert_int_equal(gguf_put_tensor(w, "t", (DType)4, 1, ne, &err), E_ARG);
    MUST(gguf_put_tensor(w, "t", DT_Q4_K, 2, ne, &err), &err);
    assert_int_equal(gguf_put_tensor(w, "t", DT_F32, 1, ne, &err), E_ARG);
    assert_non_null(strstr(err.text, "tensor 't' is given twice"));
    size_t too_much = (256u << 20) - 20;
    char *big = mem_alloc(too_much); /* refused before it is read */
    assert_int_equal(gguf_put_array(w, "big", GGUF_U8, big, (int64_t)too_much, &err), E_LIMIT);
    mem_free(big);
    assert_int_equal(gguf_put_array(w, "wraps", GGUF_U64, "", INT64_MAX, &err), E_LIMIT);
    /* What was refused has left no trace. */
    char data[3 * 144] = {1};
    MUST(gguf_write_header(w, path, &err), &err);
    MUST(gguf_write_data(w, data, sizeof data, &err), &err);
    MUST(gguf_writer_finish(w, &err), &err);
    gguf_writer_close(w);
    Gguf g;
    MUST(gguf_open(&g, path, MAP_AUTO, &err), &err);
    assert_int_equal(g.n_kv, 1);
    assert_int_equal(g.n_tensors, 1);
    gguf_close(&g);
    unlink(path);
}

static void an_unfinished_file_is_removed_and_the_old_one_stays(void **state)
{
    (void)state;
    Err err;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs("old", f);
    fclose(f);
    GgufWriter *w = writer(32);
    MUST(gguf_put_tensor(w, "t", DT_F32, 1, (int64_t[]){4}, &err), &err);
    MUST(gguf_write_header(w, path, &err), &err);
    MUST(gguf_write_data(w, "12345678", 8, &err), &err);
    assert_int_equal(gguf_writer_finish(w, &err), E_ARG);
    assert_non_null(strstr(err.text, "tensor 't' has 8 of its 16 bytes"));
    assert_true(exists(partial));
    gguf_writer_close(w);
    assert_false(exists(partial));
    MapFile m;
    MUST(map_open(&m, path, MAP_READ, &err), &err);
    assert_int_equal(m.size, 3);
    map_close(&m);
    unlink(path);
}

static void too_much_data_is_refused(void **state)
{
    (void)state;
    Err err;
    GgufWriter *w = writer(32);
    MUST(gguf_put_tensor(w, "t", DT_I8, 1, (int64_t[]){4}, &err), &err);
    MUST(gguf_write_header(w, path, &err), &err);
    assert_int_equal(gguf_write_data(w, "12345", 5, &err), E_ARG);
    assert_non_null(strstr(err.text, "1 bytes of data follow after the last tensor"));
    gguf_writer_close(w);
    assert_false(exists(partial));
    assert_false(exists(path));
}

static void a_full_disk_is_an_error_that_says_so(void **state)
{
    (void)state;
    Err err;
    char full[400];
    snprintf(full, sizeof full, "%s/full", dir);
    char full_partial[420];
    snprintf(full_partial, sizeof full_partial, "%s.partial", full);
    assert_int_equal(symlink("/dev/full", full_partial), 0); /* every write there is ENOSPC */
    GgufWriter *w = writer(32);
    MUST(gguf_put_u32(w, "k", 1, &err), &err);
    MUST(gguf_write_header(w, full, &err), &err); /* collected, not written yet */
    assert_int_equal(gguf_writer_finish(w, &err), E_IO);
    assert_non_null(strstr(err.text, "No space left on device. HINT: free some disk space"));
    gguf_writer_close(w);
    assert_false(exists(full));

    assert_int_equal(symlink("/dev/full", full_partial), 0);
    enum { BIG = 3 << 20 };
    char *data = mem_alloc(BIG);
    memset(data, 1, BIG);
    w = writer(32);
    MUST(gguf_put_tensor(w, "t", DT_I8, 1, (int64_t[]){BIG}, &err), &err);
    MUST(gguf_write_header(w, full, &err), &err);
    assert_int_equal(gguf_write_data(w, data, BIG, &err), E_IO);
    gguf_writer_close(w);
    mem_free(data);
    assert_int_equal(unlink(full_partial), -1); /* close has removed it */
}

static void impossible_places_are_named(void **state)
{
    (void)state;
    Err err;
    char bad[400];
    snprintf(bad, sizeof bad, "%s/no/such/place", dir);
    GgufWriter *w = writer(32);
    assert_int_equal(gguf_write_header(w, bad, &err), E_IO);
    assert_non_null(strstr(err.text, "No such file or directory. HINT: create the directory first"));
    gguf_writer_close(w);
    w = writer(32);
    snprintf(bad, sizeof bad, "%s/sub", dir);
    assert_int_equal(mkdir(bad, 0700), 0);
    MUST(gguf_write_header(w, bad, &err), &err);
    assert_int_equal(gguf_writer_finish(w, &err), E_IO);
    assert_non_null(strstr(err.text, "rename the finished file"));
    gguf_writer_close(w);
    snprintf(bad, sizeof bad, "%s/sub.partial", dir);
    assert_false(exists(bad));
    snprintf(bad, sizeof bad, "%s/sub", dir);
    rmdir(bad);
}

static void ten_thousand_names_are_all_checked(void **state)
{
    (void)state;
    Err err;
    enum { N = 10000 };
    GgufWriter *w = writer(8);
    int64_t one = 1;
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "tensor.%d", i);
        MUST(gguf_put_tensor(w, name, DT_I8, 1, &one, &err), &err);
    }
    MUST(gguf_write_header(w, path, &err), &err);
    for (int i = 0; i < N; i++) MUST(gguf_write_data(w, &(uint8_t){(uint8_t)(i % 251)}, 1, &err), &err);
    MUST(gguf_writer_finish(w, &err), &err);
    gguf_writer_close(w);
    Gguf g;
    MUST(gguf_open(&g, path, MAP_AUTO, &err), &err);
    assert_int_equal(g.n_tensors, N);
    assert_int_equal(*(const uint8_t *)gguf_tensor(&g, "tensor.9999")->view.data, 9999 % 251);
    gguf_close(&g);
    unlink(path);
}

static void counts_stop_at_what_the_reader_accepts(void **state)
{
    (void)state;
    Err err;
    GgufWriter *w = writer(32);
    char name[32];
    Status s = OK;
    int64_t n = 0, one = 1;
    for (; s == OK && n < 70000; n++) {
        snprintf(name, sizeof name, "k%lld", (long long)n);
        s = gguf_put_u32(w, name, 1, &err);
    }
    assert_int_equal(s, E_LIMIT);
    assert_int_equal(n, 65537);
    for (s = OK, n = 0; s == OK && n < 140000; n++) {
        snprintf(name, sizeof name, "t%lld", (long long)n);
        s = gguf_put_tensor(w, name, DT_I8, 1, &one, &err);
    }
    assert_int_equal(s, E_LIMIT);
    assert_int_equal(n, 131073);
    gguf_writer_close(w);
}

typedef struct { int64_t left; } Budget;

static bool spend(void *ctx, size_t n)
{
    (void)n;
    Budget *budget = ctx;
    return budget->left-- > 0;
}

static Status write_small(Err *err)
{
    GgufWriter *w = NULL;
    Status s = gguf_writer_open(&w, 64, err);
    if (s == OK) s = gguf_put_str(w, "k", "v", err);
    if (s == OK) s = gguf_put_tensor(w, "t", DT_I8, 1, (int64_t[]){4}, err);
    if (s == OK) s = gguf_write_header(w, path, err);
    if (s == OK) s = gguf_write_data(w, "abcd", 4, err);
    if (s == OK) s = gguf_writer_finish(w, err);
    gguf_writer_close(w);
    return s;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    Status s = E_MEMORY;
    int64_t n = 0;
    for (; s == E_MEMORY && n < 1000; n++) {
        Err err;
        Budget budget = {n};
        assert_false(exists(path));
        mem_set_hook(spend, &budget);
        s = write_small(&err);
        mem_set_hook(NULL, NULL);
        assert_false(exists(partial));
    }
    assert_int_equal(s, OK);
    assert_true(n > 5);
    assert_true(exists(path));
    unlink(path);
}

static void put_late(void *ctx)
{
    gguf_put_u32(ctx, "late", 1, NULL);
}

static void a_key_after_the_header_aborts(void **state)
{
    (void)state;
    Err err;
    GgufWriter *w = writer(32);
    MUST(gguf_write_header(w, path, &err), &err);
    assert_true(aborts(put_late, w));
    gguf_writer_close(w);
}

static int make_dir(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%.200s/sixfold-write-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%.250s/out.gguf", dir);
    snprintf(partial, sizeof partial, "%s.partial", path);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir); /* fails if a test left a file */
}

int main(void)
{
    layer1_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_those_of_a_hand_built_file),
        cmocka_unit_test(a_header_finds_its_tensors_elsewhere),
        cmocka_unit_test(every_key_comes_back_and_can_be_copied),
        cmocka_unit_test(what_the_reader_refuses_is_not_written),
        cmocka_unit_test(an_unfinished_file_is_removed_and_the_old_one_stays),
        cmocka_unit_test(too_much_data_is_refused),
        cmocka_unit_test(a_full_disk_is_an_error_that_says_so),
        cmocka_unit_test(impossible_places_are_named),
        cmocka_unit_test(ten_thousand_names_are_all_checked),
        cmocka_unit_test(counts_stop_at_what_the_reader_accepts),
        cmocka_unit_test(every_allocation_may_be_refused),
        cmocka_unit_test(a_key_after_the_header_aborts),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
