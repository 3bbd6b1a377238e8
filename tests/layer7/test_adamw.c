/* The optimiser by hand, its twins, and the learning rate's way up and down. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer7.h"
#include "layer7_kernels.h"
#include "must.h"
#include "twins.h"

static void two_steps_by_hand(void **state)
{
    (void)state;
    /* b1 = 0.5, b2 = 0.75, lr = 0.1, decay = 0.5, no eps.
     * t = 1: g = 2: m = 1, v = 1; m / 0.5 = 2, v / 0.25 = 4: step 2 / 2 = 1.
     *        w = 4 - 0.1 (1 + 0.5 * 4) = 3.7
     * t = 2: g = -1: m = 0.5 - 0.5 = 0, v = 0.75 + 0.25 = 1: step 0; w = 3.7 - 0.1 * 1.85 = 3.515 */
    TrainShape shape = {.d_model = 2, .d_ff = 1, .n_layer = 1, .n_head = 1, .n_kv_head = 1, .n_ctx = 1,
                        .n_vocab = 1};
    ParamLayout l;
    params_layout(&l, &shape);
    float w[64] = {0}, g[64] = {0}, m[64] = {0}, v[64] = {0};
    assert_in_range(l.n_params, 1, 64);
    AdamW a = {.lr = 0.1f, .beta1 = 0.5f, .beta2 = 0.75f, .eps = 0, .decay = 0.5f, .scale = 1};
    w[0] = 4;
    for (int i = 0; i < 64; i++) g[i] = 2;
    adamw_step(NULL, a, &l, w, g, m, v, 1);
    assert_near(w[0], 3.7f, 1e-6, "w", "step 1", 0);
    assert_near(m[0], 1, 1e-6, "m", "step 1", 0);
    assert_near(v[0], 1, 1e-6, "v", "step 1", 0);
    for (int i = 0; i < 64; i++) g[i] = -1;
    adamw_step(NULL, a, &l, w, g, m, v, 2);
    assert_near(w[0], 3.515f, 1e-6, "w", "step 2", 0);
    /* A norm's weights do not decay: 1 step of size 1 from 5 is 4.9. */
    float w2[64] = {0}, m2[64] = {0}, v2[64] = {0};
    w2[l.output_norm] = 5;
    for (int i = 0; i < 64; i++) g[i] = 2;
    adamw_step(NULL, a, &l, w2, g, m2, v2, 1);
    assert_near(w2[l.output_norm], 4.9f, 1e-6, "gain", "no decay", 0);
}

static void check_adamw(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(4);
    AdamW a = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.95f, .eps = 1e-8f, .decay = 0.1f, .scale = 0.7f,
               .unbias1 = 1.9f, .unbias2 = 3.1f};
    for (int k = 0; k < TWIN_SIZES; k++) {
        int64_t n = twin_size(k);
        TwinBuf b[4], want[4];
        for (int i = 0; i < 4; i++) {
            b[i] = twin_buf(n, 4, (k + i) % 3);
            want[i] = twin_buf(n, 4, 0);
            twin_normals(&rng, b[i].data, n);
            for (int64_t j = 0; i == 3 && j < n; j++)
                ((float *)b[i].data)[j] = fabsf(((float *)b[i].data)[j]);
            memcpy(want[i].data, b[i].data, (size_t)n * 4);
        }
        adamw_scalar(&a, want[0].data, want[1].data, want[2].data, want[3].data, n);
        ((adamw_fn *)row->fn)(&a, b[0].data, b[1].data, b[2].data, b[3].data, n);
        for (int i = 0; i < 4; i++) {
            assert_same_f32(b[i].data, want[i].data, n, "adamw", row->variant);
            twin_free(b[i]);
            twin_free(want[i]);
        }
    }
}
static void twins_give_the_same_bits(void **state)
{
    (void)state;
    twins_for_each("adamw", check_adamw, NULL);
}

static void rate_rises_and_falls(void **state)
{
    (void)state;
    assert_near(schedule_rate(1, 0, 4, 104), 0.25f, 1e-7, "rate", "first", 0);
    assert_near(schedule_rate(1, 3, 4, 104), 1, 1e-7, "rate", "top", 3);
    assert_near(schedule_rate(1, 4, 4, 104), 1, 1e-7, "rate", "top", 4);
    assert_near(schedule_rate(1, 104, 4, 104), 0, 1e-7, "rate", "after the last", 104);
    assert_near(schedule_rate(1, 500, 4, 104), 0, 1e-7, "rate", "after", 500);
    for (int i = 4; i < 104; i++)
        assert_true(schedule_rate(1, i + 1, 4, 104) < schedule_rate(1, i, 4, 104));
    /* Half way down the cosine. */
    assert_near(schedule_rate(2, 50, 0, 100), 1, 1e-6, "rate", "middle", 50);
    assert_near(schedule_rate(1, 0, 0, 1), 1, 1e-7, "rate", "one step", 0);
}

static void norm_by_hand(void **state)
{
    (void)state;
    float g[9000] = {0};
    g[0] = 3;
    g[8999] = 4;
    assert_true(fabs(gradient_norm(g, 9000) - 5) < 1e-12);
}

static void parameters_of_the_default_model(void **state)
{
    (void)state;
    TrainPlan p = train_plan_default();
    ParamLayout l;
    params_layout(&l, &p.shape);
    /* 2048*256 + 4 (2*256*256 + 2*256*128 + 3*256*768 + 2*256) + 256 */
    assert_int_equal(l.n_params, 3672320);
    assert_true(l.n_params <= 3700000);
    int64_t end = 0;
    for (int i = 0; i < l.n_infos; i++) {
        assert_int_equal(l.infos[i].offset, end);
        end += l.infos[i].ne[0] * l.infos[i].ne[1];
        if (l.infos[i].n_dims == 2) assert_int_equal(l.infos[i].ne[0] % 256, 0);
    }
    assert_int_equal(end, l.n_params);
}

static void impossible_shapes_are_refused(void **state)
{
    (void)state;
    Err err = {0};
    TrainShape ok = train_plan_default().shape, s;
    MUST(params_check(&ok, &err), &err);
    s = ok, s.n_layer = 0;
    assert_int_equal(params_check(&s, &err), E_ARG);
    s = ok, s.n_head = 7;
    assert_int_equal(params_check(&s, &err), E_ARG);
    s = ok, s.n_kv_head = 3;
    assert_int_equal(params_check(&s, &err), E_ARG);
    s = ok, s.d_model = 8; /* heads of one element cannot turn */
    assert_int_equal(params_check(&s, &err), E_ARG);
    s = ok, s.n_vocab = 1 << 20;
    assert_int_equal(params_check(&s, &err), E_ARG);
    assert_non_null(strstr(err.text, "1048576"));
    TrainPlan p = train_plan_default();
    p.lr = NAN;
    assert_int_equal(train_plan_check(&p, &err), E_ARG);
    p = train_plan_smoke();
    MUST(train_plan_check(&p, &err), &err);
}

int main(void)
{
    layer7_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_steps_by_hand),
        cmocka_unit_test(twins_give_the_same_bits),
        cmocka_unit_test(rate_rises_and_falls),
        cmocka_unit_test(norm_by_hand),
        cmocka_unit_test(parameters_of_the_default_model),
        cmocka_unit_test(impossible_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
