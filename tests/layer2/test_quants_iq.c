/* test_quants_iq.c: the IQ formats by hand: a few weights of a block, worked out from the bit pictures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "iq_grids.h"
#include "quant_formats.h"

/* ---------------------------------------------------------------- by hand */

static const Format *format_of(DType t)
{
    const Format *f = formats;
    while (f->type != t) f++;
    return f;
}

/* What the listed weights of a block must be, whatever decodes it. */
typedef struct { int i; float w; } Weight;
typedef struct { DType type; const void *block; const Weight *want; int n; } Weights;

static void check_decoder(const KernelRow *row, void *ctx)
{
    const Weights *w = ctx;
    float y[256];
    ((dequant_fn *)row->fn)(y, w->block, dtype_info(w->type)->block);
    for (int k = 0; k < w->n; k++)
        assert_near(y[w->want[k].i], w->want[k].w, 0, row->op, row->variant, w->want[k].i);
}

static void check_weights(DType type, const void *block, const Weight *want, int n)
{
    format_for_each(format_of(type), "dequant", check_decoder, &(Weights){type, block, want, n});
}

/* Levels 0 and 1 of the two-bit codes: 0x0002 is 2 0 0 0 0 0 0 0, 0x0011 is 1 0 1 0 0 0 0 0, 0xaaaa has 2
 * everywhere; of the three-bit codes: 0x002 is 2 0 0 0, 0xfc0 is 0 0 7 7. */
static void grids_are_what_their_codes_say(void **state)
{
    (void)state;
    assert_true(iq_rows2_xxs[1] == 0x080808080808082B);
    assert_true(iq_rows2_xxs[5] == 0x0808080808190819);
    assert_true(iq_rows2_xs[511] == 0x2B2B2B2B2B2B2B2B);
    assert_true(iq_rows2_s[1023] == 0x2B2B2B2B2B2B2B2B);
    assert_true(iq_rows1[0] == 0 && iq_rows1[1] == 16 && iq_rows1[2047] == 0x1010101010101010);
    assert_true(iq_rows3_xxs[1] == 0x04040414);
    assert_true(iq_rows3_s[511] == 0x0F0F0101);
}

/* d = 2. IQ4_NL: byte 3 = 0x5C: codes 12 and 5, values 53 and -35. IQ4_XS: scale 5 = 2 + 16 * 1 - 32. */
static void iq4_blocks_by_hand(void **state)
{
    (void)state;
    const BlockIQ4_NL nl = {.d = 0x4000, .q = {[3] = 0x5C}};
    check_weights(DT_IQ4_NL, &nl, (Weight[]){{3, 2 * 53}, {19, 2 * -35}, {4, 2 * -127}}, 3);
    const BlockIQ4_XS xs = {.d = 0x4000, .scales_h = 1 << 10 | 3 << 12, .scales_l = {[2] = 0x2F},
                            .q = {[80] = 0x1E, [96] = 0xF0}};
    check_weights(DT_IQ4_XS, &xs,
                  (Weight[]){{160, 2 * -14 * 89}, {176, 2 * -14 * -104}, {128, 2 * -17 * -127},
                             {192, 2 * 16 * -127}, {208, 2 * 16 * 113}}, 5);
}

/* IQ3_XXS, d = 4: group 2 has s = 3, so step 7; its row 1 is 20 4 4 4; signs of weights 72.. are 0x05 of
 * odd count 0: weights 72 and 74 negative. Signs 0x07 are three, so weight 71 is the fourth.
 * IQ3_S, d = 1: row 1 + 256 of the second quad of group 1. */
static void iq3_blocks_by_hand(void **state)
{
    (void)state;
    BlockIQ3_XXS xxs = {.d = 0x4400};
    xxs.q[16] = 1;
    xxs.q[18] = 1;
    const uint32_t word = 3u << 28 | 0x05 << 7 | 0x07;
    memcpy(xxs.q + 64 + 8, &word, 4);
    check_weights(DT_IQ3_XXS, &xxs,
                  (Weight[]){{64, -7 * 20}, {65, -7 * 4}, {67, 7 * 4}, {71, -7 * 4}, {72, -7 * 20},
                             {73, 7 * 4}, {74, -7 * 4}, {79, 7 * 4}, {96, 4}}, 9);
    BlockIQ3_S s = {.d = 0x3C00, .q = {[9] = 1}, .qh = {[1] = 2}, .signs = {[4] = 0x90},
                    .scales = {0x70}};
    const uint32_t row = iq_rows3_s[257];
    check_weights(DT_IQ3_S, &s,
                  (Weight[]){{0, 1}, {32, 15}, {36, -15 * (float)(row & 255)},
                             {37, 15 * (float)(row >> 8 & 255)}, {39, -15 * (float)(row >> 24)}}, 5);
}

static void iq2_blocks_by_hand(void **state)
{
    (void)state;
    /* Group 1: s = 2, so d / 8 * 5 = 5; its second row is number 1: 43, then 8. Signs 0x40: one, so
     * also weight 47. */
    BlockIQ2_XXS xxs = {.d = 0x4800, .q = {[4] = 1 << 8, [6] = 0x40 << 7, [7] = 2 << 12}};
    check_weights(DT_IQ2_XXS, &xxs,
                  (Weight[]){{0, 8}, {40, 5 * 43}, {41, 5 * 8}, {46, -5 * 8}, {47, -5 * 8}}, 5);
    /* Row 511 = 43 everywhere with sign 1 (and 7), in group 3 of the second 32: s = 15, 31 / 8 d. */
    BlockIQ2_XS xs = {.d = 0x4800, .q = {[7] = 511 | 1 << 9}, .scales = {[1] = 0xF0}};
    check_weights(DT_IQ2_XS, &xs,
                  (Weight[]){{56, -31 * 43}, {57, 31 * 43}, {63, -31 * 43}, {48, 31 * 8}, {32, 8}}, 5);
    /* Row 1023 = 255 | 3 << 8 in row 6; its signs are bytes of their own. */
    BlockIQ2_S s = {.d = 0x4800, .q = {[6] = 255, [38] = 0x81}, .qh = {[1] = 3 << 4},
                    .scales = {[1] = 0x10}};
    check_weights(DT_IQ2_S, &s,
                  (Weight[]){{48, -3 * 43}, {49, 3 * 43}, {55, -3 * 43}, {47, 8}, {56, 3 * 8}}, 5);
}

static void iq1_blocks_by_hand(void **state)
{
    (void)state;
    /* Group 1: s = 2, delta negative; row 2047 (all 1) is its fourth, row 1 (1, then -1) its first. */
    BlockIQ1_S s = {.d = 0x4800, .q = {[4] = 1, [7] = 255},
                    .qh = {[1] = 1 << 15 | 2 << 12 | 7 << 9}};
    check_weights(DT_IQ1_S, &s,
                  (Weight[]){{0, -7}, {32, 5 * 7}, {33, -5 * 9}, {56, 5 * 7}, {63, 5 * 7}}, 5);
    /* d = 8 = 0x4800, nibble 3 = 4, nibble 2 = 8. Sixteen 5: s = 3; its second row has delta negative. */
    BlockIQ1_M m = {.q = {[11] = 255, [10] = 1}, .qh = {[5] = 0xF0},
                    .scales = {[3] = 0, [2] = 3 << 3, [5] = 0x80, [7] = 0x40}};
    check_weights(DT_IQ1_M, &m,
                  (Weight[]){{0, -7}, {80, 7 * 9}, {81, 7 * -7}, {88, 7 * 7}, {95, 7 * 7}}, 5);
}

/* ---------------------------------------------------------------- dot products */

/* Activations that are 0 but for one 10 with scale 1/2 pick out one weight, exactly. */
typedef struct { const Format *f; uint8_t block[136]; float w[256]; } Picked;

static void check_picking(const KernelRow *row, void *ctx)
{
    const Picked *p = ctx;
    for (int j = 0; j < dtype_info(p->f->type)->block; j++) {
        int8_t q[256] = {0}, split[256];
        float scale[8] = {1, 1, 1, 1, 1, 1, 1, 1}, sum[8] = {0}, half[16] = {0};
        q[j] = 10;
        scale[j / 32] = 0.5f;
        sum[j / 32] = half[j / 16] = 5;
        ActQ8 a = {q, scale, sum, half, split, NULL, NULL};
        act_q8_arrange(a, dtype_info(p->f->type)->block);
        float got = ((dot_quant_fn *)row->fn)(p->block, a, dtype_info(p->f->type)->block);
        assert_near(got, p->w[j] * 5, 0, row->op, row->variant, j);
    }
}

static void a_dot_with_one_activation_is_one_weight(void **state)
{
    (void)state;
    Rng rng = rng_seed(32);
    for (const Format *f = format_of(DT_IQ4_NL); f < formats + N_FORMATS; f++) {
        Picked p = {.f = f};
        if (strncmp(f->stem, "iq", 2) != 0) continue;
        fill_blocks(f, &rng, p.block, dtype_info(f->type)->block, RANDOM);
        put_half(f, p.block + f->at[0], 0x3400); /* 1/4: all products are short numbers */
        row_to_f32(p.w, p.block, f->type, dtype_info(f->type)->block);
        format_for_each(f, "dot", check_picking, &p);
    }
}

/* ---------------------------------------------------------------- quantisers */

/* Root of the sum of w (y - x)^2 over rows 0 to 7 of 512; row 8 is of edge cases. */
static double error_of(const float *y, const float *x, const float *importance)
{
    double sum = 0;
    for (int i = 0; i < 8 * 512; i++) {
        double e = (double)y[i] - (double)x[i];
        sum += (importance ? (double)importance[i % 512] : 1) * e * e;
    }
    return sqrt(sum);
}

static bool check_error(const Format *f, const char *values, const float *importance)
{
    int64_t n_bytes, n_values;
    float *x = golden_file(f->stem, ".f32", &n_bytes), *want = golden_file(f->stem, values, &n_values);
    bool found = x && want;
    if (found) {
        static uint8_t blocks[9 * 512];
        static float y[9 * 512];
        for (int r = 0; r < 9; r++) {
            uint8_t *row = blocks + r * dtype_row_bytes(f->type, 512);
            row_from_f32(row, f->type, x + 512 * r, importance, 512);
        }
        row_to_f32(y, blocks, f->type, 9 * 512);
        double ours = error_of(y, x, importance), theirs = error_of(want, x, importance);
        if (!(ours <= 1.01 * theirs))
            twin_fail("%s%s: error %g, the reference has %g", f->stem, values, ours, theirs);
    }
    mem_free(x);
    mem_free(want);
    return found;
}

static void quantisers_err_no_more_than_the_reference(void **state)
{
    (void)state;
    int64_t n_bytes;
    int n_found = 0;
    float *importance = golden_file("imatrix", ".f32", &n_bytes);
    if (!importance) skip();
    for (const Format *f = formats; f < formats + N_FORMATS; f++)
        if (strncmp(f->stem, "iq", 2) == 0)
            n_found += check_error(f, ".deq.f32", NULL) + check_error(f, ".im.deq.f32", importance);
    mem_free(importance);
    assert_int_equal(n_found, 18);
}

/* Weights that are a grid point times a scale, with an even number of signs, come back as they were. */
static void weights_of_the_codebook_come_back(void **state)
{
    (void)state;
    float x[256], y[256];
    BlockIQ2_XS b;
    for (int i = 0; i < 256; i++) {
        int g = i / 8, row = 16 * g + 5;
        float v = (float)(2 * ((iq_rows2_xs[row] >> 8 * (i % 8) & 255) / 17) + 1);
        x[i] = i % 8 == g % 8 || i % 8 == (g + 3) % 8 ? -v : v;
    }
    row_from_f32(&b, DT_IQ2_XS, x, NULL, 256);
    row_to_f32(y, &b, DT_IQ2_XS, 256);
    for (int i = 0; i < 256; i++) {
        assert_int_equal(b.q[i / 8] & 511, 16 * (i / 8) + 5);
        assert_near(y[i], x[i], 0.45, "IQ2_XS", "", i); /* 8 25 43 are 1 3 5 times 8.4, about */
    }
}

/* The same for three levels: the rows, and which way delta points in each 32. */
static void rows_and_deltas_of_iq1_come_back(void **state)
{
    (void)state;
    float x[256];
    BlockIQ1_S b = {.d = 0x3C00}, again;
    for (int k = 0; k < 8; k++) {
        b.qh[k] = (uint16_t)(7 << 12 | (k % 3 ? 1 << 15 : 0));
        for (int g = 0; g < 4; g++) b.q[4 * k + g] = (uint8_t)(1 + 29 * k + 7 * g);
    }
    row_to_f32(x, &b, DT_IQ1_S, 256);
    row_from_f32(&again, DT_IQ1_S, x, NULL, 256);
    for (int k = 0; k < 8; k++) {
        assert_int_equal(again.qh[k], b.qh[k]);
        assert_memory_equal(again.q + 4 * k, b.q + 4 * k, 4);
    }
}

/* Normal weights: the share of their length that is lost there and back. The bounds are half way between what
 * was measured (0.211 for IQ3_XXS) and what a little worse choice of rows leaves (0.216). */
static void normal_weights_lose_little(void **state)
{
    (void)state;
    static const struct { DType type; double most; } rows[] = {
        {DT_IQ3_XXS, 0.2135}, {DT_IQ3_S, 0.174}, {DT_IQ2_XXS, 0.36}, {DT_IQ2_XS, 0.315}, {DT_IQ2_S, 0.268}};
    enum { N = 256 * 16 };
    static float x[N], y[N];
    static uint8_t blocks[N];
    Rng rng = rng_seed(33);
    for (int i = 0; i < N; i++) x[i] = rng_normal(&rng);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        double error = 0, all = 0;
        row_from_f32(blocks, rows[k].type, x, NULL, N);
        row_to_f32(y, blocks, rows[k].type, N);
        for (int i = 0; i < N; i++) {
            double e = (double)y[i] - (double)x[i];
            error += e * e, all += (double)x[i] * (double)x[i];
        }
        assert_true(sqrt(error / all) < rows[k].most);
    }
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grids_are_what_their_codes_say),
        cmocka_unit_test(iq4_blocks_by_hand),
        cmocka_unit_test(iq3_blocks_by_hand),
        cmocka_unit_test(iq2_blocks_by_hand),
        cmocka_unit_test(iq1_blocks_by_hand),
        cmocka_unit_test(a_dot_with_one_activation_is_one_weight),
        cmocka_unit_test(quantisers_err_no_more_than_the_reference),
        cmocka_unit_test(weights_of_the_codebook_come_back),
        cmocka_unit_test(rows_and_deltas_of_iq1_come_back),
        cmocka_unit_test(normal_weights_lose_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
