/* q5_dot4_simd.c: dot products of Q5_0 and Q5_1 on STEP blocks at a time.
 *
 * Codes become bytes in registers (q5_parts.h). What follows is Q8_0's: a sum for each four weights,
 * times both scales; minimum or zero point meet ActQ8.sum. */
#include "act_rest.h"
#include "q5_parts.h"
#include "simd_prefetch.h"

extern dot_quant_fn SIMD_FN(dot_q5_0), SIMD_FN(dot_q5_1);

typedef struct { vf s; vq least; } Sums;

/* How a format's blocks are laid out: their size, where codes, fifth bits and the minimum are (0: none;
 * then the zero point is 16). */
typedef struct { int bytes, q, qh, m; } Layout;

/* Register r of the codes of STEP blocks. */
SIMD_INLINE vb codes_of(const char *b, Layout l, int r)
{
    const uint8_t *first = (const uint8_t *)b + r / PARTS * 2 * l.bytes, *second = first + l.bytes;
    return q5_codes(first + l.q, second + l.q, first + l.qh, second + l.qh, r % PARTS);
}

/* Adds STEP blocks: d * scale * sum code q + least * sum. */
SIMD_INLINE Sums step(Sums sums, const char *b, Layout l, ActQ8 a)
{
    vq d = vq_load_f16(b, l.bytes), ds = d * vq_load(a.scale);
    vq least = l.m ? vq_load_f16(b + l.m, l.bytes) : d * -16.0f;
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, a.q += 16 * STEP) {
        vi s = vi_fold(vi_dot4_us(vi_set1(0), codes_of(b, l, 2 * h), vb_load(a.q)),
                       vi_dot4_us(vi_set1(0), codes_of(b, l, 2 * h + 1), vb_load(a.q + 4 * VF)));
        sums.s = vf_fma(vf_spread(ds, h), vf_from_vi(s), sums.s);
    }
    sums.least = vq_fma(least, vq_load(a.sum), sums.least);
    return sums;
}

/* The last blocks of a row, filled up with zeros; not in line, since what it keeps on the stack would cost every row. */
static __attribute__((noinline)) float dot_rest(const char *b, ActQ8 a, int64_t left, Layout l)
{
    char rest[24 * STEP] = {0};
    ActRest act;
    memcpy(rest, b, (size_t)(left * l.bytes));
    Sums sums = step((Sums){vf_zero(), (vq){0}}, rest, l, act_rest(&act, a, left));
    return vf_sum(sums.s + vq_wide(sums.least));
}

/* Whole steps only. */
SIMD_INLINE float dot_steps(const char *b, ActQ8 a, int64_t n, Layout l)
{
    Sums sums = {vf_zero(), (vq){0}};
    for (int64_t i = 0; i < n / 32; i += STEP, b += STEP * l.bytes) {
        prefetch_ahead(b, STEP * l.bytes);
        sums = step(sums, b, l, act_from(a, i));
    }
    return vf_sum(sums.s + vq_wide(sums.least));
}

SIMD_INLINE float dot(const char *b, ActQ8 a, int64_t n, Layout l)
{
    int64_t left = n / 32 % STEP, whole = n / 32 - left;
    if (left == 0) return dot_steps(b, a, n, l);
    return dot_steps(b, a, 32 * whole, l) + dot_rest(b + whole * l.bytes, act_from(a, whole), left, l);
}

float SIMD_FN(dot_q5_0)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot(blocks, a, n, (Layout){.bytes = sizeof(BlockQ5_0), .q = 6, .qh = 2});
}

float SIMD_FN(dot_q5_1)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot(blocks, a, n, (Layout){.bytes = sizeof(BlockQ5_1), .q = 8, .qh = 4, .m = 2});
}
