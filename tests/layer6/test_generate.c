/* One token after the other: with and without a cache, to the end of the text, of the context, or of
 * the user's patience; and its text, never half a character. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "embedded.h"
#include "model_bytes.h"
#include "twins.h"
#include "layer5/vocab_bytes.h"

enum { VOCAB = 48 };

static GeneratorParams greedy(int64_t n_ctx)
{
    return (GeneratorParams){.n_ctx = n_ctx, .n_ubatch = 8, .type_k = DT_F32, .type_v = DT_F32,
                             .ignore_eos = true,
                             .sampling = {.repeat_penalty = 1, .top_p = 1}};
}

static Generator opened(const Model *m, const GeneratorParams *p, const volatile int *stop)
{
    Generator g;
    Err err = {0};
    MUST(generator_open(&g, m, NULL, p, stop, &err), &err);
    return g;
}

static const int32_t prompt[] = {1, 7, 21, 3, 30, 9, 9, 14, 33, 5, 12};
enum { N_PROMPT = sizeof prompt / sizeof *prompt };

/* n generated ids after the prompt. */
static void run(const Model *m, const GeneratorParams *p, int64_t n, int32_t *out)
{
    Err err = {0};
    bool end = false;
    Generator g = opened(m, p, NULL);
    MUST(generator_prompt(&g, prompt, N_PROMPT, &err), &err);
    for (int64_t i = 0; i < n; i++) MUST(generator_next(&g, &out[i], &end, &err), &err);
    generator_close(&g);
}

static void the_cache_changes_no_id(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 12);
    Model m = mb_opened(&file);
    Err err = {0};
    int32_t with[30], without[30];
    for (int hot = 0; hot < 2; hot++) {
        GeneratorParams p = greedy(64);
        if (hot) p.sampling = (SamplerParams){.temp = 1, .top_k = 20, .top_p = 0.95f, .seed = 5,
                                              .repeat_penalty = 1.3f, .repeat_last_n = 8};
        run(&m, &p, 30, with);
        MUST(kernels_use("generate:uncached", &err), &err);
        run(&m, &p, 30, without);
        MUST(kernels_use(NULL, &err), &err);
        assert_memory_equal(with, without, sizeof with);
        bool varied = false;
        for (int i = 1; i < 30; i++) varied |= with[i] != with[0];
        assert_true(varied); /* a constant answer would prove little */
    }
    model_close(&m);
    buf_close(&file);
}

static void micro_batches_change_no_id(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 12);
    Model m = mb_opened(&file);
    int32_t want[20], got[20];
    GeneratorParams p = greedy(64);
    run(&m, &p, 20, want);
    static const int64_t sizes[] = {1, 3, 11, 64, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        p.n_ubatch = sizes[i];
        run(&m, &p, 20, got);
        assert_memory_equal(got, want, sizeof want);
    }
    model_close(&m);
    buf_close(&file);
}

static void a_prompt_may_come_in_parts(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 13);
    Model m = mb_opened(&file);
    Err err = {0};
    GeneratorParams p = greedy(64);
    Generator a = opened(&m, &p, NULL), b = opened(&m, &p, NULL);
    MUST(generator_prompt(&a, prompt, N_PROMPT, &err), &err);
    MUST(generator_prompt(&b, prompt, 4, &err), &err);
    MUST(generator_prompt(&b, prompt + 4, 0, &err), &err); /* nothing more: nothing happens */
    MUST(generator_prompt(&b, prompt + 4, N_PROMPT - 4, &err), &err);
    for (int i = 0; i < VOCAB; i++) assert_near(b.logits[i], a.logits[i], 2e-4, "prompt", "parts", i);
    assert_int_equal(a.stats.n_prompt, N_PROMPT);
    assert_int_equal(b.stats.n_prompt, N_PROMPT);
    /* Also after something was generated: what was chosen last is computed first. */
    int32_t id;
    bool end;
    MUST(generator_next(&a, &id, &end, &err), &err);
    MUST(generator_prompt(&a, prompt, 3, &err), &err);
    MUST(generator_prompt(&b, &id, 1, &err), &err);
    MUST(generator_prompt(&b, prompt, 3, &err), &err);
    assert_int_equal(a.tokens.n, N_PROMPT + 4);
    for (int i = 0; i < VOCAB; i++) assert_near(b.logits[i], a.logits[i], 2e-4, "later", "parts", i);
    generator_close(&a);
    generator_close(&b);
    generator_close(&b);
    model_close(&m);
    buf_close(&file);
}

static void a_full_context_is_a_limit(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 14);
    Model m = mb_opened(&file);
    Err err = {0};
    GeneratorParams p = greedy(N_PROMPT + 2);
    Generator g = opened(&m, &p, NULL);
    int32_t id;
    bool end;
    MUST(generator_prompt(&g, prompt, N_PROMPT, &err), &err);
    MUST(generator_next(&g, &id, &end, &err), &err);
    MUST(generator_next(&g, &id, &end, &err), &err);
    assert_int_equal(generator_next(&g, &id, &end, &err), E_LIMIT);
    assert_non_null(strstr(err.text, "13 tokens"));
    assert_non_null(strstr(err.text, "HINT:"));
    assert_int_equal(generator_prompt(&g, prompt, 1, &err), E_LIMIT);
    generator_close(&g);
    g = opened(&m, &p, NULL);
    int32_t many[N_PROMPT + 3] = {0};
    assert_int_equal(generator_prompt(&g, many, N_PROMPT + 3, &err), E_LIMIT);
    MUST(generator_prompt(&g, many, N_PROMPT + 2, &err), &err); /* refusing left it usable */
    generator_close(&g);
    model_close(&m);
    buf_close(&file);
}

static void rows_without_a_text_are_never_chosen(void **state)
{
    (void)state;
    /* 48 rows, 5 texts: most logits belong to padding. */
    ModelShape shape = MODEL_SHAPE;
    shape.n_words = 5;
    Buf file = mb_model(&shape, 15);
    Model m = mb_opened(&file);
    GeneratorParams p = greedy(64);
    p.sampling.temp = 3;
    int32_t ids[50];
    run(&m, &p, 50, ids);
    for (int i = 0; i < 50; i++) assert_in_range(ids[i], 0, 4);
    model_close(&m);
    buf_close(&file);
}

static Model wired(void)
{
    Model m;
    Err err = {0};
    MUST(model_open_memory(&m, wired_model, wired_model_bytes, &err), &err);
    return m;
}

static void the_end_of_the_text_stops_unless_ignored(void **state)
{
    (void)state;
    Model m = wired();
    Err err = {0};
    TokenList ids = {0};
    int32_t id, eos = tokenizer_eos(m.tokenizer);
    bool end;
    MUST(tokenizer_encode(m.tokenizer, "the cat", 7, (EncodeOptions){.add_special = true}, &ids, &err),
         &err);
    for (int ignore = 0; ignore < 2; ignore++) {
        GeneratorParams p = greedy(64);
        p.ignore_eos = ignore;
        Generator g = opened(&m, &p, NULL);
        MUST(generator_prompt(&g, ids.ids, ids.n, &err), &err);
        MUST(generator_next(&g, &id, &end, &err), &err);
        assert_int_equal(id == eos, !ignore); /* "cat" never stood before */
        assert_true(end == !ignore);
        assert_int_equal(g.tokens.n, ids.n + ignore); /* an end is not appended */
        MUST(generator_next(&g, &id, &end, &err), &err);
        generator_close(&g);
    }
    tokens_close(&ids);
    model_close(&m);
}

static void a_stop_leaves_everything_usable(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 16);
    Model m = mb_opened(&file);
    Err err = {0};
    volatile int stop = 0;
    GeneratorParams p = greedy(64);
    int32_t want[6], got[6];
    bool end;
    run(&m, &p, 6, want);
    Generator g = opened(&m, &p, &stop);
    MUST(generator_prompt(&g, prompt, N_PROMPT, &err), &err);
    for (int i = 0; i < 6; i++) {
        if (i > 0) { /* the first id needs no pass, so nothing can stop it */
            stop = 1;
            assert_int_equal(generator_next(&g, &got[i], &end, &err), E_CANCELLED);
            stop = 0;
        }
        MUST(generator_next(&g, &got[i], &end, &err), &err);
    }
    assert_memory_equal(got, want, sizeof want);
    generator_close(&g);
    model_close(&m);
    buf_close(&file);
}

static void the_plan_covers_session_and_cache(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 16);
    Model m = mb_opened(&file);
    GeneratorParams p = greedy(64);
    assert_int_equal(generator_plan(&m, &p, 2),
                     session_plan(&m, 8, 64, 2) + kvcache_plan(&m, DT_F32, DT_F32, 64, 1));
    p.n_ctx = 0;
    assert_int_equal(generator_plan(&m, &p, 2), -1);
    p.n_ctx = (int64_t)INT32_MAX + 1;
    assert_int_equal(generator_plan(&m, &p, 2), -1);
    Generator g;
    Err err = {0};
    assert_int_equal(generator_open(&g, &m, NULL, &p, NULL, &err), E_MEMORY);
    generator_close(&g);
    model_close(&m);
    buf_close(&file);
}

typedef struct { int64_t left; } Allowance;

static bool allow(void *ctx, size_t n)
{
    (void)n;
    return ((Allowance *)ctx)->left-- > 0;
}

static void a_refused_allocation_is_an_error(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 17);
    Model m = mb_opened(&file);
    GeneratorParams p = greedy(64);
    int64_t n = 0;
    for (Status s = E_MEMORY; s != OK; n++) {
        Generator g;
        Err err = {0};
        Allowance a = {n};
        mem_set_hook(allow, &a);
        s = generator_open(&g, &m, NULL, &p, NULL, &err);
        if (s == OK) s = generator_prompt(&g, prompt, N_PROMPT, &err);
        mem_set_hook(NULL, NULL);
        generator_close(&g);
        assert_true(s == OK || s == E_MEMORY);
        assert_true(s == OK || strlen(err.text) > 0);
    }
    assert_true(n > 4);
    model_close(&m);
    buf_close(&file);
}

/* ---------------------------------------------------------------- text */

/* <unk> <s> </s> <0x00> .. <0xFF>, then " a", " " and "b". */
enum { BYTE0 = 3, SPACE_A = 259, SPACE = 260, B = 261 };

static Model byte_vocabulary(VocabBytes *v)
{
    static VocabList l;
    Model m;
    Err err = {0};
    l.n = 0;
    vl_add(&l, "<unk>", 2, 0);
    vl_add(&l, "<s>", 3, 0);
    vl_add(&l, "</s>", 3, 0);
    vl_byte_names(&l);
    vl_add(&l, "\xE2\x96\x81" "a", 1, -1);
    vl_add(&l, "\xE2\x96\x81", 1, -2);
    vl_add(&l, "b", 1, -3);
    *v = vb_open();
    vb_str(v, "model", "llama");
    vb_list(v, &l, true);
    MUST(model_open_vocabulary(&m, NULL, v->b.data, v->b.len, MAP_AUTO, &err), &err);
    return m;
}

/* Feeds ids; `want` are the texts that come out at each, then at the end. */
static void stream_gives(const Model *m, bool drop, bool special, const int32_t *ids, int n,
                         const char *const *want)
{
    TextStream s = {.tokenizer = m->tokenizer, .drop_space = drop, .special = special};
    Buf out = {0};
    Err err = {0};
    for (int i = 0; i <= n; i++) {
        buf_clear(&out);
        MUST(i < n ? textstream_feed(&s, ids[i], &out, &err) : textstream_end(&s, &out, &err), &err);
        if (out.len != strlen(want[i]) || (out.len && memcmp(out.data, want[i], out.len) != 0))
            twin_fail("id %d: '%.*s' instead of '%s'", i, (int)out.len, out.data ? out.data : "",
                      want[i]);
    }
    textstream_close(&s);
    textstream_close(&s);
    buf_close(&out);
}

static void half_characters_are_held_back(void **state)
{
    (void)state;
    VocabBytes v;
    Model m = byte_vocabulary(&v);
    /* U+20AC is E2 82 AC, U+1F600 is F0 9F 98 80 */
    static const int32_t euro[] = {B, BYTE0 + 0xE2, BYTE0 + 0x82, BYTE0 + 0xAC, B};
    stream_gives(&m, false, false, euro, 5,
                 (const char *[]){"b", "", "", "\xE2\x82\xAC", "b", ""});
    static const int32_t face[] = {BYTE0 + 0xF0, BYTE0 + 0x9F, BYTE0 + 0x98, BYTE0 + 0x80};
    stream_gives(&m, false, false, face, 4, (const char *[]){"", "", "", "\xF0\x9F\x98\x80", ""});
    /* Broken off in the middle, and by the end of the text. */
    static const int32_t broken[] = {BYTE0 + 0xE2, BYTE0 + 0x82, B, BYTE0 + 0xF0};
    stream_gives(&m, false, false, broken, 4,
                 (const char *[]){"", "", "\xEF\xBF\xBD" "b", "", "\xEF\xBF\xBD"});
    model_close(&m);
    buf_close(&v.b);
}

static void one_leading_space_is_dropped(void **state)
{
    (void)state;
    VocabBytes v;
    Model m = byte_vocabulary(&v);
    static const int32_t ids[] = {1, SPACE_A, SPACE_A};
    stream_gives(&m, true, false, ids, 3, (const char *[]){"", "a", " a", ""});
    stream_gives(&m, false, false, ids, 3, (const char *[]){"", " a", " a", ""});
    stream_gives(&m, false, true, ids, 3, (const char *[]){"<s>", " a", " a", ""});
    static const int32_t spaces[] = {SPACE, SPACE, B};
    stream_gives(&m, true, false, spaces, 3, (const char *[]){"", " ", "b", ""});
    static const int32_t none[] = {B, SPACE_A}; /* no space to drop: later ones stay */
    stream_gives(&m, true, false, none, 2, (const char *[]){"b", " a", ""});
    model_close(&m);
    buf_close(&v.b);
}

static void an_id_without_a_text_is_an_error(void **state)
{
    (void)state;
    VocabBytes v;
    Model m = byte_vocabulary(&v);
    TextStream s = {.tokenizer = m.tokenizer};
    Buf out = {0};
    Err err = {0};
    assert_int_equal(textstream_feed(&s, B + 1, &out, &err), E_ARG);
    assert_int_equal(textstream_feed(&s, -1, &out, &err), E_ARG);
    textstream_close(&s);
    buf_close(&out);
    model_close(&m);
    buf_close(&v.b);
}

int main(void)
{
    layer6_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cache_changes_no_id),
        cmocka_unit_test(micro_batches_change_no_id),
        cmocka_unit_test(a_prompt_may_come_in_parts),
        cmocka_unit_test(a_full_context_is_a_limit),
        cmocka_unit_test(rows_without_a_text_are_never_chosen),
        cmocka_unit_test(the_end_of_the_text_stops_unless_ignored),
        cmocka_unit_test(a_stop_leaves_everything_usable),
        cmocka_unit_test(the_plan_covers_session_and_cache),
        cmocka_unit_test(a_refused_allocation_is_an_error),
        cmocka_unit_test(half_characters_are_held_back),
        cmocka_unit_test(one_leading_space_is_dropped),
        cmocka_unit_test(an_id_without_a_text_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
