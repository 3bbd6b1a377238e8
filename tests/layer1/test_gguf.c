/* The GGUF reader on files built byte by byte: what it reads, what its getters refuse, what opening
 * costs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_bytes.h"
#include "must.h"

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

    Gguf g = gb_opened(&b);
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
    Gguf g = gb_opened(&b);
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

    Gguf g = gb_opened(&b);
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
    Gguf g = gb_opened(&b);
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
    Gguf g = gb_opened(&b);
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
    assert_int_equal(gguf_array(&g, "a", GGUF_I32, 1, &kv, &err), E_FORMAT);
    assert_null(kv);
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
    Gguf g = gb_opened(&b);
    assert_true(aborts(read_past_an_array, g.kv));
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
    Gguf g = gb_opened(&b);
    int64_t ns = clock_ns() - start;
    print_message("opening a vocabulary of %d took %.1f ms\n", N, (double)ns * 1e-6);
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
    Gguf g = gb_opened(&b);
    int64_t ns = clock_ns() - start;
    print_message("opening %d tensors took %.1f ms\n", N, (double)ns * 1e-6);
    assert_int_equal(gguf_tensor(&g, "blk.77777.ffn_gate_exps.weight")->offset, 77777 * 32);
    assert_true(g.arena.reserved_bytes < 64u << 20);
    gguf_close(&g);
    buf_close(&b);
}

/* In a table of 8 slots names meet often, and each seed lets other ones meet. */
static void a_prefix_is_another_name(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 4);
    static const char *const names[] = {"x", "xx", "xxx", "xxxx"};
    for (uint32_t i = 0; i < 4; i++) gb_kv_u32(&b, names[i], i);
    for (int seed = 0; seed < 200; seed++) {
        Gguf g = gb_opened(&b);
        for (int i = 0; i < 4; i++) assert_ptr_equal(gguf_find(&g, names[i]), &g.kv[i]);
        assert_null(gguf_find(&g, "xxxxx"));
        assert_null(gguf_find(&g, ""));
        gguf_close(&g);
    }
    buf_close(&b);
}

static void two_files_hash_with_different_seeds(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 1), gb_kv_u32(&b, "k", 1);
    Gguf g = gb_opened(&b), h = gb_opened(&b);
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
        cmocka_unit_test(vocabulary_of_250_000_tokens_opens_in_time),
        cmocka_unit_test(a_hundred_thousand_names_cost_linear_time),
        cmocka_unit_test(a_prefix_is_another_name),
        cmocka_unit_test(two_files_hash_with_different_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
