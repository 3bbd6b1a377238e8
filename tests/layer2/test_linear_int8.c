/* test_linear_int8.c: many tokens times quantised weights: bytes times bytes in panels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "linear_parts.h"
#include "must.h"
#include "quant_formats.h"

/* ---------------------------------------------------------------- the kernels */

/* Buffers that end where the last access may be. */
typedef struct {
    TwinBuf q, scale, sum;
    TileInt8 tile;
} TileBuf;

static TileBuf tile_new(int n_tok, int64_t n_k)
{
    TileBuf b = {twin_buf(n_k * n_tok, 1, 1), twin_buf(n_k / 32 * n_tok, 4, 1),
                 twin_buf(3 * n_k / 32 * n_tok, 4, 1), {0}};
    b.tile = (TileInt8){b.q.data, b.scale.data, b.sum.data};
    return b;
}

static void tile_free(TileBuf b)
{
    twin_free(b.q);
    twin_free(b.scale);
    twin_free(b.sum);
}

/* Token 1 of 2: 32 numbers of which the first is the largest, 127 * 0.5, the second -2.5: codes 127
 * and -5 as 255 and 123; the last, 4, is code 8. Sums 130, 122, 8, times 0.5. */
static void check_acts(const KernelRow *row, void *ctx)
{
    (void)ctx;
    panel_int8_acts_fn *fn = (panel_int8_acts_fn *)row->fn;
    float x[2 * 40] = {[40] = 63.5f, -2.5f, [71] = 4};
    TileBuf hand = tile_new(2, 32);
    fn(hand.tile, x, 40, 2, 32);
    assert_int_equal(hand.tile.q[32], 255);
    assert_int_equal(hand.tile.q[33], 123);
    assert_int_equal(hand.tile.q[63], 136);
    assert_int_equal(hand.tile.q[0], 128);
    const float sums[] = {0, 65, 0, 61, 0, 4}, scales[] = {0, 0.5f};
    assert_same_f32(hand.tile.sum, sums, 6, "sums", row->variant);
    assert_same_f32(hand.tile.scale, scales, 2, "scales", row->variant);
    tile_free(hand);

    Rng rng = rng_seed(31);
    for (int n_tok = 1; n_tok <= PANEL_TOKENS; n_tok++)
        for (int64_t n_k = 32; n_k <= 160; n_k += 32) {
            int64_t stride = n_k + 5;
            TwinBuf in = twin_buf(stride * (n_tok - 1) + n_k, 4, 1);
            TileBuf got = tile_new(n_tok, n_k), want = tile_new(n_tok, n_k);
            twin_normals(&rng, in.data, stride * (n_tok - 1) + n_k);
            if (n_tok % 2) twin_awkward(&rng, in.data, stride * (n_tok - 1) + n_k);
            fn(got.tile, in.data, stride, n_tok, n_k);
            panel_int8_acts_scalar(want.tile, in.data, stride, n_tok, n_k);
            assert_memory_equal(got.tile.q, want.tile.q, (size_t)(n_k * n_tok));
            assert_same_f32(got.tile.scale, want.tile.scale, n_k / 32 * n_tok, "scale", row->variant);
            assert_same_f32(got.tile.sum, want.tile.sum, 3 * n_k / 32 * n_tok, "sum", row->variant);
            twin_free(in);
            tile_free(got);
            tile_free(want);
        }
}

static PanelInt8 panel_new(Arena *a, int group, bool has_offset, int largest)
{
    int64_t n = PANEL_ROWS * PANEL_INT8_GROUPS;
    return (PanelInt8){ARENA_NEW(a, int8_t, PANEL_ROWS * PANEL_INT8_K), ARENA_NEW(a, int32_t, n),
                       ARENA_NEW(a, float, n), ARENA_NEW(a, float, n),
                       has_offset ? ARENA_NEW(a, float, n) : NULL, group, largest};
}

typedef enum { SMALLEST, LARGEST, ANY } Codes;

/* Rows whose codes are all -largest (-128 for 128), all largest (127), or random. Scales are halves
 * times small integers, as in all formats; offsets any floats. */
static RowsInt8 rows_new(Arena *a, Rng *rng, int largest, Codes codes)
{
    RowsInt8 r = {ARENA_NEW(a, int8_t, PANEL_ROWS * PANEL_INT8_K),
                  ARENA_NEW(a, float, PANEL_ROWS * PANEL_INT8_GROUPS),
                  ARENA_NEW(a, float, PANEL_ROWS * PANEL_INT8_GROUPS)};
    int most = largest < 128 ? largest : 127;
    for (int i = 0; i < PANEL_ROWS * PANEL_INT8_K; i++) {
        int any = (int)rng_below(rng, (uint32_t)(most + largest + 1)) - largest;
        r.q[i] = (int8_t)(codes == ANY ? any : codes == LARGEST ? most : -largest);
    }
    for (int i = 0; i < PANEL_ROWS * PANEL_INT8_GROUPS; i++)
        r.scale[i] = f16_to_f32(f32_to_f16(rng_normal(rng))) * ((float)rng_below(rng, 255) - 127);
    twin_normals(rng, r.offset, PANEL_ROWS * PANEL_INT8_GROUPS);
    return r;
}

static void check_pack(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(32);
    for (int64_t n_k = 32; n_k <= PANEL_INT8_K; n_k += n_k < 128 ? 32 : 192)
        for (int kind = 0; kind < 4; kind++) {
            Arena a = {0};
            int group = kind / 2 ? 16 : 32;
            PanelInt8 got = panel_new(&a, group, kind % 2, 128), want = panel_new(&a, group, kind % 2, 128);
            RowsInt8 rows = rows_new(&a, &rng, 128, ANY);
            ((panel_int8_pack_fn *)row->fn)(&got, &rows, n_k);
            panel_int8_pack_scalar(&want, &rows, n_k);
            int64_t n = n_k / group * PANEL_ROWS;
            assert_memory_equal(got.q, want.q, (size_t)(n_k * PANEL_ROWS));
            assert_memory_equal(got.start, want.start, (size_t)(n * 4));
            assert_same_f32(got.scale, want.scale, n, "scale", row->variant);
            assert_same_f32(got.zero, want.zero, n, "zero", row->variant);
            if (kind % 2) assert_same_f32(got.offset, want.offset, n, "offset", row->variant);
            arena_close(&a);
        }
}

/* One product; sums start at 1, 2, 3 ..., in place or all tokens alike from the first ones. */
static void check_product(const KernelRow *row, Rng *rng, int kind, int largest, Codes codes,
                          int n_tok, int64_t n_k, bool in_place)
{
    Arena a = {0};
    PanelInt8 w = panel_new(&a, kind / 2 ? 16 : 32, kind % 2, largest);
    RowsInt8 rows = rows_new(&a, rng, largest, codes);
    panel_int8_pack_scalar(&w, &rows, n_k);
    TileBuf b = tile_new(n_tok, n_k);
    float *x = ARENA_NEW(&a, float, n_k * n_tok);
    twin_normals(rng, x, n_k * n_tok);
    for (int64_t i = 0; codes != ANY && i < n_k * n_tok; i++) x[i] = i / 64 % 2 ? 1 : -1;
    panel_int8_acts_scalar(b.tile, x, n_k, n_tok, n_k);
    enum { STRIDE = PANEL_ROWS + 3 };
    TwinBuf got = twin_buf((n_tok - 1) * STRIDE + PANEL_ROWS, 4, 0);
    float want[PANEL_TOKENS * STRIDE], first[PANEL_ROWS], *y = got.data;
    for (int i = 0; i < (n_tok - 1) * STRIDE + PANEL_ROWS; i++) y[i] = want[i] = (float)(i + 1);
    memcpy(first, want, sizeof first);
    const float *from = in_place ? y : first;
    int64_t stride = in_place ? STRIDE : 0;
    panel_int8_mul_scalar(want, STRIDE, in_place ? want : first, stride, &w, b.tile, n_tok, n_k);
    ((panel_int8_mul_fn *)row->fn)(y, STRIDE, from, stride, &w, b.tile, n_tok, n_k);
    for (int t = 1; t < n_tok; t++) assert_true(y[t * STRIDE - 1] == (float)(t * STRIDE));
    /* Three roundings for each group, of sums that are at most as large as all terms together. */
    for (int t = 0; t < n_tok; t++)
        for (int r = 0; r < PANEL_ROWS; r++) {
            double terms = n_tok * STRIDE;
            for (int64_t k = 0; k < n_k; k++) {
                int64_t g = r * PANEL_INT8_GROUPS + k / w.group;
                double code = abs(b.tile.q[(k / 32 * n_tok + t) * 32 + k % 32] - 128);
                double weight = fabs((double)rows.scale[g] * rows.q[r * PANEL_INT8_K + k]);
                if (w.offset) weight += fabs((double)rows.offset[g]);
                terms += weight * code * (double)b.tile.scale[k / 32 * n_tok + t];
            }
            double tol = (double)(3 * n_k / w.group + 3) * FLT_EPSILON * terms;
            assert_near(y[t * STRIDE + r], want[t * STRIDE + r], tol, "panel_int8_mul",
                        row->variant, 1000 * kind + largest);
        }
    twin_free(got);
    tile_free(b);
    arena_close(&a);
}

static void check_mul(const KernelRow *row, void *ctx)
{
    (void)ctx;
    static const int largest[] = {3, 8, 15, 16, 31, 32, 100, 128};
    Rng rng = rng_seed(33);
    for (int kind = 0; kind < 4; kind++)
        for (int l = 0; l < 8; l++)
            for (Codes codes = SMALLEST; codes <= ANY; codes++) {
                int n_tok = 1 + (kind + l * 5 + (int)codes) % PANEL_TOKENS;
                check_product(row, &rng, kind, largest[l], codes, n_tok, 96, l % 2);
            }
    for (int n_tok = 1; n_tok <= PANEL_TOKENS; n_tok++)
        check_product(row, &rng, n_tok % 4, 128, ANY, n_tok, n_tok % 5 ? 32 : PANEL_INT8_K, n_tok % 2);
}

/* Scales of 1 and codes that are integers: exact in every variant, whatever it does with 128 and
 * with the magic number. Row 3: 2 in column 0, -128 in column 5, 7 in column 20; activations 127, 1
 * and 100 there: 3 + 254 - 128 + 700 = 829, and 8 from an offset of -2 times the sum -4. */
static void check_by_hand(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Arena a = {0};
    Rng rng = rng_seed(34);
    for (int kind = 0; kind < 4; kind++) {
        PanelInt8 w = panel_new(&a, kind / 2 ? 16 : 32, kind % 2, 128);
        RowsInt8 rows = rows_new(&a, &rng, 128, ANY);
        int8_t *q = rows.q + 3 * PANEL_INT8_K;
        memset(q, 0, 32);
        q[0] = 2, q[5] = -128, q[20] = 7;
        for (int g = 0; g < 2; g++) {
            rows.scale[3 * PANEL_INT8_GROUPS + g] = 1;
            rows.offset[3 * PANEL_INT8_GROUPS + g] = -2;
        }
        panel_int8_pack_scalar(&w, &rows, 32);
        uint8_t codes[32];
        memset(codes, 128, 32);
        codes[0] = 255, codes[5] = 129, codes[20] = 228;
        float scale = 1, sum[3] = {-4, -1, -3}, sums[PANEL_ROWS];
        for (int r = 0; r < PANEL_ROWS; r++) sums[r] = (float)r;
        ((panel_int8_mul_fn *)row->fn)(sums, 0, sums, 0, &w, (TileInt8){codes, &scale, sum}, 1, 32);
        assert_true(sums[3] == (kind % 2 ? 837.0f : 829.0f));
    }
    arena_close(&a);
}

static void kernels_match_their_scalar_twins(void **state)
{
    (void)state;
    twins_for_each("panel_int8_acts", check_acts, NULL);
    twins_for_each("panel_int8_pack", check_pack, NULL);
    twins_for_each("panel_int8_mul", check_by_hand, NULL);
    twins_for_each("panel_int8_mul", check_mul, NULL);
}

/* ---------------------------------------------------------------- whole matrices */

typedef struct {
    Arena a;
    Tensor w;
    float *decoded, *offset; /* [n_out, n_in] each: weights, and what of them is an offset */
    float *x, *bias, *y;
    double *v; /* x as quantised */
} Case;

static Case case_new(const Format *f, int64_t n_in, int64_t n_out, int64_t n_tok, uint64_t seed)
{
    Case c = {.a = {0}};
    Rng rng = rng_seed(seed);
    const QuantFormat *format = quant_format(f->type);
    int64_t bytes = dtype_row_bytes(f->type, n_in);
    char *blocks = arena_alloc(&c.a, n_out, (size_t)bytes);
    int8_t *q = ARENA_NEW(&c.a, int8_t, n_in);
    float *floats = ARENA_NEW(&c.a, float, n_in);
    c.decoded = ARENA_NEW(&c.a, float, n_in * n_out);
    c.offset = ARENA_NEW(&c.a, float, n_in * n_out);
    for (int64_t r = 0; r < n_out; r++) {
        float *offset = c.offset + r * n_in;
        fill_blocks(f, &rng, (uint8_t *)blocks + r * bytes, n_in, RANDOM);
        row_to_f32(c.decoded + r * n_in, blocks + r * bytes, f->type, n_in);
        (*format->unpack)(q, floats, floats + n_in / 16, blocks + r * bytes, n_in);
        for (int64_t k = 0; format->has_offset && k < n_in; k++)
            offset[k] = floats[n_in / 16 + k / format->group];
    }
    c.w = tensor_matrix(f->type, blocks, n_in, n_out);
    c.x = ARENA_NEW(&c.a, float, n_in * n_tok);
    c.bias = ARENA_NEW(&c.a, float, n_out);
    c.y = ARENA_NEW(&c.a, float, (n_out + 3) * n_tok);
    c.v = ARENA_NEW(&c.a, double, n_in * n_tok);
    twin_normals(&rng, c.x, n_in * n_tok);
    twin_normals(&rng, c.bias, n_out);
    ActQ8 act = {q, floats, floats + n_in / 16, floats + n_in / 16 + n_in / 32, NULL,
                 NULL, NULL};
    for (int64_t t = 0; t < n_tok; t++) {
        act_q8_scalar(act, c.x + t * n_in, n_in);
        for (int64_t k = 0; k < n_in; k++) c.v[t * n_in + k] = (double)act.scale[k / 32] * q[k];
    }
    return c;
}

/* y = W v + b up to roundings: a few for each group, of sums no larger than all terms together; a
 * product scale q is w less its offset. */
static void check_case(const Case *c, int64_t n_tok, const char *what)
{
    int64_t n_in = c->w.ne[0], n_out = c->w.ne[1];
    for (int64_t t = 0; t < n_tok; t++)
        for (int64_t r = 0; r < n_out; r++) {
            double want = (double)c->bias[r], terms = fabs(want);
            for (int64_t k = 0; k < n_in; k++) {
                double w = (double)c->decoded[r * n_in + k], v = c->v[t * n_in + k];
                want += w * v;
                terms += (fabs(w) + 2 * fabs((double)c->offset[r * n_in + k])) * fabs(v);
            }
            assert_near(c->y[t * (n_out + 3) + r], (float)want,
                        (double)(n_in / 8 + 8) * FLT_EPSILON * terms, what, dtype_name(c->w.type), r);
        }
    for (int64_t t = 0; t < n_tok; t++)
        for (int64_t r = n_out; r < n_out + 3; r++) assert_true(c->y[t * (n_out + 3) + r] == 77);
}

static void run_case(Case *c, int64_t n_tok)
{
    int64_t n_in = c->w.ne[0], n_out = c->w.ne[1];
    void *scratch = arena_alloc(&c->a, linear_scratch_bytes(n_in, n_tok, 1), 1);
    memset(scratch, 0xFF, (size_t)linear_scratch_bytes(n_in, n_tok, 1)); /* floats that are NaN */
    for (int64_t i = 0; i < (n_out + 3) * n_tok; i++) c->y[i] = 77;
    LinearOut out = {&c->w, c->bias, c->y, n_out + 3, NULL};
    linear_n(NULL, scratch, &out, 1, c->x, n_in, n_tok);
}

static void every_format_is_multiplied_as_it_decodes(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{1, 1, 5}, {2, 33, 13}, {3, 131, 31}, {5, 32, 10}};
    int n_formats = 0;
    for (int i = 0; i < N_FORMATS; i++) {
        if (!quant_format(formats[i].type)->unpack) continue;
        n_formats++;
        int64_t block = dtype_info(formats[i].type)->block;
        for (int s = 0; s < 4; s++) {
            int64_t n_in = shapes[s][0] * (block == 256 ? 256 : 7 * block);
            Case c = case_new(&formats[i], n_in, shapes[s][1], shapes[s][2], 40);
            run_case(&c, shapes[s][2]);
            check_case(&c, shapes[s][2], "linear");
            arena_close(&c.a);
        }
    }
    assert_true(n_formats >= 10);
}

static void every_kernel_selection_multiplies_every_format(void **state)
{
    (void)state;
    static const char *const selections[] = {
        "scalar", "avx2", "avxvnni", "avx512", "scalar,panel_int8_mul:avx2",
        "avx512,panel_int8_pack:scalar", "neon", "dotprod"};
    Err err;
    int n_tried = 0;
    for (int s = 0; s < 8; s++) {
        if (kernels_use(selections[s], &err) != OK) continue;
        n_tried++;
        for (int i = 0; i < N_FORMATS; i++) {
            if (!quant_format(formats[i].type)->unpack) continue;
            Case c = case_new(&formats[i], 768, 35, 19, 41);
            run_case(&c, 19);
            check_case(&c, 19, selections[s]);
            arena_close(&c.a);
        }
        MUST(kernels_use(NULL, &err), &err);
    }
    assert_true(n_tried >= 2);
}

/* What is not finite in a token's input or in a row's scale reaches this token and this row alone. */
static void what_is_not_finite_stays_in_its_row_and_token(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++) {
        const Format *f = &formats[i];
        if (!quant_format(f->type)->unpack || f->kind != HALF) continue;
        Case c = case_new(f, 256, 40, 17, 42);
        static const uint16_t infinite = 0x7C00;
        c.x[5 * 256 + 200] = NAN;
        memcpy((char *)c.w.data + 33 * c.w.nb[1] + f->at[0], &infinite, 2);
        run_case(&c, 17);
        for (int t = 0; t < 17; t++)
            for (int r = 0; r < 40; r++)
                assert_int_equal(!isfinite(c.y[t * 43 + r]), t == 5 || r == 33);
        arena_close(&c.a);
    }
}

/* ---------------------------------------------------------------- accuracy */

/* Error of W x from rounding x to 8 bits with one scale for each `block` numbers, relative to W x. */
static double rounding_error(const Case *c, int64_t n_tok, int64_t block)
{
    double errors = 0, total = 0;
    int64_t n_in = c->w.ne[0];
    for (int64_t t = 0; t < n_tok; t++)
        for (int64_t r = 0; r < c->w.ne[1]; r++) {
            double exact = 0, rounded = 0;
            for (int64_t from = 0; from < n_in; from += block) {
                double most = 0;
                for (int64_t k = from; k < from + block; k++)
                    most = fmax(most, fabs((double)c->x[t * n_in + k]));
                for (int64_t k = from; k < from + block; k++) {
                    double w = (double)c->decoded[r * n_in + k], x = (double)c->x[t * n_in + k];
                    exact += w * x;
                    rounded += w * rint(x / most * 127) * most / 127;
                }
            }
            errors += (exact - rounded) * (exact - rounded);
            total += exact * exact;
        }
    return sqrt(errors / total);
}

/* With normal activations the error is 0.6 % of the result, and less than with one scale for 256, as
 * is usual for K formats; what this path computes has that error and no other. */
static void errors_are_those_of_rounding_activations_by_32(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++) {
        if (!quant_format(formats[i].type)->unpack) continue;
        Case c = case_new(&formats[i], 1024, 24, 16, 43);
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
        double ours = sqrt(errors / total);
        double by_32 = rounding_error(&c, 16, 32), by_256 = rounding_error(&c, 16, 256);
        assert_true(ours < 0.008);
        assert_true(ours < 1.02 * by_32);
        assert_true(by_32 < by_256);
        arena_close(&c.a);
    }
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_match_their_scalar_twins),
        cmocka_unit_test(every_format_is_multiplied_as_it_decodes),
        cmocka_unit_test(every_kernel_selection_multiplies_every_format),
        cmocka_unit_test(what_is_not_finite_stays_in_its_row_and_token),
        cmocka_unit_test(errors_are_those_of_rounding_activations_by_32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
