/* Experts: the router by hand, and both twins of the layer against the formula. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer4.h"
#include "twins.h"

#include <math.h>
#include <string.h>

static Arena arena;

static const float scores[4] = {1, 3, 2, 0};

/* e = 2.718: softmax of 1 3 2 0 is 0.0871 0.6439 0.2369 0.0321. */
static void the_best_experts_are_chosen_and_weighed(void **state)
{
    (void)state;
    int ids[2];
    float w[2];
    MoeSpec s = {.n_expert = 4, .n_used = 2};
    moe_route(&s, scores, NULL, ids, w);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 2);
    assert_near(w[0], 0.6439142599, 1e-6, "softmax", "w", 0);
    assert_near(w[1], 0.2368828181, 1e-6, "softmax", "w", 1);
    s.normalise = true;
    moe_route(&s, scores, NULL, ids, w);
    assert_near(w[0], 0.7310585786, 1e-6, "normalised", "w", 0);
    /* The same two numbers by another way: softmax of 3 and 2 alone. */
    s = (MoeSpec){.n_expert = 4, .n_used = 2, .gating = MOE_SOFTMAX_CHOSEN, .scale = 2};
    moe_route(&s, scores, NULL, ids, w);
    assert_near(w[0], 2 * 0.7310585786, 1e-6, "chosen", "w", 0);
    s.gating = MOE_SIGMOID;
    s.scale = 0;
    moe_route(&s, scores, NULL, ids, w);
    assert_near(w[0], 1 / (1 + exp(-3)), 1e-6, "sigmoid", "w", 0);
    assert_near(w[1], 1 / (1 + exp(-2)), 1e-6, "sigmoid", "w", 1);
}

static void a_bias_moves_the_choice_but_not_the_weight(void **state)
{
    (void)state;
    int ids[2];
    float w[2], bias[4] = {0, 0, 0, 1};
    MoeSpec s = {.n_expert = 4, .n_used = 2, .gating = MOE_SIGMOID};
    moe_route(&s, scores, bias, ids, w);
    assert_int_equal(ids[0], 3); /* 0.5 + 1 */
    assert_int_equal(ids[1], 1);
    assert_true(w[0] == 0.5f);
}

/* Groups {1, 3} and {2, 0} of sums 4 and 2: the second is out, whatever its 2 is. */
static void only_experts_of_the_best_groups_can_be_chosen(void **state)
{
    (void)state;
    int ids[2];
    float w[2];
    MoeSpec s = {.n_expert = 4, .n_used = 2, .gating = MOE_SIGMOID, .n_group = 2, .n_group_used = 1};
    moe_route(&s, scores, NULL, ids, w);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 0);
}

/* Groups {3, 1} and {2.5, 2}: by their best the first stays, by their sums the second. */
static void a_group_may_count_by_its_best(void **state)
{
    (void)state;
    static const float z[4] = {3, 1, 2.5f, 2};
    int ids[2];
    float w[2];
    MoeSpec s = {.n_expert = 4, .n_used = 2, .n_group = 2, .n_group_used = 1, .group_by_best = true,
                 .gating = MOE_SOFTMAX_CHOSEN};
    moe_route(&s, z, NULL, ids, w);
    assert_int_equal(ids[0], 0);
    assert_int_equal(ids[1], 1);
    s.group_by_best = false;
    moe_route(&s, z, NULL, ids, w);
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[1], 3);
}

static void equal_scores_choose_the_lower_number(void **state)
{
    (void)state;
    int ids[3];
    float w[3], same[5] = {1, 1, 1, 1, 1};
    MoeSpec s = {.n_expert = 5, .n_used = 3, .normalise = true};
    moe_route(&s, same, NULL, ids, w);
    for (int k = 0; k < 3; k++) assert_int_equal(ids[k], k);
    assert_near(w[2], 1.0 / 3, 1e-6, "equal", "w", 2);
}

/* ---------------------------------------------------------------- the layer */

enum { D = 24, F = 40, SHARED = 16, X = 5, USED = 2, MAX_TOK = 13 };

static float *normals(Rng *rng, int64_t n, float scale)
{
    float *x = ARENA_NEW(&arena, float, n);
    for (int64_t i = 0; i < n; i++) x[i] = scale * rng_normal(rng);
    return x;
}

static Experts experts(Rng *rng, int64_t n_in, int64_t n_out, bool bias, bool scales)
{
    Tensor t = tensor_matrix(DT_F32, normals(rng, n_in * n_out * X, 0.2f), n_in, n_out);
    t.ne[2] = X;
    t.nb[3] = t.nb[2] * X;
    return (Experts){t, bias ? normals(rng, n_out * X, 0.3f) : NULL, scales ? normals(rng, X, 1) : NULL};
}

static Affine affine(Rng *rng, int64_t n_in, int64_t n_out, bool scale)
{
    return (Affine){tensor_matrix(DT_F32, normals(rng, n_in * n_out, 0.2f), n_in, n_out), NULL,
                    scale ? normals(rng, 1, 1) : NULL};
}

/* y = s_e W_e x + b_e in double. */
static void ref_expert(const Experts *w, int e, double *y, const double *x)
{
    int64_t n_in = w->w.ne[0], n_out = w->w.ne[1];
    const float *at = (const float *)w->w.data + e * n_in * n_out;
    for (int64_t o = 0; o < n_out; o++) {
        y[o] = 0;
        for (int64_t i = 0; i < n_in; i++) y[o] += (double)at[o * n_in + i] * x[i];
        if (w->scale) y[o] *= w->scale[e];
        if (w->bias) y[o] += w->bias[e * n_out + o];
    }
}

static void ref_ffn(const BlockSpec *s, const Experts *gate, const Experts *up, const Experts *down, int e,
                    double *y, const double *x)
{
    double g[F], u[F];
    int64_t f = up->w.ne[1];
    ref_expert(up, e, u, x);
    if (s->gated) ref_expert(gate, e, g, x);
    for (int64_t i = 0; i < f; i++)
        u[i] = s->gated ? g[i] / (1 + exp(-g[i])) * u[i] : u[i] / (1 + exp(-u[i]));
    ref_expert(down, e, y, u);
}

static void ref_moe(const BlockSpec *s, const MoeWeights *w, double *y, const float *x)
{
    double xd[D], part[D], logits[X], wide = 0;
    float z[X], weights[USED];
    int ids[USED];
    Experts router = {w->router.w, w->router.bias, w->router.scale};
    for (int i = 0; i < D; i++) xd[i] = x[i], y[i] = 0;
    ref_expert(&router, 0, logits, xd);
    for (int e = 0; e < X; e++) z[e] = (float)logits[e];
    moe_route(&s->moe, z, NULL, ids, weights);
    for (int k = 0; k < USED; k++) {
        ref_ffn(s, &w->gate, &w->up, &w->down, ids[k], part, xd);
        for (int i = 0; i < D; i++) y[i] += weights[k] * part[i];
    }
    if (!w->shared_up.w.data) return;
    Experts gate = {w->shared_gate.w, NULL, w->shared_gate.scale};
    Experts up = {w->shared_up.w, NULL, w->shared_up.scale};
    Experts down = {w->shared_down.w, NULL, w->shared_down.scale};
    ref_ffn(s, &gate, &up, &down, 0, part, xd);
    for (int i = 0; i < D && w->shared_router.data; i++)
        wide += ((const float *)w->shared_router.data)[i] * xd[i];
    double g = w->shared_router.data ? 1 / (1 + exp(-wide)) : 1;
    for (int i = 0; i < D; i++) y[i] += g * part[i];
}

static void check_layer(const BlockSpec *s, const BlockWeights *w, Rng *rng, int64_t n_tok, int threads)
{
    Pool *pool = NULL;
    Err err;
    assert_int_equal(pool_open(&pool, threads, false, &err), OK);
    float *x = normals(rng, n_tok * D, 1), *y = ARENA_NEW(&arena, float, n_tok * D);
    double want[D];
    static const char *const twins[] = {"moe:by_token", "moe:grouped"};
    MoeCall c = {.s = s, .w = w, .pool = pool, .y = y, .x = x, .n_tok = n_tok};
    c.scratch = arena_alloc(&arena, moe_scratch_bytes(s, n_tok, threads), 1);
    memset(c.scratch, 0xFF, (size_t)moe_scratch_bytes(s, n_tok, threads));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kernels_use(twins[i], &err), OK);
        moe(&c);
        for (int64_t t = 0; t < n_tok; t++) {
            ref_moe(s, &w->moe, want, x + t * D);
            for (int k = 0; k < D; k++) assert_near(y[t * D + k], want[k], 2e-5, "moe", twins[i], t * D + k);
        }
    }
    assert_int_equal(kernels_use(NULL, &err), OK);
    pool_close(pool);
}

static void both_twins_compute_the_formula(void **state)
{
    (void)state;
    Rng rng = rng_seed(3);
    for (int how = 0; how < 16; how++) {
        BlockSpec s = {.d_model = D, .d_ff = F, .gated = how & 1, .act = ACT_SILU,
                       .moe = {.n_expert = X, .n_used = USED, .normalise = how & 2, .d_ff = F}};
        BlockWeights w = {0};
        bool scaled = how & 8;
        w.moe.router = affine(&rng, D, X, scaled);
        if (s.gated) w.moe.gate = experts(&rng, D, F, how & 2, scaled);
        w.moe.up = experts(&rng, D, F, how & 2, scaled);
        w.moe.down = experts(&rng, F, D, how & 2, scaled);
        if (how & 4) {
            s.moe.d_shared = SHARED;
            w.moe.shared_gate = affine(&rng, D, SHARED, scaled);
            w.moe.shared_up = affine(&rng, D, SHARED, scaled);
            w.moe.shared_down = affine(&rng, SHARED, D, scaled);
            if (how & 2) w.moe.shared_router = affine(&rng, D, 1, false).w;
        }
        check_layer(&s, &w, &rng, 1, 1);
        check_layer(&s, &w, &rng, MAX_TOK, 2);
        arena_close(&arena);
    }
}

/* 200 tokens of 160 hidden numbers: even the activation of one expert is cut up. */
static void bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    enum { N = 200 };
    Rng rng = rng_seed(4);
    BlockSpec s = {.d_model = D, .d_ff = 4 * F, .gated = true, .act = ACT_SILU,
                   .moe = {.n_expert = X, .n_used = USED, .d_ff = 4 * F}};
    BlockWeights w = {.moe = {.router = affine(&rng, D, X, false), .gate = experts(&rng, D, 4 * F, true, false),
                              .up = experts(&rng, D, 4 * F, true, false), .down = experts(&rng, 4 * F, D, true, true)}};
    float *x = normals(&rng, N * D, 1), *y = ARENA_NEW(&arena, float, 4 * N * D);
    for (int threads = 1; threads <= 4; threads++) {
        Pool *pool = NULL;
        Err err;
        assert_int_equal(pool_open(&pool, threads, false, &err), OK);
        MoeCall c = {.s = &s, .w = &w, .pool = pool, .y = y + (threads - 1) * N * D, .x = x, .n_tok = N};
        c.scratch = arena_alloc(&arena, moe_scratch_bytes(&s, N, threads), 1);
        moe(&c);
        assert_same_f32(c.y, y, N * D, "moe", "threads");
        pool_close(pool);
    }
    arena_close(&arena);
}

/* ---------------------------------------------------------------- the observer */

/* What was seen of one matrix: squares of its inputs, added up, and how many there were. */
typedef struct { const void *w; float sum2[2]; int64_t n_tok; } Seen;
typedef struct { Seen seen[32]; int n; } Eyes;

static void look(void *ctx, const Tensor *w, const float *x, int64_t n_tok)
{
    Eyes *eyes = ctx;
    int i = 0;
    while (i < eyes->n && eyes->seen[i].w != w->data) i++;
    if (i == eyes->n) eyes->seen[eyes->n++] = (Seen){.w = w->data};
    for (int64_t t = 0; t < n_tok; t++)
        for (int k = 0; k < 2; k++) eyes->seen[i].sum2[k] += x[2 * t + k] * x[2 * t + k];
    eyes->seen[i].n_tok += n_tok;
}

static void was_seen(const Eyes *eyes, const void *w, float sum0, float sum1, int64_t n_tok)
{
    Seen s = {0};
    for (int i = 0; i < eyes->n; i++)
        if (eyes->seen[i].w == w) s = eyes->seen[i];
    assert_int_equal(s.n_tok, n_tok);
    assert_true(s.sum2[0] == sum0 && s.sum2[1] == sum1);
}

/* Tokens (1 2) (3 0) (0 4) (0 -1); expert 0 is chosen by the first number, 1 by the second, 2 by minus
 * both; nobody chooses 3. Expert e multiplies by e + 1 and cuts off what is below zero, so that the four
 * tokens, of which the second is the only one of expert 0, become (2 4) (3 0) (0 8) (0 0). With a gate that
 * has the same numbers each is multiplied by itself. */
static void an_observer_sees_what_each_expert_is_given(void **state)
{
    (void)state;
    static const float router[8] = {1, 0, 0, 1, -1, -1, 0, 0};
    static const float up[16] = {1, 0, 0, 1, 2, 0, 0, 2, 3, 0, 0, 3, 4, 0, 0, 4};
    static const float x[8] = {1, 2, 3, 0, 0, 4, 0, -1};
    static const char *const twins[] = {"moe:by_token", "moe:grouped"};
    for (int how = 0; how < 8; how++) {
        bool shared = how & 1, gated = how & 4;
        BlockSpec s = {.d_model = 2, .d_ff = 2, .act = ACT_RELU, .gated = gated,
                       .moe = {.n_expert = 4, .n_used = 1, .d_ff = 2, .d_shared = shared ? 2 : 0}};
        Tensor cube = tensor_matrix(DT_F32, up, 2, 2);
        cube.ne[2] = 4;
        BlockWeights w = {.moe = {.router = {.w = tensor_matrix(DT_F32, router, 2, 4)}, .up = {.w = cube}, .down = {.w = cube}}};
        static float down[16], gate[16], shared_up[4] = {1, 1, 1, -1}, shared_gate[4], shared_down[4], shared_router[2];
        w.moe.down.w.data = down;
        if (gated) w.moe.gate.w = cube, w.moe.gate.w.data = memcpy(gate, up, sizeof gate);
        if (shared) {
            w.moe.shared_up.w = tensor_matrix(DT_F32, shared_up, 2, 2);
            if (gated) w.moe.shared_gate.w = tensor_matrix(DT_F32, memcpy(shared_gate, shared_up, sizeof shared_up), 2, 2);
            w.moe.shared_down.w = tensor_matrix(DT_F32, shared_down, 2, 2);
            w.moe.shared_router = tensor_matrix(DT_F32, shared_router, 2, 1);
        }
        Err err;
        Eyes eyes = {0};
        float y[8];
        MoeCall c = {.s = &s, .w = &w, .y = y, .x = x, .n_tok = 4, .watcher = {look, &eyes}};
        c.scratch = arena_alloc(&arena, moe_scratch_bytes(&s, 4, 1), 1);
        assert_int_equal(kernels_use(twins[how / 2 % 2], &err), OK);
        moe(&c);
        assert_int_equal(eyes.n, 1 + 3 * (gated ? 3 : 2) + (shared ? gated ? 4 : 3 : 0));
        was_seen(&eyes, router, 10, 21, 4);
        for (int i = 0; i < (gated ? 2 : 1); i++) {
            const float *wide = i ? gate : up;
            was_seen(&eyes, wide, 9, 0, 1), was_seen(&eyes, wide + 4, 1, 20, 2), was_seen(&eyes, wide + 8, 0, 1, 1);
            was_seen(&eyes, wide + 12, 0, 0, 0);
            if (shared) was_seen(&eyes, i ? shared_gate : shared_up, 10, 21, 4);
        }
        was_seen(&eyes, down, gated ? 81 : 9, 0, 1);
        was_seen(&eyes, down + 4, gated ? 16 : 4, gated ? 4352 : 80, 2);
        was_seen(&eyes, down + 8, 0, 0, 1);
        /* (3 -1) (3 3) (4 -4) (-1 1), cut off. */
        if (shared) was_seen(&eyes, shared_down, gated ? 418 : 34, gated ? 82 : 10, 4);
        if (shared) was_seen(&eyes, shared_router, 10, 21, 4);
        arena_close(&arena);
    }
    Err err;
    assert_int_equal(kernels_use(NULL, &err), OK);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_experts_are_chosen_and_weighed),
        cmocka_unit_test(a_bias_moves_the_choice_but_not_the_weight),
        cmocka_unit_test(only_experts_of_the_best_groups_can_be_chosen),
        cmocka_unit_test(a_group_may_count_by_its_best),
        cmocka_unit_test(equal_scores_choose_the_lower_number),
        cmocka_unit_test(both_twins_compute_the_formula),
        cmocka_unit_test(bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(an_observer_sees_what_each_expert_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
