/* Damage: small valid files cut at every byte, with every bit of the header turned, and with every
 * allocation refused. Nothing may crash; a cut file is always refused; an error always explains. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fuzz/gguf_walk.h"
#include "gguf_bytes.h"
#include "must.h"

#include <stdlib.h>

/* Five small files that together have every value type, several dtypes and both versions. */
enum { N_FILES = 5 };

static void scalars(Buf *b)
{
    gb_header(b, 3, 0, 12);
    gb_key(b, "a", GGUF_U8), gb_u8(b, 1);
    gb_key(b, "b", GGUF_I8), gb_u8(b, 1);
    gb_key(b, "c", GGUF_U16), gb_u16(b, 1);
    gb_key(b, "d", GGUF_I16), gb_u16(b, 1);
    gb_key(b, "e", GGUF_U32), gb_u32(b, 1);
    gb_key(b, "f", GGUF_I32), gb_u32(b, 1);
    gb_key(b, "g", GGUF_F32), gb_f32(b, 1);
    gb_key(b, "h", GGUF_BOOL), gb_u8(b, 1);
    gb_key(b, "i", GGUF_STRING), gb_str(b, "text");
    gb_key(b, "j", GGUF_U64), gb_u64(b, 1);
    gb_key(b, "k", GGUF_I64), gb_u64(b, 1);
    gb_key(b, "l", GGUF_F64), gb_f64(b, 1);
}

static void arrays(Buf *b)
{
    gb_header(b, 3, 0, 3);
    gb_array(b, "tokens", GGUF_STRING, 3), gb_str(b, "a"), gb_str(b, ""), gb_str(b, "ccc");
    gb_array(b, "scores", GGUF_F32, 3), gb_f32(b, 1), gb_f32(b, 2), gb_f32(b, 3);
    gb_array(b, "wide", GGUF_I64, 2), gb_u64(b, 1), gb_u64(b, 2);
}

static void one_vector(Buf *b)
{
    gb_header(b, 2, 1, 1);
    gb_kv_u32(b, "general.alignment", 8);
    gb_vector(b, "v", 3, 0);
    gb_pad(b, 8);
    gb_zeros(b, 12);
}

static void matrices(Buf *b)
{
    gb_header(b, 3, 3, 1);
    gb_kv_str(b, "general.architecture", "toy");
    gb_tensor(b, "q", 2, (int64_t[]){32, 2}, DT_Q4_0, 0);
    gb_tensor(b, "h", 3, (int64_t[]){2, 2, 2}, DT_F16, 64);
    gb_tensor(b, "k", 4, (int64_t[]){256, 1, 1, 1}, DT_Q6_K, 96);
    gb_pad(b, 32);
    gb_zeros(b, 96 + 210);
}

static void quantised(Buf *b)
{
    gb_header(b, 3, 2, 0);
    gb_tensor(b, "a", 1, (int64_t[]){256}, DT_IQ2_XXS, 96);
    gb_tensor(b, "b", 1, (int64_t[]){64}, DT_NVFP4, 0);
    gb_pad(b, 32);
    gb_zeros(b, 96 + 66);
}

static void make_file(Buf *b, int i)
{
    void (*const files[N_FILES])(Buf *) = {scalars, arrays, one_vector, matrices, quantised};
    files[i](b);
}

/* An 8-byte aligned copy of exactly n bytes, so that sanitizers see one byte too many. */
static uint8_t *exact_copy(const char *data, size_t n)
{
    uint8_t *copy = mem_alloc(n);
    assert_non_null(copy);
    if (n) memcpy(copy, data, n);
    return copy;
}

/* Opens, walks and closes; the status. */
static Status try_bytes(const uint8_t *data, size_t n, Err *err)
{
    Gguf g;
    *err = (Err){0};
    Status s = gguf_open_memory(&g, data, n, err);
    if (s == OK) gguf_walk(&g);
    gguf_close(&g);
    return s;
}

static void cut_at_every_byte_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < N_FILES; i++) {
        Buf b = {0};
        Err err;
        make_file(&b, i);
        assert_int_equal(try_bytes((uint8_t *)b.data, b.len, &err), OK);
        for (size_t n = 0; n < b.len; n++) {
            uint8_t *cut = exact_copy(b.data, n);
            Status s = try_bytes(cut, n, &err);
            if (s != E_FORMAT || !strstr(err.text, "HINT:"))
                FAILED("file %d cut to %zu of %zu bytes: %s \"%s\"", i, n, b.len, status_name(s),
                       err.text);
            mem_free(cut);
        }
        buf_close(&b);
    }
}

static void every_bit_turned_is_opened_or_refused(void **state)
{
    (void)state;
    int64_t n_refused = 0, n_opened = 0;
    for (int i = 0; i < N_FILES; i++) {
        Buf b = {0};
        make_file(&b, i);
        uint8_t *copy = exact_copy(b.data, b.len);
        for (size_t bit = 0; bit < 8 * b.len; bit++) {
            Err err;
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            Status s = try_bytes(copy, b.len, &err);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (s != OK && !strstr(err.text, "HINT:")) FAILED("bit %zu: \"%s\"", bit, err.text);
            *(s == OK ? &n_opened : &n_refused) += 1;
        }
        mem_free(copy);
        buf_close(&b);
    }
    /* Data, names and padding may change unnoticed; counts, types and lengths may not. */
    assert_true(n_refused > 1000);
    assert_true(n_opened > 1000);
}

static void the_magic_and_version_refuse_every_turned_bit(void **state)
{
    (void)state;
    Buf b = {0};
    matrices(&b);
    for (int bit = 0; bit < 64; bit++) {
        Err err;
        if (bit == 32) continue; /* version 3 becomes version 2, which is read */
        b.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_not_equal(try_bytes((uint8_t *)b.data, b.len, &err), OK);
        b.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_close(&b);
}

typedef struct { int64_t left; } Budget;

static bool spend(void *ctx, size_t n)
{
    (void)n;
    Budget *budget = ctx;
    return budget->left-- > 0;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    for (int i = 0; i < N_FILES; i++) {
        Buf b = {0};
        Status s = E_MEMORY;
        int64_t n = 0;
        make_file(&b, i);
        for (; s == E_MEMORY && n < 1000; n++) {
            Err err;
            Budget budget = {n};
            mem_set_hook(spend, &budget);
            s = try_bytes((uint8_t *)b.data, b.len, &err);
            mem_set_hook(NULL, NULL);
        }
        assert_int_equal(s, OK);
        assert_true(n > 1); /* it failed at least once */
        buf_close(&b);
    }
}

int main(void)
{
    layer1_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_byte_is_refused),
        cmocka_unit_test(every_bit_turned_is_opened_or_refused),
        cmocka_unit_test(the_magic_and_version_refuse_every_turned_bit),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
