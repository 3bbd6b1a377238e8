/* Byte-level BPE: how each family of pre-tokenizers cuts, which merge comes first, and that no text,
 * however long or broken, takes more than its time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tokenizer_cases.h"
#include "tokenizer_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ids 0..255: the byte alphabet; then what merges make. */
static VocabList *bpe_list(void)
{
    static VocabList l;
    l.n = 0;
    vl_byte_alphabet(&l);
    static const char *const texts[] = {"ab", "bc", "Ġa", "aa", "aaaa", "Ã©", "Ġab", "hello"};
    for (int i = 0; i < 8; i++) vl_add(&l, texts[i], TOKEN_NORMAL, 0);
    vl_add(&l, "<|end|>", TOKEN_CONTROL, 0);
    return &l;
}

/* "hel" and "lo" are in no merge: "hello" is a token that merges cannot reach. */
static const char *const MERGES[] = {"b c", "a b", "Ġ a", "a a", "aa aa", "Ã ©", "Ġa b", "x y"};

static VocabBytes bpe_bytes(const char *pre)
{
    VocabBytes v = vb_open();
    vb_str(&v, "model", "gpt2");
    if (pre) vb_str(&v, "pre", pre);
    vb_list(&v, bpe_list(), false);
    vb_texts(&v, "merges", MERGES, 8);
    return v;
}

static void the_lowest_rank_merges_first(void **state)
{
    (void)state;
    Case c;
    case_open(&c, bpe_bytes("gpt-2"));
    assert_string_equal(texts_of(&c, "abc", false, false), "a|bc");
    assert_string_equal(texts_of(&c, "aba", false, false), "ab|a");
    assert_string_equal(texts_of(&c, "aaaaaa", false, false), "aaaa|aa");
    assert_string_equal(texts_of(&c, "aaa", false, false), "aa|a");
    assert_string_equal(texts_of(&c, "c ab", false, false), "c|Ġ|ab"); /* "a b" before "Ġ a" */
    assert_string_equal(texts_of(&c, "c aa", false, false), "c|Ġa|a"); /* "Ġ a" before "a a" */
    assert_string_equal(texts_of(&c, "é", false, false), "Ã©");
    assert_string_equal(texts_of(&c, "hello", false, false), "h|e|l|l|o");
    assert_string_equal(texts_of(&c, "a\nb\x7F", false, false), "a|Ċ|b|ġ");
    case_close(&c);
}

/* When "bc" is made, the pair (a, b) in the queue is stale. If the heap took it for (a, bc), which is
 * less urgent than (bc, d), "abcd" would become "abc|d". */
static void a_pair_that_changed_waits_for_its_new_turn(void **state)
{
    (void)state;
    static const char *const merges[] = {"b c", "a b", "bc d", "a bc"};
    static VocabList l;
    l.n = 0;
    vl_byte_alphabet(&l);
    vl_add(&l, "bc", TOKEN_NORMAL, 0);
    vl_add(&l, "ab", TOKEN_NORMAL, 0);
    vl_add(&l, "bcd", TOKEN_NORMAL, 0);
    vl_add(&l, "abc", TOKEN_NORMAL, 0);
    VocabBytes v = vb_open();
    vb_str(&v, "model", "gpt2");
    vb_str(&v, "pre", "gpt-2");
    vb_list(&v, &l, false);
    vb_texts(&v, "merges", merges, 4);
    Case c;
    case_open(&c, v);
    assert_string_equal(texts_of(&c, "abcd", false, false), "a|bcd");

    /* The same in a word that is too long for an array of priorities. */
    char word[200] = "", want[400] = "";
    for (int i = 0; i < 40; i++) {
        strcat(word, "abcd");
        strcat(want, i ? "|a|bcd" : "a|bcd");
    }
    assert_string_equal(texts_of(&c, word, false, false), want);
    case_close(&c);
}

/* A long text remembers words; its ids are those of the words one by one. */
static void words_seen_before_give_the_same_ids(void **state)
{
    (void)state;
    Case c;
    case_open(&c, bpe_bytes("gpt-2"));
    Rng r = rng_seed(3);
    Buf text = {0};
    TokenList all = {0}, single = {0};
    Err err;
    while (text.len < 1 << 16) {
        char word[24] = " ";
        size_t n = 1;
        for (uint64_t left = 1 + rng_below(&r, rng_below(&r, 4) ? 3 : 20); left > 0; left--)
            word[n++] = "abchelo"[rng_below(&r, 7)];
        MUST(tokenizer_encode(c.t, word, n, (EncodeOptions){false, false}, &single, &err), &err);
        MUST(buf_append(&text, word, n, &err), &err);
    }
    MUST(tokenizer_encode(c.t, text.data, text.len, (EncodeOptions){false, false}, &all, &err), &err);
    assert_int_equal(all.n, single.n);
    assert_memory_equal(all.ids, single.ids, (size_t)all.n * sizeof *all.ids);
    tokens_close(&all);
    tokens_close(&single);
    buf_close(&text);
    case_close(&c);
}

static void a_merge_to_no_token_is_written_byte_by_byte(void **state)
{
    (void)state;
    Case c;
    case_open(&c, bpe_bytes("gpt-2"));
    assert_string_equal(texts_of(&c, "xy", false, false), "x|y");
    assert_int_equal(tokenizer_find(c.t, "xy", 2), -1);
    case_close(&c);
}

static void some_families_take_known_words_whole(void **state)
{
    (void)state;
    Case c;
    case_open(&c, bpe_bytes("llama-bpe"));
    assert_string_equal(texts_of(&c, "hello", false, false), "hello");
    assert_string_equal(texts_of(&c, "hellos", false, false), "h|e|l|l|o|s");
    assert_true(tokenizer_add_bos(c.t));
    assert_string_equal(tokenizer_pre(c.t), "llama-bpe");
    case_close(&c);
    case_open(&c, bpe_bytes(NULL));
    assert_string_equal(tokenizer_pre(c.t), "default");
    assert_false(tokenizer_add_bos(c.t));
    case_close(&c);
}

/* The pieces of a text as "a| b". */
static const char *pieces(const Case *c, const char *text)
{
    static char line[4000];
    Err err;
    PreWork w = {0};
    const uint32_t *ends;
    int64_t n;
    MUST(tokenizer_pretokenize(c->t, &w, text, strlen(text), &ends, &n, &err), &err);
    size_t at = 0, begin = 0;
    for (int64_t i = 0; i < n; i++) {
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%.*s", i ? "|" : "",
                               (int)(ends[i] - begin), text + begin);
        begin = ends[i];
    }
    assert_int_equal(begin, strlen(text));
    tokenizer_prework_close(&w);
    return line;
}

typedef struct {
    const char *pre, *text, *pieces;
} Cut;

static const Cut CUTS[] = {
    {"gpt-2", "Hello  world's 123!? x\n\n y", "Hello| | world|'s| 123|!?| x|\n\n| y"},
    {"gpt-2", "I'M  ", "I|'|M|  "},
    {"llama-bpe", "I'M 12345\n\n  x  ", "I|'M| |123|45|\n\n| | x|  "},
    {"llama-bpe", "a_b..\n\nc", "a|_b|..\n\n|c"},
    {"qwen2", "x123 é", "x|1|2|3| é"},
    {"qwen35", "xe\xCC\x81 1", "xe\xCC\x81| |1"},
    {"starcoder", "ab12 3", "ab|1|2| |3"},
    {"falcon", "a+1234 x", "a|+|123|4| x"},
    {"default", "a+12345, x", "a|+|123|45|,| x"},
    {"deepseek-coder", "ab\n\n 12,你好x", "ab|\n|\n| |1|2|,|你好|x"},
    {"deepseek-llm", "ab\n12 你好x!  ", "ab|\n|12| |你好|x|!|  "},
    {"deepseek-v3", "1234你好 (ab)x(yz", "123|4|你好| (|ab|)x|(yz"},
    {"tekken", "HelloWorld ÉCOLEx 12/\n", "Hello|World| ÉCOLEx| |1|2|/\n"},
    {"gpt-4o", "HelloWorld's 1234", "Hello|World's| |123|4"},
    {"granite-embed-multi-97m", "helloWorld's HTTPx", "hello|World's| HTTPx"},
    {"tiny_aya", "1234567 12x 1234x", "1|234|567| |12|x| |123|4|x"},
    {"bloom", "ab12 cd, e", "ab12| cd|,| e"},
    {"viking", "ab12 cd", "ab|1|2| cd"},
    {"chameleon", "IMGIMGABZ<sentinel:12>a\tb 1", "IMGIMGABZ|<|sentinel|:|1|2|>|a|\t|b| |1"},
    {"kimi-k2", "你好World helloWorld 1234", "你好|World| hello|World| |123|4"},
    {"superbpe", "a b 1234567 c", "a b |1|234|567| c"},
    {"bailingmoe", "I'm 12\n\n", "I|'m| |1|2|\n\n"},
    {"seed-coder", "12 !\nx", "1|2| !|\n|x"},
    {"afmoe", "1234567 12x 1234", "1|234|567| |12|x| |1|234"},
    {"laguna", "a b\n\nc 12", "a| b|\n\n|c| |1|2"},
    {"exaone-moe", "ab cd12 .\n\n", "ab cd|1|2| .\n|\n"},
    {"minicpm5", "ab1234 x", "ab|123|4| x"},
    {"jais-2", "a        b       12", "a|    |  | | b|    |  | |12"},
    {"youtu", "한국어x HelloWorld 12", "한국어|x| Hello|World| |1|2"},
};

static void each_family_cuts_in_its_own_way(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof CUTS / sizeof *CUTS; i++) {
        Case c;
        case_open(&c, bpe_bytes(CUTS[i].pre));
        const char *got = pieces(&c, CUTS[i].text);
        if (strcmp(got, CUTS[i].pieces)) {
            print_error("%s:\n  '%s', expected\n  '%s'\n", CUTS[i].pre, got, CUTS[i].pieces);
            wrong++;
        }
        case_close(&c);
    }
    assert_int_equal(wrong, 0);
}

static void white_space_is_what_unicode_says(void **state)
{
    (void)state;
    Case c;
    case_open(&c, bpe_bytes("gpt-2"));
    assert_string_equal(pieces(&c, "a\u2003\u2003b"), "a|\u2003|\u2003|b");
    assert_string_equal(pieces(&c, "a\u00A0\u00A0!"), "a|\u00A0|\u00A0|!");
    assert_string_equal(pieces(&c, "a\u180E!b"), "a|\u180E!|b"); /* a sign since Unicode 6.3 */
    assert_string_equal(pieces(&c, "a \u180E!b"), "a| \u180E!|b");
    case_close(&c);
}

static void invalid_bytes_are_signs_and_stay_what_they_are(void **state)
{
    (void)state;
    Case c;
    case_open(&c, bpe_bytes("gpt-2"));
    assert_string_equal(pieces(&c, "a\xFF\xFE b\xC3"), "a|\xFF\xFE| b|\xC3");
    assert_string_equal(pieces(&c, "\xF0\x9F\x99!\xE2\x82"), "\xF0\x9F\x99!\xE2\x82");
    case_close(&c);
    case_open(&c, bpe_bytes("deepseek-v3"));
    assert_string_equal(pieces(&c, "1234\xFFxy\x80"), "123|4|\xFF|xy|\x80");
    case_close(&c);
}

static void every_family_brings_every_text_back(void **state)
{
    (void)state;
    static const char *const parts[] = {"a", "B", " ", "  ", "\n", "1", "12", "'s", "é", "ß", "你",
                                        "\xCC\x81", "🙂", "!", "_", "\xFF", "\xE2\x82", "\u180E", "\t"};
    const char *name;
    int n_names = 0;
    Rng r = rng_seed(9);
    for (; (name = tokenizer_pre_name(n_names)) != NULL; n_names++) {
        if (tokenizer_pre_name(n_names + 1) == NULL) break;
        Case c;
        case_open(&c, bpe_bytes(name));
        assert_string_equal(tokenizer_pre(c.t), name);
        bool raw = c.t->pre->flags & PRE_RAW; /* other byte tokens; tested below */
        for (int trial = 0; trial < (raw ? 0 : 100); trial++) {
            char text[400] = "";
            for (uint64_t left = rng_below(&r, 60); left > 0; left--)
                strcat(text, parts[rng_below(&r, sizeof parts / sizeof *parts)]);
            if (!comes_back(&c, text, strlen(text))) FAILED("%s loses '%s'", name, text);
        }
        case_close(&c);
    }
    assert_in_range(n_names, 80, 200);
}

static void characters_instead_of_bytes(void **state)
{
    (void)state;
    Case c;
    static VocabList l;
    l.n = 0;
    static const char *const texts[] = {"a", "b", "▁", "▁a", "é", "\n", "\n\n\n", "<bos>"};
    for (int i = 0; i < 8; i++) vl_add(&l, texts[i], i == 7 ? TOKEN_CONTROL : TOKEN_NORMAL, 0);
    vl_byte_names(&l);
    static const char *const merges[] = {"▁ a"};
    VocabBytes v = vb_open();
    vb_str(&v, "model", "gemma4");
    vb_num(&v, "bos_token_id", 7);
    vb_bool(&v, "add_bos_token", false); /* this family insists */
    vb_list(&v, &l, false);
    vb_texts(&v, "merges", merges, 1);
    case_open(&c, v);
    assert_string_equal(ids_of(&c, "b a\n\n\né", 8, true, false), "7 1 3 6 4");
    assert_string_equal(texts_of(&c, "ü", false, false), "<0xC3>|<0xBC>");
    assert_true(comes_back(&c, "a  a\n\n ü \xFF", 11));
    case_close(&c);
}

static void scan_and_heap_agree_on_random_texts(void **state)
{
    (void)state;
    static const char *const parts[] = {"a", "a", "a", "b", "c", "é", " ", "x", "y", "\xFF"};
    Case c;
    Rng r = rng_seed(5);
    case_open(&c, bpe_bytes("bloom"));
    for (int trial = 0; trial < 3000; trial++) {
        char text[200] = "";
        for (uint64_t left = rng_below(&r, 60); left > 0; left--)
            strcat(text, parts[rng_below(&r, 10)]);
        variants_agree(&c, text, strlen(text));
    }
    case_close(&c);
}

static void decoding_cleans_up_where_the_family_wants_it(void **state)
{
    (void)state;
    Case c;
    Err err;
    static const char text[] = " a , b ! c ' d 's e 'll . f 'same ?";
    case_open(&c, bpe_bytes("gpt-2"));
    TokenList l = {0};
    MUST(tokenizer_encode(c.t, text, strlen(text), (EncodeOptions){false, false}, &l, &err), &err);
    assert_string_equal(decoded(&c, l.ids, l.n, false, true), " a, b! c'd's e 'll. f'same?");
    assert_string_equal(decoded(&c, l.ids, l.n, false, false), text);
    case_close(&c);
    case_open(&c, bpe_bytes("qwen2"));
    assert_string_equal(decoded(&c, l.ids, l.n, false, true), text);
    tokens_close(&l);
    case_close(&c);
}

static void special_ids_have_defaults_inside_the_vocabulary(void **state)
{
    (void)state;
    Case c;
    case_open(&c, bpe_bytes("gpt-2"));
    assert_int_equal(tokenizer_bos(c.t), 11);
    assert_int_equal(tokenizer_eos(c.t), 11);
    assert_true(tokenizer_is_eog(c.t, tokenizer_find(c.t, "<|end|>", 7)));
    case_close(&c);
    case_open(&c, bpe_bytes("glm4"));
    assert_int_equal(tokenizer_bos(c.t), -1);
    case_close(&c);
    static const char *const two[] = {"a", "b"};
    VocabBytes v = vb_open();
    vb_str(&v, "model", "gpt2");
    vb_str(&v, "pre", "gpt-2");
    vb_texts(&v, "tokens", two, 2);
    vb_texts(&v, "merges", NULL, 0);
    vb_bool(&v, "add_bos_token", true);
    case_open(&c, v);
    assert_int_equal(tokenizer_bos(c.t), -1);
    assert_int_equal(tokenizer_missing_bytes(c.t), 254);
    assert_string_equal(ids_of(&c, "ab", 2, true, false), "0 1");
    assert_string_equal(ids_of(&c, "acb", 3, true, false), "0 1"); /* no token for c */
    case_close(&c);
}

static void broken_vocabularies_are_refused_with_their_reason(void **state)
{
    (void)state;
    is_refused(bpe_bytes("qwen3"), E_UNSUPPORTED, "the nearest is qwen2");
    is_refused(bpe_bytes("quite unlike anything"), E_UNSUPPORTED, "is 'quite unlike anything'");
    static const char *const broken[] = {"ab", " a", "a ", " ", "", "a"};
    for (int i = 0; i < 6; i++) {
        VocabBytes v = vb_open();
        vb_str(&v, "model", "gpt2");
        vb_list(&v, bpe_list(), false);
        vb_texts(&v, "merges", &broken[i], 1);
        is_refused(v, E_FORMAT, "which is not two texts with a space between them");
    }
    VocabBytes v = vb_open();
    vb_str(&v, "model", "gpt2");
    vb_list(&v, bpe_list(), false);
    is_refused(v, E_FORMAT, "'tokenizer.ggml.merges' is missing");
}

/* The runs on which backtracking patterns overflow a stack or take quadratic time. */
static void long_runs_take_linear_time_in_every_family(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "A", "1", " ", "\n", "'", "\xCC\x81", "你", "a ",
                                        "\xFF", "aB", " \n", "1a"};
    const char *env = getenv("RUN_BYTES");
    size_t size = env ? (size_t)atoll(env) : 50000;
    char *text = malloc(size + 1);
    assert_non_null(text);
    double slowest = 0;
    for (int k = 0; tokenizer_pre_name(k + 1); k++) {
        Case c;
        case_open(&c, bpe_bytes(tokenizer_pre_name(k)));
        for (size_t u = 0; u < 2 * sizeof units / sizeof *units; u++) {
            Err err;
            PreWork w = {0};
            const uint32_t *ends;
            int64_t n_pieces;
            const char *unit = units[u / 2];
            for (size_t i = 0; i < size; i++) text[i] = unit[i % strlen(unit)];
            text[size - 1] = u % 2 ? 'x' : unit[(size - 1) % strlen(unit)];
            clock_t start = clock();
            MUST(tokenizer_pretokenize(c.t, &w, text, size, &ends, &n_pieces, &err), &err);
            double s = (double)(clock() - start) / CLOCKS_PER_SEC;
            if (env && s > 0.3) print_message("%s '%s' %.2f s\n", tokenizer_pre_name(k), unit, s);
            if (s > slowest) slowest = s;
            assert_int_equal(ends[n_pieces - 1], size);
            tokenizer_prework_close(&w);
        }
        case_close(&c);
    }
    free(text);
    print_message("%zu bytes: at most %.3f s\n", size, slowest);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(slowest < 1e-6 * (double)size + 0.05);
#endif
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
        cmocka_unit_test(the_lowest_rank_merges_first),
        cmocka_unit_test(a_pair_that_changed_waits_for_its_new_turn),
        cmocka_unit_test(words_seen_before_give_the_same_ids),
        cmocka_unit_test(a_merge_to_no_token_is_written_byte_by_byte),
        cmocka_unit_test(some_families_take_known_words_whole),
        cmocka_unit_test(each_family_cuts_in_its_own_way),
        cmocka_unit_test(white_space_is_what_unicode_says),
        cmocka_unit_test(invalid_bytes_are_signs_and_stay_what_they_are),
        cmocka_unit_test(every_family_brings_every_text_back),
        cmocka_unit_test(characters_instead_of_bytes),
        cmocka_unit_test(scan_and_heap_agree_on_random_texts),
        cmocka_unit_test(decoding_cleans_up_where_the_family_wants_it),
        cmocka_unit_test(special_ids_have_defaults_inside_the_vocabulary),
        cmocka_unit_test(broken_vocabularies_are_refused_with_their_reason),
        cmocka_unit_test(long_runs_take_linear_time_in_every_family),
    };
    return cmocka_run_group_tests(tests, open_kernels, NULL);
}
