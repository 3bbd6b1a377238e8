/* A vocabulary learned by hand, and one learned from a text: what it says when it encodes is what it
 * learned. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer7.h"
#include "bpe_count.h"
#include "must.h"
#include "twins.h"

#include <unistd.h>

static const char *const specials[] = {"<s>", "</s>", "<|im_start|>"};

static bool same(Str s, const char *text) { return str_is(s, text); }

/* Words, with the space in front: low 5, lower 2, newest 6, widest 3 (the first word of all has no
 * space, so it is one of its own: low without a space once, with it four times). */
static const char corpus[] = "low low low low low lower lower newest newest newest newest newest newest "
                             "widest widest widest";

static void merges_by_hand(void **state)
{
    (void)state;
    Err err = {0};
    BpeVocab v;
    MUST(bpe_train(&v, corpus, strlen(corpus), 256 + 3 + 6, specials, 3, true, &err), &err);
    /* 1. (e, s) and (s, t) stand 6 + 3 times; e comes before s in byte order.
     * 2. (es, t) 9. That took (w, e) in newest away: of its 8, only the 2 of lower are left.
     * 3. (l, o) and (o, w) 5 + 2; l comes first.   4. (lo, w) 7.
     * 5. 6 times each: (space, low), (space, n), (n, e), (e, w), (w, est); the space (0x20) comes
     *    first, and low before n.   6. (space, n). */
    assert_int_equal(v.n_merges, 6);
    assert_true(same(v.merges[0], "e s"));
    assert_true(same(v.merges[1], "es t"));
    assert_true(same(v.merges[2], "l o"));
    assert_true(same(v.merges[3], "lo w"));
    assert_true(same(v.merges[4], "\xC4\xA0 low"));
    assert_true(same(v.merges[5], "\xC4\xA0 n"));
    assert_int_equal(v.n_tokens, 265);
    assert_true(same(v.tokens['a'], "a"));
    assert_true(same(v.tokens[' '], "\xC4\xA0"));
    assert_true(same(v.tokens[257], "est"));
    assert_true(same(v.tokens[262], "<s>"));
    assert_int_equal(v.types[262], TOKEN_CONTROL);
    assert_int_equal(v.types[261], TOKEN_NORMAL);
    assert_int_equal(v.bos, 262);
    assert_int_equal(v.eos, 263);
    bpe_vocab_close(&v);
    bpe_vocab_close(&v);
}

static void overlapping_pairs_join_from_the_left(void **state)
{
    (void)state;
    Err err = {0};
    BpeVocab v;
    /* aaaaa has 4 pairs (a, a); joined: aa aa a, so (aa, aa) 1 and (aa, a) 1; "a" before "aa". */
    MUST(bpe_train(&v, "aaaaa", 5, 258, NULL, 0, true, &err), &err);
    assert_true(same(v.merges[0], "a a"));
    assert_true(same(v.merges[1], "aa a"));
    assert_int_equal(v.bos, -1);
    bpe_vocab_close(&v);
}

/* ---------------------------------------------------------------- counts stay right */

/* All pairs of a count, from nothing. */
static void recount(const BpeCount *c, int64_t *counts)
{
    for (int64_t p = 0; p < bpe_count_n_pairs(c); p++) {
        const BpePair *pair = bpe_count_pair(c, p);
        counts[p] = 0;
        for (int64_t i = 0; i < bpe_count_words(c); i++) {
            const BpeWord *w = bpe_count_word(c, i);
            const int32_t *s = bpe_count_symbols(c, w);
            for (uint32_t k = 0; k + 1 < w->n; k++)
                if (s[k] == pair->left && s[k + 1] == pair->right) counts[p] += w->count;
        }
    }
}

static void counts_stay_right_while_pairs_are_joined(void **state)
{
    (void)state;
    Err err = {0};
    Buf text = {0};
    Rng rng = rng_seed(3);
    for (int i = 0; i < 3000; i++) {
        char c = "aabbcd \n"[rng_below(&rng, 8)];
        MUST(buf_append(&text, &c, 1, &err), &err);
    }
    BpeCount c = {0};
    Buf touched = {0};
    MUST(bpe_count_text(&c, text.data, text.len, NULL, 0, &err), &err);
    MUST(bpe_count_pairs(&c, &err), &err);
    for (int step = 0; step < 60; step++) {
        int32_t best = -1;
        for (int64_t i = 0; i < bpe_count_n_pairs(&c); i++)
            if (bpe_count_pair(&c, i)->count > (best < 0 ? 0 : bpe_count_pair(&c, best)->count))
                best = (int32_t)i;
        if (best < 0) break;
        MUST(bpe_count_merge(&c, best, 256 + step, &touched, &err), &err);
        static int64_t counts[20000];
        assert_in_range(bpe_count_n_pairs(&c), 1, 20000);
        recount(&c, counts);
        for (int64_t i = 0; i < bpe_count_n_pairs(&c); i++)
            assert_int_equal(counts[i], bpe_count_pair(&c, i)->count);
    }
    bpe_count_close(&c);
    buf_close(&touched);
    buf_close(&text);
}

/* ---------------------------------------------------------------- a vocabulary in use */

static const char story[] =
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.\n\n"
    "One day, she saw a big dog. \"Hello, dog!\" said Lily. \"Do you want to play?\" The dog didn't "
    "say no; it wagged its tail 3 times.\tThey played all day long, and the dog's nose was wet.\n"
    "Na\xC3\xAFve caf\xC3\xA9 \xE2\x98\x83 snowmen were there too. The end.\n";

static void write_vocab(const BpeVocab *v, const char *path)
{
    Err err = {0};
    GgufWriter *w;
    MUST(gguf_writer_open(&w, 32, &err), &err);
    MUST(gguf_put_str(w, "general.architecture", "test", &err), &err);
    MUST(bpe_vocab_put(v, w, &err), &err);
    MUST(gguf_write_header(w, path, &err), &err);
    MUST(gguf_writer_finish(w, &err), &err);
    gguf_writer_close(w);
}

/* The learned segmentation: each word of the text, in order of first appearance, as ids. */
static void check_segmentation(const BpeVocab *v, const Tokenizer *t, const char *text, size_t n)
{
    Err err = {0};
    BpeCount c = {0};
    Buf touched = {0};
    MUST(bpe_count_text(&c, text, n, specials, 3, &err), &err);
    int64_t n_words = bpe_count_words(&c);
    Str *words = mem_alloc((size_t)n_words * sizeof *words);
    Buf letters = {0};
    for (int64_t i = 0; i < n_words; i++) {
        const BpeWord *w = bpe_count_word(&c, i);
        for (uint32_t k = 0; k < w->n; k++) {
            char b = (char)bpe_count_symbols(&c, w)[k];
            MUST(buf_append(&letters, &b, 1, &err), &err);
        }
        words[i] = (Str){NULL, w->n};
    }
    /* Repeat what was learned, merge by merge. */
    MUST(bpe_count_pairs(&c, &err), &err);
    for (int m = 0; m < v->n_merges; m++) {
        int32_t pair = -1;
        for (int64_t i = 0; i < bpe_count_n_pairs(&c) && pair < 0; i++) {
            const BpePair *p = bpe_count_pair(&c, i);
            Str a = v->tokens[p->left], b = v->tokens[p->right], both = v->merges[m];
            if (a.len + b.len + 1 == both.len && memcmp(both.ptr, a.ptr, a.len) == 0 &&
                both.ptr[a.len] == ' ' && memcmp(both.ptr + a.len + 1, b.ptr, b.len) == 0)
                pair = (int32_t)i;
        }
        assert_true(pair >= 0);
        MUST(bpe_count_merge(&c, pair, 256 + m, &touched, &err), &err);
    }
    size_t at = 0;
    for (int64_t i = 0; i < n_words; i++) {
        TokenList ids = {0};
        const BpeWord *w = bpe_count_word(&c, i);
        MUST(tokenizer_encode(t, letters.data + at, words[i].len, (EncodeOptions){0}, &ids, &err), &err);
        at += words[i].len;
        assert_int_equal(ids.n, w->n);
        assert_memory_equal(ids.ids, bpe_count_symbols(&c, w), w->n * sizeof *ids.ids);
        tokens_close(&ids);
    }
    mem_free(words);
    buf_close(&letters);
    buf_close(&touched);
    bpe_count_close(&c);
}

static void check_round_trip(const BpeVocab *v, const char *text, size_t n)
{
    char path[] = "/tmp/sixfold_bpe_XXXXXX";
    Err err = {0};
    close(mkstemp(path));
    write_vocab(v, path);
    Model m;
    MUST(model_open_vocabulary(&m, path, NULL, 0, MAP_READ, &err), &err);
    assert_int_equal(tokenizer_n_vocab(m.tokenizer), v->n_tokens);
    assert_string_equal(tokenizer_pre(m.tokenizer), "gpt-2");
    assert_int_equal(tokenizer_missing_bytes(m.tokenizer), 0);
    assert_int_equal(tokenizer_bos(m.tokenizer), v->bos);
    assert_int_equal(tokenizer_eos(m.tokenizer), v->eos);
    TokenList ids = {0};
    Buf back = {0};
    MUST(tokenizer_encode(m.tokenizer, text, n, (EncodeOptions){0}, &ids, &err), &err);
    MUST(tokenizer_decode(m.tokenizer, ids.ids, ids.n, false, false, &back, &err), &err);
    assert_int_equal(back.len, n);
    assert_memory_equal(back.data, text, n);
    assert_true(ids.n < (int64_t)n);
    check_segmentation(v, m.tokenizer, text, n);
    tokens_close(&ids);
    buf_close(&back);
    model_close(&m);
    unlink(path);
}

static void encoding_repeats_what_was_learned(void **state)
{
    (void)state;
    Err err = {0};
    BpeVocab v;
    MUST(bpe_train(&v, story, strlen(story), 380, specials, 3, true, &err), &err);
    check_round_trip(&v, story, strlen(story));
    bpe_vocab_close(&v);
}

static void a_real_text_gives_the_same_vocabulary_twice(void **state)
{
    (void)state;
    Err err = {0};
    Buf text = {0};
    const char *path = "../shared/data/text/tinystories/tinystories-niklas.txt";
    if (access(path, R_OK) != 0) skip();
    MUST(corpus_read_text(&text, path, &err), &err);
    BpeVocab v, again;
    MUST(bpe_train(&v, text.data, text.len, 1024, specials, 3, true, &err), &err);
    MUST(bpe_train(&again, text.data, text.len, 1024, specials, 3, true, &err), &err);
    for (int i = 0; i < v.n_tokens; i++) {
        assert_int_equal(v.tokens[i].len, again.tokens[i].len);
        assert_memory_equal(v.tokens[i].ptr, again.tokens[i].ptr, v.tokens[i].len);
    }
    check_round_trip(&v, text.data, text.len);
    bpe_vocab_close(&v);
    bpe_vocab_close(&again);
    buf_close(&text);
}

static void special_texts_are_not_learned(void **state)
{
    (void)state;
    Err err = {0};
    BpeVocab v;
    Buf text = {0};
    for (int i = 0; i < 50; i++) MUST(buf_printf(&text, &err, "<|im_start|>ab cd ef %d", i), &err);
    MUST(bpe_train(&v, text.data, text.len, 262, specials, 3, true, &err), &err);
    for (int i = 0; i < v.n_merges; i++)
        for (size_t k = 0; k < v.merges[i].len; k++)
            assert_null(memchr("<|_>", v.merges[i].ptr[k], 4));
    bpe_vocab_close(&v);
    buf_close(&text);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    Err err = {0};
    BpeVocab v;
    assert_int_equal(bpe_train(&v, "", 0, 300, NULL, 0, true, &err), E_ARG);
    assert_non_null(strstr(err.text, "empty"));
    assert_int_equal(bpe_train(&v, "ab\xFF", 3, 300, NULL, 0, true, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "0xFF at 2"));
    assert_int_equal(bpe_train(&v, "abc", 3, 300, NULL, 0, true, &err), E_ARG);
    assert_non_null(strstr(err.text, "258 tokens, 300"));
    assert_int_equal(bpe_train(&v, "abc", 3, 258, specials, 3, true, &err), E_ARG);
    assert_int_equal(bpe_train(&v, "abc", 3, 1 << 20, NULL, 0, true, &err), E_ARG);
    MUST(bpe_train(&v, "abc", 3, 256, NULL, 0, true, &err), &err);
    assert_int_equal(v.n_merges, 0);
    bpe_vocab_close(&v);
}

static int64_t left;
static bool refuse(void *ctx, size_t n)
{
    (void)ctx, (void)n;
    return left-- > 0;
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    Err err = {0};
    BpeVocab v;
    for (int64_t n = 0;; n++) {
        left = n;
        mem_set_hook(refuse, NULL);
        Status s = bpe_train(&v, story, strlen(story), 300, specials, 3, true, &err);
        mem_set_hook(NULL, NULL);
        if (s == OK) break;
        assert_int_equal(s, E_MEMORY);
        assert_null(v.tokens);
    }
    bpe_vocab_close(&v);
}

int main(void)
{
    layer7_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_by_hand),
        cmocka_unit_test(overlapping_pairs_join_from_the_left),
        cmocka_unit_test(counts_stay_right_while_pairs_are_joined),
        cmocka_unit_test(encoding_repeats_what_was_learned),
        cmocka_unit_test(a_real_text_gives_the_same_vocabulary_twice),
        cmocka_unit_test(special_texts_are_not_learned),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
