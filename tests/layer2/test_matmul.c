/* test_matmul.c: every rung of the ladder gives the product. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "must.h"
#include "twins.h"

static Pool *pool;
static void *scratch;

enum { POOL_THREADS = 3 };

/* [1 2 3; 4 5 6] [1 0 2 -1; 0 3 1 2; -2 1 1 4] worked out on paper. */
static void check_by_hand(const KernelRow *row, void *ctx)
{
    (void)ctx;
    static const float a[] = {1, 2, 3, 4, 5, 6};
    static const float b[] = {1, 0, 2, -1, 0, 3, 1, 2, -2, 1, 1, 4};
    static const float want[] = {-5, 9, 7, 15, -8, 21, 19, 30};
    float c[8];
    for (int i = 0; i < 8; i++) c[i] = NAN; /* must be overwritten, not added to */
    ((matmul_fn *)row->fn)(pool, scratch, c, a, b, 2, 4, 3);
    assert_same_f32(c, want, 8, "matmul by hand", row->variant);
}

static void a_two_by_four_product_is_right(void **state)
{
    (void)state;
    twins_for_each("matmul", check_by_hand, NULL);
}

/* The product in double, and the sum of the products' sizes for the tolerance. */
static void check_shape(const KernelRow *row, int64_t m, int64_t n, int64_t k, int offset)
{
    Rng rng = rng_seed((uint64_t)(m * 10007 + n * 101 + k));
    TwinBuf ba = twin_buf(m * k, 4, offset), bb = twin_buf(k * n, 4, (offset + 1) % 4);
    TwinBuf bc = twin_buf(m * n, 4, (offset + 2) % 4);
    float *a = ba.data, *b = bb.data, *c = bc.data;
    twin_normals(&rng, a, m * k);
    twin_normals(&rng, b, k * n);
    for (int64_t i = 0; i < m * n; i++) c[i] = NAN;
    ((matmul_fn *)row->fn)(pool, scratch, c, a, b, m, n, k);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double want = 0, size = 0;
            for (int64_t p = 0; p < k; p++) {
                double product = (double)a[i * k + p] * b[p * n + j];
                want += product;
                size += fabs(product);
            }
            /* k products and k additions, each off by half an ulp of a sum <= size. */
            double tol = (double)(k + 1) * FLT_EPSILON / 2 * size;
            assert_near(c[i * n + j], (float)want, tol, "matmul", row->variant, i * n + j);
        }
    twin_free(ba);
    twin_free(bb);
    twin_free(bc);
}

/* Around the tile sizes of all variants, around the blocks of m (84), n (2048), k (512), and empty. */
static void check_shapes(const KernelRow *row, void *ctx)
{
    (void)ctx;
    static const int64_t shapes[][3] = {{1, 1, 1},    {1, 67, 5},   {67, 1, 5},   {5, 3, 67},
                                        {13, 31, 9},  {14, 32, 8},  {15, 33, 7},  {6, 16, 4},
                                        {7, 17, 511}, {28, 64, 512}, {29, 65, 513}, {169, 40, 20},
                                        {84, 50, 3},  {85, 33, 1025}, {20, 300, 513}, {3, 2049, 2},
                                        {0, 5, 5},    {5, 0, 5},    {4, 6, 0}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        check_shape(row, shapes[s][0], shapes[s][1], shapes[s][2], (int)(s % 4));
    for (int64_t m = 1; m <= 67; m += 6)
        for (int64_t n = 1; n <= 67; n += 5) check_shape(row, m, n, 1 + (m * n) % 37, 1);
}

static void every_rung_agrees_with_the_definition(void **state)
{
    (void)state;
    int n = twins_for_each("matmul", check_shapes, NULL);
    assert_true(n >= 5); /* ijk, ikj, tiled, packed, threaded exist everywhere */
}

static void check_no_nan_from_padding(const KernelRow *row, void *ctx)
{
    (void)ctx;
    /* An infinity times the zeros that fill a panel would be NaN: it must stay in its own row. */
    float a[3 * 2] = {1, 2, INFINITY, 1, 3, -1}, b[2 * 5] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, c[15];
    ((matmul_fn *)row->fn)(pool, scratch, c, a, b, 3, 5, 2);
    for (int j = 0; j < 5; j++) {
        assert_true(c[j] == b[j] + 2 * b[5 + j]);
        assert_true(c[5 + j] == INFINITY);
        assert_true(c[10 + j] == 3 * b[j] - b[5 + j]);
    }
}

static void infinities_stay_in_their_row(void **state)
{
    (void)state;
    twins_for_each("matmul", check_no_nan_from_padding, NULL);
}

/* One thread or three, cut by rows or by columns: the same bits. */
static void threads_do_not_change_the_bits(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{190, 70, 300}, {40, 333, 300}, {1, 500, 64}, {500, 1, 64}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
        Rng rng = rng_seed(77);
        TwinBuf a = twin_buf(m * k, 4, 0), b = twin_buf(k * n, 4, 0);
        TwinBuf c1 = twin_buf(m * n, 4, 0), c3 = twin_buf(m * n, 4, 0);
        twin_normals(&rng, a.data, m * k);
        twin_normals(&rng, b.data, k * n);
        matmul_threaded(NULL, scratch, c1.data, a.data, b.data, m, n, k);
        matmul_threaded(pool, scratch, c3.data, a.data, b.data, m, n, k);
        assert_memory_equal(c1.data, c3.data, (size_t)(m * n) * 4);
        twin_free(a), twin_free(b), twin_free(c1), twin_free(c3);
    }
}

static void blas_is_usable_only_once_opened(void **state)
{
    (void)state;
    const KernelRow *row = kernels_find("matmul", "blas");
    assert_non_null(row);
    bool open = matmul_blas_open();
    assert_int_equal(kernels_usable(row), open);
    assert_ptr_not_equal(kernels_selected("matmul"), row);
    if (open) check_shapes(row, NULL);
    else print_message("OpenBLAS is not installed: its row stays unusable\n");
}

static int set_up(void **state)
{
    (void)state;
    Err err;
    MUST(pool_open(&pool, POOL_THREADS, false, &err), &err);
    scratch = mem_alloc((size_t)matmul_scratch_bytes(500, 2049, 600, POOL_THREADS));
    return scratch ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(scratch);
    pool_close(pool);
    return 0;
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_two_by_four_product_is_right),
        cmocka_unit_test(every_rung_agrees_with_the_definition),
        cmocka_unit_test(infinities_stay_in_their_row),
        cmocka_unit_test(threads_do_not_change_the_bits),
        cmocka_unit_test(blas_is_usable_only_once_opened),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
