/* test_simd.c: every helper of simd.h, on every instruction set of this machine, does what its scalar
 * description says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

static void fill(SimdProbe *p, Rng *rng, bool awkward)
{
    memset(p, 0x5A, sizeof *p); /* what a helper must not touch is recognisable */
    twin_normals(rng, p->a, PROBE_LANES);
    twin_normals(rng, p->b, PROBE_LANES);
    for (int i = 0; i < PROBE_LANES; i++) {
        p->c[i] = fabsf(rng_normal(rng));
        /* Multiples of a quarter: half of them halves, which round to even. */
        p->small[i] = (float)((int)rng_below(rng, 1 << 12) - (1 << 11)) / 4.0f;
        p->i[i] = (int32_t)rng_u64(rng) >> (i % 3 ? 8 : 1);
        p->h[i] = (uint16_t)rng_u64(rng);
    }
    for (int i = 0; i < 4 * PROBE_LANES; i++) {
        p->u[i] = (uint8_t)(rng_below(rng, 4) ? rng_below(rng, 128) : 127);
        p->s[i] = (int8_t)(rng_below(rng, 4) ? (int)rng_below(rng, 256) - 128 : -128);
        p->t[i] = (int8_t)(rng_below(rng, 4) ? (int)rng_below(rng, 255) - 127 : -127);
    }
    for (int i = 0; i < 2 * PROBE_LANES; i++) {
        p->v[i] = (int16_t)((int)rng_below(rng, 16385) - 8192);
        p->w[i] = (int16_t)((int)rng_below(rng, 16385) - 8192);
    }
    if (awkward) {
        twin_awkward(rng, p->a, PROBE_LANES);
        twin_awkward(rng, p->b, PROBE_LANES);
    }
}

static void same_halves(const uint16_t *got, const uint16_t *want, const float *from, int n,
                        const char *what, const char *variant)
{
    for (int i = 0; i < n; i++) {
        bool nan = isnan(from[i]) && (got[i] & 0x7FFF) > (what[0] == 'b' ? 0x7F80 : 0x7C00);
        if (got[i] != want[i] && !nan)
            twin_fail("%s (%s), lane %d: got %04x, want %04x", what, variant, i, got[i], want[i]);
    }
}

static void same_ints(const int32_t *got, const int32_t *want, int n, const char *what,
                      const char *variant)
{
    for (int i = 0; i < n; i++)
        if (got[i] != want[i])
            twin_fail("%s (%s), lane %d: got %d, want %d", what, variant, i, got[i], want[i]);
}

static void compare_lanes(const SimdProbe *got, const SimdProbe *want, const char *v)
{
    enum { N = PROBE_LANES };
    assert_same_f32(got->fma, want->fma, N, "fma", v);
    assert_same_f32(got->max, want->max, N, "max", v);
    assert_same_f32(got->min, want->min, N, "min", v);
    assert_same_f32(got->root, want->root, N, "sqrt", v);
    assert_same_f32(got->abs, want->abs, N, "abs", v);
    assert_same_f32(got->select, want->select, N, "select", v);
    assert_same_f32(got->round, want->round, N, "round", v);
    assert_same_f32(got->from_int, want->from_int, N, "from_int", v);
    assert_same_f32(got->wide_f16, want->wide_f16, N, "load_f16", v);
    assert_same_f32(got->wide_bf16, want->wide_bf16, N, "load_bf16", v);
    same_ints(got->to_int, want->to_int, N, "to_int", v);
    same_ints(got->dot_us, want->dot_us, N, "dot4_us", v);
    same_ints(got->dot_ss, want->dot_ss, N, "dot4_ss", v);
    same_ints(got->dot2, want->dot2, N, "dot2", v);
    same_halves(got->f16, want->f16, got->a, N, "f16", v);
    same_halves(got->bf16, want->bf16, got->a, N, "bf16", v);
    same_halves(got->low16, want->low16, got->small, N, "low16", v);
}

static void compare_register(const SimdProbe *got, const SimdProbe *want, const char *v)
{
    int n = want->lanes;
    /* The order of the additions is part of the promise, so the sum has the same bits. */
    assert_same_f32(&got->sum, &want->sum, 1, "sum", v);
    assert_same_f32(&got->hmax, &want->hmax, 1, "hmax", v);
    same_ints(&got->isum, &want->isum, 1, "vi_sum", v);
    same_ints(got->first, want->first, n, "first", v);
    assert_same_f32(got->load_tail, want->load_tail, n, "load_tail", v);
    assert_same_f32(got->load_f16_tail, want->load_f16_tail, n, "load_f16_tail", v);
    assert_same_f32(got->load_bf16_tail, want->load_bf16_tail, n, "load_bf16_tail", v);
    assert_same_f32(got->store_tail, want->store_tail, PROBE_LANES, "store_tail", v);
    same_halves(got->store_f16_tail, want->store_f16_tail, got->a, PROBE_LANES, "f16_tail", v);
    same_halves(got->store_bf16_tail, want->store_bf16_tail, got->a, PROBE_LANES, "bf16_tail", v);
}

static void check_helpers(const KernelRow *row, void *ctx)
{
    (void)ctx;
    if (strcmp(row->variant, "scalar") == 0) return;
    Rng rng = rng_seed(11);
    for (int round = 0; round < 200; round++) {
        SimdProbe got, want;
        fill(&got, &rng, round % 2);
        got.tail = round % (PROBE_LANES + 1);
        want = got;
        ((simd_probe_fn *)row->fn)(&got);
        want.lanes = got.lanes;
        simd_probe_scalar(&want);
        compare_lanes(&got, &want, row->variant);
        compare_register(&got, &want, row->variant);
    }
}

static void helpers_do_what_their_scalar_description_says(void **state)
{
    (void)state;
    twins_for_each("simd_probe", check_helpers, NULL);
}

static void exp_of(const KernelRow *row, const float *x, float *y)
{
    SimdProbe p = {.tail = 0};
    memcpy(p.a, x, sizeof p.a);
    p.lanes = 4; /* read by the scalar twin only */
    ((simd_probe_fn *)row->fn)(&p);
    memcpy(y, p.exp, sizeof p.exp);
}

static void check_exp(const KernelRow *row, void *ctx)
{
    (void)ctx;
    float x[PROBE_LANES], y[PROBE_LANES];
    double worst = 0;
    /* From the smallest normal result to the largest finite one. */
    for (double at = -87.33; at < 88.72; at += 0.0037 * PROBE_LANES) {
        for (int i = 0; i < PROBE_LANES; i++) x[i] = fminf((float)(at + 0.0037 * i), 88.72f);
        exp_of(row, x, y);
        for (int i = 0; i < PROBE_LANES; i++) worst = fmax(worst, fabs(y[i] / exp((double)x[i]) - 1));
    }
    if (worst > 2e-7) twin_fail("exp (%s): relative error %.3g", row->variant, worst);
    /* The ends: zero, infinity and NaN, and denormal results to half of the smallest one. */
    float ends[PROBE_LANES] = {-INFINITY, -1e30f, -104.5f, 89.0f, 1e30f, INFINITY, NAN, 0.0f, -0.0f,
                               -100.0f, -103.0f, -90.0f, 1e-40f, 88.9f, -88.0f, 1.0f};
    exp_of(row, ends, y);
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 0);
    assert_true(y[3] == INFINITY && y[4] == INFINITY && y[5] == INFINITY && y[13] == INFINITY);
    assert_true(isnan(y[6]) && y[7] == 1 && y[8] == 1 && y[12] == 1);
    double denormal = ldexp(1, -149);
    for (int i = 9; i <= 14; i++)
        if (i != 12 && i != 13) assert_near(y[i], (float)exp((double)ends[i]),
                                            denormal + 2e-7 * exp((double)ends[i]), "exp",
                                            row->variant, i);
}

static void exp_keeps_its_relative_error(void **state)
{
    (void)state;
    twins_for_each("simd_probe", check_exp, NULL);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(helpers_do_what_their_scalar_description_says),
        cmocka_unit_test(exp_keeps_its_relative_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
