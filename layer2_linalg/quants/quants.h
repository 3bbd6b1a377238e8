/* quants.h: block formats: how a row of weights becomes fewer bytes and comes back.
 *
 * One QuantFormat per type. Decoding is bit-exact with the reference (plain f32 multiplications, no
 * fused ones). Formats that only round (Q8_0 to Q5_1) give the reference's bytes too; where a search
 * is needed it is our own, and its error is compared with the reference's.
 *
 *   Q8_0   32 weights: half d, 32 x int8 q        w = d * q           d = max|x| / 127
 *   Q4_0   32 weights: half d, 32 x 4-bit codes   w = d * (code - 8)  d = m / -8, m the first weight
 *                                                 of largest magnitude, sign kept
 *   Q4_1, Q5_0, Q5_1   32 weights too: a minimum (_1), a fifth bit (Q5)
 *   Q2_K to Q6_K       256 weights: groups of 16 or 32, whose scales are codes with a scale d; the
 *                      scales are searched for (search.h, block_search.h)
 *   IQ4_NL, IQ4_XS     32 and 256 weights, 4 bits each, from a table of 16 values not equally spaced
 *   IQ3_* to IQ1_*     256 weights: 4 or 8 together are one row of a codebook (iq_grids.h)
 *   TQ1_0, TQ2_0       256 weights of three values: five in a byte, or two bits each
 *   MXFP4, NVFP4       32, 64 weights: floating point with four bits, scales with eight
 *   Q1_0, Q2_0         128, 64 weights: one and two bits each
 *   Q8_1, Q8_K         32, 256 values of eight bits with their sums: made for activations
 *
 * Dot products with quantised weights quantise the activations too, once per vector (ActQ8): blocks
 * of 32 signed bytes with one f32 scale each, so that a block's product is an integer dot product.
 * Source: GGUF block formats (ggml). */
#ifndef SIXFOLD_QUANTS_H
#define SIXFOLD_QUANTS_H

#include "layer1.h"

/* Activations [n] of one token, n a multiple of 32. A block with a NaN or an infinity has scale NaN
 * and codes 0. All variants of act_q8 give the same bits. */
typedef struct {
    int8_t *q;    /* [n] round(x / scale), ties to even, -127 to 127 */
    float *scale; /* [n / 32] max|x| / 127 of each block */
    float *sum;   /* [n / 32] scale * sum of q: what a constant offset of the weights multiplies */
    float *half;  /* [n / 16] the same of each 16: for formats with 16 weights to a scale */
    /* The same once more, in the order in which some formats want it: act_q8_arrange writes what is not NULL here. */
    int8_t *split;  /* [act_q8_split_bytes(n)] for Q4_0, Q4_1, IQ4_NL */
    int8_t *turned; /* [n] for Q2_K to Q6_K */
    float *pairs;   /* [n / 16] for them too: scale and sum of each 32 side by side */
} ActQ8;

typedef void act_q8_fn(ActQ8 a, const float *x, int64_t n);

/* split: bytes that hold 16 weights of 4 bits twice, first halves of blocks and last halves, meet the same halves of the
 * activations. For each four blocks it has the first 16 codes of all four, then the last 16 of all four. Places of blocks that
 * a last group lacks stay as they are.
 * turned: of each 256 codes the first four of each 16, then the next four of each, ...: so that four steps of a byte dot product
 * leave one sum for each 16 weights (simd_grouped.h). n is a multiple of 256 where turned is not NULL. */
void act_q8_arrange(ActQ8 a, int64_t n);
static inline int64_t act_q8_split_bytes(int64_t n) { return (n + 127) / 128 * 128; }
static inline int64_t act_q8_split_at(int64_t block) { return block / 4 * 128 + block % 4 * 16; }

typedef void dequant_fn(float *y, const void *blocks, int64_t n);

/* importance [n]: how much an error of each weight matters, >= 0; usually the mean square of the
 * activations that meet it (the column of an importance matrix). NULL: the format's own rule. Blocks
 * do not depend on each other. Formats that only round, Q8_0 and the float types, ignore it. */
typedef void quant_fn(void *blocks, const float *x, const float *importance, int64_t n);

/* Rows as integers: w_i = scale[i / group] * q[i] + offset[i / group]. Codes are what the format has,
 * -128 included; offset is written only by formats that have one, else it may be NULL. A scale is a half
 * times a small number, 22 bits at most, so that panel_int8.h's sums are exact. n whole blocks. */
typedef void unpack_fn(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n);
typedef float dot_quant_fn(const void *blocks, ActQ8 a, int64_t n);

extern act_q8_fn *act_q8;
extern dequant_fn *dequant_q8_0, *dequant_q4_0, *dequant_q4_1, *dequant_q5_0, *dequant_q5_1;
extern dequant_fn *dequant_q2_k, *dequant_q3_k, *dequant_q4_k, *dequant_q5_k, *dequant_q6_k;
extern dequant_fn *dequant_iq4_nl, *dequant_iq4_xs, *dequant_iq3_xxs, *dequant_iq3_s, *dequant_iq2_xxs;
extern dequant_fn *dequant_iq2_xs, *dequant_iq2_s, *dequant_iq1_s, *dequant_iq1_m;
extern quant_fn *quant_q8_0, *quant_q4_0, *quant_q4_1, *quant_q5_0, *quant_q5_1;
extern quant_fn *quant_q2_k, *quant_q3_k, *quant_q4_k, *quant_q5_k, *quant_q6_k;
extern unpack_fn *unpack_q8_0, *unpack_q4_0, *unpack_q4_1, *unpack_q5_0, *unpack_q5_1;
extern unpack_fn *unpack_q2_k, *unpack_q3_k, *unpack_q4_k, *unpack_q5_k, *unpack_q6_k;
extern quant_fn *quant_iq4_nl, *quant_iq4_xs, *quant_iq3_xxs, *quant_iq3_s, *quant_iq2_xxs, *quant_iq2_xs;
extern quant_fn *quant_iq2_s, *quant_iq1_s, *quant_iq1_m;
extern unpack_fn *unpack_iq4_nl, *unpack_iq4_xs, *unpack_iq3_xxs, *unpack_iq3_s, *unpack_iq2_xxs;
extern unpack_fn *unpack_iq2_xs, *unpack_iq2_s, *unpack_iq1_s, *unpack_iq1_m;
extern dot_quant_fn *dot_q8_0, *dot_q4_0, *dot_q4_1, *dot_q5_0, *dot_q5_1;
extern dot_quant_fn *dot_q2_k, *dot_q3_k, *dot_q4_k, *dot_q5_k, *dot_q6_k;
extern dot_quant_fn *dot_iq4_nl, *dot_iq4_xs, *dot_iq3_xxs, *dot_iq3_s, *dot_iq2_xxs, *dot_iq2_xs;
extern dot_quant_fn *dot_iq2_s, *dot_iq1_s, *dot_iq1_m;
extern dequant_fn *dequant_tq1_0, *dequant_tq2_0, *dequant_mxfp4, *dequant_nvfp4, *dequant_q1_0;
extern dequant_fn *dequant_q2_0, *dequant_q8_1, *dequant_q8_k;
extern unpack_fn *unpack_q8_1, *unpack_q8_k;
extern quant_fn *quant_q8_1, *quant_q8_k;
extern dot_quant_fn *dot_q8_1, *dot_q8_k;
extern unpack_fn *unpack_tq1_0, *unpack_tq2_0, *unpack_mxfp4, *unpack_nvfp4, *unpack_q1_0, *unpack_q2_0;
extern quant_fn *quant_tq1_0, *quant_tq2_0, *quant_mxfp4, *quant_nvfp4, *quant_q1_0, *quant_q2_0;
extern dot_quant_fn *dot_tq1_0, *dot_tq2_0, *dot_mxfp4, *dot_nvfp4, *dot_q1_0, *dot_q2_0;

typedef struct {
    DType type;
    dequant_fn **dequantise;
    quant_fn **quantise;  /* NULL: a format that is only read */
    dot_quant_fn **dot;   /* NULL for float types: they have dot_f32, dot_f16, dot_bf16 */
    unpack_fn **unpack;   /* NULL: many tokens are multiplied as floats, not as integers */
    int group;            /* weights that share a scale: 16 or 32 */
    bool has_offset;
    int largest;          /* |q| of unpack never exceeds it: 8 for Q4_0, 15 for Q4_K, 128 for Q8_0 */
} QuantFormat;

/* The format of a type, or NULL if this build cannot compute with it. F32, F16 and BF16 are formats
 * too (their dequantise and quantise convert). */
const QuantFormat *quant_format(DType t);

/* Row of any supported type to f32, and back if it has a quantise; n is whole blocks (both CHECKed).
 * importance: see quant_fn. */
void row_to_f32(float *y, const void *row, DType t, int64_t n);
void row_from_f32(void *row, DType t, const float *x, const float *importance, int64_t n);

#endif
