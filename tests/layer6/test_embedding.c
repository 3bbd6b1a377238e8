/* Vectors of texts: every kind of pooling against the hidden states it is made of, pieces against a whole,
 * a re-ranking model against Hugging Face, lengths and angles by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "golden.h"
#include "must.h"
#include "twins.h"

static const char dir[] = "tests/golden/families";

static Model opened(const char *name)
{
    Model m;
    Err err = {0};
    char path[192];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    MUST(model_open(&m, path, MAP_AUTO, &err), &err);
    return m;
}

/* What one kind of pooling gives for ids, in micro-batches of ub. */
static int64_t run(const Model *m, Pooling pooling, int64_t ub, const int32_t *ids, int64_t n, float *out)
{
    Embedder e;
    Err err = {0};
    MUST(embedder_open(&e, m, NULL, pooling, n, ub, DT_F32, DT_F32, &err), &err);
    assert_true(embedder_plan(m, n, ub, DT_F32, DT_F32, 1) > 0);
    MUST(embedder_run(&e, ids, n, out, NULL, &err), &err);
    int64_t rows = embedder_rows(&e, n);
    embedder_close(&e);
    return rows;
}

static void an_encoder_is_pooled_as_asked(void **state)
{
    (void)state;
    Golden g;
    assert_true(golden_read(&g, dir, "nomic-bert.gguf"));
    Model m = opened("nomic-bert.gguf");
    int64_t n = g.n_prompt, d = m.spec.d_model;
    float rows[GOLDEN_MAX * 32], one[32], mean[32] = {0};
    assert_int_equal(run(&m, POOLING_NONE, 4, g.ids, n, rows), n); /* 4 would not do: raised */
    for (int64_t i = 0; i < n * d; i++) assert_near(rows[i], g.logits[i], 1e-4 * 3.4, "rows", "none", i);
    assert_int_equal(run(&m, POOLING_CLS, n, g.ids, n, one), 1);
    for (int64_t i = 0; i < d; i++) assert_near(one[i], rows[i], 1e-6, "cls", "first row", i);
    run(&m, POOLING_LAST, n, g.ids, n, one);
    for (int64_t i = 0; i < d; i++) assert_near(one[i], rows[(n - 1) * d + i], 1e-6, "last", "last row", i);
    for (int64_t i = 0; i < n * d; i++) mean[i % d] += rows[i] / (float)n;
    run(&m, POOLING_MEAN, n, g.ids, n, one);
    for (int64_t i = 0; i < d; i++) assert_near(one[i], mean[i], 1e-5, "mean", "mean", i);
    run(&m, POOLING_AUTO, n, g.ids, n, one); /* the file says 1: mean */
    for (int64_t i = 0; i < d; i++) assert_near(one[i], mean[i], 1e-5, "auto", "mean", i);
    mem_free(g.logits);
    model_close(&m);
}

static void a_decoder_is_pooled_piece_by_piece(void **state)
{
    (void)state;
    Golden g;
    assert_true(golden_read(&g, dir, "internlm2.gguf"));
    Model m = opened("internlm2.gguf");
    int64_t n = g.n_prompt, d = m.spec.d_model;
    float whole[GOLDEN_MAX * 32], pieces[GOLDEN_MAX * 32], one[32];
    run(&m, POOLING_NONE, n, g.ids, n, whole);
    run(&m, POOLING_NONE, 5, g.ids, n, pieces);
    for (int64_t i = 0; i < n * d; i++) assert_near(pieces[i], whole[i], 1e-4, "none", "pieces", i);
    static const int64_t sizes[] = {1, 5, 24}; /* 24: all at once; 5: the last piece has 4 */
    for (int k = 0; k < 3; k++) {
        run(&m, POOLING_AUTO, sizes[k], g.ids, n, one); /* the file says nothing: last */
        for (int64_t i = 0; i < d; i++) assert_near(one[i], whole[(n - 1) * d + i], 1e-4, "last", "auto", i);
        run(&m, POOLING_CLS, sizes[k], g.ids, n, one);
        for (int64_t i = 0; i < d; i++) assert_near(one[i], whole[i], 1e-4, "cls", "first", i);
        run(&m, POOLING_MEAN, sizes[k], g.ids, n, one);
        for (int64_t i = 0; i < d; i++) {
            float mean = 0;
            for (int64_t t = 0; t < n; t++) mean += whole[t * d + i] / (float)n;
            assert_near(one[i], mean, 1e-4, "mean", "pieces", i);
        }
    }
    mem_free(g.logits);
    model_close(&m);
}

static void texts_do_not_see_each_other(void **state)
{
    (void)state;
    Model m = opened("internlm2.gguf");
    Embedder e;
    Err err = {0};
    static const int32_t a[] = {5, 6, 7, 8, 9, 10}, b[] = {40, 41};
    float first[32], again[32], other[32];
    MUST(embedder_open(&e, &m, NULL, POOLING_LAST, 8, 8, DT_F32, DT_F32, &err), &err);
    MUST(embedder_run(&e, b, 2, first, NULL, &err), &err);
    MUST(embedder_run(&e, a, 6, other, NULL, &err), &err);
    MUST(embedder_run(&e, b, 2, again, NULL, &err), &err);
    assert_same_f32(again, first, 32, "texts", "again");
    assert_int_equal(embedder_run(&e, b, 0, again, NULL, &err), E_ARG);
    assert_non_null(strstr(err.text, "HINT:"));
    embedder_close(&e);
    embedder_close(&e);
    model_close(&m);
}

static void a_re_ranking_model_gives_its_score(void **state)
{
    (void)state;
    Golden g = {0};
    Model m = opened("bert-rank.gguf");
    float want = 0, got;
    Err err = {0};
    golden_read(&g, dir, "bert-rank.gguf"); /* one number, not a row per token: read here */
    mem_free(g.logits);
    FILE *f = fopen("tests/golden/families/bert-rank.logits.f32", "rb");
    assert_true(f && fread(&want, sizeof want, 1, f) == 1);
    fclose(f);
    assert_int_equal(run(&m, POOLING_RANK, 512, g.ids, g.n_prompt, &got), 1);
    assert_near(got, want, 1e-5, "bert-rank", "score", 0);
    run(&m, POOLING_AUTO, 512, g.ids, g.n_prompt, &got); /* the file says 4 */
    assert_near(got, want, 1e-5, "bert-rank", "auto", 0);
    model_close(&m);
    /* A model without a classifier has no score. */
    Embedder e;
    m = opened("internlm2.gguf");
    assert_int_equal(embedder_open(&e, &m, NULL, POOLING_RANK, 8, 8, DT_F32, DT_F32, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "cls.output.weight"));
    assert_non_null(strstr(err.text, "HINT:"));
    model_close(&m);
}

static void lengths_are_by_hand(void **state)
{
    (void)state;
    static const struct { int64_t how; float want[3]; } cases[] = {
        {-1, {3, -4, 0}}, {2, {0.6f, -0.8f, 0}}, {1, {3 / 7.0f, -4 / 7.0f, 0}}, {0, {24570, -32760, 0}},
        {3, {3 / 4.49794145f, -4 / 4.49794145f, 0}}}; /* 27 + 64 = 91, and its cube root */
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        float x[3] = {3, -4, 0};
        embedding_normalise(x, 3, cases[k].how);
        for (int i = 0; i < 3; i++)
            assert_near(x[i], cases[k].want[i], 1e-6 * fabs((double)cases[k].want[i]), "length", "how", i);
    }
    float none[2] = {0, 0};
    embedding_normalise(none, 2, 2);
    assert_true(none[0] == 0 && none[1] == 0);
}

static void angles_are_by_hand(void **state)
{
    (void)state;
    static const float a[] = {1, 0}, b[] = {1, 1}, c[] = {-2, 0}, none[] = {0, 0};
    assert_near((float)embedding_cosine(a, b, 2), 0.70710678f, 1e-7, "cosine", "45 degrees", 0);
    assert_true(embedding_cosine(a, c, 2) == -1);
    assert_true(embedding_cosine(a, none, 2) == 0 && embedding_cosine(none, none, 2) == 1);
}

static void kinds_have_names(void **state)
{
    (void)state;
    Pooling p;
    for (int i = 0; i <= POOLING_RANK; i++) {
        assert_true(embedding_pooling(embedding_pooling_name((Pooling)i), &p));
        assert_int_equal(p, i);
    }
    assert_false(embedding_pooling("max", &p));
    assert_null(embedding_pooling_name((Pooling)(POOLING_RANK + 1)));
}

int main(void)
{
    layer6_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_encoder_is_pooled_as_asked),
        cmocka_unit_test(a_decoder_is_pooled_piece_by_piece),
        cmocka_unit_test(texts_do_not_see_each_other),
        cmocka_unit_test(a_re_ranking_model_gives_its_score),
        cmocka_unit_test(lengths_are_by_hand),
        cmocka_unit_test(angles_are_by_hand),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
