/* Windows, scored halves, mean and error; and the bench runner, which shares their loop. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "model_bytes.h"

#include <math.h>

enum { VOCAB = 48, N_CTX = 32 };

typedef struct {
    Buf file;
    Model m;
    Session s;
    KvCache kv;
    TokenList ids;
} Setup;

static void start(Setup *u, const ModelShape *shape, int64_t n_ids)
{
    Err err = {0};
    *u = (Setup){.file = mb_model(shape, 9)};
    u->m = mb_opened(&u->file);
    MUST(session_open(&u->s, &u->m, NULL, 16, N_CTX, &err), &err);
    MUST(kvcache_open(&u->kv, &u->m, DT_F32, DT_F32, N_CTX, 1, &err), &err);
    Rng rng = rng_seed(4);
    for (int64_t i = 0; i < n_ids; i++)
        MUST(tokens_push(&u->ids, (int32_t)rng_below(&rng, VOCAB), &err), &err);
}

static void finish(Setup *u)
{
    tokens_close(&u->ids);
    kvcache_close(&u->kv);
    session_close(&u->s);
    model_close(&u->m);
    buf_close(&u->file);
}

static void log_probability_is_the_log_of_a_softmax(void **state)
{
    (void)state;
    /* softmax(0, ln 2, ln 5) = 1/8, 2/8, 5/8 */
    float x[] = {0, logf(2), logf(5)};
    assert_true(fabs(log_probability(x, 3, 0) - log(1.0 / 8)) < 1e-6);
    assert_true(fabs(log_probability(x, 3, 2) - log(5.0 / 8)) < 1e-6);
    for (int i = 0; i < 3; i++) x[i] += 3e4f; /* shifts change nothing and overflow nothing */
    assert_true(fabs(log_probability(x, 3, 1) - log(2.0 / 8)) < 1e-2);
    assert_true(log_probability((float[]){0, -INFINITY}, 2, 1) == -INFINITY);
}

static void a_model_that_knows_nothing_has_the_vocabulary_as_perplexity(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.zero_output = true; /* all logits 0 */
    Setup u;
    Err err = {0};
    Perplexity p;
    start(&u, &shape, 3 * N_CTX + 5);
    MUST(perplexity_run(&p, &u.s, &u.kv, &u.ids, N_CTX, NULL, NULL, NULL, &err), &err);
    assert_int_equal(p.n_windows, 3); /* the rest is left out */
    assert_int_equal(p.n_scored, 3 * (N_CTX / 2 - 1));
    assert_true(fabs(p.ppl - VOCAB) < 1e-6 * VOCAB);
    assert_true(p.error < 1e-5);
    finish(&u);
}

static void only_second_halves_are_scored_after_bos(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Setup u;
    Err err = {0};
    Perplexity p;
    start(&u, &shape, 2 * 13);
    static float logits[13 * VOCAB];
    double sum = 0, sum2 = 0;
    int64_t n = 0;
    for (int w = 0; w < 2; w++) { /* 13 is odd: positions 6 .. 11 predict 7 .. 12 */
        BatchItem items[13];
        const int32_t *t = u.ids.ids + w * 13;
        for (int i = 0; i < 13; i++) items[i] = (BatchItem){i ? t[i] : 1, 0, i, true};
        MUST(model_forward(&u.s, items, 13, kvcache_source(&u.kv), logits, NULL, &err), &err);
        for (int i = 6; i < 12; i++, n++) {
            double z = 0, v;
            for (int k = 0; k < VOCAB; k++) z += exp((double)logits[i * VOCAB + k]);
            v = log(z) - (double)logits[i * VOCAB + t[i + 1]];
            sum += v, sum2 += v * v;
        }
    }
    MUST(perplexity_run(&p, &u.s, &u.kv, &u.ids, 13, NULL, NULL, NULL, &err), &err);
    double mean = sum / (double)n, var = sum2 / (double)n - mean * mean;
    assert_int_equal(p.n_scored, n);
    assert_true(fabs(p.nll_sum - sum) < 1e-4 * sum);
    assert_true(fabs(p.ppl / exp(mean) - 1) < 1e-4);
    assert_true(fabs(p.error / (exp(mean) * sqrt(var / (double)(n - 1))) - 1) < 1e-3);
    finish(&u);
}

typedef struct { int calls; int64_t windows; double last; } Heard;

static void hear(void *ctx, const Perplexity *p, int64_t n_windows)
{
    Heard *h = ctx;
    h->calls++;
    assert_int_equal(p->n_windows, h->calls);
    h->windows = n_windows;
    h->last = p->ppl;
}

static void each_window_is_reported(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Setup u;
    Err err = {0};
    Perplexity p;
    Heard h = {0};
    start(&u, &shape, 5 * 8);
    MUST(perplexity_run(&p, &u.s, &u.kv, &u.ids, 8, hear, &h, NULL, &err), &err);
    assert_int_equal(h.calls, 5);
    assert_int_equal(h.windows, 5);
    assert_true(h.last == p.ppl);
    finish(&u);
}

static void impossible_windows_are_refused(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Setup u;
    Err err;
    Perplexity p;
    start(&u, &shape, 100);
    static const struct { int64_t n_ctx; Status want; const char *text; } rows[] = {
        {0, E_ARG, "too short"}, {-1, E_ARG, "too short"}, {3, E_ARG, "window of 3"},
        {101, E_ARG, "100 tokens"}, {INT64_MAX, E_ARG, "100 tokens"}, {N_CTX + 1, E_LIMIT, "context"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err = (Err){0};
        Status s = perplexity_run(&p, &u.s, &u.kv, &u.ids, rows[i].n_ctx, NULL, NULL, NULL, &err);
        if (s != rows[i].want || !strstr(err.text, rows[i].text) || !strstr(err.text, "HINT:"))
            FAILED("n_ctx %lld: %s %s", (long long)rows[i].n_ctx, status_name(s), err.text);
    }
    MUST(perplexity_run(&p, &u.s, &u.kv, &u.ids, 4, NULL, NULL, NULL, &err), &err);
    volatile int stop = 1;
    assert_int_equal(perplexity_run(&p, &u.s, &u.kv, &u.ids, 4, NULL, NULL, &stop, &err), E_CANCELLED);
    u.ids.ids[7] = VOCAB; /* an id that the model lacks */
    assert_int_equal(perplexity_run(&p, &u.s, &u.kv, &u.ids, 8, NULL, NULL, NULL, &err), E_ARG);
    finish(&u);
}

static void the_bench_counts_what_it_ran(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Setup u;
    Err err = {0};
    static BenchResult r;
    start(&u, &shape, 0);
    for (int gen = 0; gen < 2; gen++) {
        MUST(bench_model(&r, &u.s, &u.kv, gen ? 0 : 20, gen ? 3 : 0, 4, NULL, &err), &err);
        assert_string_equal(r.name, gen ? "tg3" : "pp20");
        assert_int_equal(r.n_prompt, gen ? 0 : 20);
        assert_int_equal(r.n_gen, gen ? 3 : 0);
        assert_int_equal(r.n_threads, 1);
        assert_int_equal(r.n_samples, 4);
        double lo = INFINITY, hi = 0;
        for (int i = 0; i < 4; i++) {
            assert_true(r.samples_ts[i] > 0 && isfinite(r.samples_ts[i]));
            lo = fmin(lo, r.samples_ts[i]);
            hi = fmax(hi, r.samples_ts[i]);
        }
        assert_true(r.min_ts == lo && r.max_ts == hi && r.median_ts >= lo && r.median_ts <= hi);
    }
    assert_int_equal(bench_model(&r, &u.s, &u.kv, N_CTX + 1, 0, 1, NULL, &err), E_LIMIT);
    volatile int stop = 1;
    assert_int_equal(bench_model(&r, &u.s, &u.kv, 5, 0, 1, &stop, &err), E_CANCELLED);
    finish(&u);
}

int main(void)
{
    layer6_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_probability_is_the_log_of_a_softmax),
        cmocka_unit_test(a_model_that_knows_nothing_has_the_vocabulary_as_perplexity),
        cmocka_unit_test(only_second_halves_are_scored_after_bos),
        cmocka_unit_test(each_window_is_reported),
        cmocka_unit_test(impossible_windows_are_refused),
        cmocka_unit_test(the_bench_counts_what_it_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
