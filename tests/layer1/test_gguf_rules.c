/* The rules of the GGUF reader: a file built byte by byte for each, and the message that says which
 * rule it breaks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_bytes.h"

#include <stdio.h>

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
        gb_refused(&b, E_FORMAT, files[i].text);
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
        gb_refused(&b, cases[i].status, cases[i].text);
    }
}

static void counts_are_bounded_by_what_follows(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 1ull << 32, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        Buf b = {0};
        gb_header(&b, 3, counts[i], 0);
        gb_refused(&b, E_FORMAT, "the number of tensors");
        gb_header(&b, 3, 0, counts[i]);
        gb_refused(&b, E_FORMAT, "the number of keys");
    }
}

static void counts_have_a_limit_of_their_own(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 65537);
    gb_zeros(&b, 65537 * 14);
    gb_refused(&b, E_LIMIT, "the number of keys = 65537 is above the limit of 65536");
    gb_header(&b, 3, 131073, 0);
    gb_zeros(&b, 131073 * 25);
    gb_refused(&b, E_LIMIT, "the number of tensors = 131073 is above the limit of 131072");
}

/* ---------------------------------------------------------------- keys and values */

static void hostile_keys_are_refused(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_kv_u32(&b, "", 1);
    gb_refused(&b, E_FORMAT, "a key is empty");

    gb_header(&b, 3, 0, 1), gb_strn(&b, "a\0b", 3), gb_u32(&b, GGUF_U8), gb_u8(&b, 1);
    gb_refused(&b, E_FORMAT, "contains a zero byte");

    gb_header(&b, 3, 0, 2), gb_kv_u32(&b, "twin", 1), gb_kv_str(&b, "twin", "x");
    gb_refused(&b, E_FORMAT, "key 'twin' appears twice");

    gb_header(&b, 3, 0, 1), gb_u64(&b, 65536), gb_zeros(&b, 65536), gb_zeros(&b, 5);
    gb_refused(&b, E_FORMAT, "has 65536 bytes, the limit is 65535");

    gb_header(&b, 3, 0, 1), gb_u64(&b, UINT64_MAX), gb_zeros(&b, 20);
    gb_refused(&b, E_FORMAT, "18446744073709551615 bytes needed at byte 32, 20 left");

    gb_header(&b, 3, 0, 1), gb_key(&b, "k", 13), gb_zeros(&b, 20);
    gb_refused(&b, E_FORMAT, "key 'k': value type 13 is unknown");

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
    gb_refused(&b, E_FORMAT, "the value of key 's': 5 bytes needed");

    gb_header(&b, 3, 0, 1), gb_key(&b, "s", GGUF_STRING), gb_u64(&b, (1ull << 30) + 1);
    gb_refused(&b, E_FORMAT, "claims 1073741825 bytes, the limit is 1073741824");

    gb_header(&b, 3, 0, 1), gb_key(&b, "s", GGUF_STRING), gb_u64(&b, UINT64_MAX);
    gb_refused(&b, E_FORMAT, "key 's': a string claims");
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
            gb_refused(&b, E_FORMAT, "key 'a':");
        }
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_array(&b, "a", GGUF_ARRAY, 1), gb_zeros(&b, 32);
    gb_refused(&b, E_UNSUPPORTED, "arrays of arrays");
    gb_header(&b, 3, 0, 1), gb_array(&b, "a", 99, 1), gb_zeros(&b, 32);
    gb_refused(&b, E_FORMAT, "array element type 99 is unknown");
    gb_header(&b, 3, 0, 1), gb_array(&b, "a", GGUF_STRING, 2), gb_str(&b, "ok"), gb_u64(&b, 9);
    gb_refused(&b, E_FORMAT, "the value of key 'a': 9 bytes needed");
}

static void metadata_is_limited_to_256_mib(void **state)
{
    (void)state;
    const size_t big = (256u << 20) + 4096;
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_array(&b, "a", GGUF_U8, big);
    assert_int_equal(buf_reserve(&b, big, NULL), OK); /* untouched pages cost nothing */
    b.len += big;
    gb_refused(&b, E_LIMIT, "metadata may still take");
    gb_header(&b, 3, 0, 1), gb_key(&b, "s", GGUF_STRING), gb_u64(&b, big);
    assert_int_equal(buf_reserve(&b, big, NULL), OK);
    b.len += big;
    gb_refused(&b, E_LIMIT, "metadata exceeds 256 MiB");
}

static void alignment_is_a_power_of_two_in_u32(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, 1, 3, 4, 7, 24, 33, 1u << 21, 0x80000000, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Buf b = {0};
        gb_header(&b, 3, 0, 1), gb_kv_u32(&b, "general.alignment", bad[i]);
        gb_refused(&b, E_FORMAT, "must be a power of two from 8 to 1048576");
    }
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_key(&b, "general.alignment", GGUF_U64), gb_u64(&b, 32);
    gb_refused(&b, E_FORMAT, "'general.alignment' has type u64, it must be u32");
    gb_header(&b, 3, 0, 1), gb_array(&b, "general.alignment", GGUF_U32, 1), gb_u32(&b, 32);
    gb_refused(&b, E_FORMAT, "'general.alignment' has type arr");

    static const uint32_t good[] = {8, 64, 4096};
    for (size_t i = 0; i < 3; i++) {
        gb_header(&b, 3, 2, 1), gb_kv_u32(&b, "general.alignment", good[i]);
        gb_vector(&b, "a", 2, 0), gb_vector(&b, "b", 2, good[i]);
        gb_pad(&b, good[i]), gb_zeros(&b, good[i] + 8);
        Gguf g = gb_opened(&b);
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
    gb_refused(&b, E_FORMAT, "has 64 bytes, the limit is 63");
    b = one_tensor("", 1, (int64_t[]){1}, DT_F32, 0);
    gb_refused(&b, E_FORMAT, "a tensor has no name");

    gb_header(&b, 3, 1, 0), gb_strn(&b, "a\0b", 3), gb_zeros(&b, 64);
    gb_refused(&b, E_FORMAT, "contains a zero byte");

    gb_header(&b, 3, 2, 0), gb_vector(&b, "twin", 1, 0), gb_vector(&b, "twin", 1, 32);
    gb_pad(&b, 32), gb_zeros(&b, 64);
    gb_refused(&b, E_FORMAT, "tensor 'twin' appears twice");

    name[63] = 0;
    b = one_tensor(name, 1, (int64_t[]){1}, DT_F32, 0);
    Gguf g = gb_opened(&b);
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
        {4, {1ll << 40, 1 << 23, 1, 1}, DT_Q4_0, "exceed 2^63"}, /* 2^63 elements, fewer bytes */
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
        gb_refused(&b, type_is_bad ? E_UNSUPPORTED : E_FORMAT, cases[i].text);
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
        gb_refused(&b, E_FORMAT, cases[i].text);
    }
    Buf b = one_tensor("w", 1, (int64_t[]){64}, DT_F32, 0); /* the last byte is the file's last */
    Gguf g = gb_opened(&b);
    gguf_close(&g);
    /* The table is there, the data section is not. */
    b.len = 24 + 8 + 1 + 4 + 8 + 4 + 8;
    gb_refused(&b, E_FORMAT, "which has 0 bytes of data");
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
            Gguf g = gb_opened(&b);
            gguf_close(&g);
            buf_close(&b);
        } else {
            gb_refused(&b, E_FORMAT, "overlap at offset");
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
            gb_refused(&b, E_FORMAT, "overlap");
            continue;
        }
        Gguf g = gb_opened(&b);
        assert_true(str_is(gguf_tensor(&g, "t999")->name, "t999"));
        gguf_close(&g);
        buf_close(&b);
    }
}

static void zero_dimensional_tensor_is_a_scalar(void **state)
{
    (void)state;
    Buf b = one_tensor("s", 0, NULL, DT_F32, 0);
    Gguf g = gb_opened(&b);
    assert_int_equal(g.tensors[0].n_dims, 0);
    assert_int_equal(tensor_elements(&g.tensors[0].view), 1);
    gguf_close(&g);
    buf_close(&b);
}

int main(void)
{
    layer1_init();
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
