/* PyTorch's archives: what torch.save wrote comes out as it went in, and whatever asks for more than plain
 * tensors, or lies about them, is refused with a message that names it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "temp_dir.h"

#define FIXTURES "tests/fixtures/torch/"

/* ---------------------------------------------------------------- archives, written here */

typedef struct {
    Buf b, directory;
    uint64_t n;
    bool wide; /* the 64-bit form */
} Zip;

static void put(Buf *b, uint64_t x, int bytes)
{
    Err err;
    for (int i = 0; i < bytes; i++, x >>= 8) MUST(buf_append(b, &(char){(char)x}, 1, &err), &err);
}

static void put_bytes(Buf *b, const void *p, size_t n)
{
    Err err;
    MUST(buf_append(b, p, n, &err), &err);
}

static void add_member(Zip *z, const char *name, const void *data, size_t n, int method)
{
    size_t at = z->b.len, length = strlen(name);
    put(&z->b, 0x04034b50, 4);
    put(&z->b, 0, 4);
    put(&z->b, (uint64_t)method, 2);
    put(&z->b, 0, 8); /* time, checksum: not looked at */
    put(&z->b, n, 4);
    put(&z->b, n, 4);
    put(&z->b, length, 2);
    put(&z->b, 3, 2);
    put_bytes(&z->b, name, length);
    put_bytes(&z->b, "pad", 3);
    put_bytes(&z->b, data, n);

    Buf *d = &z->directory;
    put(d, 0x02014b50, 4);
    put(d, 0, 6);
    put(d, (uint64_t)method, 2);
    put(d, 0, 8);
    put(d, z->wide ? UINT32_MAX : n, 4);
    put(d, z->wide ? UINT32_MAX : n, 4);
    put(d, length, 2);
    put(d, z->wide ? 33 : 0, 2);
    put(d, 0, 10); /* comment, disk, attributes */
    put(d, z->wide ? UINT32_MAX : at, 4);
    put_bytes(d, name, length);
    if (z->wide) {
        put(d, 0x7777, 2); /* a field of someone else comes first */
        put(d, 1, 2);
        put(d, 0, 1);
        put(d, 1, 2);
        put(d, 24, 2);
        put(d, n, 8);
        put(d, n, 8);
        put(d, at, 8);
    }
    z->n++;
}

static void finish(Zip *z)
{
    uint64_t at = z->b.len, bytes = z->directory.len;
    put_bytes(&z->b, z->directory.data, bytes);
    if (z->wide) {
        uint64_t end64 = z->b.len;
        put(&z->b, 0x06064b50, 4);
        put(&z->b, 44, 8);
        put(&z->b, 0, 12);
        put(&z->b, z->n, 8);
        put(&z->b, z->n, 8);
        put(&z->b, bytes, 8);
        put(&z->b, at, 8);
        put(&z->b, 0x07064b50, 4);
        put(&z->b, 0, 4);
        put(&z->b, end64, 8);
        put(&z->b, 1, 4);
    }
    put(&z->b, 0x06054b50, 4);
    put(&z->b, 0, 4);
    put(&z->b, z->wide ? UINT16_MAX : z->n, 2);
    put(&z->b, z->wide ? UINT16_MAX : z->n, 2);
    put(&z->b, z->wide ? UINT32_MAX : bytes, 4);
    put(&z->b, z->wide ? UINT32_MAX : at, 4);
    put(&z->b, 2, 2);
    put_bytes(&z->b, "hi", 2);
}

static void close_zip(Zip *z)
{
    buf_close(&z->b);
    buf_close(&z->directory);
}

/* In memory of exactly its size, so that a sanitizer sees a step too far. The views die with it. */
static Status try_bytes(const void *data, size_t n, int64_t *n_tensors, Err *err)
{
    SafeTensors st;
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, data, n);
    Status s = safetensors_open_memory(&st, copy, n, err);
    *n_tensors = st.n;
    uint64_t sum = 0;
    for (int64_t i = 0; i < st.n; i++)
        for (int64_t k = 0; k < st.tensors[i].bytes; k++) sum += st.tensors[i].data[k];
    assert_true(sum < UINT64_MAX);
    safetensors_close(&st);
    free(copy);
    return s;
}

/* The same with this pickle and a storage "0" of 24 bytes. */
static Status try_pickle(const char *pickle, size_t n, bool wide, int64_t *n_tensors, Err *err)
{
    static const char storage[24] = {1, 2, 3};
    Zip z = {.wide = wide};
    add_member(&z, "model/data.pkl", pickle, n, 0);
    add_member(&z, "model/byteorder", "little", 6, 0);
    add_member(&z, "model/data/0", storage, sizeof storage, 0);
    finish(&z);
    Status s = try_bytes(z.b.data, z.b.len, n_tensors, err);
    close_zip(&z);
    return s;
}

/* ---------------------------------------------------------------- what torch wrote */

static const SafeTensor *found(const SafeTensors *st, const char *name, int type, const char *shape)
{
    char text[64] = "";
    const SafeTensor *t = safetensors_find(st, name);
    if (!t) print_error("no '%s'\n", name);
    assert_non_null(t);
    for (int i = 0; i < t->n_dims; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i ? "," : "", (long long)t->shape[i]);
    assert_string_equal(text, shape);
    assert_int_equal(t->type, type);
    return t;
}

/* Number i is 100 k + i / 8, from number `first` on. */
static void holds(const SafeTensor *t, int k, int64_t first)
{
    int64_t size = dtype_info((DType)t->type)->bytes;
    for (int64_t i = 0; i < t->bytes / size; i++) {
        double want = 100.0 * k + (double)(first + i) / 8;
        uint16_t half;
        float f = 0, x;
        memcpy(&half, t->data + i * size, 2);
        if (t->type == DT_F32) memcpy(&f, t->data + i * 4, 4);
        x = t->type == DT_F16 ? f16_to_f32(half) : t->type == DT_BF16 ? bf16_to_f32(half) : f;
        if (t->type == DT_BF16) want = bf16_to_f32(f32_to_bf16((float)want));
        if (t->type == DT_F16) want = f16_to_f32(f32_to_f16((float)want));
        assert_true(x == want);
    }
}

static void what_torch_saved_comes_out(void **state)
{
    (void)state;
    SafeTensors st;
    Err err;
    MUST(safetensors_open(&st, FIXTURES "small.bin", MAP_AUTO, &err), &err);
    assert_int_equal(st.n, 9);
    holds(found(&st, "embed.weight", DT_F32, "3,4"), 0, 0);
    holds(found(&st, "norm.weight", DT_F16, "5"), 1, 0);
    holds(found(&st, "layers.0.weight", DT_F32, "2,3,2"), 2, 0);
    holds(found(&st, "layers.1.weight", DT_BF16, "4,3"), 3, 0);
    holds(found(&st, "part", DT_BF16, "2,3"), 3, 6);
    int64_t count;
    memcpy(&count, found(&st, "count", DT_I64, "")->data, 8);
    assert_int_equal(count, 7);
    const SafeTensor *mask = found(&st, "mask", -1, "3");
    assert_string_equal(mask->type_name, "BOOL");
    assert_memory_equal(mask->data, "\1\0\1", 3);
    assert_int_equal(found(&st, "empty", DT_F32, "0,4")->bytes, 0);
    assert_ptr_equal(found(&st, "head.weight", DT_F32, "3,4")->data, safetensors_find(&st, "embed.weight")->data);
    safetensors_close(&st);

    MUST(safetensors_open(&st, FIXTURES "parameter.bin", MAP_AUTO, &err), &err);
    assert_int_equal(st.n, 3);
    holds(found(&st, "weight", DT_F32, "2,3"), 0, 0);
    holds(found(&st, "bias", DT_F32, "2"), 1, 0);
    holds(found(&st, "bare", DT_F32, "2"), 2, 0);
    safetensors_close(&st);
}

static void a_directory_may_hold_several(void **state)
{
    (void)state;
    static const char *const names[] = {"pytorch_model.bin.index.json", "a.bin", "b.bin"};
    static const char index[] = "{\"weight_map\":{\"part\":\"a.bin\",\"bias\":\"b.bin\"}}";
    SafeTensors st;
    Err err;
    for (int i = 0; i < 3; i++) {
        Buf b = {0};
        if (i == 0) put_bytes(&b, index, sizeof index - 1);
        else b = temp_read(i == 1 ? FIXTURES "small.bin" : FIXTURES "parameter.bin");
        temp_write(names[i], b.data, b.len);
        buf_close(&b);
    }
    MUST(safetensors_open(&st, temp_dir, MAP_AUTO, &err), &err);
    assert_int_equal(st.n_files, 2);
    assert_int_equal(st.n, 12);
    assert_int_equal(found(&st, "part", DT_BF16, "2,3")->file, 0);
    assert_int_equal(found(&st, "bias", DT_F32, "2")->file, 1);
    safetensors_close(&st);
    for (int i = 0; i < 3; i++) temp_remove(names[i]);
    assert_int_equal(safetensors_open(&st, temp_dir, MAP_AUTO, &err), E_IO);
    assert_non_null(strstr(err.text, "pytorch_model.bin"));
}

/* ---------------------------------------------------------------- what is refused */

/* A tensor x: storage '0' of F32, then offset, shape, strides as instructions. */
#define STORAGE(class, numel) "((X\7\0\0\0storage" "ctorch\n" class "\nX\1\0\0\0" "0" "X\3\0\0\0" "cpu" numel "tQ"
#define TENSOR(class, numel, rest) \
    "X\1\0\0\0xctorch._utils\n_rebuild_tensor_v2\n" STORAGE(class, numel) rest "\x89" "ccollections\nOrderedDict\n)RtR"
#define DICT(items) "\x80\2}(" items "u."
#define T(class, numel, rest) DICT(TENSOR(class, numel, rest))

static void lies_and_commands_are_refused_by_name(void **state)
{
    (void)state;
#define CASE(pickle, status, says) {pickle, sizeof(pickle) - 1, status, says}
    static const struct { const char *pickle; size_t n; Status want; const char *says; } cases[] = {
        CASE(T("FloatStorage", "K\6", "K\0K\2K\3\x86K\3K\1\x86"), OK, ""),
        CASE(T("FloatStorage", "K\6", "K\1K\5\x85K\1\x85"), OK, ""),
        CASE(T("HalfStorage", "\x8a\1\x0c", "K\0K\1K\3\x86K\7K\1\x86"), OK, ""), /* strides of 1 do not matter */
        CASE("\x80\2}.", OK, ""),
        CASE("\x80\2cos\nsystem\n(X\2\0\0\0lstR.", E_UNSUPPORTED, "'system' of the module 'os'"),
        CASE("\x80\4\x8c\5posix\x8c\6system\x93.", E_UNSUPPORTED, "'system' of the module 'posix'"),
        CASE("\x80\2" "cbuiltins\neval\n.", E_UNSUPPORTED, "'eval'"),
        CASE("\x80\2" "ctorch._utils\n_rebuild_tensor\n.", E_UNSUPPORTED, "'_rebuild_tensor'"),
        CASE(T("ComplexFloatStorage", "K\3", ")K\0))"), E_UNSUPPORTED, "'ComplexFloatStorage'"),
        CASE("\x80\2}i", E_UNSUPPORTED, "0x69 ('i')"),
        CASE(DICT("X\1\0\0\0xK\1"), E_UNSUPPORTED, "'x' in the checkpoint is no tensor"),
        CASE(DICT("K\1K\1"), E_FORMAT, "a name that is no text"),
        CASE(T("FloatStorage", "K\6", "K\0K\2K\3\x86K\1K\2\x86"), E_UNSUPPORTED, "does not lie in one piece"),
        CASE(T("FloatStorage", "K\6", "K\1K\2K\3\x86K\3K\1\x86"), E_FORMAT, "reaches beyond its storage"),
        CASE(T("FloatStorage", "K\6", "K\7))"), E_FORMAT, "reaches beyond its storage"),
        CASE(T("FloatStorage", "K\5", "K\0K\5\x85K\1\x85"), E_FORMAT, "24 bytes, 5 numbers of type F32"),
        CASE(T("FloatStorage", "K\6", "J\xff\xff\xff\xffK\2\x85K\1\x85"), E_FORMAT, "a tensor that is not described"),
        CASE(T("FloatStorage", "K\6", "K\0J\xff\xff\xff\xff\x85K\1\x85"), E_FORMAT, "a wrong shape"),
        CASE(T("FloatStorage", "K\6", "K\0K\2\x85)"), E_FORMAT, "a wrong shape"),
        CASE(T("FloatStorage", "\x8a\10\xff\xff\xff\xff\xff\xff\xff\x7f", "K\0))"), E_FORMAT, "numbers of type F32"),
        CASE(T("FloatStorage", "K\6", "K\0\x8a\10\xff\xff\xff\xff\xff\xff\xff\x3f\x8a\10\xff\xff\xff\xff\xff\xff\xff\x3f"
               "\x86K\1K\1\x86"), E_FORMAT, "too many numbers"),
        CASE("\x80\2)R.", E_FORMAT, "calls nothing"),
        CASE("\x80\2})R.", E_FORMAT, "no function"),
        CASE("\x80\2t.", E_FORMAT, "misses a mark"),
        CASE("\x80\2" "K\1(K\1K\2u.", E_FORMAT, "something else than a dictionary"),
        CASE("\x80\2}(K\1u.", E_FORMAT, "something else than a dictionary"),
        CASE("\x80\2u.", E_FORMAT, "misses a mark"),
        CASE("\x80\2s.", E_FORMAT, "something else than a dictionary"),
        CASE("\x80\2h\0.", E_FORMAT, "never remembered"),
        CASE("\x80\2}r\xff\xff\xff\xff.", E_FORMAT, "out of order"),
        CASE("\x80\2q\0.", E_FORMAT, "remembers nothing"),
        CASE("\x80\2}}.", E_FORMAT, "more than one value"),
        CASE("\x80\2" "K\1.", E_FORMAT, "wrong value"),
        CASE("\x80\2\x87.", E_FORMAT, "too few values"),
        CASE("\x80\2((\x85.", E_FORMAT, "a mark inside"),
        CASE("\x80\2\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", E_FORMAT, "breaks off"),
        CASE("\x80\2\x8a\x09.........", E_FORMAT, "more than 8 bytes"),
        CASE("\x80\2)Q.", E_FORMAT, "a storage that is not described"),
        CASE("\x80\2K\1K\1b.", E_FORMAT, "a state to no dictionary"),
        CASE("\x80\2" "ctorch._utils\n_rebuild_parameter\n)R.", E_FORMAT, "no tensor"),
        CASE("\x80\x09.", E_FORMAT, "newer protocol"), CASE("\x80\2}", E_FORMAT, "breaks off"), CASE("", E_FORMAT, "breaks off")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err err = {{0}};
        int64_t n;
        Status s = try_pickle(cases[i].pickle, cases[i].n, i % 2, &n, &err);
        if (s != cases[i].want || (s != OK && (!strstr(err.text, cases[i].says) || !strstr(err.text, "HINT: "))))
            print_error("case %zu: %s '%s', expected '%s'\n", i, status_name(s), err.text, cases[i].says);
        assert_int_equal(s, cases[i].want);
        assert_true(s == OK || strstr(err.text, cases[i].says));
        assert_int_equal(n, s == OK && i < 3);
    }
}

static void archives_that_a_view_cannot_read_are_refused(void **state)
{
    (void)state;
    static const char pickle[] = "\x80\2}.";
    static const struct { const char *first, *second; int method; Status want; const char *says; } cases[] = {
        {"m/data.pkl", "m/x", 0, OK, ""},
        {"m/data.pkl", "m/x", 8, E_UNSUPPORTED, "'m/x' in the zip archive is compressed (method 8)"},
        {"m/data.pkl", "m/data.pkl", 0, E_FORMAT, "'m/data.pkl' is in the zip archive twice"},
        {"m/data.pkl", "n/data.pkl", 0, E_FORMAT, "two data.pkl"},
        {"m/data.pk", "data.pkl", 0, E_FORMAT, "no data.pkl"},
        {"m/data.pkl", "m/byteorder", 0, E_UNSUPPORTED, "in the order"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Zip z = {.wide = i % 2};
        Err err = {{0}};
        int64_t n;
        add_member(&z, cases[i].first, pickle, 4, 0);
        add_member(&z, cases[i].second, pickle, 4, cases[i].method);
        finish(&z);
        Status s = try_bytes(z.b.data, z.b.len, &n, &err);
        if (s != cases[i].want) print_error("case %zu: %s '%s'\n", i, status_name(s), err.text);
        assert_int_equal(s, cases[i].want);
        assert_true(s == OK || strstr(err.text, cases[i].says));
        close_zip(&z);
    }
    int64_t n;
    Err err;
    assert_int_equal(try_bytes("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 16, &n, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "before 1.6"));
}

/* Every beginning, every byte changed: a message or tensors, and no step outside. */
static void damage_is_noticed_or_harmless(void **state)
{
    (void)state;
    static const char *const names[] = {FIXTURES "small.bin", FIXTURES "parameter.bin"};
    for (int f = 0; f < 2; f++) {
        Buf b = temp_read(names[f]);
        Err err;
        int64_t n;
        for (size_t cut = 0; cut < b.len; cut++) {
            err.text[0] = 0;
            assert_int_not_equal(try_bytes(b.data, cut, &n, &err), OK);
            assert_non_null(strstr(err.text, "HINT: "));
        }
        for (size_t at = 0; at < b.len; at++) {
            char old = b.data[at];
            static const char changes[] = {0, 1, (char)0x80, (char)0xFF, '(', 'R'};
            for (size_t i = 0; i < sizeof changes; i++) {
                b.data[at] = (char)(i < 4 ? old ^ changes[i] : changes[i]);
                err.text[0] = 0;
                if (try_bytes(b.data, b.len, &n, &err) != OK) assert_non_null(strstr(err.text, "HINT: "));
            }
            b.data[at] = old;
        }
        buf_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_torch_saved_comes_out),
        cmocka_unit_test(a_directory_may_hold_several),
        cmocka_unit_test(lies_and_commands_are_refused_by_name),
        cmocka_unit_test(archives_that_a_view_cannot_read_are_refused),
        cmocka_unit_test(damage_is_noticed_or_harmless),
    };
    return cmocka_run_group_tests(tests, temp_dir_setup, temp_dir_teardown);
}
