/* Low-rank changes: by hand, both twins against double precision, parts of a matrix, several at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2.h"
#include "must.h"

#include <float.h>
#include <math.h>
#include <string.h>

static Arena arena;

static float *normals(Rng *rng, int64_t n)
{
    float *x = ARENA_NEW(&arena, float, n ? n : 1);
    for (int64_t i = 0; i < n; i++) x[i] = rng_normal(rng);
    return x;
}

static void both(void (*check)(const char *variant))
{
    static const char *const variants[] = {"merged", "factored"};
    Err err;
    for (int i = 0; i < 2; i++) {
        char pick[32];
        snprintf(pick, sizeof pick, "lowrank:%s", variants[i]);
        MUST(kernels_use(pick, &err), &err);
        check(variants[i]);
        arena_close(&arena);
    }
    MUST(kernels_use(NULL, &err), &err);
}

/* W = (1 2; 3 4; 5 6), A = (1 -1), B = (2, 0, 10)', s = 1/2, x = (3, 1): A x = 2, so y = W x + (2, 0, 10). */
static void check_by_hand(const char *variant)
{
    static const float w[] = {1, 2, 3, 4, 5, 6}, a[] = {1, -1}, b[] = {2, 0, 10}, x[] = {3, 1};
    static const float bias[] = {100, 200, 300};
    Tensor m = tensor_matrix(DT_F32, w, 2, 3);
    LowRank item = {.w = w, .rank = 1, .n_in = 2, .n_out = 3, .a = a, .b = b, .b_stride = 3, .scale = 0.5f};
    float y[3], row[] = {7, 8};
    LowRankSet set = {&item, 1, ARENA_NEW(&arena, float, 2), 2};
    (void)variant;
    void *scratch = arena_alloc(&arena, linear_scratch_bytes(2, 1, 1), 1);
    lowrank_linear(&set, NULL, scratch, y, &m, bias, x, 1);
    assert_true(y[0] == 107 && y[1] == 213 && y[2] == 331);
    /* Without a set, and with one of another matrix, it is the product alone. */
    lowrank_linear(NULL, NULL, scratch, y, &m, bias, x, 1);
    assert_true(y[0] == 105 && y[1] == 213 && y[2] == 321);
    item.w = x;
    lowrank_linear(&set, NULL, scratch, y, &m, bias, x, 1);
    assert_true(y[0] == 105 && y[1] == 213 && y[2] == 321);
    lowrank_row(&item, 2, row);
    assert_true(row[0] == 12 && row[1] == 3);
}

static void by_hand_rank_one(void **state)
{
    (void)state;
    both(check_by_hand);
}

typedef struct { int64_t n_in, n_out, n_tok; int rank, n_threads; } Shape;

/* Rows [3, 3 + n_out) of a B with more columns, x and y with gaps between tokens. */
static void check_shape(const Shape *c, const char *variant)
{
    Rng rng = rng_seed(5);
    Pool *pool;
    Err err;
    MUST(pool_open(&pool, c->n_threads, false, &err), &err);
    int64_t x_stride = c->n_in + 5, y_stride = c->n_out + 3, b_stride = c->n_out + 7;
    float *x = normals(&rng, c->n_tok * x_stride), *y = normals(&rng, c->n_tok * y_stride);
    float *a = normals(&rng, c->rank * c->n_in), *b = normals(&rng, c->rank * b_stride);
    float *before = ARENA_NEW(&arena, float, c->n_tok * y_stride);
    memcpy(before, y, (size_t)(c->n_tok * y_stride) * sizeof *y);
    LowRank l = {.rank = c->rank, .n_in = c->n_in, .n_out = c->n_out, .a = a, .b = b + 3,
                 .b_stride = b_stride, .scale = 0.25f};
    LowRankCall call = {&l, y, y_stride, x, x_stride, c->n_tok,
                        ARENA_NEW(&arena, float, lowrank_scratch_floats(c->n_in, c->n_tok, c->rank)),
                        arena_alloc(&arena, linear_scratch_bytes(c->n_in, c->n_tok, c->n_threads), 1)};
    lowrank(pool, &call);
    for (int64_t t = 0; t < c->n_tok; t++)
        for (int64_t o = 0; o < y_stride; o++) {
            double want = before[t * y_stride + o], size = fabs(want);
            for (int k = 0; o < c->n_out && k < c->rank; k++) {
                double z = 0, z_size = 0, bk = (double)b[3 + k * b_stride + o] * 0.25;
                for (int64_t i = 0; i < c->n_in; i++) {
                    double term = (double)a[k * c->n_in + i] * x[t * x_stride + i];
                    z += term, z_size += fabs(term);
                }
                want += bk * z, size += fabs(bk) * z_size;
            }
            /* Each product meets at most n_in + rank + 2 roundings. */
            double tol = size * (double)(c->n_in + c->rank + 2) * FLT_EPSILON;
            if (!(fabs(y[t * y_stride + o] - want) <= tol)) {
                print_error("%s: [%lld, %lld] rank %d: y[%lld][%lld] = %g, expected %g\n", variant,
                            (long long)c->n_in, (long long)c->n_out, c->rank, (long long)t, (long long)o,
                            (double)y[t * y_stride + o], want);
                _fail(__FILE__, __LINE__);
            }
        }
    pool_close(pool);
}

static void check_shapes(const char *variant)
{
    static const Shape shapes[] = {{1, 1, 1, 1, 1}, {64, 48, 1, 4, 1}, {33, 67, 3, 5, 2}, {96, 1100, 2, 16, 3},
                                   {50, 40, 13, 7, 2}, {7, 600, 40, 3, 3}, {20, 31, 2, 37, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) check_shape(&shapes[i], variant);
}

static void both_twins_are_the_formula(void **state)
{
    (void)state;
    both(check_shapes);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    enum { N_IN = 70, N_OUT = 1500, T = 4, R = 6 };
    Rng rng = rng_seed(9);
    float *x = normals(&rng, T * N_IN), *a = normals(&rng, R * N_IN), *b = normals(&rng, R * N_OUT);
    float *y[2];
    for (int n = 0; n < 2; n++) {
        Pool *pool;
        Err err;
        MUST(pool_open(&pool, n ? 3 : 1, false, &err), &err);
        y[n] = ARENA_NEW(&arena, float, T * N_OUT);
        LowRank l = {.rank = R, .n_in = N_IN, .n_out = N_OUT, .a = a, .b = b, .b_stride = N_OUT, .scale = 1};
        LowRankCall call = {&l, y[n], N_OUT, x, N_IN, T, ARENA_NEW(&arena, float, N_IN),
                            arena_alloc(&arena, linear_scratch_bytes(N_IN, T, 3), 1)};
        lowrank(pool, &call);
        pool_close(pool);
    }
    assert_memory_equal(y[0], y[1], T * N_OUT * sizeof(float));
    arena_close(&arena);
}

/* Two changes of one matrix of three that are multiplied together: in their order, and only there. */
static void several_changes_find_their_matrices(void **state)
{
    (void)state;
    enum { N = 40, OUT = 24, T = 3 };
    Rng rng = rng_seed(2);
    float *w[3], *y[3], *alone[3], *x = normals(&rng, T * N);
    Tensor m[3];
    LinearOut outs[3], bare[3];
    for (int i = 0; i < 3; i++) {
        w[i] = normals(&rng, N * OUT);
        m[i] = tensor_matrix(DT_F32, w[i], N, OUT);
        y[i] = ARENA_NEW(&arena, float, T * OUT);
        alone[i] = ARENA_NEW(&arena, float, T * OUT);
        outs[i] = (LinearOut){&m[i], NULL, y[i], OUT, NULL};
        bare[i] = (LinearOut){&m[i], NULL, alone[i], OUT, NULL};
    }
    LowRank items[] = {
        {.w = w[2], .order = 1, .rank = 3, .n_in = N, .n_out = OUT, .a = normals(&rng, 3 * N),
         .b = normals(&rng, 3 * OUT), .b_stride = OUT, .scale = 0.5f},
        {.w = w[0], .order = 0, .rank = 2, .n_in = N, .n_out = OUT, .a = normals(&rng, 2 * N),
         .b = normals(&rng, 2 * OUT), .b_stride = OUT, .scale = -2},
        {.w = w[2], .order = 0, .rank = 4, .n_in = N, .n_out = OUT, .a = normals(&rng, 4 * N),
         .b = normals(&rng, 4 * OUT), .b_stride = OUT, .scale = 1}};
    lowrank_sort(items, 3);
    for (int i = 0; i + 1 < 3; i++)
        assert_true(items[i].w != items[i + 1].w || items[i].order < items[i + 1].order);
    LowRankSet set = {items, 3, ARENA_NEW(&arena, float, N), N};
    void *scratch = arena_alloc(&arena, linear_scratch_bytes(N, T, 1), 1);
    lowrank_linear_n(&set, NULL, scratch, outs, 3, x, N, T);
    linear_n(NULL, scratch, bare, 3, x, N, T);
    assert_memory_equal(y[1], alone[1], T * OUT * sizeof(float));
    for (int i = 0; i < 3; i++) {
        if (items[i].w == w[2]) assert_int_equal(items[i].rank, items[i].order ? 3 : 4);
        LowRankCall call = {&items[i], items[i].w == w[0] ? alone[0] : alone[2], OUT, x, N, T, set.scratch, scratch};
        lowrank(NULL, &call);
    }
    assert_memory_equal(y[0], alone[0], T * OUT * sizeof(float));
    assert_memory_equal(y[2], alone[2], T * OUT * sizeof(float));
    arena_close(&arena);
}

static void too_little_scratch(void *ctx)
{
    LowRankSet *set = ctx;
    float y[2], x[2] = {1, 1};
    Tensor m = tensor_matrix(DT_F32, set->items->w, 2, 2);
    lowrank_linear(set, NULL, arena_alloc(&arena, linear_scratch_bytes(2, 1, 1), 1), y, &m, NULL, x, 1);
}

static void a_set_that_does_not_fit_is_our_mistake(void **state)
{
    (void)state;
    static const float w[4], a[2], b[2];
    float scratch[2];
    LowRank item = {.w = w, .rank = 1, .n_in = 2, .n_out = 2, .a = a, .b = b, .b_stride = 2, .scale = 1};
    LowRankSet set = {&item, 1, scratch, 1};
    assert_true(aborts(too_little_scratch, &set));
    set.scratch_floats = 2;
    assert_false(aborts(too_little_scratch, &set));
    item.n_out = 3;
    assert_true(aborts(too_little_scratch, &set));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand_rank_one),
        cmocka_unit_test(both_twins_are_the_formula),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(several_changes_find_their_matrices),
        cmocka_unit_test(a_set_that_does_not_fit_is_our_mistake),
    };
    layer2_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
