/* The forward pass: batches, pieces, sequences and threads are only ways to cut the same work. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"
#include "twins.h"

enum { VOCAB = 48, N_CTX = 64 };

typedef struct {
    Buf file;
    Model m;
    Session s;
    FlatKv kv;
} Setup;

/* In place: Session and FlatKv point to the model. */
static void start(Setup *u, const ModelShape *shape, DType kv_type, int64_t max_batch, Pool *pool)
{
    Err err = {0};
    *u = (Setup){.file = mb_model(shape, 21)};
    u->m = mb_opened(&u->file);
    MUST(session_open(&u->s, &u->m, pool, max_batch, N_CTX, &err), &err);
    u->kv = flat_kv(&u->m, kv_type, N_CTX, 4);
}

static void finish(Setup *u)
{
    mem_free(u->kv.memory);
    session_close(&u->s);
    model_close(&u->m);
    buf_close(&u->file);
}

/* n random items of a sequence from position pos0, all wanting logits. */
static void fill(BatchItem *items, int64_t n, int seq, int64_t pos0)
{
    for (int64_t i = 0; i < n; i++) {
        Rng r = rng_seed((uint64_t)(seq * 1000 + pos0 + i)); /* the token depends on its place only */
        items[i] = (BatchItem){(int32_t)rng_below(&r, VOCAB), seq, pos0 + i, true};
    }
}

static void forward(Setup *u, const BatchItem *items, int64_t n, float *logits)
{
    Err err = {0};
    MUST(model_forward(&u->s, items, n, flat_source(&u->kv), logits, NULL, &err), &err);
}

static void near(const float *got, const float *want, int64_t n, const char *what)
{
    /* Sums of at most 64 terms of order 1 in another order, through two layers. */
    for (int64_t i = 0; i < n; i++) assert_near(got[i], want[i], 2e-4, what, "logits", i);
}

static void a_batch_of_sequences_equals_separate_ones(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Setup u;
    static float apart[4 * 9 * VOCAB], together[4 * 9 * VOCAB];
    BatchItem items[36];
    static const int64_t lengths[4] = {9, 1, 5, 7}, starts[4] = {0, 9, 10, 15};
    start(&u, &shape, DT_F32, 64, NULL);
    for (int q = 0; q < 4; q++) {
        fill(items, lengths[q], q, 0);
        forward(&u, items, lengths[q], apart + starts[q] * VOCAB);
    }
    for (int q = 0; q < 4; q++) fill(items + starts[q], lengths[q], q, 0);
    forward(&u, items, 22, together);
    near(together, apart, 22 * VOCAB, "four sequences");
    /* And a step of decoding for all four at once, each at its own position. */
    for (int q = 0; q < 4; q++) fill(items + q, 1, q, lengths[q]);
    forward(&u, items, 4, together);
    for (int q = 0; q < 4; q++) forward(&u, items + q, 1, apart + q * VOCAB);
    near(together, apart, 4 * VOCAB, "one step of four sequences");
    finish(&u);
}

static void pieces_equal_the_whole(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    static float whole[40 * VOCAB], cut[40 * VOCAB];
    BatchItem items[40];
    Setup u;
    start(&u, &shape, DT_F32, 64, NULL);
    fill(items, 40, 0, 0);
    forward(&u, items, 40, whole);
    static const int64_t chunks[] = {1, 2, 3, 7, 13, 39};
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        /* 1. In calls of that size. */
        memset(cut, 0, sizeof cut);
        for (int64_t i = 0; i < 40; i += chunks[c]) {
            int64_t n = 40 - i < chunks[c] ? 40 - i : chunks[c];
            forward(&u, items + i, n, cut + i * VOCAB);
        }
        near(cut, whole, 40 * VOCAB, "calls");
        /* 2. In one call, cut inside by the micro-batch. */
        Setup small;
        start(&small, &shape, DT_F32, chunks[c], NULL);
        forward(&small, items, 40, cut);
        near(cut, whole, 40 * VOCAB, "micro-batches");
        finish(&small);
    }
    finish(&u);
}

static void only_wanted_rows_come_out_in_order(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    static float all[20 * VOCAB], some[20 * VOCAB];
    BatchItem items[20];
    Setup u;
    start(&u, &shape, DT_F32, 6, NULL);
    fill(items, 20, 0, 0);
    forward(&u, items, 20, all);
    static const int wanted[] = {2, 3, 8, 19};
    for (int i = 0; i < 20; i++) items[i].want_logits = false;
    for (int k = 0; k < 4; k++) items[wanted[k]].want_logits = true;
    some[4 * VOCAB] = 123;
    forward(&u, items, 20, some);
    for (int k = 0; k < 4; k++) near(some + k * VOCAB, all + wanted[k] * VOCAB, VOCAB, "wanted rows");
    assert_true(some[4 * VOCAB] == 123); /* nothing behind them */
    for (int i = 0; i < 20; i++) items[i].want_logits = false;
    forward(&u, items, 20, NULL);
    forward(&u, items, 0, NULL);
    finish(&u);
}

static void more_sequences_than_runs_are_cut(void **state)
{
    (void)state;
    /* 150 sequences of one token: more runs than one piece can hold. */
    ModelShape shape = MODEL_SHAPE;
    static float logits[150 * VOCAB], one[VOCAB];
    static BatchItem items[150];
    Setup u;
    start(&u, &shape, DT_F32, 256, NULL);
    mem_free(u.kv.memory);
    u.kv = flat_kv(&u.m, DT_F32, N_CTX, 150);
    for (int i = 0; i < 150; i++) items[i] = (BatchItem){i * 5 % VOCAB, i, 0, true};
    forward(&u, items, 150, logits);
    for (int i = 0; i < 150; i++) {
        forward(&u, items + i, 1, one);
        near(logits + i * VOCAB, one, VOCAB, "run");
    }
    finish(&u);
}

static void what_was_stored_later_is_overwritten(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    static float fresh[12 * VOCAB], again[12 * VOCAB];
    BatchItem items[30], other[30];
    Setup u;
    start(&u, &shape, DT_F32, 64, NULL);
    fill(items, 12, 0, 0);
    forward(&u, items, 12, fresh);
    for (int i = 0; i < 30; i++) other[i] = (BatchItem){(i * 7 + 3) % VOCAB, 0, i, true};
    static float sink[30 * VOCAB];
    forward(&u, other, 30, sink); /* another text, longer */
    forward(&u, items, 5, again); /* back to position 0: the tail is forgotten without any call */
    forward(&u, items + 5, 7, again + 5 * VOCAB);
    near(again, fresh, 12 * VOCAB, "after rollback");
    finish(&u);
}

static void a_half_precision_cache_is_close(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    static float full[30 * VOCAB], half[30 * VOCAB];
    BatchItem items[30];
    Setup a, b;
    start(&a, &shape, DT_F32, 64, NULL);
    start(&b, &shape, DT_F16, 64, NULL);
    fill(items, 30, 0, 0);
    forward(&a, items, 30, full);
    forward(&b, items, 30, half);
    float max = 0;
    bool same = true;
    for (int i = 0; i < 30 * VOCAB; i++) max = fabsf(full[i]) > max ? fabsf(full[i]) : max;
    for (int i = 0; i < 30 * VOCAB; i++) {
        /* Half has 11 bits: 5e-4 per number, through two layers. */
        assert_near(half[i], full[i], 5e-3 * (double)max, "f16 cache", "logits", i);
        same &= half[i] == full[i];
    }
    assert_false(same);
    finish(&a);
    finish(&b);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.d_model = 96, shape.n_head = 6;
    static float one[33 * VOCAB], more[33 * VOCAB];
    BatchItem items[33];
    Err err = {0};
    Setup u;
    start(&u, &shape, DT_F16, 64, NULL);
    fill(items, 33, 0, 0);
    forward(&u, items, 33, one);
    finish(&u);
    for (int n = 2; n <= 4; n++) {
        Pool *pool = NULL;
        MUST(pool_open(&pool, n, false, &err), &err);
        start(&u, &shape, DT_F16, 64, pool);
        forward(&u, items, 33, more);
        assert_same_f32(more, one, 33 * VOCAB, "threads", "model_forward");
        finish(&u);
        pool_close(pool);
    }
}

static void quantised_weights_stay_near(void **state)
{
    (void)state;
    static const struct { DType type; double tol; } rows[] = {
        {DT_F16, 2e-3}, {DT_BF16, 2e-2}, {DT_Q8_0, 3e-2}, {DT_Q4_0, 0.5}};
    static float exact[10 * VOCAB], rough[10 * VOCAB];
    ModelShape shape = MODEL_SHAPE;
    BatchItem items[10];
    Setup u;
    start(&u, &shape, DT_F32, 64, NULL);
    fill(items, 10, 0, 0);
    forward(&u, items, 10, exact);
    finish(&u);
    double norm = 0;
    for (int i = 0; i < 10 * VOCAB; i++) norm += (double)exact[i] * (double)exact[i];
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        double diff = 0;
        shape.type = rows[k].type;
        start(&u, &shape, DT_F32, 64, NULL);
        forward(&u, items, 10, rough);
        for (int i = 0; i < 10 * VOCAB; i++)
            diff += (double)(rough[i] - exact[i]) * (double)(rough[i] - exact[i]);
        if (!(sqrt(diff / norm) < rows[k].tol) || diff == 0)
            twin_fail("%s: relative error %g", dtype_name(rows[k].type), sqrt(diff / norm));
        finish(&u);
    }
}

/* Matrices times powers of two, with scales that take them back: not a bit of the logits changes. */
static void a_scale_beside_a_matrix_counts(void **state)
{
    (void)state;
    static const DType types[] = {DT_F32, DT_BF16, DT_Q8_0, DT_NVFP4};
    static float plain[20 * VOCAB], scaled[20 * VOCAB];
    BatchItem items[20];
    Setup u;
    fill(items, 20, 0, 0);
    for (int k = 0; k < 4; k++)
        for (int n = 1; n <= 20; n += 19) {
            ModelShape shape = MODEL_SHAPE;
            shape.d_model = 64, shape.type = types[k];
            start(&u, &shape, DT_F32, 64, NULL);
            forward(&u, items, n, plain);
            finish(&u);
            shape.scaled = true;
            start(&u, &shape, DT_F32, 64, NULL);
            assert_true(*u.m.weights.blocks[1].up.scale < 1);
            forward(&u, items, n, scaled);
            assert_same_f32(scaled, plain, n * VOCAB, "scales", dtype_name(types[k]));
            finish(&u);
        }
}

static void bad_items_are_refused(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    static float logits[VOCAB];
    Setup u;
    Err err;
    start(&u, &shape, DT_F32, 8, NULL);
    static const struct { BatchItem item; Status want; const char *text; } rows[] = {
        {{-1, 0, 0, true}, E_ARG, "token id -1"}, {{VOCAB, 0, 0, true}, E_ARG, "vocabulary of 48"},
        {{INT32_MAX, 0, 0, true}, E_ARG, "2147483647"}, {{0, 0, -1, true}, E_LIMIT, "position -1"},
        {{0, 0, N_CTX, true}, E_LIMIT, "context of 64"}, {{0, 0, INT64_MAX, true}, E_LIMIT, "-c"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        logits[0] = 77;
        err = (Err){0};
        Status s = model_forward(&u.s, &rows[i].item, 1, flat_source(&u.kv), logits, NULL, &err);
        assert_int_equal(s, rows[i].want);
        if (!strstr(err.text, rows[i].text) || !strstr(err.text, "HINT:")) twin_fail("%s", err.text);
        assert_true(logits[0] == 77); /* refused before anything is computed */
    }
    /* The last possible position is fine. */
    forward(&u, &(BatchItem){1, 0, N_CTX - 1, true}, 1, logits);
    /* A session may hold less than the cache. */
    session_close(&u.s);
    MUST(session_open(&u.s, &u.m, NULL, 8, 16, &err), &err);
    forward(&u, &(BatchItem){1, 0, 15, true}, 1, logits);
    assert_int_equal(model_forward(&u.s, &(BatchItem){1, 0, 16, true}, 1, flat_source(&u.kv), logits,
                                   NULL, &err), E_LIMIT);
    finish(&u);
}

static void a_stop_flag_cancels(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    static float logits[10 * VOCAB], want[10 * VOCAB];
    BatchItem items[10];
    volatile int stop = 1;
    Setup u;
    Err err = {0};
    start(&u, &shape, DT_F32, 4, NULL);
    fill(items, 10, 0, 0);
    forward(&u, items, 10, want);
    assert_int_equal(model_forward(&u.s, items, 10, flat_source(&u.kv), logits, &stop, &err),
                     E_CANCELLED);
    /* Nothing is broken: the same call goes through afterwards. */
    stop = 0;
    MUST(model_forward(&u.s, items, 10, flat_source(&u.kv), logits, &stop, &err), &err);
    assert_same_f32(logits, want, 10 * VOCAB, "after a stop", "model_forward");
    finish(&u);
}

static void gaps_are_our_own_mistake(void *ctx)
{
    Setup *u = ctx;
    BatchItem items[2] = {{1, 0, 0, false}, {2, 0, 2, false}};
    model_forward(&u->s, items, 2, flat_source(&u->kv), NULL, NULL, NULL);
}

static void positions_must_be_consecutive(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Setup u;
    start(&u, &shape, DT_F32, 8, NULL);
    assert_true(aborts(gaps_are_our_own_mistake, &u));
    finish(&u);
}

static void a_session_is_planned(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 5);
    Model m = mb_opened(&file);
    Session s;
    Err err = {0};
    int64_t plan = session_plan(&m, 16, 64, 1);
    assert_true(plan > 0 && plan < session_plan(&m, 32, 64, 1));
    assert_true(session_plan(&m, 16, 64, 1) < session_plan(&m, 16, 64, 2));
    MUST(session_open(&s, &m, NULL, 16, 64, &err), &err);
    assert_true((int64_t)s.arena.used_bytes <= plan); /* the plan was enough */
    session_close(&s);
    session_close(&s);
    assert_true(session_plan(&m, INT64_MAX / 64, 64, 1) < 0);
    assert_int_equal(session_open(&s, &m, NULL, INT64_MAX / 64, 64, &err), E_MEMORY);
    assert_int_equal(session_open(&s, &m, NULL, 1, (int64_t)1 << 40, &err), E_MEMORY);
    model_close(&m);
    model_close(&m);
    buf_close(&file);
}

static void a_model_without_a_tokenizer_opens(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.n_words = 0;
    Buf file = mb_model(&shape, 5);
    Model m = mb_opened(&file), v;
    Err err = {0};
    assert_null(m.tokenizer);
    model_close(&m);
    assert_int_equal(model_open_vocabulary(&v, NULL, file.data, file.len, MAP_AUTO, &err),
                     E_UNSUPPORTED);
    buf_close(&file);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_of_sequences_equals_separate_ones),
        cmocka_unit_test(pieces_equal_the_whole),
        cmocka_unit_test(only_wanted_rows_come_out_in_order),
        cmocka_unit_test(more_sequences_than_runs_are_cut),
        cmocka_unit_test(what_was_stored_later_is_overwritten),
        cmocka_unit_test(a_half_precision_cache_is_close),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(quantised_weights_stay_near),
        cmocka_unit_test(a_scale_beside_a_matrix_counts),
        cmocka_unit_test(bad_items_are_refused),
        cmocka_unit_test(a_stop_flag_cancels),
        cmocka_unit_test(positions_must_be_consecutive),
        cmocka_unit_test(a_session_is_planned),
        cmocka_unit_test(a_model_without_a_tokenizer_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
