/* quant_formats.h: what the tests need to know of each block format, a row for each; and its files.
 *
 * A new format needs a row here, and test_formats.c then decodes, quantises and multiplies with it. */
#ifndef SIXFOLD_TESTS_QUANT_FORMATS_H
#define SIXFOLD_TESTS_QUANT_FORMATS_H

#include "layer2_kernels.h"
#include "twins.h"

typedef enum { NO_SCALE, HALF, NIBBLES, E8M0, E4M3, SINGLE } ScaleKind;

/* Which golden files there are besides STEM.blocks. */
enum { RANDOM_BLOCKS = 1, WITH_IMPORTANCE = 2 };

typedef struct {
    DType type;
    const char *stem;    /* of the ops dequant_STEM, dot_STEM, quant_STEM and of the golden files */
    int files;           /* RANDOM_BLOCKS | WITH_IMPORTANCE */
    bool same_bytes;     /* it has a quantiser, which gives the bytes of STEM.blocks */
    float most;          /* bounds every partial term of a weight whose scales are 1 */
    ScaleKind kind;      /* NO_SCALE: a float type, without ops of its own; NIBBLES: a half in the
                            upper four bits of four words */
    int n_scales, at[4]; /* where in a block the scales are */
} Format;

#define BOTH (RANDOM_BLOCKS | WITH_IMPORTANCE)
static const Format formats[] = {
    {DT_F32, "f32", 0, true, 0, NO_SCALE, 0, {0}},
    {DT_F16, "f16", RANDOM_BLOCKS, true, 0, NO_SCALE, 0, {0}},
    {DT_BF16, "bf16", RANDOM_BLOCKS, true, 0, NO_SCALE, 0, {0}},
    {DT_Q8_0, "q8_0", RANDOM_BLOCKS, true, 256, HALF, 1, {0}},
    {DT_Q4_0, "q4_0", BOTH, true, 16, HALF, 1, {0}},
    {DT_Q4_1, "q4_1", BOTH, true, 16, HALF, 2, {0, 2}},
    {DT_Q5_0, "q5_0", BOTH, true, 64, HALF, 1, {0}},
    {DT_Q5_1, "q5_1", BOTH, true, 64, HALF, 2, {0, 2}},
    {DT_Q2_K, "q2_k", BOTH, false, 64 * 32, HALF, 2, {80, 82}},
    {DT_Q3_K, "q3_k", BOTH, false, 64 * 32, HALF, 1, {108}},
    {DT_Q4_K, "q4_k", BOTH, false, 64 * 32, HALF, 2, {0, 2}},
    {DT_Q5_K, "q5_k", BOTH, false, 64 * 32, HALF, 2, {0, 2}},
    {DT_Q6_K, "q6_k", BOTH, false, 64 * 128, HALF, 1, {208}},
    {DT_IQ4_NL, "iq4_nl", BOTH, true, 256, HALF, 1, {0}},
    {DT_IQ4_XS, "iq4_xs", BOTH, true, 32 * 256, HALF, 1, {0}},
    {DT_IQ3_XXS, "iq3_xxs", BOTH, true, 31 * 16, HALF, 1, {0}},
    {DT_IQ3_S, "iq3_s", BOTH, true, 31 * 16, HALF, 1, {0}},
    {DT_IQ2_XXS, "iq2_xxs", BOTH, true, 31 * 6, HALF, 1, {0}},
    {DT_IQ2_XS, "iq2_xs", BOTH, true, 31 * 6, HALF, 1, {0}},
    {DT_IQ2_S, "iq2_s", BOTH, true, 31 * 6, HALF, 1, {0}},
    {DT_IQ1_S, "iq1_s", BOTH, false, 15 * 4, HALF, 1, {0}},
    {DT_IQ1_M, "iq1_m", BOTH, true, 15 * 4, NIBBLES, 1, {48}},
    {DT_TQ1_0, "tq1_0", RANDOM_BLOCKS, true, 2, HALF, 1, {52}},
    {DT_TQ2_0, "tq2_0", RANDOM_BLOCKS, true, 3, HALF, 1, {64}},
    {DT_MXFP4, "mxfp4", RANDOM_BLOCKS, true, 24, E8M0, 1, {0}},
    {DT_NVFP4, "nvfp4", RANDOM_BLOCKS, true, 24, E4M3, 4, {0, 1, 2, 3}},
    {DT_Q1_0, "q1_0", RANDOM_BLOCKS, true, 2, HALF, 1, {0}},
    {DT_Q2_0, "q2_0", RANDOM_BLOCKS, true, 3, HALF, 1, {0}},
    {DT_Q8_1, "q8_1", RANDOM_BLOCKS, true, 256, HALF, 1, {0}},
    {DT_Q8_K, "q8_k", RANDOM_BLOCKS, true, 256, SINGLE, 1, {0}},
};
#undef BOTH
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* Calls fn for each variant of dequant_STEM, dot_STEM, ...; a float type has none. */
static TWIN_UNUSED void format_for_each(const Format *f, const char *prefix, TwinFn *fn, void *ctx)
{
    char op[32];
    snprintf(op, sizeof op, "%s_%s", prefix, f->stem);
    if (f->kind != NO_SCALE) twins_for_each(op, fn, ctx);
}

typedef enum { RANDOM, ALL_ONES, ALL_ZEROS } Fill;

static TWIN_UNUSED void put_half(const Format *f, uint8_t *at, uint16_t h)
{
    if (f->kind == HALF) memcpy(at, &h, 2);
    float d = f16_to_f32(h);
    if (f->kind == SINGLE) memcpy(at, &d, 4);
    for (int m = 0; f->kind == NIBBLES && m < 4; m++)
        at[2 * m + 1] = (uint8_t)((at[2 * m + 1] & 15) | (h >> 4 * m & 15) << 4);
}

/* A random scale of 0.5 at most. */
static TWIN_UNUSED void put_scale(const Format *f, Rng *rng, uint8_t *at)
{
    put_half(f, at, f32_to_f16(rng_normal(rng) * 0.1f));
    if (f->kind == E8M0) *at = (uint8_t)(127 - rng_below(rng, 16)); /* 2^(e-128), see fp4.c */
    if (f->kind == E4M3) *at = (uint8_t)(rng_u64(rng) & 0xB7);      /* the sign does not count */
}

/* Blocks of n weights: bits as `fill` says, scales that are small numbers. */
static TWIN_UNUSED void fill_blocks(const Format *f, Rng *rng, uint8_t *b, int64_t n, Fill fill)
{
    int64_t block = dtype_info(f->type)->bytes, bytes = dtype_row_bytes(f->type, n);
    for (int64_t i = 0; i < bytes; i++)
        b[i] = fill == RANDOM ? (uint8_t)rng_u64(rng) : fill == ALL_ONES ? 0xFF : 0;
    for (int64_t i = 0; i < bytes; i += block)
        for (int k = 0; k < f->n_scales; k++) put_scale(f, rng, b + i + f->at[k]);
}

/* The whole golden file STEM``WHAT, or NULL if this checkout has no golden data. */
static TWIN_UNUSED void *golden_file(const char *stem, const char *what, int64_t *n_bytes)
{
    char path[256];
    snprintf(path, sizeof path, "../shared/golden/quants/%s%s", stem, what);
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    *n_bytes = ftell(f);
    rewind(f);
    void *data = mem_alloc((size_t)*n_bytes);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)*n_bytes, f), *n_bytes);
    fclose(f);
    return data;
}

#endif
