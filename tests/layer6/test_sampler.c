/* Each stage by hand on few candidates, then the chain: greedy, penalties, hostile numbers, draws. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "must.h"
#include "twins.h"

/* Candidates with these logits, ids 0, 1, ... */
static void list_of(Candidate *c, const float *x, int n)
{
    for (int i = 0; i < n; i++) c[i] = (Candidate){i, x[i], 0};
}

static void ids_are(const Candidate *c, const int32_t *want, int n)
{
    for (int i = 0; i < n; i++)
        if (c[i].id != want[i]) twin_fail("place %d: id %d instead of %d", i, c[i].id, want[i]);
}

static void top_k_keeps_the_largest_in_order(void **state)
{
    (void)state;
    static const float x[] = {1.5f, -2, 4, 0.5f, 3, 4, -1};
    static const int32_t order[] = {2, 5, 4, 0, 3, 6, 1}; /* equal ones by id */
    Candidate c[7];
    for (int64_t k = 1; k <= 7; k++) {
        list_of(c, x, 7);
        assert_int_equal(stage_top_k(c, 7, k), k);
        ids_are(c, order, (int)k);
    }
    static const int64_t all[] = {0, -1, 8, INT64_MAX};
    for (int i = 0; i < 4; i++) {
        list_of(c, x, 7);
        assert_int_equal(stage_top_k(c, 7, all[i]), 7);
        ids_are(c, order, 7);
    }
}

static void top_k_of_many_equals_sorting(void **state)
{
    (void)state;
    enum { N = 1000 };
    static Candidate a[N], b[N];
    Rng rng = rng_seed(3);
    for (int i = 0; i < N; i++)
        a[i] = b[i] = (Candidate){i, (float)rng_below(&rng, 50), 0}; /* many ties */
    stage_top_k(a, N, N);
    for (int i = 1; i < N; i++)
        assert_true(a[i - 1].logit > a[i].logit ||
                    (a[i - 1].logit == a[i].logit && a[i - 1].id < a[i].id));
    assert_int_equal(stage_top_k(b, N, 137), 137);
    for (int i = 0; i < 137; i++) assert_int_equal(a[i].id, b[i].id);
}

/* Probabilities 1/2, 1/4, 1/8, 1/16, 1/16. */
static const float halves[] = {0, -1, -2, -3, -3};

static void halves_list(Candidate *c)
{
    list_of(c, halves, 5);
    for (int i = 0; i < 5; i++) c[i].logit *= logf(2);
}

static void probabilities_are_a_softmax(void **state)
{
    (void)state;
    static const double want[] = {0.5, 0.25, 0.125, 0.0625, 0.0625};
    Candidate c[5];
    halves_list(c);
    stage_probabilities(c, 5);
    for (int i = 0; i < 5; i++) assert_near(c[i].p, (float)want[i], 1e-6, "p", "softmax", i);
}

static void top_p_keeps_the_smallest_prefix_that_reaches_p(void **state)
{
    (void)state;
    static const struct { float p; int64_t kept; } rows[] = {
        {0, 1}, {0.4f, 1}, {0.49f, 1}, {0.51f, 2}, {0.74f, 2}, {0.76f, 3}, {0.9f, 4}, {0.95f, 5},
        {1, 5}, {2, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Candidate c[5];
        halves_list(c);
        assert_int_equal(stage_top_p(c, 5, rows[i].p), rows[i].kept);
    }
}

static void min_p_is_relative_to_the_best(void **state)
{
    (void)state;
    static const struct { float p; int64_t kept; } rows[] = {
        {0, 5}, {-1, 5}, {0.1f, 5}, {0.13f, 3}, {0.24f, 3}, {0.26f, 2}, {0.49f, 2}, {0.51f, 1}, {1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Candidate c[5];
        halves_list(c);
        assert_int_equal(stage_min_p(c, 5, rows[i].p), rows[i].kept);
    }
}

static void temperature_divides_distances(void **state)
{
    (void)state;
    Candidate c[3];
    static const float x[] = {5, 4, 1};
    list_of(c, x, 3);
    stage_temperature(c, 3, 0.5f);
    assert_true(c[0].logit - c[1].logit == 2 && c[0].logit - c[2].logit == 8);
    static const float extreme[] = {1e-30f, 1e30f, 1e-45f};
    for (int i = 0; i < 3; i++) {
        list_of(c, x, 3);
        stage_temperature(c, 3, extreme[i]);
        stage_probabilities(c, 3);
        float one = extreme[i] < 1 ? 1.0f : 1.0f / 3;
        assert_near(c[0].p, one, 1e-6, "extreme temperature", "p", i);
    }
}

static void a_draw_never_returns_the_impossible(void **state)
{
    (void)state;
    /* The sum is 0.5 on purpose: every second draw falls into the gap at the end. */
    Candidate c[3] = {{7, 0, 0.25f}, {8, 0, 0.25f}, {9, 0, 0}};
    Rng rng = rng_seed(1);
    int n[3] = {0};
    for (int i = 0; i < 1000; i++) n[stage_draw(c, 3, &rng)]++;
    assert_int_equal(n[2], 0);
    assert_true(n[0] > 200 && n[0] < 300);
    c[0].p = c[1].p = NAN;
    int64_t k = stage_draw(c, 3, &rng);
    assert_true(k >= 0 && k < 3);
}

/* ---------------------------------------------------------------- the chain */

static Sampler opened(SamplerParams p, int64_t n, int32_t fallback)
{
    Sampler s;
    Err err = {0};
    MUST(sampler_open(&s, &p, n, fallback, &err), &err);
    return s;
}

static SamplerParams plain(float temp)
{
    return (SamplerParams){.temp = temp, .top_k = 0, .top_p = 1, .min_p = 0, .repeat_penalty = 1,
                           .repeat_last_n = 64, .seed = 11};
}

static void greedy_takes_the_lowest_of_equals(void **state)
{
    (void)state;
    static const float x[] = {1, 3, 3, 2, 3};
    for (int t = 0; t < 2; t++) {
        Sampler s = opened(plain(t ? -1.0f : 0.0f), 5, 0);
        assert_int_equal(sampler_sample(&s, x), 1);
        sampler_close(&s);
    }
    assert_int_equal(argmax_logit(x, 5), 1);
    assert_int_equal(argmax_logit((float[]){NAN, -INFINITY, INFINITY, -7, -7}, 5), 3);
    assert_int_equal(argmax_logit((float[]){NAN, INFINITY}, 2), -1);
    assert_int_equal(argmax_logit(NULL, 0), -1);
}

static void penalties_count_each_token_once(void **state)
{
    (void)state;
    Err err = {0};
    SamplerParams p = plain(0);
    p.repeat_penalty = 2;
    static const struct { float x[3]; int32_t want; } rows[] = {
        {{4, 1.5f, 0}, 0},       /* 4 / 2 = 2 still wins; divided three times it would not */
        {{4, 2.5f, 0}, 1},
        {{-1, -1.5f, -9}, 1},    /* -1 * 2: negative ones are multiplied */
        {{-1, -2.5f, -9}, 0},    /* once */
        {{-1, -1.5f, -1.2f}, 1}, /* id 2 is penalised too */
        {{0, -1, -1}, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Sampler s = opened(p, 3, 0);
        static const int32_t text[] = {0, 2, 0, 99, -5, 0, 2}; /* unknown ids are ignored */
        for (int k = 0; k < 7; k++) MUST(sampler_accept(&s, text[k], &err), &err);
        for (int again = 0; again < 2; again++) /* and nothing is left for the next token */
            if (sampler_sample(&s, rows[i].x) != rows[i].want) twin_fail("row %zu", i);
        sampler_close(&s);
    }
}

static void penalties_look_back_a_limited_way(void **state)
{
    (void)state;
    static const struct { int64_t last_n; int32_t want; } rows[] = {{0, 0}, {1, 0}, {2, 0}, {3, 1},
                                                                     {100, 1}, {-1, 1}};
    static const float x[] = {4, 3, 0, 0};
    Err err = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SamplerParams p = plain(0);
        p.repeat_penalty = 2;
        p.repeat_last_n = rows[i].last_n;
        Sampler s = opened(p, 4, 0);
        static const int32_t text[] = {3, 0, 2, 3}; /* 0 is three back */
        for (int k = 0; k < 4; k++) MUST(sampler_accept(&s, text[k], &err), &err);
        assert_int_equal(sampler_sample(&s, x), rows[i].want);
        sampler_close(&s);
    }
}

static void any_logits_give_a_legal_id(void **state)
{
    (void)state;
    enum { N = 9 };
    static const float kinds[] = {NAN, INFINITY, -INFINITY, 0, 3.4e38f, -3.4e38f, 1, -1e-45f};
    Rng rng = rng_seed(5);
    Err err = {0};
    for (int round = 0; round < 4000; round++) {
        static const float temps[] = {0, 1e-30f, 0.7f, 1, 1e30f};
        static const int64_t ks[] = {0, 1, 3, N, N + 1};
        SamplerParams p = {.temp = temps[round % 5], .top_k = ks[round / 5 % 5],
                           .top_p = (float)(round % 3) / 2, .min_p = (float)(round % 7) / 6,
                           .repeat_penalty = round % 2 ? 1e-3f : 1e3f, .repeat_last_n = -1,
                           .seed = (uint64_t)round};
        float x[N];
        for (int i = 0; i < N; i++) x[i] = kinds[rng_below(&rng, 8)];
        Sampler s = opened(p, N, 4);
        MUST(sampler_accept(&s, (int32_t)rng_below(&rng, N), &err), &err);
        int32_t id = sampler_sample(&s, x);
        if (id < 0 || id >= N) twin_fail("round %d: id %d", round, id);
        sampler_close(&s);
    }
}

static void without_finite_logits_the_text_ends(void **state)
{
    (void)state;
    static const float x[3][4] = {{NAN, NAN, NAN, NAN},
                                  {-INFINITY, -INFINITY, -INFINITY, -INFINITY},
                                  {INFINITY, NAN, -INFINITY, INFINITY}};
    for (int i = 0; i < 3; i++) {
        Sampler s = opened(plain(1), 4, 2), none = opened(plain(1), 4, -1);
        assert_int_equal(sampler_sample(&s, x[i]), 2);
        assert_int_equal(s.n_non_finite, 1);
        assert_int_equal(sampler_sample(&none, x[i]), 0);
        sampler_close(&s);
        sampler_close(&none);
    }
    /* One finite logit is enough, and it is what comes. */
    Sampler s = opened(plain(1), 4, 2);
    for (int i = 0; i < 50; i++)
        assert_int_equal(sampler_sample(&s, (float[]){NAN, INFINITY, -900, -INFINITY}), 2);
    assert_int_equal(s.n_non_finite, 0);
    sampler_close(&s);
}

static void a_seed_gives_the_same_ids_everywhere(void **state)
{
    (void)state;
    enum { N = 16, DRAWS = 12 };
    float x[N];
    for (int i = 0; i < N; i++) x[i] = (float)((i * 7) % 5);
    SamplerParams p = sampler_defaults();
    p.seed = 42;
    static const int32_t want[DRAWS] = {2, 7, 12, 14, 11, 4, 12, 9, 4, 12, 12, 7};
    for (int round = 0; round < 2; round++) {
        Sampler s = opened(p, N, 0);
        for (int i = 0; i < DRAWS; i++) {
            int32_t id = sampler_sample(&s, x);
            if (id != want[i]) twin_fail("draw %d: %d instead of %d", i, id, want[i]);
        }
        sampler_close(&s);
    }
    p.seed = 43;
    Sampler s = opened(p, N, 0);
    int same = 0;
    for (int i = 0; i < DRAWS; i++) same += sampler_sample(&s, x) == want[i];
    assert_true(same < DRAWS);
    sampler_close(&s);
}

static void draws_follow_the_probabilities(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    /* Temperature 2 turns 4 : 1 into 2 : 1; id 3 is cut off by top-k. */
    static const float x[] = {1, 0, 1, -9};
    float scaled[4];
    for (int i = 0; i < 4; i++) scaled[i] = x[i] * logf(4);
    SamplerParams p = plain(2);
    p.top_k = 3;
    Sampler s = opened(p, 4, 0);
    int n[4] = {0};
    for (int i = 0; i < DRAWS; i++) n[sampler_sample(&s, scaled)]++;
    static const double want[] = {0.4, 0.2, 0.4, 0};
    for (int i = 0; i < 4; i++) {
        double sigma = sqrt(DRAWS * want[i] * (1 - want[i]));
        if (fabs(n[i] - DRAWS * want[i]) > 4 * sigma) twin_fail("id %d: %d draws", i, n[i]);
    }
    sampler_close(&s);
}

static bool refuse(void *ctx, size_t n)
{
    (void)ctx;
    return n == 0;
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    Sampler s;
    Err err = {0};
    SamplerParams p = plain(1);
    mem_set_hook(refuse, NULL);
    Status st = sampler_open(&s, &p, 1000, 0, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(st, E_MEMORY);
    sampler_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_k_keeps_the_largest_in_order),
        cmocka_unit_test(top_k_of_many_equals_sorting),
        cmocka_unit_test(probabilities_are_a_softmax),
        cmocka_unit_test(top_p_keeps_the_smallest_prefix_that_reaches_p),
        cmocka_unit_test(min_p_is_relative_to_the_best),
        cmocka_unit_test(temperature_divides_distances),
        cmocka_unit_test(a_draw_never_returns_the_impossible),
        cmocka_unit_test(greedy_takes_the_lowest_of_equals),
        cmocka_unit_test(penalties_count_each_token_once),
        cmocka_unit_test(penalties_look_back_a_limited_way),
        cmocka_unit_test(any_logits_give_a_legal_id),
        cmocka_unit_test(without_finite_logits_the_text_ends),
        cmocka_unit_test(a_seed_gives_the_same_ids_everywhere),
        cmocka_unit_test(draws_follow_the_probabilities),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
