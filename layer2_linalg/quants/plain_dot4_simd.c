/* plain_dot4_simd.c: dot products of the formats without a minimum, 256 weights at a time.
 *
 * The loop is that of the K formats (k_unit.h): byte dot products of unsigned codes, less the offset
 * times the activations, and one multiplication by both scales for each four weights. A row may end
 * within 256 weights: the last blocks are filled up with zeros. */
#include "plain_codes.h"
#include "simd_prefetch.h"

extern dot_quant_fn SIMD_FN(dot_tq1_0), SIMD_FN(dot_tq2_0), SIMD_FN(dot_q1_0), SIMD_FN(dot_q2_0);
extern dot_quant_fn SIMD_FN(dot_mxfp4), SIMD_FN(dot_nvfp4);

/* Sums of products with the codes, and of what their offset meets. */
typedef struct { Sums codes; vf zero; } Both;
SIMD_INLINE Both nothing(void) { return (Both){no_sums(), vf_zero()}; }

SIMD_INLINE Both add_unit(Both to, codes_fn *codes, const void *unit, KScales s, ActQ8 a)
{
    to.zero = scales_fma(s, a.half, to.zero);
    to.codes = add_block(to.codes, codes, unit, a.q, scales_by(s, a.scale));
    return to;
}

//@ begin plain-dot-simd
/* A format with `bytes` for 256 weights. */
SIMD_INLINE float dot_row(codes_fn *codes, unit_scales_fn *scales, int offset,
                          const void *blocks, int64_t bytes, ActQ8 a, int64_t n)
{
    Both sums = nothing();
    const char *b = blocks;
    for (; n >= 256; n -= 256, b += bytes, a.q += 256, a.scale += 8, a.half += 16) {
        prefetch_ahead(b, bytes);
        sums = add_unit(sums, codes, b, scales(b), a);
    }
    /* The last blocks, filled up with zeros. */
    if (n > 0) {
        char rest[144] = {0};
        int8_t q[256] = {0};
        float scale[8] = {0}, half[16] = {0};
        memcpy(rest, b, (size_t)(n * bytes / 256));
        memcpy(q, a.q, (size_t)n);
        memcpy(scale, a.scale, (size_t)(n / 32) * sizeof *scale);
        memcpy(half, a.half, (size_t)(n / 16) * sizeof *half);
        ActQ8 last = {.q = q, .scale = scale, .half = half};
        sums = add_unit(sums, codes, rest, scales(rest), last);
    }
    return vf_sum(vf_fma(vf_set1(-(float)offset), sums.zero, total(sums.codes)));
}
//@ end plain-dot-simd

float SIMD_FN(dot_tq1_0)(const void *blocks, ActQ8 a, int64_t n)
{
    Both sums = nothing();
    const BlockTQ1_0 *b = blocks;
    uint8_t digits[256];
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.half += 16) {
        prefetch_ahead(b, sizeof *b);
        expand_tq1_0(digits, b);
        sums = add_unit(sums, codes_bytes, digits, scales_tq1_0(b), a);
    }
    return vf_sum(total(sums.codes) - sums.zero);
}

/* Two bits, in place. */
SIMD_INLINE vb fields_tq2_0(const void *block, int pair, int part)
{
    return two_bits(((const BlockTQ2_0 *)block)->q, pair, part);
}

/* The scales of STEP blocks, or of the last `left` ones: widened one by one they take as long as a sixth of the
 * products. */
SIMD_INLINE void wide_scales(float d[STEP], const BlockTQ2_0 *b, int64_t left)
{
    BlockTQ2_0 rest[STEP];
    if (left < STEP) {
        memset(rest, 0, sizeof rest);
        b = memcpy(rest, b, (size_t)left * sizeof *b);
    }
    vq each = vq_load_f16(&b->d, sizeof *b);
    memcpy(d, &each, sizeof each);
}

float SIMD_FN(dot_tq2_0)(const void *blocks, ActQ8 a, int64_t n)
{
    Sums sums = no_sums();
    v8 zero = {0};
    const BlockTQ2_0 *b = blocks;
    float d[STEP];
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.scale += 8, a.sum += 8) {
        if (i % STEP == 0) wide_scales(d, b, n / 256 - i);
        prefetch_ahead(b, sizeof *b);
        v8 by = v8_set1(d[i % STEP]);
        zero = v8_fma(by, v8_load(a.sum), zero);
        sums = add_eights(sums, fields_tq2_0, b, a.q, by * v8_load(a.scale));
    }
    return vf_sum(total_of_two_bits(sums) - v8_wide(zero));
}

float SIMD_FN(dot_q1_0)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_q1_0, scales_q1_0, 1, blocks, 2 * sizeof(BlockQ1_0), a, n);
}

float SIMD_FN(dot_q2_0)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_q2_0, scales_q2_0, 1, blocks, 4 * sizeof(BlockQ2_0), a, n);
}

float SIMD_FN(dot_mxfp4)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_mxfp4, scales_mxfp4, 12, blocks, 8 * sizeof(BlockMXFP4), a, n);
}

float SIMD_FN(dot_nvfp4)(const void *blocks, ActQ8 a, int64_t n)
{
    return dot_row(codes_nvfp4, scales_nvfp4, 12, blocks, 4 * sizeof(BlockNVFP4), a, n);
}
