/* SentencePiece BPE on a vocabulary that fits on a page: which pair merges, what a byte falls back to,
 * what special texts do, and what a broken vocabulary is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tokenizer_cases.h"

#include <math.h>
#include <stdio.h>

/* 0 <unk>, 1 <s>, 2 </s>, 3..258 bytes, then characters and what they merge to. */
static VocabList *spm_list(void)
{
    static VocabList l;
    l.n = 0;
    vl_add(&l, "<unk>", TOKEN_UNKNOWN, 0);
    vl_add(&l, "<s>", TOKEN_CONTROL, 0);
    vl_add(&l, "</s>", TOKEN_CONTROL, 0);
    vl_byte_names(&l);
    static const char *const texts[] = {"▁", "a", "b", "c", "é"};
    for (int i = 0; i < 5; i++) vl_add(&l, texts[i], TOKEN_NORMAL, -100);
    vl_add(&l, "ab", TOKEN_NORMAL, -2);
    vl_add(&l, "bc", TOKEN_NORMAL, -1);
    vl_add(&l, "aa", TOKEN_NORMAL, -3);
    vl_add(&l, "▁a", TOKEN_NORMAL, -4);
    vl_add(&l, "aaaa", TOKEN_NORMAL, -0.5f);
    vl_add(&l, "cé", TOKEN_NORMAL, -5);
    return &l;
}

static VocabBytes spm_bytes(const VocabList *l)
{
    VocabBytes v = vb_open();
    vb_str(&v, "model", "llama");
    vb_list(&v, l, true);
    return v;
}

static VocabBytes spm_without_prefix(const VocabList *l)
{
    VocabBytes v = spm_bytes(l);
    vb_bool(&v, "add_space_prefix", false);
    return v;
}

static void the_highest_score_merges_first(void **state)
{
    (void)state;
    Case c;
    case_open(&c, spm_without_prefix(spm_list()));
    assert_string_equal(texts_of(&c, "abc", false, false), "a|bc"); /* bc -1 beats ab -2 */
    assert_string_equal(texts_of(&c, "aba", false, false), "ab|a");
    assert_string_equal(texts_of(&c, "aaa", false, false), "aa|a"); /* a tie: leftmost */
    assert_string_equal(texts_of(&c, "aaaaa", false, false), "aaaa|a");
    assert_string_equal(texts_of(&c, "bcé", false, false), "bc|é");
    assert_string_equal(texts_of(&c, "", false, false), "");
    case_close(&c);
}

static void a_space_is_put_in_front_and_taken_away_again(void **state)
{
    (void)state;
    Case c;
    case_open(&c, spm_bytes(spm_list()));
    assert_string_equal(texts_of(&c, "ab", false, false), "▁|ab");
    assert_string_equal(texts_of(&c, "a b", true, false), "<s>|▁a|▁|b");
    assert_string_equal(ids_of(&c, "", 0, true, false), "1");
    assert_true(comes_back(&c, "ab", 2));
    assert_true(comes_back(&c, "  a  b ", 7));
    assert_true(comes_back(&c, " ", 1));
    assert_true(tokenizer_adds_space_prefix(c.t));
    /* With bos in front too: what the encoder added is what the decoder removes. */
    int32_t ids[] = {1, tokenizer_find(c.t, "▁a", 4), 2};
    assert_string_equal(decoded(&c, ids, 2, true, false), "a");
    assert_string_equal(decoded(&c, ids, 3, true, false), "a</s>"); /* add_eos is off */
    case_close(&c);
}

static void unknown_characters_become_their_bytes(void **state)
{
    (void)state;
    Case c;
    case_open(&c, spm_without_prefix(spm_list()));
    assert_string_equal(texts_of(&c, "aλ", false, false), "a|<0xCE>|<0xBB>");
    assert_string_equal(texts_of(&c, "\xFF\xE2", false, false), "<0xFF>|<0xE2>");
    assert_string_equal(texts_of(&c, "🙂", false, false), "<0xF0>|<0x9F>|<0x99>|<0x82>");
    char all[256];
    for (int i = 0; i < 256; i++) all[i] = (char)i;
    assert_true(comes_back(&c, all, 256));
    assert_int_equal(tokenizer_missing_bytes(c.t), 0);
    case_close(&c);
}

static void without_byte_tokens_the_unknown_token_stands_in(void **state)
{
    (void)state;
    static VocabList l;
    Case c;
    vl_add(&l, "x", TOKEN_NORMAL, -1);
    vl_add(&l, "?", TOKEN_NORMAL, -1);
    vl_add(&l, "<unk>", TOKEN_UNKNOWN, 0);
    VocabBytes v = spm_without_prefix(&l);
    vb_bool(&v, "add_bos_token", false);
    vb_num(&v, "unknown_token_id", 2);
    case_open(&c, v);
    assert_string_equal(ids_of(&c, "x?y", 3, true, false), "0 1 2");
    case_close(&c);

    /* An id outside the vocabulary is no id. The default is 0, here "x": the file can only say so. */
    v = spm_without_prefix(&l);
    vb_num(&v, "unknown_token_id", 3);
    case_open(&c, v);
    assert_string_equal(ids_of(&c, "y", 1, false, false), "0");
    case_close(&c);
}

/* Special texts of several lengths, some inside others. */
static VocabBytes special_bytes(void)
{
    VocabList *l = spm_list();
    vl_add(l, "<|a|>", TOKEN_CONTROL, 0);
    vl_add(l, "<|a|><|a|>", TOKEN_CONTROL, 0);
    vl_add(l, "ca", TOKEN_USER_DEFINED, 0);
    vl_add(l, "caca", TOKEN_USER_DEFINED, 0);
    vl_add(l, "<|eot_id|>", TOKEN_NORMAL, 0);
    vl_add(l, "<|start|>", TOKEN_CONTROL, 0);
    return spm_without_prefix(l);
}

static void special_texts_are_commands_only_when_asked_for(void **state)
{
    (void)state;
    Case c;
    case_open(&c, special_bytes());
    assert_string_equal(texts_of(&c, "b<|a|>b", false, true), "b|<|a|>|b");
    assert_string_equal(texts_of(&c, "<|a|><|a|><|a|>", false, true), "<|a|><|a|>|<|a|>");
    assert_string_equal(texts_of(&c, "<s>b</s>", false, true), "<s>|b|</s>");
    assert_string_equal(texts_of(&c, "<|b", false, true), "<0x3C>|<0x7C>|b");
    assert_null(strstr(texts_of(&c, "<|a|>", false, false), "<|a|>"));
    assert_null(strstr(texts_of(&c, "<s>", false, false), "<s>"));
    case_close(&c);
}

static void user_defined_texts_always_match_and_the_longest_wins(void **state)
{
    (void)state;
    Case c;
    case_open(&c, special_bytes());
    assert_string_equal(texts_of(&c, "bcab", false, false), "b|ca|b");
    /* The longest goes first even where a shorter one begins earlier. */
    assert_string_equal(texts_of(&c, "cacaca", false, false), "caca|ca");
    assert_string_equal(texts_of(&c, "cacacaca", false, true), "caca|caca");
    case_close(&c);
}

static void what_ends_generation_is_known_by_text(void **state)
{
    (void)state;
    Case c;
    case_open(&c, special_bytes());
    int32_t eot = tokenizer_find(c.t, "<|eot_id|>", 10);
    assert_true(tokenizer_is_eog(c.t, eot));
    assert_int_equal(tokenizer_type(c.t, eot), TOKEN_CONTROL); /* the file says normal */
    assert_true(tokenizer_is_eog(c.t, 2));
    assert_false(tokenizer_is_eog(c.t, 1));
    int32_t start = tokenizer_find(c.t, "<|start|>", 9);
    assert_int_equal(tokenizer_type(c.t, start), TOKEN_USER_DEFINED);
    assert_int_equal(tokenizer_bos(c.t), 1);
    assert_int_equal(tokenizer_eos(c.t), 2);
    int32_t ids[] = {start, eot};
    assert_string_equal(decoded(&c, ids, 2, false, false), "<|start|>");
    assert_string_equal(decoded(&c, ids, 2, true, false), "<|start|><|eot_id|>");
    case_close(&c);
}

static void some_models_eat_the_space_after_special_tokens(void **state)
{
    (void)state;
    Case c;
    VocabBytes v = special_bytes();
    vb_str(&v, "general.name", "Phi-3 mini");
    case_open(&c, v);
    assert_string_equal(texts_of(&c, "<|a|> \n b <s> b", false, true), "<|a|>|b|▁|<s>|▁|b");
    case_close(&c);
}

static void scan_and_heap_agree_on_random_texts(void **state)
{
    (void)state;
    static const char *const parts[] = {"a", "a", "a", "b", "c", "é", " ", "ab", "x", "\xFF"};
    Case c;
    Rng r = rng_seed(5);
    case_open(&c, special_bytes());
    for (int trial = 0; trial < 3000; trial++) {
        char text[200] = "";
        for (uint64_t left = rng_below(&r, 40); left > 0; left--)
            strcat(text, parts[rng_below(&r, 10)]);
        variants_agree(&c, text, strlen(text));
    }
    case_close(&c);
}

/* "c▁a" reaches across a blank, so there no cut is safe; everywhere else there is one. */
static void cuts_before_blanks_change_nothing(void **state)
{
    (void)state;
    static const char *const parts[] = {"a", "ab", "c", "c", "bc", "aaaa", "é", "x", "\xFF", " ", "▁",
                                        "\xE2\x96", "\n", "abc", "aaaaaaaaaaaaaaaaaaaa"};
    static const char *const glue[] = {"c▁a", "c▁", "▁▁", "▁▁▁▁"};
    Rng r = rng_seed(6);
    for (int n = 0; n <= 4; n++) {
        static VocabList l;
        l = *spm_list();
        for (int i = 0; i < n; i++) vl_add(&l, glue[3 - i], TOKEN_NORMAL, -0.25f * (float)i);
        Case c;
        case_open(&c, n % 2 ? spm_without_prefix(&l) : spm_bytes(&l));
        for (int trial = 0; trial < 10; trial++)
            long_texts_agree(&c, &r, parts, sizeof parts / sizeof *parts);
        if (n == 4) assert_string_equal(texts_of(&c, "bc ab", false, false), "▁|b|c▁a|b");
        case_close(&c);
    }
}

static void broken_vocabularies_are_refused_with_their_reason(void **state)
{
    (void)state;
    VocabList *l = spm_list();
    VocabBytes v = vb_open();
    vb_str(&v, "model", "llama");
    is_refused(v, E_FORMAT, "'tokenizer.ggml.tokens' is missing");

    v = vb_open();
    vb_str(&v, "model", "llama");
    vb_texts(&v, "tokens", l->texts, l->n);
    is_refused(v, E_FORMAT, "'tokenizer.ggml.scores' is missing");

    v = vb_open();
    vb_str(&v, "model", "llama");
    vb_texts(&v, "tokens", l->texts, l->n);
    vb_words(&v, "scores", GGUF_F32, l->scores, l->n - 1);
    is_refused(v, E_FORMAT, "tokenizer.ggml.scores");

    v = vb_open();
    vb_str(&v, "model", "llama");
    vb_texts(&v, "tokens", l->texts, l->n);
    vb_words(&v, "token_type", GGUF_I32, l->types, l->n + 1);
    is_refused(v, E_FORMAT, "tokenizer.ggml.token_type");

    v = vb_open();
    vb_str(&v, "model", "berd");
    is_refused(v, E_UNSUPPORTED, "'tokenizer.ggml.model' is 'berd'");

    l->scores[5] = NAN;
    is_refused(spm_bytes(l), E_FORMAT, "score of token 5 is not a number");

    l = spm_list();
    vl_add(l, "abc", TOKEN_NORMAL, 0);
    vl_add(l, "abc", TOKEN_NORMAL, 0);
    is_refused(spm_bytes(l), E_FORMAT, "same text 'abc'");

    static const char *const not_bytes[] = {"<0x-1>", "<0x0G>", "<0x0A", "<0x0A>>", "0x0A", "<0X0A>"};
    for (size_t i = 0; i < sizeof not_bytes / sizeof *not_bytes; i++) {
        l = spm_list();
        vl_add(l, not_bytes[i], TOKEN_BYTE, 0);
        is_refused(spm_bytes(l), E_FORMAT, "is a byte token, but its text");
    }
}

static void long_texts_are_refused_and_empty_ones_named(void **state)
{
    (void)state;
    Case c;
    VocabBytes v = vb_open();
    vb_str(&v, "model", "llama");
    vb_key(&v, "tokens", GGUF_ARRAY);
    vb_u32(&v, GGUF_STRING);
    vb_u64(&v, 1);
    vb_u64(&v, 65537);
    gb_zeros(&v.b, 65537);
    is_refused(v, E_LIMIT, "has a text of 65537 bytes (limit 65536)");

    VocabList *l = spm_list();
    int32_t empty = (int32_t)l->n;
    vl_add(l, "", TOKEN_NORMAL, 0);
    case_open(&c, spm_bytes(l));
    assert_int_equal(empty, 270);
    assert_true(str_is(tokenizer_text(c.t, empty), "[EMPTY_270]"));

    /* A length is refused before a byte of the text is read. */
    TokenList ids = {0};
    Err err;
    assert_int_equal(tokenizer_encode(c.t, "x", ((size_t)1 << 30) + 1, (EncodeOptions){false, false}, &ids, &err), E_LIMIT);
    assert_non_null(strstr(err.text, "a text of 1073741825 bytes (limit 1073741824)"));
    assert_int_equal(ids.n, 0);
    case_close(&c);
}

static void ids_are_checked_when_decoding(void **state)
{
    (void)state;
    Case c;
    Err err;
    Buf b = {0};
    case_open(&c, spm_bytes(spm_list()));
    static const int32_t bad[] = {-1, 270, INT32_MIN, INT32_MAX};
    for (int i = 0; i < 4; i++) {
        int32_t ids[] = {4, bad[i]};
        assert_int_equal(tokenizer_decode(c.t, ids, 2, false, false, &b, &err), E_ARG);
        assert_non_null(strstr(err.text, "outside the vocabulary (0 to 269)"));
        assert_int_equal(b.len, 0);
        assert_int_equal(tokenizer_piece(c.t, bad[i], false, &b, &err), E_ARG);
    }
    case_close(&c);
}

static bool refuse_after(void *ctx, size_t n)
{
    int *left = ctx;
    (void)n;
    return (*left)-- > 0;
}

static void refused_memory_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    Err err;
    Status s = E_MEMORY;
    for (int k = 0; s != OK; k++) {
        VocabBytes v = special_bytes();
        Case c = {.bytes = v};
        TokenList l = {0};
        MUST(gguf_open_memory(&c.gguf, v.b.data, v.b.len, &err), &err);
        int left = k;
        mem_set_hook(refuse_after, &left);
        s = tokenizer_open(&c.t, &c.arena, &c.gguf, &err);
        if (s == OK)
            s = tokenizer_encode(c.t, "caca<|a|>b", 10, (EncodeOptions){true, true}, &l, &err);
        mem_set_hook(NULL, NULL);
        assert_true(s == OK || s == E_MEMORY);
        if (s != OK) assert_int_equal(l.n, 0);
        tokens_close(&l);
        case_close(&c);
    }
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
        cmocka_unit_test(the_highest_score_merges_first),
        cmocka_unit_test(a_space_is_put_in_front_and_taken_away_again),
        cmocka_unit_test(unknown_characters_become_their_bytes),
        cmocka_unit_test(without_byte_tokens_the_unknown_token_stands_in),
        cmocka_unit_test(special_texts_are_commands_only_when_asked_for),
        cmocka_unit_test(user_defined_texts_always_match_and_the_longest_wins),
        cmocka_unit_test(what_ends_generation_is_known_by_text),
        cmocka_unit_test(some_models_eat_the_space_after_special_tokens),
        cmocka_unit_test(scan_and_heap_agree_on_random_texts),
        cmocka_unit_test(cuts_before_blanks_change_nothing),
        cmocka_unit_test(broken_vocabularies_are_refused_with_their_reason),
        cmocka_unit_test(long_texts_are_refused_and_empty_ones_named),
        cmocka_unit_test(ids_are_checked_when_decoding),
        cmocka_unit_test(refused_memory_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, open_kernels, NULL);
}
