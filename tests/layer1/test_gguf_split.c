/* Models in several files: all parts are opened and agree, or nothing is opened. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fuzz/gguf_walk.h"
#include "gguf_bytes.h"
#include "must.h"

#include <stdlib.h>

static char dir[256];

static const char *part_path(int i, int n)
{
    static char path[2][400];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/toy-%05d-of-%05d.gguf", dir, i, n);
    return path[turn];
}

static void save(const char *path, Buf *b)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
    assert_int_equal(fclose(f), 0);
    buf_close(b);
}

/* What a part says of itself, and the tensors it holds (a vector of 4 each, value = first letter). */
typedef struct { int no, count, total; const char *tensors[3]; uint32_t alignment; } Part;

static void save_part(int i, int n, const Part *p)
{
    Buf b = {0};
    uint64_t n_tensors = 0, alignment = p->alignment ? p->alignment : 32;
    while (n_tensors < 3 && p->tensors[n_tensors]) n_tensors++;
    gb_header(&b, 3, n_tensors, 4 + (p->total >= 0));
    gb_kv_u16(&b, "split.no", (uint16_t)p->no);
    gb_kv_u16(&b, "split.count", (uint16_t)p->count);
    gb_kv_str(&b, "general.name", i == 1 ? "first" : "other");
    gb_kv_u32(&b, "general.alignment", (uint32_t)alignment);
    if (p->total >= 0) {
        gb_key(&b, "split.tensors.count", GGUF_I32);
        gb_u32(&b, (uint32_t)p->total);
    }
    for (uint64_t t = 0; t < n_tensors; t++) gb_vector(&b, p->tensors[t], 4, t * alignment);
    for (uint64_t t = 0; t < n_tensors; t++) {
        gb_pad(&b, alignment);
        for (int k = 0; k < 4; k++) gb_f32(&b, (float)p->tensors[t][0]);
    }
    save(part_path(i, n), &b);
}

static void save_parts(const Part *parts, int n)
{
    for (int i = 0; i < n; i++) save_part(i + 1, n, &parts[i]);
}

static void remove_parts(int n)
{
    for (int i = 1; i <= n; i++) unlink(part_path(i, n));
}

static void refused(const char *path, Status want, const char *text)
{
    Gguf g;
    Err err = {0};
    Status s = gguf_open(&g, path, MAP_AUTO, &err);
    if (s != want || !strstr(err.text, text) || !strstr(err.text, "HINT:"))
        FAILED("expected %s \"%s\", got %s \"%s\"", status_name(want), text, status_name(s), err.text);
    assert_null(g.arena.chunks);
    assert_null(g.files);
    gguf_close(&g);
}

static const Part good[3] = {{0, 3, 4, {0}, 0},
                             {1, 3, 4, {"b", "a", "d"}, 64},
                             {2, 3, -1, {"c"}, 0}};

static void three_parts_become_one_model(void **state)
{
    (void)state;
    save_parts(good, 3);
    for (MapMode mode = MAP_AUTO; mode <= MAP_READ; mode++) {
        Gguf g;
        Err err;
        MUST(gguf_open(&g, part_path(1, 3), mode, &err), &err);
        assert_int_equal(g.n_shards, 3);
        assert_int_equal(g.n_tensors, 4);
        static const struct { const char *name; int shard; } want[] = {
            {"b", 1}, {"a", 1}, {"d", 1}, {"c", 2}};
        int64_t bytes = 0;
        for (int i = 0; i < 4; i++) {
            assert_true(str_is(g.tensors[i].name, want[i].name));
            assert_int_equal(g.tensors[i].shard, want[i].shard);
            assert_true(tensor_at(&g.tensors[i].view, 3, 0, 0, 0) == (float)want[i].name[0]);
        }
        for (int i = 0; i < 3; i++) bytes += (int64_t)g.files[i].size;
        assert_int_equal(g.file_bytes, bytes);
        Str name;
        MUST(gguf_get_str(&g, "general.name", &name, &err), &err);
        assert_true(str_is(name, "first"));
        gguf_walk(&g);
        gguf_close(&g);
    }
    remove_parts(3);
}

static void a_count_of_one_is_no_split(void **state)
{
    (void)state;
    save_part(1, 1, &(Part){0, 1, 1, {"a"}, 0});
    char other[400];
    snprintf(other, sizeof other, "%s/any name", dir);
    assert_int_equal(rename(part_path(1, 1), other), 0);
    Gguf g;
    Err err;
    MUST(gguf_open(&g, other, MAP_AUTO, &err), &err);
    assert_int_equal(g.n_shards, 1);
    gguf_close(&g);
    unlink(other);
}

static void a_missing_part_is_named(void **state)
{
    (void)state;
    save_parts(good, 3);
    unlink(part_path(3, 3));
    refused(part_path(1, 3), E_IO, "toy-00003-of-00003.gguf': No such file");
    remove_parts(3);
}

static void a_later_part_points_to_the_first(void **state)
{
    (void)state;
    save_parts(good, 3);
    refused(part_path(2, 3), E_ARG,
            "part 2 of a model split into 3 files. HINT: open the part whose name ends in "
            "-00001-of-00003.gguf");
    remove_parts(3);
}

static void the_name_must_fit_the_count(void **state)
{
    (void)state;
    static const char *const names[] = {"model.gguf", "m-00001-of-00004.gguf", "m-00002-of-00003.gguf",
                                        "m-0001-of-00003.gguf", "m-00001-of-00003.GGUF",
                                        "m-0000x-of-00003.gguf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        save_part(1, 3, &good[0]);
        assert_int_equal(rename(part_path(1, 3), path), 0);
        refused(path, E_ARG, "must end in -00001-of-00003.gguf. HINT: rename");
        unlink(path);
    }
}

static void parts_must_agree(void **state)
{
    (void)state;
    static const struct { int i; Part part; const char *text; } cases[] = {
        {1, {2, 3, 4, {"b", "a", "d"}, 0}, "has split.no = 2, it must be 1"},
        {2, {2, 4, 4, {"c"}, 0}, "says that there are 4 parts, part 1 says 3"},
        {2, {2, 3, 4, {"c", "e"}, 0}, "hold 5 tensors together, split.tensors.count says 4"},
        {2, {2, 3, 4, {"a"}, 0}, "tensor 'a' appears twice"},
        {0, {0, 3, -1, {0}, 0}, "split.tensors.count says -1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        save_parts(good, 3);
        save_part(cases[i].i + 1, 3, &cases[i].part);
        refused(part_path(1, 3), E_FORMAT, cases[i].text);
        remove_parts(3);
    }
}

static void a_damaged_part_is_named(void **state)
{
    (void)state;
    save_parts(good, 3);
    Buf b = {0};
    gb_header(&b, 3, 1, 0);
    save(part_path(2, 3), &b);
    refused(part_path(1, 3), E_FORMAT, "toy-00002-of-00003.gguf: the number of tensors = 1");
    save_part(2, 3, &good[1]);
    MapFile m;
    Err err;
    MUST(map_open(&m, part_path(3, 3), MAP_READ, &err), &err);
    for (size_t n = 1; n < m.size; n += 7) {
        gb_bytes(&b, m.data, n);
        save(part_path(3, 3), &b);
        refused(part_path(1, 3), E_FORMAT, "toy-00003-of-00003.gguf: ");
    }
    map_close(&m);
    remove_parts(3);
}

static void absurd_counts_and_memory_are_refused(void **state)
{
    (void)state;
    save_part(1, 3, &(Part){0, 5000, 4, {0}, 0});
    refused(part_path(1, 3), E_LIMIT, "'split.count' = 5000 is above the limit of 4096 files");
    remove_parts(3);
    Buf b = {0};
    Gguf g;
    Err err;
    gb_header(&b, 3, 0, 1);
    gb_kv_u16(&b, "split.count", 2);
    assert_int_equal(gguf_open_memory(&g, b.data, b.len, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "split into 2 files and cannot be read from memory"));
    buf_close(&b);
}

static void messages_begin_with_the_path(void **state)
{
    (void)state;
    Buf b = {0};
    char path[400], want[500];
    snprintf(path, sizeof path, "%s/broken.gguf", dir);
    snprintf(want, sizeof want, "%s: GGUF version 9 is unknown", path);
    gb_header(&b, 9, 0, 0);
    save(path, &b);
    refused(path, E_UNSUPPORTED, want);
    unlink(path);
    refused(path, E_IO, "cannot open '");
}

/* ---------------------------------------------------------------- files of others */

static void golden_files_open(void **state)
{
    (void)state;
    static const struct { const char *path; int64_t n_tensors; } files[] = {
        {"../shared/data/stories260K/stories260K.gguf", 48},
        {"../shared/golden/quantised/Q4_1.gguf", 21},
        {"../shared/data/ggml-vocab/ggml-vocab-starcoder.gguf", 0}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        Gguf g;
        Err err;
        if (access(files[i].path, R_OK) != 0) skip();
        MUST(gguf_open(&g, files[i].path, MAP_AUTO, &err), &err);
        assert_int_equal(g.n_tensors, files[i].n_tensors);
        gguf_walk(&g);
        gguf_close(&g);
    }
}

static int make_dir(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%.200s/sixfold-split-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
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
        cmocka_unit_test(three_parts_become_one_model),
        cmocka_unit_test(a_count_of_one_is_no_split),
        cmocka_unit_test(a_missing_part_is_named),
        cmocka_unit_test(a_later_part_points_to_the_first),
        cmocka_unit_test(the_name_must_fit_the_count),
        cmocka_unit_test(parts_must_agree),
        cmocka_unit_test(a_damaged_part_is_named),
        cmocka_unit_test(absurd_counts_and_memory_are_refused),
        cmocka_unit_test(messages_begin_with_the_path),
        cmocka_unit_test(golden_files_open),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
