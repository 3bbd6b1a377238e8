/* UTF-8: every code point, every boundary, and streams cut at random places. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <string.h>

static uint32_t decode(const char *s, size_t n, int *used) { return utf8_decode(s, n, used); }

static void every_code_point_survives_encode_and_decode(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char bytes[4];
        int n = utf8_encode(cp, bytes), used = 0;
        if (cp >= 0xD800 && cp <= 0xDFFF) {
            assert_int_equal(n, 0);
            continue;
        }
        assert_int_equal(n, cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4);
        assert_int_equal(decode(bytes, (size_t)n, &used), cp);
        assert_int_equal(used, n);
        assert_int_equal(utf8_lead_length((unsigned char)bytes[0]), n);
        assert_int_equal(utf8_valid_prefix(bytes, (size_t)n), n);
        assert_int_equal(utf8_valid_prefix(bytes, (size_t)n - 1), 0); /* cut: nothing valid */
    }
    char bytes[4];
    assert_int_equal(utf8_encode(0x110000, bytes), 0);
    assert_int_equal(utf8_encode(UTF8_BAD, bytes), 0);
}

static void hand_encoded_characters(void **state)
{
    (void)state;
    static const struct { const char *bytes; uint32_t cp; } cases[] = {
        {"A", 'A'}, {"\xC3\xA9", 0xE9}, {"\xE2\x82\xAC", 0x20AC}, {"\xF0\x9F\x98\x80", 0x1F600},
        {"\xC2\x80", 0x80}, {"\xDF\xBF", 0x7FF}, {"\xE0\xA0\x80", 0x800}, {"\xED\x9F\xBF", 0xD7FF},
        {"\xEE\x80\x80", 0xE000}, {"\xEF\xBF\xBF", 0xFFFF}, {"\xF0\x90\x80\x80", 0x10000},
        {"\xF4\x8F\xBF\xBF", 0x10FFFF}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int used;
        char bytes[4];
        size_t n = strlen(cases[i].bytes);
        assert_int_equal(decode(cases[i].bytes, n, &used), cases[i].cp);
        assert_int_equal(used, n);
        assert_int_equal(utf8_encode(cases[i].cp, bytes), n);
        assert_memory_equal(bytes, cases[i].bytes, n);
    }
}

static void invalid_bytes_consume_one_and_say_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80", "\xBF",                           /* continuation alone */
        "\xC0\x80", "\xC1\xBF",                   /* overlong, two bytes */
        "\xE0\x80\x80", "\xE0\x9F\xBF",           /* overlong, three bytes */
        "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",   /* overlong, four bytes */
        "\xED\xA0\x80", "\xED\xBF\xBF",           /* surrogates */
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",   /* above U+10FFFF */
        "\xFF", "\xFE", "\xF8\x88\x80\x80\x80",   /* never used */
        "\xC3", "\xE2\x82", "\xF0\x9F\x98",       /* cut */
        "\xC3(", "\xE2(\xA1", "\xE2\x82(", "\xF0\x9F\x98("}; /* broken off */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int used = 0;
        size_t n = strlen(bad[i]);
        assert_int_equal(decode(bad[i], n, &used), UTF8_BAD);
        assert_int_equal(used, 1);
        assert_int_equal(utf8_valid_prefix(bad[i], n), 0);
    }
    assert_int_equal(utf8_valid_prefix("ab\xC3\xA9\xE2\x82", 6), 4);
}

static void lead_length_of_all_bytes(void **state)
{
    (void)state;
    for (int b = 0; b < 256; b++)
        assert_int_equal(utf8_lead_length((unsigned char)b),
                         b < 0xC0 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4);
}

/* Feeds s in pieces of random length (all at once if rng is NULL). */
static void stream_all(const char *s, size_t n, Rng *rng, Buf *out)
{
    Err err;
    Utf8Stream stream = {{0}, 0};
    for (size_t at = 0; at < n;) {
        size_t piece = rng ? rng_below(rng, 6) : n;
        if (piece > n - at) piece = n - at;
        MUST(utf8_stream_feed(&stream, s + at, piece, out, &err), &err);
        assert_int_equal(utf8_valid_prefix(out->data, out->len), out->len); /* never half a one */
        at += piece;
    }
    MUST(utf8_stream_end(&stream, out, &err), &err);
}

static void valid_text_passes_the_stream_unchanged_however_it_is_cut(void **state)
{
    (void)state;
    Rng rng = rng_seed(1);
    for (int round = 0; round < 200; round++) {
        char text[400];
        size_t n = 0;
        while (n < 390) {
            static const uint32_t limit[] = {0x80, 0x800, 0x10000, 0x110000};
            n += (size_t)utf8_encode((uint32_t)rng_below(&rng, limit[rng_below(&rng, 4)]), text + n);
        }
        Buf out = {0};
        stream_all(text, n, &rng, &out);
        assert_int_equal(out.len, n);
        assert_memory_equal(out.data, text, n);
        buf_close(&out);
    }
}

static void broken_text_gives_the_same_stream_however_it_is_cut(void **state)
{
    (void)state;
    static const char alphabet[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xED\xA0\xC0\xFF\xF4\x90\xE0";
    Rng rng = rng_seed(2);
    for (int round = 0; round < 500; round++) {
        char text[64];
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = alphabet[rng_below(&rng, sizeof alphabet - 1)];
        Buf whole = {0}, cut = {0};
        stream_all(text, sizeof text, NULL, &whole);
        stream_all(text, sizeof text, &rng, &cut);
        assert_int_equal(whole.len, cut.len);
        assert_memory_equal(whole.data, cut.data, cut.len);
        buf_close(&whole);
        buf_close(&cut);
    }
}

static void replacement_characters_are_as_unicode_recommends(void **state)
{
    (void)state;
#define R "\xEF\xBF\xBD"
    /* The first is the example of Unicode 15, section 3.9, table 3-8. */
    static const struct { const char *in, *out; } cases[] = {
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82" "A", R R R R R R R R "A"},
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF" "A", R R R R R R R R "A"},
        {"\xF4\x91\x92\x93\xFF" "A\x80\xBF" "B", R R R R R "A" R R "B"},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF" "A", R R R R "A"},
        {"ab\xF0\x9F\x98", "ab" R},
        {"\xE2\x82\xE2\x82\xAC", R "\xE2\x82\xAC"},
        {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buf out = {0};
        stream_all(cases[i].in, strlen(cases[i].in), NULL, &out);
        assert_int_equal(out.len, strlen(cases[i].out));
        if (out.len) assert_string_equal(out.data, cases[i].out);
        buf_close(&out);
    }
#undef R
}

static void incomplete_character_is_held_back(void **state)
{
    (void)state;
    Err err;
    Buf out = {0};
    Utf8Stream s = {{0}, 0};
    MUST(utf8_stream_feed(&s, "x\xF0\x9F", 3, &out, &err), &err);
    assert_string_equal(out.data, "x");
    MUST(utf8_stream_feed(&s, "\x98", 1, &out, &err), &err);
    assert_string_equal(out.data, "x");
    MUST(utf8_stream_feed(&s, "\x80", 1, &out, &err), &err);
    assert_string_equal(out.data, "x\xF0\x9F\x98\x80");
    buf_close(&out);
}

static bool refuse(void *ctx, size_t n_bytes)
{
    (void)ctx, (void)n_bytes;
    return false;
}

static void refused_memory_leaves_the_stream_as_it_was(void **state)
{
    (void)state;
    Err err;
    Buf out = {0};
    Utf8Stream s = {{0}, 0};
    MUST(utf8_stream_feed(&s, "\xE2\x82", 2, &out, &err), &err);
    buf_close(&out);
    mem_set_hook(refuse, NULL);
    Status status = utf8_stream_feed(&s, "\xAC", 1, &out, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(status, E_MEMORY);
    MUST(utf8_stream_feed(&s, "\xAC", 1, &out, &err), &err);
    assert_string_equal(out.data, "\xE2\x82\xAC");
    buf_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_survives_encode_and_decode),
        cmocka_unit_test(hand_encoded_characters),
        cmocka_unit_test(invalid_bytes_consume_one_and_say_bad),
        cmocka_unit_test(lead_length_of_all_bytes),
        cmocka_unit_test(valid_text_passes_the_stream_unchanged_however_it_is_cut),
        cmocka_unit_test(broken_text_gives_the_same_stream_however_it_is_cut),
        cmocka_unit_test(replacement_characters_are_as_unicode_recommends),
        cmocka_unit_test(incomplete_character_is_held_back),
        cmocka_unit_test(refused_memory_leaves_the_stream_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
