/* A head's map and its scores: by hand, against attention itself, and on the two heads whose weights are
 * formulas, which must be found. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer4.h"
#include "embedded.h"
#include "demos/head_tests.h"
#include "must.h"
#include "twins.h"

#include <float.h>

static Arena arena;

static const float square[9] = {1, 0, 0, 0.25f, 0.75f, 0, 0.5f, 0.2f, 0.3f};

static void scores_are_means_along_a_diagonal(void **state)
{
    (void)state;
    assert_float_equal(attention_lag_score(square, 3, 0, 3, 0), (1 + 0.75f + 0.3f) / 3, FLT_EPSILON);
    assert_float_equal(attention_lag_score(square, 3, 1, 3, 1), (0.25f + 0.2f) / 2, FLT_EPSILON);
    assert_float_equal(attention_lag_score(square, 3, 1, 2, 1), 0.25f, FLT_EPSILON);
    assert_float_equal(attention_lag_score(square, 3, 2, 3, 2), 0.5f, FLT_EPSILON);
}

static void chance_is_the_score_of_a_head_that_weighs_all_alike(void **state)
{
    (void)state;
    enum { N = 9 };
    float map[N * N] = {0};
    for (int t = 0; t < N; t++)
        for (int j = 0; j <= t; j++) map[t * N + j] = 1 / (float)(t + 1);
    assert_float_equal(attention_chance(1, 2), 0.5f, FLT_EPSILON);
    for (int first = 1; first < N; first++)
        for (int lag = 0; lag <= first; lag++)
            for (int end = first + 1; end <= N; end++)
                assert_float_equal(attention_lag_score(map, N, first, end, lag),
                                   attention_chance(first, end), N * FLT_EPSILON);
}

static void beyond_the_map(void *ctx)
{
    (void)ctx;
    attention_lag_score(square, 3, 1, 3, 2); /* row 1 has nothing two places back */
}

static void a_lag_that_leaves_the_map_is_refused(void **state)
{
    (void)state;
    assert_true(aborts(beyond_the_map, NULL));
}

/* Rows of the map times the values are what attention makes, for grouped heads and with a window. */
static void a_map_times_the_values_is_attention(void **state)
{
    (void)state;
    enum { T = 21, HEADS = 6, KV = 2, D_K = 10, D_V = 7 };
    Rng rng = rng_seed(3);
    for (int window = 0; window <= 5; window += 5) {
        float q[T * HEADS * D_K], out[T * HEADS * D_V], k[KV * D_K], v[KV * D_V], map[T * T];
        KvView kv = kv_flat(arena_alloc(&arena, kv_flat_bytes(DT_F16, DT_F32, T, KV, D_K, D_V), 1),
                            DT_F16, DT_F32, T, KV, D_K, D_V);
        for (int i = 0; i < T * HEADS * D_K; i++) q[i] = rng_normal(&rng);
        for (int t = 0; t < T; t++) {
            for (int i = 0; i < KV * D_K; i++) k[i] = rng_normal(&rng);
            for (int i = 0; i < KV * D_V; i++) v[i] = rng_normal(&rng);
            kv_store(&kv, t, k, v);
        }
        AttentionArgs a = {.q = q, .out = out, .q_stride = HEADS * D_K, .out_stride = HEADS * D_V,
                           .kv = &kv, .n_tok = T, .n_head = HEADS, .scale = 0.4f, .window = window};
        int64_t bytes = attention_scratch_bytes(T, T, HEADS, KV, D_K, D_V);
        attention_all(NULL, &a, arena_alloc(&arena, bytes, 1), bytes);
        for (int h = 0; h < HEADS; h++) {
            attention_map(&a, h, map);
            for (int t = 0; t < T; t++) {
                double sum[D_V] = {0}, total = 0;
                for (int j = 0; j < T; j++) {
                    kv_load_v(v, &kv, h * KV / HEADS, j);
                    total += map[t * T + j];
                    for (int i = 0; i < D_V; i++) sum[i] += (double)map[t * T + j] * v[i];
                }
                assert_float_equal(total, 1, T * FLT_EPSILON);
                /* Both sides round T products of size up to 4, and the scores D_K. */
                for (int i = 0; i < D_V; i++)
                    assert_float_equal(sum[i], out[(t * HEADS + h) * D_V + i],
                                       4 * (T + D_K) * FLT_EPSILON);
            }
        }
    }
}

/* Heads 0.0 and 1.0 have the two habits by construction; heads 0.1 and 1.1 are zero: all alike. */
static void the_hand_wired_heads_are_found(void **state)
{
    (void)state;
    static SmallModel m;
    RepeatScores s;
    small_open(&m, wired_model, wired_model_bytes);
    test_wired(&s, &m);
    assert_int_equal(scores_best(&s.back), 0);
    assert_int_equal(scores_best(&s.again), 2);
    assert_true(s.back.of[0] > 0.99f && s.again.of[2] > 0.99f);
    assert_true(s.back.of[2] < 0.01f && s.again.of[0] < 0.01f);
    for (int zero = 1; zero <= 3; zero += 2) {
        assert_float_equal(s.back.of[zero], s.back.chance, 1e-6);
        assert_float_equal(s.again.of[zero], s.again.chance, 1e-6);
    }
    small_close(&m);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_means_along_a_diagonal),
        cmocka_unit_test(chance_is_the_score_of_a_head_that_weighs_all_alike),
        cmocka_unit_test(a_lag_that_leaves_the_map_is_refused),
        cmocka_unit_test(a_map_times_the_values_is_attention),
        cmocka_unit_test(the_hand_wired_heads_are_found),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
