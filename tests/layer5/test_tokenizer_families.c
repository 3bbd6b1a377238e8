/* Families that merge nothing: WordPiece, Unigram, RWKV. Small vocabularies whose answers were worked
 * out by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tokenizer_cases.h"
#include "tokenizer_impl.h"

static VocabBytes wpm_bytes(void)
{
    static const char *const texts[] = {"▁hello", "▁wor", "ld", "l", "d", "▁,", "▁你", "▁好", "▁ele",
                                        "ve", "▁É", "▁é", "▁$", "▁a", "a", "▁ᄒ", "ᅡ", "ᆫ", "▁i"};
    static VocabList l;
    l.n = 0;
    vl_add(&l, "[UNK]", TOKEN_CONTROL, 0);
    vl_add(&l, "[CLS]", TOKEN_CONTROL, 0);
    vl_add(&l, "[SEP]", TOKEN_CONTROL, 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) vl_add(&l, texts[i], TOKEN_NORMAL, 0);
    VocabBytes v = vb_open();
    vb_str(&v, "model", "bert");
    vb_num(&v, "bos_token_id", 1);
    vb_num(&v, "seperator_token_id", 2);
    vb_num(&v, "unknown_token_id", 0);
    vb_list(&v, &l, false);
    return v;
}

/* vb_key takes a key with a dot for a full one. */
static VocabBytes wpm_with(bool lowercase, bool strip)
{
    VocabBytes v = wpm_bytes();
    vb_bool(&v, "tokenizer.ggml.normalizer.lowercase", lowercase);
    vb_bool(&v, "tokenizer.ggml.normalizer.strip_accents", strip);
    return v;
}

static void a_word_is_covered_by_the_longest_tokens_from_the_left(void **state)
{
    (void)state;
    Case c;
    case_open(&c, wpm_bytes());
    assert_string_equal(texts_of(&c, "Hello, world", false, false), "▁hello|▁,|▁wor|ld");
    assert_string_equal(texts_of(&c, "hello", true, false), "[CLS]|▁hello|[SEP]");
    assert_string_equal(texts_of(&c, "", true, false), "[CLS]|[SEP]");
    assert_string_equal(texts_of(&c, "worldl wor", false, false), "▁wor|ld|l|▁wor");
    assert_string_equal(texts_of(&c, "[SEP]", false, true), "[SEP]");
    assert_int_equal(tokenizer_kind(c.t), TOKENIZER_WPM);
    int32_t ids[] = {1, 3, 5, 2};
    assert_string_equal(decoded(&c, ids, 4, false, false), " hellold");
    case_close(&c);
}

static void a_word_with_one_gap_is_unknown_as_a_whole(void **state)
{
    (void)state;
    Case c;
    case_open(&c, wpm_bytes());
    assert_string_equal(texts_of(&c, "worldx hello x", false, false), "[UNK]|▁hello|[UNK]");
    char word[102];
    memset(word, 'a', sizeof word);
    word[100] = 0;
    TokenList l = {0};
    Err err;
    MUST(tokenizer_encode(c.t, word, 100, (EncodeOptions){false, false}, &l, &err), &err);
    assert_int_equal(l.n, 100);
    tokens_close(&l);
    word[100] = 'a', word[101] = 0;
    assert_string_equal(texts_of(&c, word, false, false), "[UNK]");
    case_close(&c);
}

static void text_is_made_plain_first(void **state)
{
    (void)state;
    Case c;
    case_open(&c, wpm_bytes());
    assert_string_equal(texts_of(&c, "ÉLÈVE e\xCC\x81le\xCC\x80ve", false, false), "▁ele|ve|▁ele|ve");
    assert_string_equal(texts_of(&c, "你好a$a", false, false), "▁你|▁好|▁a|▁$|▁a");
    /* A soft hyphen, a control, a broken byte: nothing. Tab, ideographic space: white. */
    assert_string_equal(texts_of(&c, "a\xC2\xAD" "a\x01" "a\xFF" "a\ta\xE3\x80\x80" "a", false, false),
                        "▁a|a|a|a|▁a|▁a");
    assert_string_equal(texts_of(&c, "한", false, false), "▁ᄒ|ᅡ|ᆫ");
    assert_string_equal(texts_of(&c, "İ", false, false), "▁i");
    assert_string_equal(texts_of(&c, "\xCC\x81 \n", false, false), "");
    case_close(&c);
}

static void case_and_accents_stay_where_the_file_says_so(void **state)
{
    (void)state;
    Case c;
    case_open(&c, wpm_with(false, false));
    assert_string_equal(texts_of(&c, "É é Hello", false, false), "▁É|▁é|[UNK]");
    case_close(&c);
    case_open(&c, wpm_with(true, false));
    assert_string_equal(texts_of(&c, "É Hello", false, false), "▁é|▁hello");
    case_close(&c);
    case_open(&c, wpm_with(false, true));
    assert_string_equal(texts_of(&c, "à É", false, false), "▁a|[UNK]");
    case_close(&c);
}

static void characters_fold_as_unicode_says(void **state)
{
    (void)state;
    Arena a = {0};
    UnicodeBases b;
    Err err;
    char out[12];
    MUST(unicode_bases_open(&b, &a, &err), &err);
    assert_int_equal(unicode_lower('Q'), 'q');
    assert_int_equal(unicode_lower(0x100), 0x101);
    assert_int_equal(unicode_lower(0x101), 0x101);
    assert_int_equal(unicode_lower(0x391), 0x3B1);
    assert_int_equal(unicode_lower(0x178), 0xFF);
    assert_int_equal(unicode_lower(0x1E9E), 0xDF);
    assert_int_equal(unicode_lower(0x10400), 0x10428);
    assert_int_equal(unicode_lower(0x10FFFF), 0x10FFFF);
    assert_int_equal(unicode_strip(&b, 0x1EC7, out), 1); /* e with circumflex and dot below */
    assert_int_equal(out[0], 'e');
    assert_int_equal(unicode_strip(&b, 0x301, out), 0);
    assert_int_equal(unicode_strip(&b, 0xF900, out), 3); /* U+8C48 */
    assert_memory_equal(out, "\xE8\xB1\x88", 3);
    assert_int_equal(unicode_strip(&b, 0xAC00, out), 6); /* two letters without a tail */
    assert_int_equal(unicode_strip(&b, 0x9CB, out), 6);  /* Bengali O sign: two marks with width */
    assert_true(unicode_is_punctuation(0x2014) && unicode_is_punctuation('$'));
    assert_false(unicode_is_punctuation(0x20AC) || unicode_is_punctuation('a'));
    assert_true(unicode_is_hidden(0xAD) && unicode_is_hidden(0x0B) && unicode_is_hidden(0));
    assert_true(unicode_is_hidden(0xE000) && unicode_is_hidden(0x10FFFD));
    assert_false(unicode_is_hidden('\t') || unicode_is_hidden(' ') || unicode_is_hidden(0xA0));
    arena_close(&a);
}

/* ---------------------------------------------------------------- Unigram */

/* The double array of {"A": "a", "AB": "xy"}: unit 0 is the root with offset 0, so 'A' leads to unit
 * 65; from there offset 256 ("AB" at 256 ^ 'B'), values at the offsets themselves. */
static size_t charsmap(unsigned char *out)
{
    enum { N = 1024 };
    uint32_t u[N] = {0};
    u['A'] = 'A' | 256 | (uint32_t)(('A' ^ 256) << 10);
    u[256] = 0;                                             /* "A": replacement 0 */
    u[256 ^ 'B'] = 'B' | 256 | (uint32_t)((256 ^ 'B' ^ 512) << 10);
    u[512] = 2;                                             /* "AB": replacement 2 */
    uint32_t size = sizeof u;
    memcpy(out, &size, 4);
    memcpy(out + 4, u, sizeof u);
    memcpy(out + 4 + sizeof u, "a\0xy", 5);
    return 4 + sizeof u + 5;
}

static void vb_map(VocabBytes *v, const unsigned char *map, size_t n)
{
    vb_key(v, "precompiled_charsmap", GGUF_ARRAY);
    vb_u32(v, GGUF_U8);
    vb_u64(v, n);
    vb_bytes(v, map, n);
}

static VocabBytes ugm_bytes(bool map, bool prefix, bool merge)
{
    static VocabList l;
    l.n = 0;
    vl_add(&l, "<pad>", TOKEN_CONTROL, 0);
    vl_add(&l, "</s>", TOKEN_CONTROL, 0);
    vl_add(&l, "<unk>", TOKEN_UNKNOWN, 0);
    vl_add(&l, "▁", TOKEN_NORMAL, -2);
    vl_add(&l, "a", TOKEN_NORMAL, -3);
    vl_add(&l, "b", TOKEN_NORMAL, -3);
    vl_add(&l, "ab", TOKEN_NORMAL, -5);
    vl_add(&l, "ba", TOKEN_NORMAL, -1);
    vl_add(&l, "▁a", TOKEN_NORMAL, -4);
    vl_add(&l, "xy", TOKEN_NORMAL, -4);
    vl_add(&l, "<x>", TOKEN_USER_DEFINED, 0);
    VocabBytes v = vb_open();
    vb_str(&v, "model", "t5");
    vb_list(&v, &l, true);
    vb_bool(&v, "add_space_prefix", prefix);
    vb_bool(&v, "remove_extra_whitespaces", merge);
    static unsigned char bytes[8192];
    if (map) vb_map(&v, bytes, charsmap(bytes));
    return v;
}

static void of_all_ways_the_most_probable_is_taken(void **state)
{
    (void)state;
    Case c;
    case_open(&c, ugm_bytes(false, false, false));
    assert_string_equal(texts_of(&c, "ab", false, false), "ab");      /* -5 before -6 */
    assert_string_equal(texts_of(&c, "aba", false, false), "a|ba");   /* -4 before -8: not greedy */
    assert_string_equal(texts_of(&c, "abab", false, false), "a|ba|b"); /* -7 before -10 */
    assert_string_equal(texts_of(&c, "ab", true, false), "ab|</s>");
    assert_string_equal(texts_of(&c, "b<x>a", false, false), "b|<x>|a");
    assert_string_equal(texts_of(&c, "", true, false), "</s>");
    /* Unknown characters in a row are one token. */
    assert_string_equal(texts_of(&c, "bqéqb", false, false), "b|<unk>|b");
    assert_string_equal(texts_of(&c, "\xFF", false, false), "<unk>");
    assert_int_equal(tokenizer_kind(c.t), TOKENIZER_UGM);
    case_close(&c);
}

static void of_equal_ways_the_first_found_stays(void **state)
{
    (void)state;
    Case c;
    case_open(&c, ugm_bytes(false, true, false));
    /* "▁" "a" costs 5, "▁a" 4; "▁" "ba" 3. */
    assert_string_equal(texts_of(&c, "a", false, false), "▁a");
    assert_string_equal(texts_of(&c, "ba", false, false), "▁|ba");
    case_close(&c);
}

static void spaces_become_visible_as_the_file_says(void **state)
{
    (void)state;
    Case c;
    case_open(&c, ugm_bytes(false, false, false));
    assert_string_equal(texts_of(&c, "b  b ", false, false), "b|▁|▁|b|▁");
    case_close(&c);
    case_open(&c, ugm_bytes(false, true, false));
    assert_string_equal(texts_of(&c, "b  b ", false, false), "▁|b|▁|▁|b|▁");
    assert_string_equal(texts_of(&c, "  ", false, false), "▁|▁");
    case_close(&c);
    case_open(&c, ugm_bytes(false, true, true));
    assert_string_equal(texts_of(&c, "  b  b ", false, false), "▁|b|▁|b");
    case_close(&c);
    case_open(&c, ugm_bytes(false, false, true));
    assert_string_equal(texts_of(&c, "b  b ", false, false), "▁|b|▁|b");
    int32_t ids[] = {3, 5, 3, 5, 1};
    assert_string_equal(decoded(&c, ids, 5, false, false), " b b");
    case_close(&c);
}

static void the_map_rewrites_the_longest_key(void **state)
{
    (void)state;
    Case c;
    case_open(&c, ugm_bytes(true, false, false));
    assert_string_equal(texts_of(&c, "A", false, false), "a");
    assert_string_equal(texts_of(&c, "AB", false, false), "xy");
    assert_string_equal(texts_of(&c, "bAA", false, false), "ba|a");
    assert_string_equal(texts_of(&c, "B", false, false), "<unk>");
    case_close(&c);
}

static void a_damaged_map_is_refused_or_harmless(void **state)
{
    (void)state;
    static const unsigned char wrong_size[8] = {255, 255, 0, 0};
    VocabBytes v = ugm_bytes(false, false, false);
    vb_map(&v, wrong_size, 8);
    is_refused(v, E_FORMAT, "precompiled_charsmap");
    v = ugm_bytes(false, false, false);
    vb_num(&v, "precompiled_charsmap", 3);
    is_refused(v, E_FORMAT, "precompiled_charsmap");

    /* Any units at all: every answer is some list of ids. */
    Rng r = rng_seed(7);
    for (int k = 0; k < 200; k++) {
        static unsigned char map[8192];
        size_t n = charsmap(map);
        for (int i = 0; i < 400; i++) map[4 + rng_below(&r, n - 4)] = (unsigned char)rng_below(&r, 256);
        Case c;
        v = ugm_bytes(false, true, true);
        vb_map(&v, map, n);
        case_open(&c, v);
        char text[100];
        for (int i = 0; i < 99; i++) text[i] = (char)(rng_below(&r, 2) ? 'A' + rng_below(&r, 2) : rng_below(&r, 256));
        ids_of(&c, text, 99, true, true);
        case_close(&c);
    }
}

/* ---------------------------------------------------------------- RWKV */

static VocabBytes rwkv_bytes(void)
{
    static VocabList l;
    l.n = 0;
    vl_add(&l, "<s>", TOKEN_CONTROL, 0);
    vl_add(&l, "a", TOKEN_NORMAL, 0);
    vl_add(&l, "ab", TOKEN_NORMAL, 0);
    vl_add(&l, "abcd", TOKEN_NORMAL, 0);
    vl_add(&l, "\\n", TOKEN_NORMAL, 0);
    vl_add(&l, "\\n\\n", TOKEN_NORMAL, 0);
    vl_add(&l, "\\xc3", TOKEN_NORMAL, 0);
    vl_add(&l, "\\\\", TOKEN_NORMAL, 0);
    vl_add(&l, "c", TOKEN_NORMAL, 0);
    vl_add(&l, "b", TOKEN_NORMAL, 0);
    vl_add(&l, "\\xZ", TOKEN_NORMAL, 0);
    vl_add(&l, "é\\t", TOKEN_NORMAL, 0);
    VocabBytes v = vb_open();
    vb_str(&v, "model", "rwkv");
    vb_list(&v, &l, false);
    return v;
}

static void the_longest_bytes_from_the_left(void **state)
{
    (void)state;
    Case c;
    case_open(&c, rwkv_bytes());
    assert_string_equal(ids_of(&c, "abcab", 5, true, false), "2 8 2"); /* abcd does not fit */
    assert_string_equal(ids_of(&c, "abcd", 4, false, false), "3");
    assert_string_equal(ids_of(&c, "\n\n\n", 3, false, false), "5 4");
    assert_string_equal(ids_of(&c, "\xC3\\", 2, false, false), "6 7");
    assert_string_equal(ids_of(&c, "a?b", 3, false, false), "1 9"); /* no token, no unknown token */
    assert_string_equal(ids_of(&c, "\\xZ", 3, false, false), "10");
    assert_string_equal(ids_of(&c, "é\t", 3, false, false), "11");
    assert_true(comes_back(&c, "ab\n\n\\abcd", 9));
    assert_true(comes_back(&c, "é\t\xC3", 4));
    case_close(&c);
}

static void an_unknown_token_takes_what_fits_nowhere(void **state)
{
    (void)state;
    Case c;
    VocabBytes v = rwkv_bytes();
    vb_num(&v, "unknown_token_id", 0);
    case_open(&c, v);
    assert_string_equal(ids_of(&c, "a?b", 3, false, false), "1 0 9");
    case_close(&c);
}

static int open_kernels(void **state)
{
    (void)state;
    layer5_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_covered_by_the_longest_tokens_from_the_left),
        cmocka_unit_test(a_word_with_one_gap_is_unknown_as_a_whole),
        cmocka_unit_test(text_is_made_plain_first),
        cmocka_unit_test(case_and_accents_stay_where_the_file_says_so),
        cmocka_unit_test(characters_fold_as_unicode_says),
        cmocka_unit_test(of_all_ways_the_most_probable_is_taken),
        cmocka_unit_test(of_equal_ways_the_first_found_stays),
        cmocka_unit_test(spaces_become_visible_as_the_file_says),
        cmocka_unit_test(the_map_rewrites_the_longest_key),
        cmocka_unit_test(a_damaged_map_is_refused_or_harmless),
        cmocka_unit_test(the_longest_bytes_from_the_left),
        cmocka_unit_test(an_unknown_token_takes_what_fits_nowhere),
    };
    return cmocka_run_group_tests(tests, open_kernels, NULL);
}
