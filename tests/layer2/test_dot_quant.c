/* test_dot_quant.c: fused dot products: blocks of weights times blocks of activations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

typedef struct { DType type; const char *op; int zero; int most; } Format;
static Format formats[] = {{DT_Q8_0, "dot_q8_0", 0, 256}, {DT_Q4_0, "dot_q4_0", 8, 16}};
enum { N_FORMATS = 2, MOST = 4096 };

/* Buffers of exactly n activations, so that a read past the end is seen. */
typedef struct { TwinBuf q, scale, sum, half, split; ActQ8 a; } Acts;
static Acts acts_open(int64_t n)
{
    Acts s = {twin_buf(n, 1, 0), twin_buf(n / 32, 4, 0), twin_buf(n / 32, 4, 0), twin_buf(n / 16, 4, 0),
              twin_buf(act_q8_split_bytes(n), 1, 0), {0}};
    s.a = (ActQ8){s.q.data, s.scale.data, s.sum.data, s.half.data, s.split.data, NULL, NULL};
    return s;
}
static void acts_close(Acts s)
{
    twin_free(s.q);
    twin_free(s.scale);
    twin_free(s.sum);
    twin_free(s.half);
    twin_free(s.split);
}

/* Weight codes of one block as integers, and its scale. */
static float codes_of(DType type, const void *blocks, int64_t i, int codes[32])
{
    if (type == DT_Q8_0) {
        const BlockQ8_0 *b = (const BlockQ8_0 *)blocks + i;
        for (int j = 0; j < 32; j++) codes[j] = b->q[j];
        return f16_to_f32(b->d);
    }
    const BlockQ4_0 *b = (const BlockQ4_0 *)blocks + i;
    for (int j = 0; j < 32; j++) codes[j] = (j < 16 ? b->q[j] & 15 : b->q[j - 16] >> 4) - 8;
    return f16_to_f32(b->d);
}

/* The exact value, and how large the terms are that cancel in it: codes may be used up to `most`. */
static double exact_dot(const Format *f, const void *blocks, ActQ8 a, int64_t n, double *magnitude)
{
    double sum = 0;
    *magnitude = 0;
    for (int64_t i = 0; i < n / 32; i++) {
        int codes[32], s = 0, total = 0;
        float d = codes_of(f->type, blocks, i, codes);
        for (int j = 0; j < 32; j++) {
            s += codes[j] * a.q[32 * i + j];
            total += abs(a.q[32 * i + j]);
        }
        sum += (double)d * (double)a.scale[i] * s;
        *magnitude += fabs((double)d * (double)a.scale[i]) * f->most * total;
    }
    return sum;
}

/* One block by hand: codes 3, -2 (at 1), 5 (at 16), 7 (at 31) with d = 0.5, activations 10, 100,
 * 1, -3 with scale 2: 0.5 * 2 * (30 - 200 + 5 - 21) = -186. */
static void check_by_hand(const KernelRow *row, void *ctx)
{
    const Format *f = ctx;
    BlockQ8_0 b8 = {.d = 0x3800, .q = {3, -2, [16] = 5, [31] = 7}};
    BlockQ4_0 b4 = {.d = 0x3800, .q = {11 | 13 << 4, 6 | 8 << 4, [15] = 8 | 15 << 4}};
    for (int j = 2; j < 15; j++) b4.q[j] = 0x88;
    int8_t q[32] = {10, 100, [16] = 1, [31] = -3}, split[128];
    float scale = 2, half[2] = {2 * (10 + 100), 2 * (1 - 3)}, sum = half[0] + half[1];
    ActQ8 a = {q, &scale, &sum, half, split, NULL, NULL};
    act_q8_arrange(a, 32);
    const void *b = f->type == DT_Q8_0 ? (const void *)&b8 : (const void *)&b4;
    assert_true(((dot_quant_fn *)row->fn)(b, a, 32) == -186.0f);
    assert_true(((dot_quant_fn *)row->fn)(b, a, 0) == 0.0f);
}

static void one_block_by_hand(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++) twins_for_each(formats[i].op, check_by_hand, &formats[i]);
}

/* Random bytes, so that Q8_0 codes of -128, which no quantiser writes, occur too. */
static void random_blocks(Rng *rng, DType type, void *blocks, int64_t n)
{
    int64_t bytes = dtype_row_bytes(type, n), block = dtype_info(type)->bytes;
    for (int64_t i = 0; i < bytes; i++) ((uint8_t *)blocks)[i] = (uint8_t)rng_u64(rng);
    for (int64_t i = 0; i < bytes; i += block) {
        uint16_t d = f32_to_f16(rng_normal(rng) * 0.1f);
        memcpy((char *)blocks + i, &d, 2);
    }
}

static void check_random(const KernelRow *row, void *ctx)
{
    const Format *f = ctx;
    Rng rng = rng_seed(7);
    for (int64_t n = 32; n <= MOST; n += n < 640 ? 32 : 1184) {
        Acts s = acts_open(n);
        TwinBuf x = twin_buf(n, 4, 1), b = twin_buf(dtype_row_bytes(f->type, n), 1, 1);
        twin_normals(&rng, x.data, n);
        act_q8_scalar(s.a, x.data, n);
        act_q8_arrange(s.a, n);
        random_blocks(&rng, f->type, b.data, n);
        double magnitude, want = exact_dot(f, b.data, s.a, n, &magnitude);
        /* Integers are exact; each block's term is rounded 4 times, then n / 32 additions. */
        double tol = (double)(n / 32 + 8) * FLT_EPSILON / 2 * magnitude;
        assert_near(((dot_quant_fn *)row->fn)(b.data, s.a, n), (float)want, tol, row->op,
                    row->variant, n);
        acts_close(s);
        twin_free(x);
        twin_free(b);
    }
}

static void every_variant_is_near_the_exact_sum(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++) twins_for_each(formats[i].op, check_random, &formats[i]);
}

/* All codes and all activations at their extremes: nothing saturates. */
static void check_extremes(const KernelRow *row, void *ctx)
{
    const Format *f = ctx;
    for (int k = 0; k < 8; k++) {
        int64_t n = 256;
        Acts s = acts_open(n);
        char blocks[256 / 32 * 34];
        int64_t block = dtype_info(f->type)->bytes;
        memset(blocks, k & 1 ? 0xFF : k & 4 ? 0x7F : f->type == DT_Q8_0 ? 0x80 : 0, sizeof blocks);
        for (int64_t i = 0; i < n / 32; i++) {
            memcpy(blocks + i * block, &(uint16_t){0x3C00}, 2);
            s.a.scale[i] = 1;
            s.a.sum[i] = (k & 2 ? -127.0f : 127.0f) * 32;
            s.a.half[2 * i] = s.a.half[2 * i + 1] = s.a.sum[i] / 2;
        }
        memset(s.a.q, k & 2 ? -127 : 127, (size_t)n);
        act_q8_arrange(s.a, n);
        double magnitude, want = exact_dot(f, blocks, s.a, n, &magnitude);
        assert_true(((dot_quant_fn *)row->fn)(blocks, s.a, n) == (float)want);
        acts_close(s);
    }
}

static void extreme_codes_do_not_saturate(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++) twins_for_each(formats[i].op, check_extremes, &formats[i]);
}

static void check_not_finite(const KernelRow *row, void *ctx)
{
    const Format *f = ctx;
    static const uint16_t bad[] = {0x7C00, 0xFC00, 0x7E00, 0xFE01};
    Rng rng = rng_seed(9);
    for (int64_t place = 0; place < 9; place++)
        for (int k = 0; k < 5; k++) {
            int64_t n = 9 * 32;
            Acts s = acts_open(n);
            float x[9 * 32];
            char blocks[9 * 34];
            twin_normals(&rng, x, n);
            if (k == 4) x[place * 32 + 5] = NAN;
            act_q8_scalar(s.a, x, n);
            act_q8_arrange(s.a, n);
            random_blocks(&rng, f->type, blocks, n);
            if (k < 4) memcpy(blocks + place * dtype_info(f->type)->bytes, &bad[k], 2);
            assert_false(isfinite(((dot_quant_fn *)row->fn)(blocks, s.a, n)));
            acts_close(s);
        }
}

static void scales_that_are_not_finite_show_in_the_result(void **state)
{
    (void)state;
    for (int i = 0; i < N_FORMATS; i++) twins_for_each(formats[i].op, check_not_finite, &formats[i]);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_block_by_hand),
        cmocka_unit_test(every_variant_is_near_the_exact_sum),
        cmocka_unit_test(extreme_codes_do_not_saturate),
        cmocka_unit_test(scales_that_are_not_finite_show_in_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
