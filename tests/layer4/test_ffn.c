/* The feed-forward half: by hand on two numbers, then against the formula in double precision. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer4.h"
#include "twins.h"

static Arena arena;

static void *scratch_for(const BlockSpec *s, int64_t n_tok, int n_threads)
{
    int64_t widest = s->d_model > s->d_ff ? s->d_model : s->d_ff;
    return arena_alloc(&arena, linear_scratch_bytes(widest, n_tok, n_threads), 1);
}

static void by_hand_a_gated_network_of_two_hidden_units(void **state)
{
    (void)state;
    /* x = (1, 2): gate (3, -5) -> ReLU (3, 0); up (-1, 4); hidden (-3, 0); down (6, -3) + (1, 2). */
    static const float gate[] = {1, 1, -1, -2}, up[] = {1, -1, 0, 2}, down[] = {-2, 7, 1, 9};
    static const float bias_down[] = {1, 2}, x[] = {1, 2}, bias_zero[] = {0, 0};
    BlockSpec s = {.d_model = 2, .d_ff = 2, .gated = true, .act = ACT_RELU};
    BlockWeights w = {.gate = {tensor_matrix(DT_F32, gate, 2, 2), NULL, NULL},
                      .up = {tensor_matrix(DT_F32, up, 2, 2), bias_zero, NULL},
                      .down = {tensor_matrix(DT_F32, down, 2, 2), bias_down, NULL}};
    float hidden[4], y[2];
    ffn_forward(&s, &w, NULL, NULL, scratch_for(&s, 1, 1), hidden, y, x, 1);
    assert_true(y[0] == 7 && y[1] == -1);

    /* Plain: up alone, bent: (-1, 4) -> (0, 4); down (28, 36) + (1, 2). */
    s.gated = false;
    ffn_forward(&s, &w, NULL, NULL, scratch_for(&s, 1, 1), hidden, y, x, 1);
    assert_true(y[0] == 29 && y[1] == 38);
    arena_close(&arena);
}

static double act(ActKind kind, double x)
{
    switch (kind) {
    case ACT_SILU: return x / (1 + exp(-x));
    case ACT_GELU_TANH: return 0.5 * x * (1 + tanh(0.7978845608 * (x + 0.044715 * x * x * x)));
    case ACT_GELU_ERF: return 0.5 * x * (1 + erf(x / sqrt(2)));
    case ACT_GELU_QUICK: return x / (1 + exp(-1.702 * x));
    case ACT_RELU: return x > 0 ? x : 0;
    default: return x > 0 ? x * x : 0;
    }
}

static double row_times(const float *w, const float *x, int64_t n, float bias)
{
    double sum = bias;
    for (int64_t i = 0; i < n; i++) sum += (double)w[i] * x[i];
    return sum;
}

static float *normals(Rng *rng, int64_t n, float scale)
{
    float *x = ARENA_NEW(&arena, float, n);
    for (int64_t i = 0; i < n; i++) x[i] = scale * rng_normal(rng);
    return x;
}

typedef struct { int64_t d_model, d_ff, n_tok; bool gated; ActKind act; int n_threads; } Case;

static void check_case(const Case *c, Rng *rng)
{
    int64_t d = c->d_model, f = c->d_ff;
    BlockSpec s = {.d_model = d, .d_ff = f, .gated = c->gated, .act = c->act};
    float *gate = normals(rng, d * f, 0.3f), *up = normals(rng, d * f, 0.3f);
    float *down = normals(rng, d * f, 0.3f), *x = normals(rng, c->n_tok * d, 1);
    float *bg = normals(rng, f, 1), *bu = normals(rng, f, 1), *bd = normals(rng, d, 1);
    BlockWeights w = {.gate = {tensor_matrix(DT_F32, gate, d, f), bg, NULL},
                      .up = {tensor_matrix(DT_F32, up, d, f), bu, NULL},
                      .down = {tensor_matrix(DT_F32, down, f, d), bd, NULL}};
    float *hidden = ARENA_NEW(&arena, float, 2 * c->n_tok * f);
    float *y = ARENA_NEW(&arena, float, c->n_tok * d);
    double *h = ARENA_NEW(&arena, double, f);
    Pool *pool;
    Err err;
    assert_int_equal(pool_open(&pool, c->n_threads, false, &err), OK);
    ffn_forward(&s, &w, NULL, pool, scratch_for(&s, c->n_tok, c->n_threads), hidden, y, x, c->n_tok);
    pool_close(pool);
    for (int64_t t = 0; t < c->n_tok; t++) {
        for (int64_t i = 0; i < f; i++) {
            double u = row_times(up + i * d, x + t * d, d, bu[i]);
            h[i] = c->gated ? act(c->act, row_times(gate + i * d, x + t * d, d, bg[i])) * u
                            : act(c->act, u);
        }
        for (int64_t o = 0; o < d; o++) {
            double want = bd[o], size = 1;
            for (int64_t i = 0; i < f; i++) {
                want += (double)down[o * f + i] * h[i];
                size += fabs(down[o * f + i] * h[i]);
            }
            /* Two dot products and an activation, each to a few roundings of what is summed. */
            assert_near(y[t * d + o], (float)want, 8 * (double)(d + f) * FLT_EPSILON * size, "ffn",
                        act_name(c->act), t * d + o);
        }
    }
    arena_close(&arena);
}

static void every_activation_plain_and_gated_is_the_formula(void **state)
{
    (void)state;
    Rng rng = rng_seed(51);
    for (int kind = ACT_SILU; kind <= ACT_RELU2; kind++)
        for (int gated = 0; gated < 2; gated++)
            check_case(&(Case){13, 29, 3, gated, (ActKind)kind, 1}, &rng);
}

static void many_tokens_over_threads_are_the_formula(void **state)
{
    (void)state;
    Rng rng = rng_seed(52);
    check_case(&(Case){48, 160, 70, true, ACT_SILU, 3}, &rng);
    check_case(&(Case){40, 200, 33, false, ACT_GELU_TANH, 2}, &rng);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand_a_gated_network_of_two_hidden_units),
        cmocka_unit_test(every_activation_plain_and_gated_is_the_formula),
        cmocka_unit_test(many_tokens_over_threads_are_the_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
