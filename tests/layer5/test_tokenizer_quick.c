/* The quick way to the ids against the plain one, in every family of pre-tokenizers: on English, where words
 * are found without patterns and copied from a memory, and on what English is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tokenizer_cases.h"
#include "tokenizer_impl.h"

#include <stdio.h>

/* Where a pattern cuts decides what can merge, so every pair of letters and signs merges here. */
static VocabBytes pairs_bytes(const char *pre)
{
    static VocabList l;
    static const char letters[] = "abcehlostABI'0123,.!_/(\n";
    static char merges[sizeof letters * sizeof letters * 2][8], both[sizeof letters * sizeof letters * 2][8];
    static const char *list[sizeof merges / sizeof *merges];
    l.n = 0;
    vl_byte_alphabet(&l);
    int n = 0;
    for (const char *a = letters; *a; a++)
        for (const char *b = letters; *b; b++) {
            char x[4] = {0}, y[4] = {0};
            tokenizer_byte_char((unsigned char)*a, x);
            tokenizer_byte_char((unsigned char)*b, y);
            snprintf(merges[n], 8, "%s %s", x, y);
            snprintf(both[n], 8, "%s%s", x, y);
            list[n] = merges[n];
            vl_add(&l, both[n++], TOKEN_NORMAL, 0);
            if (b != letters) continue;
            snprintf(merges[n], 8, "Ġ %s", x); /* a blank goes before, and after */
            snprintf(both[n], 8, "Ġ%s", x);
            list[n] = merges[n];
            vl_add(&l, both[n++], TOKEN_NORMAL, 0);
            snprintf(merges[n], 8, "%s Ġ", x);
            snprintf(both[n], 8, "%sĠ", x);
            list[n] = merges[n];
            vl_add(&l, both[n++], TOKEN_NORMAL, 0);
        }
    VocabBytes v = vb_open();
    vb_str(&v, "model", "gpt2");
    vb_str(&v, "pre", pre);
    vb_list(&v, &l, false);
    vb_texts(&v, "merges", list, (size_t)n);
    return v;
}

static void plain_and_quick_agree_in_every_family(void **state)
{
    (void)state;
    static const char *const english[] = {"the", "The", "I", "able", "isTest", "LOCAL", "let's", "she'll",
                                          "a", "e", ",", ".", "!", "(", "0", "12", "2031", "  ", "\n", "\n\n",
                                          "_", "/", "'", "'s", "cat_los", "\t", "1st", "b2", "IT'S", "ch,"};
    static const char *const mixed[] = {"the", "café", "été", "你好", "o\u0301", "sß", "Let's",
                                        "\xFF", "\u180E", "12", "٣٤", "\n", "🙂", "is\u3000a", "IT",
                                        "<sentinel:0>", "x\u00a0y"};
    Rng r = rng_seed(17);
    for (int k = 0; tokenizer_pre_name(k + 1); k++) {
        Case c;
        case_open(&c, pairs_bytes(tokenizer_pre_name(k)));
        long_texts_agree(&c, &r, english, sizeof english / sizeof *english);
        long_texts_agree(&c, &r, mixed, sizeof mixed / sizeof *mixed);
        long_texts_agree(&c, &r, mixed, 7); /* no invalid bytes */
        for (int trial = 0; trial < 50; trial++) {
            char text[200] = "";
            for (uint64_t left = rng_below(&r, 12); left > 0; left--) {
                strcat(text, english[rng_below(&r, sizeof english / sizeof *english)]);
                if (rng_below(&r, 2)) strcat(text, " ");
            }
            variants_agree(&c, text, strlen(text));
        }
        case_close(&c);
    }
}

/* WordPiece: words that are copied, and words that only begin or end like one of them. */
static void plain_and_quick_agree_on_word_pieces(void **state)
{
    (void)state;
    static const char *const tokens[] = {"▁the", "▁cat", "s", "▁c", "at", "▁1", "2", "▁.", "▁,", "▁e", "t", "e", "▁It",
                                         "▁it", "▁$", "▁x", "x", "▁你", "▁\xC3\xA9", "▁a", "a", "ab"};
    static const char *const parts[] = {"the", "cats", "cat", "The", "IT", "12", ".", ",", " ", "\n", "\t", "caté", "été",
                                        "é", "你", "cat\x01s", "\x02", "cat\u0301", "\u0301", "cat\xFFs", "x\u200bx", "$12,1",
                                        "xxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxx", "abababababababab", "q", "\u00a0", "cat\x7F"};
    for (int lower = 0; lower < 2; lower++) {
        static VocabList l;
        l.n = 0;
        vl_add(&l, "[UNK]", TOKEN_CONTROL, 0);
        vl_add(&l, "[CLS]", TOKEN_CONTROL, 0);
        vl_add(&l, "[SEP]", TOKEN_CONTROL, 0);
        for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) vl_add(&l, tokens[i], TOKEN_NORMAL, 0);
        VocabBytes v = vb_open();
        vb_str(&v, "model", "bert");
        vb_num(&v, "bos_token_id", 1);
        vb_num(&v, "seperator_token_id", 2);
        vb_num(&v, "unknown_token_id", 0);
        vb_bool(&v, "tokenizer.ggml.normalizer.lowercase", lower);
        vb_list(&v, &l, false);
        Case c;
        case_open(&c, v);
        Rng r = rng_seed(23);
        for (int k = 0; k < 4; k++) long_texts_agree(&c, &r, parts, k < 2 ? sizeof parts / sizeof *parts : 11);
        for (int trial = 0; trial < 500; trial++) {
            char text[400] = "";
            for (uint64_t left = rng_below(&r, 10); left > 0; left--)
                strcat(text, parts[rng_below(&r, sizeof parts / sizeof *parts)]);
            variants_agree(&c, text, strlen(text));
        }
        assert_string_equal(texts_of(&c, "cats cat\u0301s cat\x01s", false, false),
                            lower ? "▁cat|s|▁cat|s|▁cat|s" : "▁cat|s|[UNK]|▁cat|s");
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain_and_quick_agree_in_every_family),
                                       cmocka_unit_test(plain_and_quick_agree_on_word_pieces)};
    return cmocka_run_group_tests(tests, open_kernels, NULL);
}
