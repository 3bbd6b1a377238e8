/* test_linear_int16.c: many tokens times weights of 16 bits: integers times integers in panels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "must.h"
#include "twins.h"

enum { K = PANEL_INT16_K, GROUP = PANEL_INT16_GROUP, GROUPS = PANEL_INT16_GROUPS };
enum { MOST = PANEL_INT16_MOST };

static int64_t n_groups_of(int64_t n_k) { return (n_k + GROUP - 1) / GROUP; }

/* ---------------------------------------------------------------- the kernels */

/* Buffers that end where the last access may be. */
typedef struct {
    TwinBuf q, scale;
    TileInt16 tile;
} TileBuf;

static TileBuf tile_new(int n_tok, int64_t n_k)
{
    TileBuf b = {twin_buf(n_groups_of(n_k) * GROUP * n_tok, 2, 1), twin_buf(n_groups_of(n_k) * n_tok, 4, 1),
                 {0}};
    b.tile = (TileInt16){b.q.data, b.scale.data};
    return b;
}

static void tile_free(TileBuf b)
{
    twin_free(b.q);
    twin_free(b.scale);
}

/* Token 1 of 2, 66 columns: the largest of the first 64 is 5792 * 0.5, so -2.5 becomes -5, 0.75 (1.5)
 * and 1.25 (2.5) become 2; the two of the second group are codes of their own scale, and then zeros. */
static void round_by_hand(panel_int16_round_fn *fn)
{
    float x[2 * 70] = {[70] = 2896, -2.5f, 0.75f, 1.25f, [70 + 64] = -3, 1.5f};
    TileBuf b = tile_new(2, 66);
    fn(b.tile, x, 70, 2, 66);
    const int16_t *q = b.tile.q + GROUP, *rest = b.tile.q + 3 * GROUP;
    assert_int_equal(q[0], 5792);
    assert_int_equal(q[1], -5);
    assert_int_equal(q[2], 2);
    assert_int_equal(q[3], 2);
    assert_int_equal(rest[0], -5792);
    assert_int_equal(rest[1], 2896);
    for (int i = 2; i < GROUP; i++) assert_int_equal(rest[i], 0);
    assert_true(b.tile.scale[0] == 0 && b.tile.scale[1] == 0.5f && b.tile.scale[3] == 3.0f / 5792);
    tile_free(b);
}

static void check_round(const KernelRow *row, void *ctx)
{
    (void)ctx;
    panel_int16_round_fn *fn = (panel_int16_round_fn *)row->fn;
    round_by_hand(fn);
    Rng rng = rng_seed(50);
    for (int n_tok = 1; n_tok <= PANEL_TOKENS; n_tok++)
        for (int64_t n_k = 1; n_k < 200; n_k += n_k < 70 ? 1 : 29) {
            TwinBuf x = twin_buf((n_tok - 1) * 210 + n_k, 4, n_tok % 4);
            twin_normals(&rng, x.data, (n_tok - 1) * 210 + n_k);
            if (n_k % 3 == 0) twin_awkward(&rng, x.data, (n_tok - 1) * 210 + n_k);
            TileBuf got = tile_new(n_tok, n_k), want = tile_new(n_tok, n_k);
            fn(got.tile, x.data, 210, n_tok, n_k);
            panel_int16_round_scalar(want.tile, x.data, 210, n_tok, n_k);
            assert_memory_equal(got.tile.q, want.tile.q, (size_t)(n_groups_of(n_k) * GROUP * n_tok * 2));
            assert_same_f32(got.tile.scale, want.tile.scale, n_groups_of(n_k) * n_tok, "panel_int16_round",
                            row->variant);
            tile_free(got);
            tile_free(want);
            twin_free(x);
        }
}

/* Codes up to `most` with random signs, their scales between 1 and 2. */
static void fill(Rng *rng, int16_t *q, int64_t n, float *scale, int64_t n_scales, int most)
{
    for (int64_t i = 0; i < n; i++) {
        int code = rng_below(rng, 4) ? (int)rng_below(rng, (uint64_t)most + 1) : most;
        q[i] = (int16_t)(rng_below(rng, 2) ? code : -code);
    }
    for (int64_t i = 0; i < n_scales; i++) scale[i] = 1 + rng_f32(rng);
}

typedef struct {
    TwinBuf q, scale;
    PanelInt16 panel;
} PanelBuf;

static PanelBuf panel_buf(int64_t n_k)
{
    PanelBuf b = {twin_buf((n_k + 7) / 8 * 8 * PANEL_ROWS, 2, 1),
                  twin_buf(n_groups_of(n_k) * PANEL_ROWS, 4, 1), {0}};
    b.panel = (PanelInt16){b.q.data, b.scale.data};
    return b;
}

static void panel_free(PanelBuf b)
{
    twin_free(b.q);
    twin_free(b.scale);
}

static void check_pack(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(51);
    TwinBuf q = twin_buf(PANEL_ROWS * K, 2, 1), scale = twin_buf(PANEL_ROWS * GROUPS, 4, 1);
    RowsInt16 rows = {q.data, scale.data};
    for (int64_t n_k = 1; n_k <= K; n_k += n_k < 70 ? 1 : 31) {
        fill(&rng, rows.q, PANEL_ROWS * K, rows.scale, PANEL_ROWS * GROUPS, MOST);
        PanelBuf got = panel_buf(n_k), want = panel_buf(n_k);
        ((panel_int16_pack_fn *)row->fn)(got.panel, rows, n_k);
        panel_int16_pack_scalar(want.panel, rows, n_k);
        assert_memory_equal(got.panel.q, want.panel.q, (size_t)((n_k + 7) / 8 * 8 * PANEL_ROWS * 2));
        assert_same_f32(got.panel.scale, want.panel.scale, n_groups_of(n_k) * PANEL_ROWS,
                        "panel_int16_pack", row->variant);
        panel_free(got);
        panel_free(want);
    }
    twin_free(q);
    twin_free(scale);
}

/* Row 3, column 65 times token 1: 5792 * -5792 in 64 columns, the largest sum there can be, and 7 * 3 in
 * the 65th with scales 0.5 and 0.25; token 0 and the other rows are zero and keep their sums. */
static void mul_by_hand(panel_int16_mul_fn *fn)
{
    PanelBuf w = panel_buf(65);
    TileBuf a = tile_new(2, 65);
    memset(w.panel.q, 0, 72 * PANEL_ROWS * 2);
    memset(a.tile.q, 0, 2 * 2 * GROUP * 2);
    for (int i = 0; i < 2 * PANEL_ROWS; i++) w.panel.scale[i] = i < PANEL_ROWS ? 1 : 0.5f;
    for (int i = 0; i < 4; i++) a.tile.scale[i] = i < 2 ? 1 : 0.25f;
    for (int k = 0; k < 64; k++) {
        w.panel.q[(k / 2 * PANEL_ROWS + 3) * 2 + k % 2] = MOST;
        a.tile.q[GROUP + k] = -MOST;
    }
    w.panel.q[(32 * PANEL_ROWS + 3) * 2] = 7;
    a.tile.q[3 * GROUP] = 3;
    float y[2 * PANEL_ROWS];
    for (int i = 0; i < 2 * PANEL_ROWS; i++) y[i] = (float)i;
    fn(y, PANEL_ROWS, y, PANEL_ROWS, w.panel, a.tile, 2, 65);
    /* -2147024896 is a multiple of 2^16 and so a float; 35 and 2.625 are lost beside it. */
    for (int i = 0; i < 2 * PANEL_ROWS; i++)
        assert_true(y[i] == (i == PANEL_ROWS + 3 ? -2147024896.0f : (float)i));
    for (int k = 0; k < 64; k++) a.tile.q[GROUP + k] = (int16_t)(k == 63 ? 2 : 0);
    fn(y, PANEL_ROWS, y, 0, w.panel, a.tile, 2, 65);
    assert_true(y[3] == 3);
    assert_true(y[PANEL_ROWS + 3] == 3 + 2 * 5792 + 2.625f);
    tile_free(a);
    panel_free(w);
}

/* Rounding: a product of scales and sum rounds twice or not at all, its addition once, of sums
 * no larger than all terms together, in both twins: 6 for each group. */
static void check_mul(const KernelRow *row, void *ctx)
{
    (void)ctx;
    panel_int16_mul_fn *fn = (panel_int16_mul_fn *)row->fn;
    mul_by_hand(fn);
    Rng rng = rng_seed(52);
    for (int n_tok = 1; n_tok <= PANEL_TOKENS; n_tok++)
        for (int64_t n_k = 1; n_k <= K; n_k += n_k < 9 ? 1 : 53) {
            PanelBuf w = panel_buf(n_k);
            TileBuf a = tile_new(n_tok, n_k);
            int64_t n_g = n_groups_of(n_k);
            fill(&rng, w.panel.q, (n_k + 7) / 8 * 8 * PANEL_ROWS, w.panel.scale, n_g * PANEL_ROWS, MOST);
            fill(&rng, a.tile.q, n_g * n_tok * GROUP, a.tile.scale, n_g * n_tok, n_k % 2 ? MOST : 9);
            /* Zeros from n_k to the end of its group, as panel_int16_round leaves them. */
            for (int t = 0; t < n_tok; t++)
                for (int64_t k = n_k; k < n_g * GROUP; k++)
                    a.tile.q[((n_g - 1) * n_tok + t) * GROUP + k % GROUP] = 0;
            float from[PANEL_ROWS], got[PANEL_TOKENS * 40], want[PANEL_TOKENS * 40];
            twin_normals(&rng, from, PANEL_ROWS);
            for (int i = 0; i < PANEL_TOKENS * 40; i++) got[i] = 77;
            fn(got, 40, from, 0, w.panel, a.tile, n_tok, n_k);
            panel_int16_mul_scalar(want, 40, from, 0, w.panel, a.tile, n_tok, n_k);
            double terms = 6 + 4.0 * MOST * (n_k % 2 ? MOST : 9) * (double)n_k; /* 6: of from */
            for (int t = 0; t < n_tok; t++) {
                for (int r = 0; r < PANEL_ROWS; r++)
                    assert_near(got[t * 40 + r], want[t * 40 + r],
                                6.0 * (double)n_g * FLT_EPSILON / 2 * terms, "panel_int16_mul",
                                row->variant, r);
                for (int r = PANEL_ROWS; r < 40; r++) assert_true(got[t * 40 + r] == 77);
            }
            tile_free(a);
            panel_free(w);
        }
}

static void kernels_match_their_scalar_twins(void **state)
{
    (void)state;
    twins_for_each("panel_int16_round", check_round, NULL);
    twins_for_each("panel_int16_pack", check_pack, NULL);
    twins_for_each("panel_int16_mul", check_mul, NULL);
}

/* ---------------------------------------------------------------- whole matrices */

typedef struct {
    Arena a;
    Tensor w;
    float *decoded; /* [n_out, n_in] */
    float *x, *bias, *y;
} Case;

static Case case_new(DType type, int64_t n_in, int64_t n_out, int64_t n_tok, uint64_t seed)
{
    Case c = {.a = {0}};
    Rng rng = rng_seed(seed);
    int64_t bytes = dtype_row_bytes(type, n_in);
    char *w = arena_alloc(&c.a, n_out, (size_t)bytes);
    c.decoded = ARENA_NEW(&c.a, float, n_in * n_out);
    c.x = ARENA_NEW(&c.a, float, n_in * n_tok);
    c.bias = ARENA_NEW(&c.a, float, n_out);
    c.y = ARENA_NEW(&c.a, float, (n_out + 3) * n_tok);
    twin_normals(&rng, c.decoded, n_in * n_out);
    twin_normals(&rng, c.x, n_in * n_tok);
    twin_normals(&rng, c.bias, n_out);
    for (int64_t r = 0; r < n_out; r++) {
        row_from_f32(w + r * bytes, type, c.decoded + r * n_in, NULL, n_in);
        row_to_f32(c.decoded + r * n_in, w + r * bytes, type, n_in);
    }
    c.w = tensor_matrix(type, w, n_in, n_out);
    return c;
}

static void run_case(Case *c, int64_t n_tok)
{
    int64_t n_in = c->w.ne[0], n_out = c->w.ne[1];
    void *scratch = arena_alloc(&c->a, linear_int16_scratch(n_in, n_tok, 1), 1);
    memset(scratch, 0xFF, (size_t)linear_int16_scratch(n_in, n_tok, 1)); /* floats that are NaN */
    for (int64_t i = 0; i < (n_out + 3) * n_tok; i++) c->y[i] = 77;
    LinearOut out = {&c->w, c->bias, c->y, n_out + 3, NULL};
    linear_int16(NULL, &(LinearJob){&out, 1, c->x, n_in, n_tok, n_in, scratch});
}

/* Largest |x| of each group, at one of its columns. */
static double most_at(const float *x, int64_t k, int64_t n)
{
    double most = 0;
    for (int64_t i = k / GROUP * GROUP; i < n && i < k / GROUP * GROUP + GROUP; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

/* y = W x + b up to half a step of w, of x and of both, and the roundings of one sum for each group. */
static void check_case(const Case *c, int64_t n_tok, const char *what)
{
    int64_t n_in = c->w.ne[0], n_out = c->w.ne[1];
    for (int64_t t = 0; t < n_tok; t++)
        for (int64_t r = 0; r < n_out; r++) {
            const float *w = c->decoded + r * n_in, *x = c->x + t * n_in;
            double want = (double)c->bias[r], terms = fabs(want), steps = 0;
            for (int64_t k = 0; k < n_in; k++) {
                double step_w = most_at(w, k, n_in) / (2 * MOST), step_x = most_at(x, k, n_in) / (2 * MOST);
                want += (double)w[k] * (double)x[k];
                terms += fabs((double)w[k] * (double)x[k]);
                steps += fabs((double)w[k]) * step_x + fabs((double)x[k]) * step_w + step_w * step_x;
            }
            assert_near(c->y[t * (n_out + 3) + r], (float)want,
                        1.001 * steps + (double)(n_groups_of(n_in) + 8) * FLT_EPSILON * terms, what,
                        dtype_name(c->w.type), r);
        }
    for (int64_t t = 0; t < n_tok; t++)
        for (int64_t r = n_out; r < n_out + 3; r++) assert_true(c->y[t * (n_out + 3) + r] == 77);
}

static const DType types[] = {DT_F16, DT_BF16};

static void matrices_of_any_size_are_multiplied(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{1, 1, 1}, {3, 5, 12}, {64, 33, 13}, {257, 131, 31}, {1055, 32, 10}};
    for (int i = 0; i < 2; i++)
        for (int s = 0; s < 5; s++) {
            Case c = case_new(types[i], shapes[s][0], shapes[s][1], shapes[s][2], 60);
            run_case(&c, shapes[s][2]);
            check_case(&c, shapes[s][2], "linear_int16");
            arena_close(&c.a);
        }
}

static void every_kernel_selection_multiplies(void **state)
{
    (void)state;
    static const char *const selections[] = {"scalar", "avx2", "avxvnni", "avx512",
                                             "scalar,panel_int16_mul:avx2", "neon", "dotprod"};
    Err err;
    int n_tried = 0;
    for (int s = 0; s < 7; s++) {
        if (kernels_use(selections[s], &err) != OK) continue;
        n_tried++;
        for (int i = 0; i < 2; i++) {
            Case c = case_new(types[i], 545, 67, 29, 61);
            run_case(&c, 29);
            check_case(&c, 29, selections[s]);
            arena_close(&c.a);
        }
        MUST(kernels_use(NULL, &err), &err);
    }
    assert_true(n_tried >= 2);
}

/* What is not finite in a token's input or in a row of weights reaches this token and this row alone. */
static void what_is_not_finite_stays_in_its_row_and_token(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        Case c = case_new(types[i], 300, 40, 17, 62);
        uint16_t infinite = types[i] == DT_F16 ? 0x7C00 : 0x7F80;
        c.x[5 * 300 + 290] = NAN;
        c.x[6 * 300 + 10] = INFINITY;
        memcpy((char *)c.w.data + 33 * c.w.nb[1] + 2 * 270, &infinite, 2);
        run_case(&c, 17);
        for (int t = 0; t < 17; t++)
            for (int r = 0; r < 40; r++)
                assert_int_equal(!isfinite(c.y[t * 43 + r]), t == 5 || t == 6 || r == 33);
        arena_close(&c.a);
    }
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    Case c = case_new(DT_BF16, 520, 300, 40, 63);
    float *want = ARENA_NEW(&c.a, float, 303 * 40);
    run_case(&c, 40);
    memcpy(want, c.y, 303 * 40 * sizeof *want);
    void *scratch = arena_alloc(&c.a, linear_int16_scratch(520, 40, 3), 1);
    LinearOut out = {&c.w, c.bias, c.y, 303, NULL};
    for (int n = 2; n <= 3; n++) {
        Pool *pool;
        Err err;
        MUST(pool_open(&pool, n, false, &err), &err);
        linear_int16(pool, &(LinearJob){&out, 1, c.x, 520, 40, 520, scratch});
        assert_same_f32(c.y, want, 303 * 40, "linear_int16", "threads");
        pool_close(pool);
    }
    arena_close(&c.a);
}

/* With normal numbers the error is below 0.03 % of the result: both roundings are 0.018 %. */
static void errors_are_small(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        Case c = case_new(types[i], 1024, 24, 16, 64);
        run_case(&c, 16);
        double errors = 0, total = 0;
        for (int t = 0; t < 16; t++)
            for (int r = 0; r < 24; r++) {
                double exact = (double)c.bias[r];
                for (int k = 0; k < 1024; k++)
                    exact += (double)c.decoded[r * 1024 + k] * (double)c.x[t * 1024 + k];
                double e = (double)c.y[t * 27 + r] - exact;
                errors += e * e;
                total += exact * exact;
            }
        assert_true(sqrt(errors / total) < 3e-4);
        arena_close(&c.a);
    }
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_match_their_scalar_twins),
        cmocka_unit_test(matrices_of_any_size_are_multiplied),
        cmocka_unit_test(every_kernel_selection_multiplies),
        cmocka_unit_test(what_is_not_finite_stays_in_its_row_and_token),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(errors_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
