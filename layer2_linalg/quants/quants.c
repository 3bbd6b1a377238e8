/* quants.c: the table of formats, and rows of any type as f32.
 *
 * The table holds pointers to dispatch pointers, so a change of kernels (SIXFOLD_KERNELS) is seen
 * here too. Float types are formats without a dot product of their own kind: theirs is in vec.h. */
#include "layer2.h"

#include <string.h>

static void copy_f32(float *y, const void *x, int64_t n) { memcpy(y, x, (size_t)n * sizeof *y); }
static void store_f32(void *y, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    memcpy(y, x, (size_t)n * sizeof *x);
}

static void widen_f16(float *y, const void *x, int64_t n) { f16_to_row(y, x, n); }
static void narrow_f16(void *y, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    row_to_f16(y, x, n);
}

static void widen_bf16(float *y, const void *x, int64_t n) { bf16_to_row(y, x, n); }
static void narrow_bf16(void *y, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    row_to_bf16(y, x, n);
}

static dequant_fn *from_f32 = copy_f32, *from_f16 = widen_f16, *from_bf16 = widen_bf16;
static quant_fn *to_f32 = store_f32, *to_f16 = narrow_f16, *to_bf16 = narrow_bf16;

static const QuantFormat formats[] = {
    /* type, dequantise, quantise, dot, unpack, group, has_offset, largest */
    {DT_F32, &from_f32, &to_f32, NULL, NULL, 0, false, 0},
    {DT_F16, &from_f16, &to_f16, NULL, NULL, 0, false, 0},
    {DT_BF16, &from_bf16, &to_bf16, NULL, NULL, 0, false, 0},
    {DT_Q8_0, &dequant_q8_0, &quant_q8_0, &dot_q8_0, &unpack_q8_0, 32, false, 128},
    {DT_Q4_0, &dequant_q4_0, &quant_q4_0, &dot_q4_0, &unpack_q4_0, 32, false, 8},
    {DT_Q4_1, &dequant_q4_1, &quant_q4_1, &dot_q4_1, &unpack_q4_1, 32, true, 15},
    {DT_Q5_0, &dequant_q5_0, &quant_q5_0, &dot_q5_0, &unpack_q5_0, 32, false, 16},
    {DT_Q5_1, &dequant_q5_1, &quant_q5_1, &dot_q5_1, &unpack_q5_1, 32, true, 31},
    {DT_Q2_K, &dequant_q2_k, &quant_q2_k, &dot_q2_k, &unpack_q2_k, 16, true, 3},
    {DT_Q3_K, &dequant_q3_k, &quant_q3_k, &dot_q3_k, &unpack_q3_k, 16, false, 4},
    {DT_Q4_K, &dequant_q4_k, &quant_q4_k, &dot_q4_k, &unpack_q4_k, 32, true, 15},
    {DT_Q5_K, &dequant_q5_k, &quant_q5_k, &dot_q5_k, &unpack_q5_k, 32, true, 31},
    {DT_Q6_K, &dequant_q6_k, &quant_q6_k, &dot_q6_k, &unpack_q6_k, 16, false, 32},
    {DT_IQ4_NL, &dequant_iq4_nl, &quant_iq4_nl, &dot_iq4_nl, &unpack_iq4_nl, 32, false, 127},
    {DT_IQ4_XS, &dequant_iq4_xs, &quant_iq4_xs, &dot_iq4_xs, &unpack_iq4_xs, 32, false, 127},
    {DT_IQ3_XXS, &dequant_iq3_xxs, &quant_iq3_xxs, &dot_iq3_xxs, &unpack_iq3_xxs, 32, false, 62},
    {DT_IQ3_S, &dequant_iq3_s, &quant_iq3_s, &dot_iq3_s, &unpack_iq3_s, 32, false, 15},
    {DT_IQ2_XXS, &dequant_iq2_xxs, &quant_iq2_xxs, &dot_iq2_xxs, &unpack_iq2_xxs, 32, false, 43},
    {DT_IQ2_XS, &dequant_iq2_xs, &quant_iq2_xs, &dot_iq2_xs, &unpack_iq2_xs, 16, false, 43},
    {DT_IQ2_S, &dequant_iq2_s, &quant_iq2_s, &dot_iq2_s, &unpack_iq2_s, 16, false, 43},
    {DT_IQ1_S, &dequant_iq1_s, &quant_iq1_s, &dot_iq1_s, &unpack_iq1_s, 32, false, 9},
    {DT_IQ1_M, &dequant_iq1_m, &quant_iq1_m, &dot_iq1_m, &unpack_iq1_m, 16, false, 9},
    {DT_TQ1_0, &dequant_tq1_0, &quant_tq1_0, &dot_tq1_0, &unpack_tq1_0, 32, false, 1},
    {DT_TQ2_0, &dequant_tq2_0, &quant_tq2_0, &dot_tq2_0, &unpack_tq2_0, 32, false, 2},
    {DT_MXFP4, &dequant_mxfp4, &quant_mxfp4, &dot_mxfp4, &unpack_mxfp4, 32, false, 12},
    {DT_NVFP4, &dequant_nvfp4, &quant_nvfp4, &dot_nvfp4, &unpack_nvfp4, 16, false, 12},
    {DT_Q1_0, &dequant_q1_0, &quant_q1_0, &dot_q1_0, &unpack_q1_0, 32, false, 1},
    {DT_Q2_0, &dequant_q2_0, &quant_q2_0, &dot_q2_0, &unpack_q2_0, 32, false, 2},
    {DT_Q8_1, &dequant_q8_1, &quant_q8_1, &dot_q8_1, &unpack_q8_1, 32, false, 128},
    {DT_Q8_K, &dequant_q8_k, &quant_q8_k, &dot_q8_k, &unpack_q8_k, 32, false, 128},
};

const QuantFormat *quant_format(DType t)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].type == t) return &formats[i];
    return NULL;
}

static const QuantFormat *format_for_row(DType t, int64_t n)
{
    const QuantFormat *f = quant_format(t);
    CHECK(f, "no format for type %s", dtype_name(t));
    CHECK(n >= 0 && n % dtype_info(t)->block == 0, "%lld elements are no whole blocks of %s",
          (long long)n, dtype_name(t));
    return f;
}

void row_to_f32(float *y, const void *row, DType t, int64_t n)
{
    (*format_for_row(t, n)->dequantise)(y, row, n);
}

void row_from_f32(void *row, DType t, const float *x, const float *importance, int64_t n)
{
    const QuantFormat *f = format_for_row(t, n);
    CHECK(f->quantise, "no quantiser for type %s", dtype_name(t));
    (*f->quantise)(row, x, importance, n);
}
