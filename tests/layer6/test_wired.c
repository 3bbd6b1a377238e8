/* The model whose weights are a formula does what its formula says: after a word comes what followed
 * it before, and a word that never stood before ends the text. Under every way to compute it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "embedded.h"
#include "must.h"
#include "twins.h"

static const char *const words[] = {".",   "the", "a",   "cat", "dog",  "bird", "fish", "saw",  "ate", "and",
                                    "ran", "to",  "big", "red", "old",  "sun",  "moon", "tree", "sang"};
enum { N_WORDS = sizeof words / sizeof *words, N_CTX = 96, UNSPECIFIED = -1 };

static Model m;
static int32_t word_ids[N_WORDS];

static int open_wired(void **state)
{
    (void)state;
    Err err = {0};
    layer6_init();
    if (model_open_memory(&m, wired_model, wired_model_bytes, &err) != OK) return -1;
    for (int w = 0; w < N_WORDS; w++) {
        char text[16];
        snprintf(text, sizeof text, "\xE2\x96\x81%s", words[w]);
        word_ids[w] = tokenizer_find(m.tokenizer, text, strlen(text));
        if (word_ids[w] < 0) return -1;
    }
    return 0;
}

static int close_wired(void **state)
{
    (void)state;
    model_close(&m);
    return 0;
}

/* What must follow ids[0 .. n-1] (ids[0] is <s>): the specification in five lines. */
static int32_t next_by_rule(const int32_t *ids, int64_t n)
{
    int32_t answer = tokenizer_eos(m.tokenizer);
    bool seen = false;
    for (int64_t j = 1; j + 1 < n; j++) {
        if (ids[j] != ids[n - 1]) continue;
        if (seen && ids[j + 1] != answer) return UNSPECIFIED;
        seen = true;
        answer = ids[j + 1];
    }
    return answer;
}

/* Continues a prompt as long as the rule says something; returns how many ids were checked. */
static int64_t follow(const int32_t *ids, int64_t n, DType kv, const char *how)
{
    GeneratorParams p = {.n_ctx = N_CTX, .n_ubatch = 32, .type_k = kv, .type_v = kv,
                         .sampling = {.repeat_penalty = 1, .top_p = 1}};
    Generator g;
    Err err = {0};
    int64_t checked = 0;
    bool end = false;
    MUST(generator_open(&g, &m, NULL, &p, NULL, &err), &err);
    MUST(generator_prompt(&g, ids, n, &err), &err);
    while (!end && checked < 20 && g.tokens.n < N_CTX) {
        int32_t id, want = next_by_rule(g.tokens.ids, g.tokens.n);
        if (want == UNSPECIFIED) break;
        MUST(generator_next(&g, &id, &end, &err), &err);
        if (id != want)
            twin_fail("%s: after %lld tokens: id %d instead of %d", how, (long long)g.tokens.n, id, want);
        checked++;
    }
    generator_close(&g);
    return checked;
}

/* A prompt over few words, so that they come again; sometimes periodic, so that successors agree. */
static int64_t make_prompt(Rng *rng, int32_t *ids)
{
    int64_t n = 2 + (int64_t)rng_below(rng, 50), period = 1 + (int64_t)rng_below(rng, 15);
    bool periodic = rng_below(rng, 2);
    int pool[N_WORDS];
    for (int i = 0; i < N_WORDS; i++) pool[i] = i;
    for (int i = N_WORDS - 1; i > 0; i--) { /* shuffle */
        int j = (int)rng_below(rng, (uint64_t)i + 1), t = pool[i];
        pool[i] = pool[j];
        pool[j] = t;
    }
    ids[0] = tokenizer_bos(m.tokenizer);
    for (int64_t i = 1; i < n; i++)
        ids[i] = word_ids[pool[periodic ? (i - 1) % period : (int64_t)rng_below(rng, N_WORDS)]];
    return n;
}

static void continuations_follow_the_rule(const char *kernels, int rounds)
{
    Rng rng = rng_seed(77);
    Err err = {0};
    int64_t checked = 0, ends = 0;
    MUST(kernels_use(kernels, &err), &err);
    for (int i = 0; i < rounds; i++) {
        int32_t ids[64];
        int64_t n = make_prompt(&rng, ids);
        checked += follow(ids, n, i % 2 ? DT_F16 : DT_F32, kernels);
        ends += next_by_rule(ids, n) == tokenizer_eos(m.tokenizer);
    }
    MUST(kernels_use(NULL, &err), &err);
    assert_true(checked > 4 * rounds && ends > rounds / 8 && ends < rounds); /* both cases were there */
}

static void the_fastest_way_follows_the_rule(void **state)
{
    (void)state;
    continuations_follow_the_rule("generate:cached", 200);
}

static void every_attention_follows_the_rule(void **state)
{
    (void)state;
    int n = 0;
    for (int i = 0; i < kernels_count(); i++) {
        const KernelRow *row = kernels_row(i);
        char list[64];
        if (strcmp(row->op, "attention") != 0 || !kernels_usable(row)) continue;
        snprintf(list, sizeof list, "attention:%s", row->variant);
        continuations_follow_the_rule(list, 40);
        n++;
    }
    assert_true(n >= 3);
}

static void without_a_cache_it_follows_the_rule(void **state)
{
    (void)state;
    continuations_follow_the_rule("generate:uncached", 20);
    continuations_follow_the_rule("generate:uncached,attention:naive", 20);
}

static void plain_c_follows_the_rule(void **state)
{
    (void)state;
    continuations_follow_the_rule("scalar", 20);
    continuations_follow_the_rule("naive", 16);
}

static void text_goes_through_too(void **state)
{
    (void)state;
    static const struct { const char *prompt, *answer; } rows[] = {
        {"the cat saw the", " cat saw the"}, {"a b", ""}, {"big red sun and big red", " sun and big"},
        {"tree tree", " tree tree tree"}};
    Err err = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        TokenList ids = {0};
        Buf out = {0};
        Generator g;
        GeneratorParams p = {.n_ctx = N_CTX, .n_ubatch = 32, .type_k = DT_F16, .type_v = DT_F16,
                             .sampling = {.repeat_penalty = 1, .top_p = 1}};
        MUST(tokenizer_encode(m.tokenizer, rows[i].prompt, strlen(rows[i].prompt),
                              (EncodeOptions){.add_special = true}, &ids, &err), &err);
        MUST(generator_open(&g, &m, NULL, &p, NULL, &err), &err);
        MUST(generator_prompt(&g, ids.ids, ids.n, &err), &err);
        TextStream s = {.tokenizer = m.tokenizer};
        for (int k = 0; k < 3; k++) {
            int32_t id;
            bool end;
            MUST(generator_next(&g, &id, &end, &err), &err);
            if (end) break;
            MUST(textstream_feed(&s, id, &out, &err), &err);
        }
        MUST(buf_append(&out, "", 0, &err), &err);
        assert_string_equal(out.data ? out.data : "", rows[i].answer);
        textstream_close(&s);
        generator_close(&g);
        tokens_close(&ids);
        buf_close(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fastest_way_follows_the_rule),
        cmocka_unit_test(every_attention_follows_the_rule),
        cmocka_unit_test(without_a_cache_it_follows_the_rule),
        cmocka_unit_test(plain_c_follows_the_rule),
        cmocka_unit_test(text_goes_through_too),
    };
    return cmocka_run_group_tests(tests, open_wired, close_wired);
}
