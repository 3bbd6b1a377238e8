/* The GGUF reader on files built byte by byte: what it reads, and every rule it enforces, with the
 * message that says which. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_bytes.h"
#include "must.h"

#include <math.h>
#include <stdlib.h>

/* Opens b, which must be refused with `want` and a message that contains `text` and a hint. */
static void refused(Buf *b, Status want, const char *text)
{
    Gguf g;
    Err err = {0};
    Status s = gguf_open_memory(&g, b->data, b->len, &err);
    if (s != want || !strstr(err.text, text) || !strstr(err.text, "HINT:"))
        FAILED("expected %s \"%s\", got %s \"%s\"", status_name(want), text, status_name(s),
                 err.text);
    assert_null(g.arena.chunks);
    gguf_close(&g);
    buf_close(b);
}

static Gguf opened(const Buf *b)
{
    Gguf g;
    Err err = {0};
    MUST(gguf_open_memory(&g, b->data, b->len, &err), &err);
    return g;
}

/* ---------------------------------------------------------------- what it reads */

static void hand_built_file_is_read(void **state)
{
    (void)state;
    Buf b = {0};
    int64_t ne[] = {3, 2};
    gb_header(&b, 3, 2, 2);
    gb_kv_str(&b, "general.architecture", "toy");
    gb_kv_u32(&b, "toy.width", 3);
    gb_tensor(&b, "w", 2, ne, DT_F32, 0);
    gb_tensor(&b, "half", 1, ne, DT_F16, 32);
    gb_pad(&b, 32);
    size_t data_start = b.len;
    for (int i = 0; i < 6; i++) gb_f32(&b, (float)i + 0.5f);
    gb_pad(&b, 32);
    for (int i = 0; i < 3; i++) gb_u16(&b, 0x3C00);

    Gguf g = opened(&b);
    Str arch = {0};
    int64_t width = -1;
    Err err;
    assert_int_equal(g.version, 3);
    assert_int_equal(g.alignment, 32);
    assert_int_equal(g.data_start, data_start);
    assert_int_equal(g.file_bytes, b.len);
    assert_int_equal(g.n_kv, 2);
    assert_int_equal(g.n_tensors, 2);
    MUST(gguf_get_str(&g, "general.architecture", &arch, &err), &err);
    assert_true(str_is(arch, "toy"));
    MUST(gguf_get_int(&g, "toy.width", 1, 10, &width, &err), &err);
    assert_int_equal(width, 3);

    const GgufTensor *w = gguf_tensor(&g, "w"), *half = gguf_tensor(&g, "half");
    assert_non_null(w);
    assert_non_null(half);
    assert_null(gguf_tensor(&g, "W"));
    assert_null(gguf_find(&g, "toy"));
    assert_int_equal(w->n_dims, 2);
    assert_int_equal(w->bytes, 24);
    assert_true(tensor_at(&w->view, 2, 1, 0, 0) == 5.5f);
    assert_true(tensor_at(&w->view, 0, 1, 0, 0) == 3.5f);
    assert_true(tensor_at(&half->view, 2, 0, 0, 0) == 1.0f);
    assert_true((const char *)half->view.data == b.data + data_start + 32);
    gguf_close(&g);
    buf_close(&b);
}

static void version_2_has_the_same_layout(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 2, 1, 0);
    gb_vector(&b, "v", 1, 0);
    gb_pad(&b, 32);
    gb_f32(&b, -2.5f);
    Gguf g = opened(&b);
    assert_int_equal(g.version, 2);
    assert_true(tensor_at(&gguf_tensor(&g, "v")->view, 0, 0, 0, 0) == -2.5f);
    gguf_close(&g);
    buf_close(&b);
}

static void every_value_type_is_read(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 15);
    gb_key(&b, "u8", GGUF_U8), gb_u8(&b, 0xFE);
    gb_key(&b, "i8", GGUF_I8), gb_u8(&b, 0xFE);
    gb_key(&b, "u16", GGUF_U16), gb_u16(&b, 0xFFFE);
    gb_key(&b, "i16", GGUF_I16), gb_u16(&b, 0xFFFE);
    gb_key(&b, "u32", GGUF_U32), gb_u32(&b, 0xFFFFFFFE);
    gb_key(&b, "i32", GGUF_I32), gb_u32(&b, 0xFFFFFFFE);
    gb_key(&b, "u64", GGUF_U64), gb_u64(&b, 1ull << 40);
    gb_key(&b, "i64", GGUF_I64), gb_u64(&b, (uint64_t)-5);
    gb_key(&b, "f32", GGUF_F32), gb_f32(&b, 0.1f);
    gb_key(&b, "f64", GGUF_F64), gb_f64(&b, 0.1);
    gb_key(&b, "no", GGUF_BOOL), gb_u8(&b, 0);
    gb_key(&b, "yes", GGUF_BOOL), gb_u8(&b, 0x80);
    gb_key(&b, "str", GGUF_STRING), gb_strn(&b, "a\0b", 3);
    gb_array(&b, "bools", GGUF_BOOL, 3), gb_u8(&b, 1), gb_u8(&b, 0), gb_u8(&b, 7);
    gb_array(&b, "none", GGUF_STRING, 0);

    Gguf g = opened(&b);
    static const struct { const char *key; int64_t want; } ints[] = {
        {"u8", 254}, {"i8", -2}, {"u16", 65534}, {"i16", -2}, {"u32", 4294967294}, {"i32", -2},
        {"u64", 1ll << 40}, {"i64", -5}};
    Err err;
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        int64_t v = 0;
        MUST(gguf_get_int(&g, ints[i].key, INT64_MIN, INT64_MAX, &v, &err), &err);
        assert_true(v == ints[i].want);
        assert_string_equal(gguf_type_name(gguf_find(&g, ints[i].key)->type), ints[i].key);
    }
    float f = 0;
    MUST(gguf_get_f32(&g, "f32", &f, &err), &err);
    assert_true(f == 0.1f);
    f = 0;
    MUST(gguf_get_f32(&g, "f64", &f, &err), &err);
    assert_true(f == 0.1f);
    bool yes = false, no = true;
    MUST(gguf_get_bool(&g, "yes", &yes, &err), &err);
    MUST(gguf_get_bool(&g, "no", &no, &err), &err);
    assert_true(yes && !no);
    Str s = {0};
    MUST(gguf_get_str(&g, "str", &s, &err), &err);
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.ptr, "a\0b", 3);
    const GgufKv *kv;
    MUST(gguf_array(&g, "bools", GGUF_I32, 3, &kv, &err), &err);
    assert_true(gguf_array_int(kv, 0) == 1 && gguf_array_int(kv, 1) == 0 && gguf_array_int(kv, 2) == 1);
    MUST(gguf_array(&g, "none", GGUF_STRING, 0, &kv, &err), &err);
    GgufStrings it = gguf_strings(kv);
    assert_false(gguf_next_string(&it, &s));
    gguf_close(&g);
    buf_close(&b);
}

static void absent_keys_leave_the_default(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 0);
    Gguf g = opened(&b);
    int64_t i = 7;
    float f = 7;
    bool t = true;
    Str s = {"7", 1};
    const GgufKv *kv = (const GgufKv *)&g;
    assert_int_equal(gguf_get_int(&g, "a", 0, 1, &i, NULL), OK);
    assert_int_equal(gguf_get_f32(&g, "a", &f, NULL), OK);
    assert_int_equal(gguf_get_bool(&g, "a", &t, NULL), OK);
    assert_int_equal(gguf_get_str(&g, "a", &s, NULL), OK);
    assert_int_equal(gguf_array(&g, "a", GGUF_F32, 3, &kv, NULL), OK);
    assert_true(i == 7 && f == 7 && t && str_is(s, "7") && kv == NULL);
    gguf_close(&g);
    buf_close(&b);
}

static void getters_name_key_value_and_range(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 5);
    gb_kv_u32(&b, "n", 12);
    gb_kv_str(&b, "s", "text");
    gb_array(&b, "a", GGUF_U8, 2), gb_u16(&b, 0x0201);
    gb_key(&b, "big", GGUF_U64), gb_u64(&b, UINT64_MAX);
    gb_key(&b, "huge", GGUF_F64), gb_f64(&b, 1e300);
    Gguf g = opened(&b);
    Err err;
    int64_t i = 5;
    float f = 5;
    bool t;
    Str s;
    const GgufKv *kv;
    assert_int_equal(gguf_get_int(&g, "n", 1, 11, &i, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key 'n' = 12 must be from 1 to 11. HINT:"));
    assert_int_equal(gguf_get_int(&g, "n", 13, 20, &i, &err), E_FORMAT);
    assert_int_equal(gguf_get_int(&g, "big", 0, INT64_MAX, &i, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key 'big' = 18446744073709551615 must be from 0 to"));
    assert_int_equal(gguf_get_int(&g, "s", 0, 1, &i, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key 's' is str, it must be an integer. HINT:"));
    assert_int_equal(gguf_get_f32(&g, "n", &f, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key 'n' is u32, it must be f32 or f64"));
    assert_int_equal(gguf_get_f32(&g, "huge", &f, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key 'huge' = 1e+300 does not fit"));
    assert_int_equal(gguf_get_bool(&g, "n", &t, &err), E_FORMAT);
    assert_int_equal(gguf_get_str(&g, "n", &s, &err), E_FORMAT);
    assert_int_equal(gguf_get_str(&g, "a", &s, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key 'a' is an array of u8, it must be a string"));
    /* The class "array of u8 read as f32": four times past its end. */
    assert_int_equal(gguf_array(&g, "a", GGUF_F32, -1, &kv, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key 'a' is an array of u8, it must be an array of floats"));
    assert_null(kv);
    assert_int_equal(gguf_array(&g, "n", GGUF_U32, -1, &kv, &err), E_FORMAT);
    assert_int_equal(gguf_array(&g, "a", GGUF_I32, 3, &kv, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key 'a' has 2 elements, 3 are expected"));
    MUST(gguf_array(&g, "a", GGUF_I32, 2, &kv, &err), &err);
    assert_int_equal(gguf_array_int(kv, 1), 2);
    assert_true(i == 5 && f == 5);
    gguf_close(&g);
    buf_close(&b);
}

static void read_past_an_array(void *ctx)
{
    gguf_array_int(ctx, 2);
}

static void reading_past_an_array_aborts(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 1);
    gb_array(&b, "a", GGUF_U8, 2), gb_u16(&b, 0x0201);
    Gguf g = opened(&b);
    assert_true(aborts(read_past_an_array, g.kv));
    gguf_close(&g);
    buf_close(&b);
}

/* ---------------------------------------------------------------- the header */

static void strangers_are_named(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t n; const char *text; } files[] = {
        {"PK\x03\x04 and so on", 14, "starts with 50 4b 03 04 \"PK..\". HINT: this is a ZIP"},
        {"lmgg....", 8, "old GGML"},
        {"<!DOCTYPE html>", 15, "web page"},
        {"version https://git-lfs.github.com/spec/v1", 42, "git lfs pull"},
        {"\x40\0\0\0\0\0\0\0{\"x\":1}", 15, "safetensors"},
        {"GG", 2, "starts with 47 47 \"GG\""},
        {"", 0, "is not a GGUF file"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        Buf b = {0};
        gb_bytes(&b, files[i].bytes, files[i].n);
        refused(&b, E_FORMAT, files[i].text);
    }
}

static void versions_outside_2_and_3_are_refused(void **state)
{
    (void)state;
    static const struct { uint32_t version; Status status; const char *text; } cases[] = {
        {0, E_FORMAT, "version 0 is unknown"},
        {1, E_UNSUPPORTED, "version 1 (32-bit counts) is not read"},
        {4, E_UNSUPPORTED, "version 4 is unknown"},
        {0x03000000, E_UNSUPPORTED, "big-endian (version reads 0x03000000)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buf b = {0};
        gb_header(&b, cases[i].version, 0, 0);
        refused(&b, cases[i].status, cases[i].text);
    }
}

static void counts_are_bounded_by_what_follows(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 1ull << 32, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        Buf b = {0};
        gb_header(&b, 3, counts[i], 0);
        refused(&b, E_FORMAT, "the number of tensors");
        gb_header(&b, 3, 0, counts[i]);
        refused(&b, E_FORMAT, "the number of keys");
    }
}

static void counts_have_a_limit_of_their_own(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 65537);
    gb_zeros(&b, 65537 * 14);
    refused(&b, E_LIMIT, "the number of keys = 65537 is above the limit of 65536");
    gb_header(&b, 3, 131073, 0);
    gb_zeros(&b, 131073 * 25);
    refused(&b, E_LIMIT, "the number of tensors = 131073 is above the limit of 131072");
}

/* ---------------------------------------------------------------- keys and values */

static void hostile_keys_are_refused(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_kv_u32(&b, "", 1);
    refused(&b, E_FORMAT, "a key is empty");

    gb_header(&b, 3, 0, 1), gb_strn(&b, "a\0b", 3), gb_u32(&b, GGUF_U8), gb_u8(&b, 1);
    refused(&b, E_FORMAT, "contains a zero byte");

    gb_header(&b, 3, 0, 2), gb_kv_u32(&b, "twin", 1), gb_kv_str(&b, "twin", "x");
    refused(&b, E_FORMAT, "key 'twin' appears twice");

    gb_header(&b, 3, 0, 1), gb_u64(&b, 65536), gb_zeros(&b, 65536), gb_zeros(&b, 5);
    refused(&b, E_FORMAT, "has 65536 bytes, the limit is 65535");

    gb_header(&b, 3, 0, 1), gb_u64(&b, UINT64_MAX), gb_zeros(&b, 20);
    refused(&b, E_FORMAT, "18446744073709551615 bytes needed at byte 32, 20 left");

    gb_header(&b, 3, 0, 1), gb_key(&b, "k", 13), gb_zeros(&b, 20);
    refused(&b, E_FORMAT, "key 'k': value type 13 is unknown");

    gb_header(&b, 3, 0, 1), gb_kv_u32(&b, "\x1b[31mred", 1), gb_kv_u32(&b, "x", 1);
    Gguf g;
    Err err;
    b.len -= 18; /* cut inside the value */
    assert_int_equal(gguf_open_memory(&g, b.data, b.len, &err), E_FORMAT);
    assert_null(strchr(err.text, 0x1b));
    buf_close(&b);
}

static void hostile_strings_are_refused(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_key(&b, "s", GGUF_STRING), gb_u64(&b, 5), gb_bytes(&b, "four", 4);
    refused(&b, E_FORMAT, "the value of key 's': 5 bytes needed");

    gb_header(&b, 3, 0, 1), gb_key(&b, "s", GGUF_STRING), gb_u64(&b, (1ull << 30) + 1);
    refused(&b, E_FORMAT, "claims 1073741825 bytes, the limit is 1073741824");

    gb_header(&b, 3, 0, 1), gb_key(&b, "s", GGUF_STRING), gb_u64(&b, UINT64_MAX);
    refused(&b, E_FORMAT, "key 's': a string claims");
}

static void hostile_arrays_are_refused(void **state)
{
    (void)state;
    static const uint64_t counts[] = {4, 1ull << 61, 1ull << 62, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (uint32_t type = GGUF_U32; type <= GGUF_STRING; type++) {
            if (gguf_type_bytes((GgufType)type) < 4 && type != GGUF_STRING) continue;
            Buf b = {0};
            gb_header(&b, 3, 0, 1), gb_array(&b, "a", type, counts[i]), gb_zeros(&b, 12);
            refused(&b, E_FORMAT, "key 'a':");
        }
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_array(&b, "a", GGUF_ARRAY, 1), gb_zeros(&b, 32);
    refused(&b, E_UNSUPPORTED, "arrays of arrays");
    gb_header(&b, 3, 0, 1), gb_array(&b, "a", 99, 1), gb_zeros(&b, 32);
    refused(&b, E_FORMAT, "array element type 99 is unknown");
    gb_header(&b, 3, 0, 1), gb_array(&b, "a", GGUF_STRING, 2), gb_str(&b, "ok"), gb_u64(&b, 9);
    refused(&b, E_FORMAT, "the value of key 'a': 9 bytes needed");
}

static void metadata_is_limited_to_256_mib(void **state)
{
    (void)state;
    const size_t big = (256u << 20) + 4096;
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_array(&b, "a", GGUF_U8, big);
    assert_int_equal(buf_reserve(&b, big, NULL), OK); /* untouched pages cost nothing */
    b.len += big;
    refused(&b, E_LIMIT, "metadata may still take");
    gb_header(&b, 3, 0, 1), gb_key(&b, "s", GGUF_STRING), gb_u64(&b, big);
    assert_int_equal(buf_reserve(&b, big, NULL), OK);
    b.len += big;
    refused(&b, E_LIMIT, "metadata exceeds 256 MiB");
}

static void alignment_is_a_power_of_two_in_u32(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, 1, 3, 4, 7, 24, 33, 1u << 21, 0x80000000, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Buf b = {0};
        gb_header(&b, 3, 0, 1), gb_kv_u32(&b, "general.alignment", bad[i]);
        refused(&b, E_FORMAT, "must be a power of two from 8 to 1048576");
    }
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_key(&b, "general.alignment", GGUF_U64), gb_u64(&b, 32);
    refused(&b, E_FORMAT, "'general.alignment' has type u64, it must be u32");
    gb_header(&b, 3, 0, 1), gb_array(&b, "general.alignment", GGUF_U32, 1), gb_u32(&b, 32);
    refused(&b, E_FORMAT, "'general.alignment' has type arr");

    static const uint32_t good[] = {8, 64, 4096};
    for (size_t i = 0; i < 3; i++) {
        gb_header(&b, 3, 2, 1), gb_kv_u32(&b, "general.alignment", good[i]);
        gb_vector(&b, "a", 2, 0), gb_vector(&b, "b", 2, good[i]);
        gb_pad(&b, good[i]), gb_zeros(&b, good[i] + 8);
        Gguf g = opened(&b);
        assert_int_equal(g.alignment, good[i]);
        assert_true((const char *)gguf_tensor(&g, "b")->view.data == b.data + b.len - 8);
        gguf_close(&g);
        buf_close(&b);
    }
}

/* ---------------------------------------------------------------- tensors */

/* A file with one tensor and 256 bytes of data. */
static Buf one_tensor(const char *name, uint32_t n_dims, const int64_t *ne, uint32_t type,
                      uint64_t offset)
{
    Buf b = {0};
    gb_header(&b, 3, 1, 0);
    gb_tensor(&b, name, n_dims, ne, type, offset);
    gb_pad(&b, 32);
    gb_zeros(&b, 256);
    return b;
}

static void hostile_tensor_names_are_refused(void **state)
{
    (void)state;
    char name[65];
    memset(name, 'n', 64);
    name[64] = 0;
    Buf b = one_tensor(name, 1, (int64_t[]){1}, DT_F32, 0);
    refused(&b, E_FORMAT, "has 64 bytes, the limit is 63");
    b = one_tensor("", 1, (int64_t[]){1}, DT_F32, 0);
    refused(&b, E_FORMAT, "a tensor has no name");

    gb_header(&b, 3, 1, 0), gb_strn(&b, "a\0b", 3), gb_zeros(&b, 64);
    refused(&b, E_FORMAT, "contains a zero byte");

    gb_header(&b, 3, 2, 0), gb_vector(&b, "twin", 1, 0), gb_vector(&b, "twin", 1, 32);
    gb_pad(&b, 32), gb_zeros(&b, 64);
    refused(&b, E_FORMAT, "tensor 'twin' appears twice");

    name[63] = 0;
    b = one_tensor(name, 1, (int64_t[]){1}, DT_F32, 0);
    Gguf g = opened(&b);
    assert_non_null(gguf_tensor(&g, name));
    gguf_close(&g);
    buf_close(&b);
}

static void hostile_shapes_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t n_dims;
        int64_t ne[5];
        uint32_t type;
        const char *text;
    } cases[] = {
        {1, {0}, DT_F32, "dimension 0 is 0, it must be from 1 to 2^40"},
        {2, {4, 0}, DT_Q4_0, "dimension 1 is 0"},
        {4, {4, 1, 1, -1}, DT_F32, "dimension 3 is -1"},
        {1, {(1ll << 40) + 1}, DT_F32, "dimension 0 is 1099511627777"},
        {1, {INT64_MIN}, DT_F32, "dimension 0 is -9223372036854775808"},
        {5, {1, 1, 1, 1, 1}, DT_F32, "has 5 dimensions, at most 4"},
        {0xFFFFFFFF, {1}, DT_F32, "has 4294967295 dimensions"},
        {1, {33}, DT_Q4_0, "rows of 33 elements are no whole blocks of 32 (Q4_0)"},
        {2, {255, 256}, DT_Q4_K, "rows of 255 elements are no whole blocks of 256 (Q4_K)"},
        /* 2^63 elements; 2^62 elements of 4 bytes wrap to 0; 2^64 wrap to 0 as well. */
        {4, {1ll << 40, 1 << 23, 1, 1}, DT_I8, "exceed 2^63"},
        {4, {1ll << 40, 1 << 22, 1, 1}, DT_F32, "exceed 2^63"},
        {4, {1ll << 40, 1ll << 24, 1, 1}, DT_F32, "exceed 2^63"},
        {4, {1ll << 40, 1ll << 40, 1ll << 40, 1ll << 40}, DT_I8, "exceed 2^63"},
        {1, {64}, 4, "type id 4, which is retired"},
        {1, {64}, 33, "type id 33, which is retired"},
        {1, {64}, 38, "type id 38, which is retired"},
        {1, {64}, 43, "type id 43, which is unknown"},
        {1, {64}, 0xFFFFFFFF, "type id 4294967295, which is unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buf b = {0};
        uint32_t n = cases[i].n_dims;
        bool type_is_bad = strstr(cases[i].text, "type id") != NULL;
        gb_header(&b, 3, 1, 0);
        gb_str(&b, "blk.0.w");
        gb_u32(&b, n);
        for (uint32_t d = 0; d < n && d < 5; d++) gb_u64(&b, (uint64_t)cases[i].ne[d]);
        gb_u32(&b, cases[i].type), gb_u64(&b, 0), gb_pad(&b, 32), gb_zeros(&b, 256);
        refused(&b, type_is_bad ? E_UNSUPPORTED : E_FORMAT, cases[i].text);
        Gguf g;
        Err err;
        gb_header(&b, 3, 1, 0), gb_tensor(&b, "blk.0.w", n < 5 ? n : 5, cases[i].ne, cases[i].type, 0);
        gb_zeros(&b, 300);
        assert_int_not_equal(gguf_open_memory(&g, b.data, b.len, &err), OK);
        assert_non_null(strstr(err.text, "tensor 'blk.0.w'"));
        buf_close(&b);
    }
}

static void tensors_lie_inside_the_file(void **state)
{
    (void)state;
    static const struct { int64_t n; uint64_t offset; const char *text; } cases[] = {
        {65, 0, "(260 bytes at offset 0 of the data) ends beyond the file, which has 256 bytes"},
        {1, 256, "ends beyond the file"},
        {64, 32, "ends beyond the file"},
        {1, 1ull << 63, "ends beyond the file"},
        {9, (uint64_t)-32, "ends beyond the file"}, /* offset + bytes wraps to 4 */
        {1, 4, "offset 4, which is no multiple of the alignment 32"},
        {1, UINT64_MAX, "no multiple of the alignment"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buf b = one_tensor("w", 1, &cases[i].n, DT_F32, cases[i].offset);
        refused(&b, E_FORMAT, cases[i].text);
    }
    Buf b = one_tensor("w", 1, (int64_t[]){64}, DT_F32, 0); /* the last byte is the file's last */
    Gguf g = opened(&b);
    gguf_close(&g);
    /* The table is there, the data section is not. */
    b.len = 24 + 8 + 1 + 4 + 8 + 4 + 8;
    refused(&b, E_FORMAT, "which has 0 bytes of data");
}

static void tensors_do_not_overlap_in_any_order(void **state)
{
    (void)state;
    static const struct { uint64_t a, b, c; bool ok; } cases[] = {
        {0, 64, 128, true}, {128, 0, 64, true},  {64, 128, 0, true}, {192, 96, 0, true},
        {0, 32, 128, false}, {128, 0, 96, false}, {64, 64, 0, false}, {0, 128, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buf b = {0};
        gb_header(&b, 3, 3, 0);
        gb_vector(&b, "a", 16, cases[i].a); /* 64 bytes each */
        gb_vector(&b, "b", 16, cases[i].b);
        gb_vector(&b, "c", 16, cases[i].c);
        gb_pad(&b, 32);
        gb_zeros(&b, 256);
        if (cases[i].ok) {
            Gguf g = opened(&b);
            gguf_close(&g);
            buf_close(&b);
        } else {
            refused(&b, E_FORMAT, "overlap at offset");
        }
    }
}

static void many_tensors_in_random_order_are_sorted(void **state)
{
    (void)state;
    enum { N = 1000 };
    Rng r = rng_seed(1);
    int order[N];
    for (int i = 0; i < N; i++) order[i] = i;
    for (int i = N - 1; i > 0; i--) {
        int j = (int)rng_below(&r, (uint64_t)i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (int overlap = 0; overlap < 2; overlap++) {
        Buf b = {0};
        gb_header(&b, 3, N, 0);
        for (int i = 0; i < N; i++) {
            char name[16];
            snprintf(name, sizeof name, "t%d", i);
            gb_vector(&b, name, overlap && i == 500 ? 9 : 8, (uint64_t)order[i] * 32);
        }
        gb_pad(&b, 32);
        gb_zeros(&b, (N + 1) * 32);
        if (overlap && order[500] != N - 1) {
            refused(&b, E_FORMAT, "overlap");
            continue;
        }
        Gguf g = opened(&b);
        assert_true(str_is(gguf_tensor(&g, "t999")->name, "t999"));
        gguf_close(&g);
        buf_close(&b);
    }
}

static void zero_dimensional_tensor_is_a_scalar(void **state)
{
    (void)state;
    Buf b = one_tensor("s", 0, NULL, DT_F32, 0);
    Gguf g = opened(&b);
    assert_int_equal(g.tensors[0].n_dims, 0);
    assert_int_equal(tensor_elements(&g.tensors[0].view), 1);
    gguf_close(&g);
    buf_close(&b);
}

/* ---------------------------------------------------------------- cost */

static void vocabulary_of_250_000_tokens_opens_in_time(void **state)
{
    (void)state;
    enum { N = 250000 };
    Buf b = {0};
    gb_header(&b, 3, 0, 3);
    gb_array(&b, "tokenizer.ggml.tokens", GGUF_STRING, N);
    for (int i = 0; i < N; i++) {
        char text[16];
        snprintf(text, sizeof text, "t%d", i);
        gb_str(&b, text);
    }
    gb_array(&b, "tokenizer.ggml.scores", GGUF_F32, N);
    for (int i = 0; i < N; i++) gb_f32(&b, (float)-i);
    gb_array(&b, "tokenizer.ggml.token_type", GGUF_I32, N);
    for (int i = 0; i < N; i++) gb_u32(&b, 1);

    int64_t start = clock_ns();
    Gguf g = opened(&b);
    int64_t ns = clock_ns() - start;
    if (ns > 300000000) FAILED("opening took %lld ms", (long long)(ns / 1000000));
    const GgufKv *kv;
    Err err;
    Str s = {0};
    int64_t n = 0;
    MUST(gguf_array(&g, "tokenizer.ggml.tokens", GGUF_STRING, N, &kv, &err), &err);
    for (GgufStrings it = gguf_strings(kv); gguf_next_string(&it, &s);) n++;
    assert_int_equal(n, N);
    assert_true(str_is(s, "t249999"));
    MUST(gguf_array(&g, "tokenizer.ggml.scores", GGUF_F32, N, &kv, &err), &err);
    assert_true(gguf_array_f32(kv, N - 1) == -249999.0f);
    /* Tables only: nothing is copied. */
    assert_true(g.arena.reserved_bytes < 256 * 1024);
    gguf_close(&g);
    buf_close(&b);
}

static void a_hundred_thousand_names_cost_linear_time(void **state)
{
    (void)state;
    enum { N = 131072 };
    Buf b = {0};
    gb_header(&b, 3, N, 0);
    for (int i = 0; i < N; i++) {
        char name[40];
        snprintf(name, sizeof name, "blk.%d.ffn_gate_exps.weight", i);
        gb_vector(&b, name, 1, (uint64_t)i * 32);
    }
    gb_pad(&b, 32);
    gb_zeros(&b, (size_t)N * 32);
    int64_t start = clock_ns();
    Gguf g = opened(&b);
    int64_t ns = clock_ns() - start;
    if (ns > 2000000000) FAILED("opening took %lld ms", (long long)(ns / 1000000));
    assert_int_equal(gguf_tensor(&g, "blk.77777.ffn_gate_exps.weight")->offset, 77777 * 32);
    assert_true(g.arena.reserved_bytes < 64u << 20);
    gguf_close(&g);
    buf_close(&b);
}

static void two_files_hash_with_different_seeds(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_kv_u32(&b, "k", 1);
    Gguf g = opened(&b), h = opened(&b);
    assert_true(g.kv_index.seed != h.kv_index.seed);
    gguf_close(&g);
    gguf_close(&h);
    buf_close(&b);
}

int main(void)
{
    layer1_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_built_file_is_read),
        cmocka_unit_test(version_2_has_the_same_layout),
        cmocka_unit_test(every_value_type_is_read),
        cmocka_unit_test(absent_keys_leave_the_default),
        cmocka_unit_test(getters_name_key_value_and_range),
        cmocka_unit_test(reading_past_an_array_aborts),
        cmocka_unit_test(strangers_are_named),
        cmocka_unit_test(versions_outside_2_and_3_are_refused),
        cmocka_unit_test(counts_are_bounded_by_what_follows),
        cmocka_unit_test(counts_have_a_limit_of_their_own),
        cmocka_unit_test(hostile_keys_are_refused),
        cmocka_unit_test(hostile_strings_are_refused),
        cmocka_unit_test(hostile_arrays_are_refused),
        cmocka_unit_test(metadata_is_limited_to_256_mib),
        cmocka_unit_test(alignment_is_a_power_of_two_in_u32),
        cmocka_unit_test(hostile_tensor_names_are_refused),
        cmocka_unit_test(hostile_shapes_are_refused),
        cmocka_unit_test(tensors_lie_inside_the_file),
        cmocka_unit_test(tensors_do_not_overlap_in_any_order),
        cmocka_unit_test(many_tensors_in_random_order_are_sorted),
        cmocka_unit_test(zero_dimensional_tensor_is_a_scalar),
        cmocka_unit_test(vocabulary_of_250_000_tokens_opens_in_time),
        cmocka_unit_test(a_hundred_thousand_names_cost_linear_time),
        cmocka_unit_test(two_files_hash_with_different_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
