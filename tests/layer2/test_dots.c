/* test_dots.c: rows times tokens at once: near the exact sums, whatever stands beside a row or a token. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

static const struct { const char *op; DType type; } ops[] = {
    {"dots_f32", DT_F32}, {"dots_f16", DT_F16}, {"dots_bf16", DT_BF16}};

typedef struct {
    TwinBuf w, x, sums, values;
    float *decoded; /* [n_rows, n] */
    Dots d;
} Case;

/* Random rows and tokens in buffers that end where they end; rows and tokens lie 3 and 5 numbers apart. */
static Case case_open(DType type, int n_rows, int n_tok, int64_t n, Rng *rng)
{
    Case c = {.values = twin_buf(n_rows * n, 4, 0)};
    int64_t size = dtype_row_bytes(type, 1), stride = n + 3;
    c.decoded = c.values.data;
    c.w = twin_buf((n_rows - 1) * stride + n, (size_t)size, 1);
    c.x = twin_buf((n_tok - 1) * (n + 5) + n, 4, 2);
    c.sums = twin_buf((int64_t)n_rows * n_tok, 4, 1);
    twin_normals(rng, c.decoded, n_rows * n);
    twin_normals(rng, c.x.data, (n_tok - 1) * (n + 5) + n);
    for (int r = 0; r < n_rows; r++) {
        char *row = (char *)c.w.data + r * stride * size;
        row_from_f32(row, type, c.decoded + r * n, NULL, n);
        row_to_f32(c.decoded + r * n, row, type, n);
    }
    c.d = (Dots){c.w.data, stride * size, c.x.data, n + 5, n_rows, n_tok, n};
    return c;
}

static void case_close(Case *c)
{
    twin_free(c->w);
    twin_free(c->x);
    twin_free(c->sums);
    twin_free(c->values);
}

/* Rows {1 2 3}, {4 5 6}, {7 8 9}, {10 11 12}, {13 14 15}; tokens {1 10 100}, {2 10 100}. */
static void check_by_hand(const KernelRow *row, void *type)
{
    DType t = *(const DType *)type;
    char w[5 * 3 * 4];
    float x[6] = {1, 10, 100, 2, 10, 100}, sums[10];
    for (int r = 0; r < 5; r++) {
        float numbers[3] = {(float)(3 * r + 1), (float)(3 * r + 2), (float)(3 * r + 3)};
        row_from_f32(w + r * dtype_row_bytes(t, 3), t, numbers, NULL, 3);
    }
    Dots d = {w, dtype_row_bytes(t, 3), x, 3, 5, 2, 3};
    static const float want[10] = {321, 322, 654, 658, 987, 994, 1320, 1330, 1653, 1666};
    dots_fn *fn = (dots_fn *)row->fn;
    fn(sums, &d, false);
    assert_same_f32(sums, want, 10, row->op, row->variant);
    fn(sums, &d, true);
    for (int i = 0; i < 10; i++) assert_true(sums[i] == 2 * want[i]);
    d.n = 0;
    fn(sums, &d, false);
    for (int i = 0; i < 10; i++) assert_true(sums[i] == 0);
}

static void small_products_are_exact(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        DType type = ops[i].type;
        twins_for_each(ops[i].op, check_by_hand, &type);
    }
}

/* A product and an addition for each column, each off by half an ulp of a sum <= sum |w x|, and one more to add. */
static void check_sums(const Case *c, const KernelRow *row, bool add)
{
    for (int r = 0; r < c->d.n_rows; r++)
        for (int t = 0; t < c->d.n_tok; t++) {
            double want = add ? 3 : 0, size = want;
            for (int64_t k = 0; k < c->d.n; k++) {
                double product = (double)c->decoded[r * c->d.n + k] * (double)c->d.x[t * c->d.x_stride + k];
                want += product;
                size += fabs(product);
            }
            double tol = ((double)c->d.n + 2) * FLT_EPSILON / 2 * size;
            assert_near(((float *)c->sums.data)[r * c->d.n_tok + t], (float)want, tol, row->op, row->variant, c->d.n);
        }
}

static void check_random(const KernelRow *row, void *type)
{
    Rng rng = rng_seed(6);
    for (int n_tok = 1; n_tok <= DOTS_TOKENS; n_tok++)
        for (int n_rows = 1; n_rows <= 9; n_rows++)
            for (int64_t n = 1; n < 200; n = n * 2 + n_rows % 3) {
                Case c = case_open(*(const DType *)type, n_rows, n_tok, n, &rng);
                for (int add = 0; add < 2; add++) {
                    for (int i = 0; i < n_rows * n_tok; i++) ((float *)c.sums.data)[i] = 3;
                    ((dots_fn *)row->fn)(c.sums.data, &c.d, add);
                    check_sums(&c, row, add);
                }
                case_close(&c);
            }
}

static void sums_are_near_the_exact_ones(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        DType type = ops[i].type;
        twins_for_each(ops[i].op, check_random, &type);
    }
}

/* Every row and token alone has the bits it has among 9 rows and 8 tokens. */
static void check_alone(const KernelRow *row, void *type)
{
    enum { ROWS = 9, TOKENS = DOTS_TOKENS };
    Rng rng = rng_seed(7);
    dots_fn *fn = (dots_fn *)row->fn;
    for (int64_t n = 31; n < 400; n += 73) {
        Case c = case_open(*(const DType *)type, ROWS, TOKENS, n, &rng);
        fn(c.sums.data, &c.d, false);
        for (int r = 0; r < ROWS; r++)
            for (int t = 0; t < TOKENS; t++)
                for (int n_tok = 1; t + n_tok <= TOKENS; n_tok++) {
                    float some[ROWS * TOKENS];
                    Dots d = c.d;
                    d.w += r * d.row_bytes, d.x += t * d.x_stride;
                    d.n_rows = (r + t) % 2 ? 1 : ROWS - r, d.n_tok = n_tok;
                    fn(some, &d, false);
                    assert_same_f32(some, (float *)c.sums.data + r * TOKENS + t, n_tok, row->op, row->variant);
                }
        case_close(&c);
    }
}

static void neighbours_do_not_change_a_bit(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        DType type = ops[i].type;
        twins_for_each(ops[i].op, check_alone, &type);
    }
}

/* One special weight in each place: it reaches the sums of its row and no other. */
static void check_special(const KernelRow *row, void *type)
{
    enum { ROWS = 5, TOKENS = 8, N = 67 };
    DType t = *(const DType *)type;
    int64_t bytes = dtype_row_bytes(t, N);
    char w[ROWS * N * 4] = {0};
    float x[TOKENS * N], sums[ROWS * TOKENS];
    for (int i = 0; i < TOKENS * N; i++) x[i] = 2;
    Dots d = {w, bytes, x, N, ROWS, TOKENS, N};
    /* The smallest numbers: 2^-24 is a denormal f16, 2^-133 a denormal bf16 and f32. */
    const float special[3] = {ldexpf(1, t == DT_F16 ? -24 : -133), -INFINITY, NAN};
    for (int i = 0; i < ROWS * N; i++)
        for (int s = 0; s < 3; s++) {
            char *at = w + i / N * bytes + dtype_row_bytes(t, i % N);
            row_from_f32(at, t, &special[s], NULL, 1);
            ((dots_fn *)row->fn)(sums, &d, false);
            for (int k = 0; k < ROWS * TOKENS; k++) {
                float want = k / TOKENS == i / N ? 2 * special[s] : 0;
                assert_true(sums[k] == want || (isnan(sums[k]) && isnan(want)));
            }
            memset(at, 0, (size_t)dtype_row_bytes(t, 1));
        }
}

static void nan_infinity_and_denormals_reach_their_row(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        DType type = ops[i].type;
        twins_for_each(ops[i].op, check_special, &type);
    }
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_products_are_exact),
        cmocka_unit_test(sums_are_near_the_exact_ones),
        cmocka_unit_test(neighbours_do_not_change_a_bit),
        cmocka_unit_test(nan_infinity_and_denormals_reach_their_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
