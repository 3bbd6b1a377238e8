/* The whole model: its gradient against differences of its loss, parameter group by parameter group,
 * and the same bits however many threads compute it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer7.h"
#include "must.h"
#include "twins.h"

static const TrainShape tiny = {.d_model = 16, .d_ff = 24, .n_layer = 2, .n_head = 4, .n_kv_head = 2,
                                .n_ctx = 9, .n_vocab = 30};
enum { WINDOWS = 3, N_TOK = WINDOWS * 9 };

static TrainModel opened(const TrainShape *s, Pool *pool)
{
    TrainModel m;
    Err err = {0};
    MUST(train_model_open(&m, s, WINDOWS, pool, &err), &err);
    params_init(m.w, &m.layout, s, 3);
    /* Larger weights than at the start of training: softmax and gates leave their linear parts. */
    for (int i = 0; i < m.layout.n_infos; i++) {
        const ParamInfo *p = &m.layout.infos[i];
        if (p->n_dims == 2) vec_scale(m.w + p->offset, 1.5f, p->ne[0] * p->ne[1]);
        else m.w[p->offset + 1] = 1.5f;
    }
    return m;
}

static void tokens(int32_t *ids, int64_t n, int64_t n_vocab)
{
    Rng rng = rng_seed(8);
    for (int64_t i = 0; i < n; i++) ids[i] = (int32_t)rng_below(&rng, (uint64_t)n_vocab);
}

static double loss_of(TrainModel *m, const int32_t *ids)
{
    train_forward(m, ids, WINDOWS);
    return train_loss(m, ids + 1, 0) / N_TOK;
}

static void gradient(TrainModel *m, const int32_t *ids)
{
    memset(m->grad, 0, (size_t)m->layout.n_params * sizeof *m->grad);
    train_forward(m, ids, WINDOWS);
    train_loss(m, ids + 1, 1.0f / N_TOK);
    train_backward(m);
}

/* dL along a direction u of the group: (L(w + h u) - L(w - h u)) / 2h = g . u */
static double slope(TrainModel *m, const int32_t *ids, const ParamInfo *p, const float *u, double h)
{
    int64_t n = p->ne[0] * p->ne[1];
    float *w = m->w + p->offset, *old = mem_alloc((size_t)n * sizeof *old);
    memcpy(old, w, (size_t)n * sizeof *old);
    vec_axpy(w, (float)h, u, n);
    double up = loss_of(m, ids);
    memcpy(w, old, (size_t)n * sizeof *old);
    vec_axpy(w, (float)-h, u, n);
    double down = loss_of(m, ids);
    memcpy(w, old, (size_t)n * sizeof *old);
    mem_free(old);
    return (up - down) / (2 * h);
}

/* Along its own direction a gradient is as steep as it is long; Richardson's formula removes the error
 * in h^2, so that h can be large enough for float32. */
static void every_group_agrees_with_differences(void **state)
{
    (void)state;
    TrainModel m = opened(&tiny, NULL);
    int32_t ids[N_TOK + 1];
    tokens(ids, N_TOK + 1, tiny.n_vocab);
    gradient(&m, ids);
    float *g = mem_alloc((size_t)m.layout.n_params * sizeof *g);
    memcpy(g, m.grad, (size_t)m.layout.n_params * sizeof *g);
    for (int i = 0; i < m.layout.n_infos; i++) {
        const ParamInfo *p = &m.layout.infos[i];
        int64_t n = p->ne[0] * p->ne[1];
        float *u = g + p->offset;
        double length = gradient_norm(u, n), h = 0.02;
        assert_true(length > 1e-4);
        vec_scale(u, (float)(1 / length), n);
        double rough = slope(&m, ids, p, u, h), fine = slope(&m, ids, p, u, h / 2);
        double want = (4 * fine - rough) / 3;
        if (!(fabs(length - want) <= 1e-3 * want))
            twin_fail("%s: the gradient has length %.7g, differences say %.7g", p->name, length, want);
    }
    mem_free(g);
    train_model_close(&m);
    train_model_close(&m);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    Err err = {0};
    TrainShape s = {.d_model = 64, .d_ff = 128, .n_layer = 2, .n_head = 4, .n_kv_head = 2, .n_ctx = 70,
                    .n_vocab = 200};
    int32_t ids[WINDOWS * 70 + 1];
    tokens(ids, WINDOWS * 70 + 1, s.n_vocab);
    TrainModel one = opened(&s, NULL);
    gradient(&one, ids);
    for (int n = 2; n <= 5; n++) {
        Pool *pool;
        MUST(pool_open(&pool, n, false, &err), &err);
        TrainModel m = opened(&s, pool);
        gradient(&m, ids);
        assert_memory_equal(m.grad, one.grad, (size_t)one.layout.n_params * sizeof *one.grad);
        train_model_close(&m);
        pool_close(pool);
    }
    train_model_close(&one);
}

static void a_batch_in_passes_is_the_sum_of_its_passes(void **state)
{
    (void)state;
    TrainModel m = opened(&tiny, NULL);
    int32_t ids[N_TOK + 1];
    tokens(ids, N_TOK + 1, tiny.n_vocab);
    gradient(&m, ids);
    int64_t n = m.layout.n_params;
    float *whole = mem_alloc((size_t)n * sizeof *whole);
    memcpy(whole, m.grad, (size_t)n * sizeof *whole);
    double size = gradient_norm(whole, n);
    memset(m.grad, 0, (size_t)n * sizeof *m.grad);
    for (int b = 0; b < WINDOWS; b++) {
        train_forward(&m, ids + b * 9, 1);
        train_loss(&m, ids + b * 9 + 1, 1.0f / N_TOK);
        train_backward(&m);
    }
    vec_axpy(whole, -1, m.grad, n);
    assert_true(gradient_norm(whole, n) < 1e-5 * size);
    mem_free(whole);
    train_model_close(&m);
}

static void later_tokens_change_no_earlier_logit(void **state)
{
    (void)state;
    TrainModel m = opened(&tiny, NULL);
    int32_t ids[N_TOK + 1];
    tokens(ids, N_TOK + 1, tiny.n_vocab);
    train_forward(&m, ids, WINDOWS);
    float first[5 * 30];
    memcpy(first, m.logits, sizeof first);
    ids[5] = (ids[5] + 1) % 30; /* position 5 of window 0; 0 to 4 do not see it */
    train_forward(&m, ids, WINDOWS);
    assert_memory_equal(m.logits, first, sizeof first);
    assert_true(memcmp(m.logits + 5 * 30, first, 30 * sizeof *first) != 0);
    train_model_close(&m);
}

static void steps_lower_the_loss_of_their_batch(void **state)
{
    (void)state;
    TrainModel m = opened(&tiny, NULL);
    params_init(m.w, &m.layout, &tiny, 3);
    int64_t n = m.layout.n_params;
    float *mv = mem_alloc((size_t)(2 * n) * sizeof *mv);
    memset(mv, 0, (size_t)(2 * n) * sizeof *mv);
    int32_t ids[N_TOK + 1];
    tokens(ids, N_TOK + 1, tiny.n_vocab);
    double before = loss_of(&m, ids);
    assert_true(fabs(before - log(30)) < 1);
    AdamW a = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.95f, .eps = 1e-8f, .scale = 1};
    for (int t = 1; t <= 150; t++) {
        gradient(&m, ids);
        adamw_step(NULL, a, &m.layout, m.w, m.grad, mv, mv + n, t);
    }
    assert_true(loss_of(&m, ids) < 0.1); /* learned by heart */
    mem_free(mv);
    train_model_close(&m);
}

int main(void)
{
    layer7_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_group_agrees_with_differences),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(a_batch_in_passes_is_the_sum_of_its_passes),
        cmocka_unit_test(later_tokens_change_no_earlier_logit),
        cmocka_unit_test(steps_lower_the_loss_of_their_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
