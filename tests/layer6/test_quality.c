/* Quality: errors of a hand-made pair of tensors, and predictions of a model against itself and another. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "model_bytes.h"

#include <float.h>
#include <math.h>

static void errors_of_two_rows_by_hand(void **state)
{
    (void)state;
    static const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 2.5f, 3, 4, 5, 4};
    Tensor x = tensor_matrix(DT_F32, a, 3, 2), y = tensor_matrix(DT_F32, b, 3, 2);
    TensorQuality q;
    Err err = {0};
    MUST(quality_tensor(&q, &x, &y, NULL, &err), &err);
    assert_int_equal(q.n, 6);
    assert_true(q.sum2_error == 4.25 && q.max_error == 2 && q.sum2 == 91 && q.n_bad == 0);
    static const float c[] = {1, NAN, 3, 4, INFINITY, 6};
    y = tensor_matrix(DT_F32, c, 3, 2);
    MUST(quality_tensor(&q, &x, &y, NULL, &err), &err);
    assert_true(q.sum2_error == 0 && q.n_bad == 2);
    y.type = DT_I8;
    assert_int_equal(quality_tensor(&q, &x, &y, NULL, &err), E_UNSUPPORTED);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    static float a[64 * 96], b[64 * 96];
    Rng rng = rng_seed(3);
    for (int i = 0; i < 64 * 96; i++) a[i] = rng_normal(&rng), b[i] = a[i] + 0.01f * rng_normal(&rng);
    Tensor x = tensor_matrix(DT_F32, a, 64, 96), y = tensor_matrix(DT_F32, b, 64, 96);
    TensorQuality one, three;
    Pool *pool = NULL;
    Err err = {0};
    MUST(quality_tensor(&one, &x, &y, NULL, &err), &err);
    MUST(pool_open(&pool, 3, false, &err), &err);
    MUST(quality_tensor(&three, &x, &y, pool, &err), &err);
    pool_close(pool);
    assert_memory_equal(&one, &three, sizeof one);
}

enum { N_CTX = 16, VOCAB = 48 };

typedef struct { Buf file; Model m; Session s; KvCache kv; } Side;

static void side_open(Side *x, const ModelShape *shape, uint64_t seed)
{
    Err err = {0};
    x->file = mb_model(shape, seed);
    x->m = mb_opened(&x->file);
    MUST(session_open(&x->s, &x->m, NULL, 8, N_CTX, &err), &err);
    MUST(kvcache_open(&x->kv, &x->m, DT_F32, DT_F32, N_CTX, 1, &err), &err);
}

static void side_close(Side *x)
{
    kvcache_close(&x->kv);
    session_close(&x->s);
    model_close(&x->m);
    buf_close(&x->file);
}

static void predictions_against_themselves_and_against_a_flat_model(void **state)
{
    (void)state;
    Side a, b;
    ModelShape shape = MODEL_SHAPE, flat = MODEL_SHAPE;
    flat.zero_output = true; /* every token is equally likely */
    side_open(&a, &shape, 9);
    side_open(&b, &flat, 9);
    TokenList ids = {0};
    Err err = {0};
    Rng rng = rng_seed(4);
    for (int i = 0; i < 3 * N_CTX + 5; i++) MUST(tokens_push(&ids, (int32_t)rng_below(&rng, VOCAB), &err), &err);
    TextQuality q;
    QualitySide qa = {&a.s, &a.kv}, qb = {&b.s, &b.kv};
    MUST(quality_text(&q, qa, qa, &ids, N_CTX, true, NULL, &err), &err);
    assert_true(q.kl_sum == 0 && q.kl_max == 0 && q.nll_a == q.nll_b);
    assert_int_equal(q.n_windows, 3);
    assert_int_equal(q.n_scored, 3 * (N_CTX / 2 - 1));
    assert_int_equal(q.n_same_top, q.n_scored);

    /* KL(p, uniform) = ln V - H(p); the flat model's perplexity is V; a's is perplexity_run's. */
    MUST(quality_text(&q, qa, qb, &ids, N_CTX, true, NULL, &err), &err);
    assert_true(fabs(exp(q.nll_b / (double)q.n_scored) - VOCAB) < 1e-6 * VOCAB);
    Perplexity p;
    MUST(perplexity_run(&p, &a.s, &a.kv, &ids, N_CTX, NULL, NULL, NULL, &err), &err);
    /* perplexity_run subtracts the largest logit in f32. */
    assert_true(fabs(p.nll_sum - q.nll_a) < 4 * (double)FLT_EPSILON * p.nll_sum);
    assert_true(q.kl_sum > 0 && q.kl_max >= q.kl_sum / (double)q.n_scored);
    assert_true(q.kl_sum <= (double)q.n_scored * log(VOCAB));

    assert_int_equal(quality_text(&q, qa, qb, &ids, 100, true, NULL, &err), E_ARG);
    assert_int_equal(quality_text(&q, qa, qb, &ids, 3, true, NULL, &err), E_ARG);
    volatile int stop = 1;
    assert_int_equal(quality_text(&q, qa, qb, &ids, N_CTX, true, &stop, &err), E_CANCELLED);
    tokens_close(&ids);
    side_close(&a);
    side_close(&b);
}

int main(void)
{
    layer6_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_of_two_rows_by_hand),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(predictions_against_themselves_and_against_a_flat_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
