/* fp4.c: MXFP4 and NVFP4: floating point with four bits.
 *
 *   E2M1: one sign, two bits of exponent, one of mantissa: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their
 *   negatives. Doubled they are integers, and the scale is halved instead:
 *
 *   w_i = scale * twice[code_i]          twice = 0 1 2 3 4 6 8 12, 0 -1 -2 -3 -4 -6 -8 -12
 *
 *   MXFP4   17 bytes, 32 weights: u8 e, scale = 2^(e-128) | 16 bytes as in Q4_0: byte j holds code j
 *           and, above it, code j + 16                                          (4.25 bits per weight)
 *   NVFP4   36 bytes, 64 weights: 4 x UE4M3, a scale for each 16 | 8 bytes for each 16: byte j holds
 *           code j and, above it, code j + 8                                    (4.5 bits per weight)
 *
 * Steps grow with the magnitude, as weights thin out: better than Q4_0's even steps for the small ones,
 * worse for the large. A scale that is a power of two costs a byte and up to half of the range; UE4M3
 * has 3 bits of mantissa and needs a further scale for the whole matrix, which multiplies the result of
 * its product and is no business of the rows.
 * Source: OCP Microscaling Formats 1.0 (2023); GGUF block formats (ggml). */
#include "fp4_parts.h"
#include "layer2_kernels.h"
#include "plain_parts.h"

#include <float.h>
#include <math.h>

static const PlainShape mxfp4 = {32, sizeof(BlockMXFP4), 32};
static const PlainShape nvfp4 = {64, sizeof(BlockNVFP4), 16};

/* The code whose value is nearest, the first of equals; a NaN is as near to 0 as to any. */
static int nearest_code(float x, float scale)
{
    int best = 0;
    for (int c = 1; c < 16; c++)
        if (fabsf(scale * (float)fp4_twice[c] - x) < fabsf(scale * (float)fp4_twice[best] - x))
            best = c;
    return best;
}

/* ---------------------------------------------------------------- MXFP4 */

//@ begin mxfp4-quantise
/* E8M0 such that the largest weight lies between 4 and 8 scales: it is
 * rounded to 6, the largest value, or to 4. */
static uint8_t exponent_for(float largest)
{
    if (largest == 0.0f) return 0;
    int e = largest > FLT_MAX ? 254 : ilogbf(largest) - 2 + 127;
    return (uint8_t)(e < 0 ? 0 : e);
}

void quant_mxfp4_scalar(void *blocks, const float *x,
                        const float *importance, int64_t n)
{
    (void)importance;
    BlockMXFP4 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        b[i].e = exponent_for(plain_largest(x, 32));
        float scale = mxfp4_scale(b[i].e);
        for (int j = 0; j < 16; j++)
            b[i].q[j] = (uint8_t)(nearest_code(x[j], scale) |
                                  nearest_code(x[j + 16], scale) << 4);
    }
}
//@ end mxfp4-quantise

static void open_mxfp4(int8_t *code, float *scale, const void *block)
{
    const BlockMXFP4 *b = block;
    *scale = mxfp4_scale(b->e);
    for (int j = 0; j < 16; j++) {
        code[j] = fp4_twice[b->q[j] & 15];
        code[j + 16] = fp4_twice[b->q[j] >> 4];
    }
}

void dequant_mxfp4_scalar(float *y, const void *blocks, int64_t n)
{
    plain_decode(y, open_mxfp4, mxfp4, blocks, n);
}

void unpack_mxfp4_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    plain_unpack(q, scale, open_mxfp4, mxfp4, blocks, n);
}

float dot_mxfp4_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return plain_dot(open_mxfp4, mxfp4, blocks, a, n);
}

/* ---------------------------------------------------------------- NVFP4 */

/* UE4M3 nearest to v, halves upwards; 448, the largest, for everything that rounds to 256 or more. */
static uint8_t ue4m3_of(float v)
{
    if (!(v > 0.0f)) return 0;
    if (v > 448.0f) v = 448.0f;
    int e = ilogbf(v) + 7;
    if (e <= 0) {
        int m = (int)(v * 512.0f + 0.5f);
        return (uint8_t)(m > 7 ? 7 : m);
    }
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint32_t m = (bits >> 20 & 7) + (bits >> 19 & 1);
    int u = e * 8 + (int)m; /* a mantissa of 8 carries into the exponent */
    return (uint8_t)(u >= 15 * 8 ? 0x7E : u);
}

void quant_nvfp4_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    (void)importance;
    BlockNVFP4 *b = blocks;
    for (int64_t i = 0; i < n / 64; i++, b++)
        for (int g = 0; g < 4; g++, x += 16) {
            b->d[g] = ue4m3_of(plain_largest(x, 16) / 6.0f);
            float scale = nvfp4_scale(b->d[g]);
            for (int j = 0; j < 8; j++)
                b->q[8 * g + j] = (uint8_t)(nearest_code(x[j], scale) |
                                            nearest_code(x[j + 8], scale) << 4);
        }
}

static void open_nvfp4(int8_t *code, float *scale, const void *block)
{
    const BlockNVFP4 *b = block;
    for (int g = 0; g < 4; g++, code += 16) {
        scale[g] = nvfp4_scale(b->d[g]);
        for (int j = 0; j < 8; j++) {
            code[j] = fp4_twice[b->q[8 * g + j] & 15];
            code[j + 8] = fp4_twice[b->q[8 * g + j] >> 4];
        }
    }
}

void dequant_nvfp4_scalar(float *y, const void *blocks, int64_t n)
{
    plain_decode(y, open_nvfp4, nvfp4, blocks, n);
}

void unpack_nvfp4_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    plain_unpack(q, scale, open_nvfp4, nvfp4, blocks, n);
}

float dot_nvfp4_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return plain_dot(open_nvfp4, nvfp4, blocks, a, n);
}
