/* The 16-bit floats against arithmetic: rounding is checked with exact doubles, not with tables. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static void known_halves(void **state)
{
    (void)state;
    static const struct { float f; uint16_t h; } cases[] = {
        {0, 0}, {-0.0f, 0x8000}, {1, 0x3C00}, {-2, 0xC000}, {65504, 0x7BFF}, {0x1p-14f, 0x0400},
        {0x1p-24f, 0x0001}, {0.333251953125f, 0x3555}, {INFINITY, 0x7C00}, {-INFINITY, 0xFC00}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(f32_to_f16(cases[i].f), cases[i].h);
        assert_int_equal(bits_of(f16_to_f32(cases[i].h)), bits_of(cases[i].f));
    }
}

static void ties_go_to_even_and_overflow_to_infinity(void **state)
{
    (void)state;
    assert_int_equal(f32_to_f16(1 + 0x1p-11f), 0x3C00);        /* tie, 1 is even */
    assert_int_equal(f32_to_f16(1 + 3 * 0x1p-11f), 0x3C02);    /* tie, upwards to even */
    assert_int_equal(f32_to_f16(1 + 0x1.002p-11f), 0x3C01);    /* just above the tie */
    assert_int_equal(f32_to_f16(0x1p-25f), 0);                 /* half of the smallest: to zero */
    assert_int_equal(f32_to_f16(0x1.000002p-25f), 1);
    assert_int_equal(f32_to_f16(3 * 0x1p-25f), 2);
    assert_int_equal(f32_to_f16(0x1.FFCp-15f + 0x1p-26f), 0x0400); /* carry into the normal range */
    assert_int_equal(f32_to_f16(65519.996f), 0x7BFF);
    assert_int_equal(f32_to_f16(65520), 0x7C00);
    assert_int_equal(f32_to_f16(-1e30f), 0xFC00);
    assert_int_equal(f32_to_f16(float_of(0xFFC12345u)), 0xFE00); /* NaN keeps its sign */
    assert_int_equal(f32_to_f16(float_of(0x7F800001u)), 0x7E00);
}

static void all_65536_halves_survive_the_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = f16_to_f32((uint16_t)h);
        uint32_t e = h >> 10 & 31, m = h & 1023;
        if (e == 31 && m) {
            assert_true(isnan(f));
            assert_int_equal(f32_to_f16(f), 0x7E00 | (h & 0x8000));
            continue;
        }
        double value = e == 31 ? INFINITY : e ? ldexp(1024 + m, (int)e - 25) : ldexp(m, -24);
        assert_true(f == (h & 0x8000 ? -value : value));
        assert_int_equal(f32_to_f16(f), h);
    }
}

/* The nearest multiple of the half's last place, in exact double arithmetic. */
static double nearest_half(float f)
{
    double x = fabs((double)f);
    int e;
    frexp(x, &e); /* x = [1/2, 1) * 2^e */
    double last_place = ldexp(1, (e - 1 < -14 ? -14 : e - 1) - 10);
    double y = nearbyint(x / last_place) * last_place; /* division by a power of two is exact */
    return copysign(y >= 65520 ? INFINITY : y, f);
}

static void check_f16(uint32_t u)
{
    float f = float_of(u);
    if (isnan(f)) return;
    float got = f16_to_f32(f32_to_f16(f));
    assert_true((double)got == nearest_half(f) && signbit(got) == signbit(f));
#ifdef __FLT16_MANT_DIG__
    _Float16 theirs = (_Float16)f;
    uint16_t h;
    memcpy(&h, &theirs, sizeof h);
    assert_int_equal(f32_to_f16(f), h);
#endif
}

static void narrowing_to_f16_rounds_to_nearest_even(void **state)
{
    (void)state;
    for (uint64_t u = 0; u < 1ull << 32; u += 4099) check_f16((uint32_t)u);
    /* The middle between neighbours, and one f32 step to either side of it. */
    for (uint32_t h = 0; h < 0x7C00; h++) {
        double lo = (double)f16_to_f32((uint16_t)h);
        double hi = h == 0x7BFF ? 65536 : (double)f16_to_f32((uint16_t)(h + 1));
        uint32_t mid = bits_of((float)((lo + hi) / 2));
        check_f16(mid - 1), check_f16(mid), check_f16(mid + 1), check_f16(mid | 1u << 31);
    }
}

static void bf16_is_the_upper_half_of_an_f32(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = bf16_to_f32((uint16_t)h);
        assert_int_equal(bits_of(f), h << 16);
        assert_int_equal(f32_to_bf16(f), isnan(f) ? (h | 64) : h);
    }
}

static void narrowing_to_bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    assert_int_equal(f32_to_bf16(1 + 0x1p-8f), 0x3F80);     /* tie, 1 is even */
    assert_int_equal(f32_to_bf16(1 + 3 * 0x1p-8f), 0x3F82); /* tie, upwards to even */
    assert_int_equal(f32_to_bf16(3.4e38f), 0x7F80);         /* rounds to infinity */
    assert_int_equal(f32_to_bf16(float_of(0x7F800001u)), 0x7FC0); /* NaN must not become infinity */
    for (uint64_t u = 0; u < 1ull << 32; u += 4099) {
        float f = float_of((uint32_t)u);
        if (!isfinite(f)) continue;
        uint16_t down = (uint16_t)(u >> 16), got = f32_to_bf16(f);
        double lo = bf16_to_f32(down), hi = bf16_to_f32((uint16_t)(down + 1));
        if (isinf(hi)) continue; /* the distance to infinity is no guide; see the case above */
        double to_lo = fabs(f - lo), to_hi = fabs(hi - f);
        uint16_t want = to_lo < to_hi ? down : to_hi < to_lo ? down + 1 : down + (down & 1);
        assert_int_equal(got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_halves),
        cmocka_unit_test(ties_go_to_even_and_overflow_to_infinity),
        cmocka_unit_test(all_65536_halves_survive_the_round_trip),
        cmocka_unit_test(narrowing_to_f16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_is_the_upper_half_of_an_f32),
        cmocka_unit_test(narrowing_to_bf16_rounds_to_nearest_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
