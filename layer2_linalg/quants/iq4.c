/* iq4.c: IQ4_NL and IQ4_XS: four bits per weight, and 16 values that are not equally far apart.
 *
 *   IQ4_NL   w_i = d * value[code_i]                       32 weights: half d | 16 bytes as in Q4_0,
 *                                                          byte j: code_{j+16} << 4 | code_j
 *   IQ4_XS   w_i = d * (scale_{i/32} - 32) * value[code_i]
 *
 *   136 bytes: half d
 *              16 bits, 2 k + 1 and 2 k: bits 5 4 of scale k
 *              4 bytes, byte j: bits 3..0 of scale 2 j + 1 | of scale 2 j
 *              128 bytes, 16 for each 32 weights, as IQ4_NL          (4.25 bits per weight)
 *
 * Weights of a group are roughly normal, most of them small: value[] is dense around zero (steps of 10
 * to 13) and coarse at the ends (24), which costs a table and buys 12 % less error than Q4_0.
 * Source: GGUF block formats (ggml). */
#include "iq_grids.h"
#include "iq_parts.h"
#include "layer2_kernels.h"

#include <math.h>

/* The 32 values of 16 bytes. */
static void values_of(int8_t code[32], const uint8_t q[16])
{
    for (int j = 0; j < 16; j++) {
        code[j] = iq_values4[q[j] & 15];
        code[j + 16] = iq_values4[q[j] >> 4];
    }
}

/* ---------------------------------------------------------------- IQ4_NL */

void dequant_iq4_nl_scalar(float *y, const void *blocks, int64_t n)
{
    const BlockIQ4_NL *b = blocks;
    int8_t code[32];
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        float d = f16_to_f32(b[i].d);
        values_of(code, b[i].q);
        for (int j = 0; j < 32; j++) y[j] = d * (float)code[j];
    }
}

void unpack_iq4_nl_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockIQ4_NL *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, q += 32) {
        values_of(q, b[i].q);
        scale[i] = f16_to_f32(b[i].d);
    }
}

float dot_iq4_nl_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    const BlockIQ4_NL *b = blocks;
    float sum = 0.0f;
    int8_t code[32];
    for (int64_t i = 0; i < n / 32; i++, a.q += 32) {
        /* 1. Integers: 32 * 127 * 127 at most. */
        values_of(code, b[i].q);
        int32_t s = iq_dot16(code, a.q) + iq_dot16(code + 16, a.q + 16);
        /* 2. Both scales once per block. */
        sum += f16_to_f32(b[i].d) * (a.scale[i] * (float)s);
    }
    return sum;
}

/* ---------------------------------------------------------------- IQ4_XS */

//@ begin iq4_xs-open
static void open_xs(IqBlock *o, const void *block)
{
    const BlockIQ4_XS *b = block;
    o->d = f16_to_f32(b->d);
    for (int k = 0; k < 8; k++) {
        int low = b->scales_l[k / 2] >> 4 * (k % 2) & 15;
        int high = b->scales_h >> 2 * k & 3;
        o->scale[2 * k] = o->scale[2 * k + 1] = (int8_t)((low | high << 4) - 32);
        values_of(o->code + 32 * k, b->q + 16 * k);
    }
}
//@ end iq4_xs-open

IQ_SCALAR_TWINS(iq4_xs, open_xs, BlockIQ4_XS, 32)

/* ---------------------------------------------------------------- weights to codes */

/* The nearest value's code; halfway, the upper one. */
static int nearest(float v)
{
    int code = 0;
    for (int c = 0; c < 15; c++)
        code += v >= 0.5f * (float)(iq_values4[c] + iq_values4[c + 1]);
    return code;
}

//@ begin iq4-fit
/* A scale for 32 weights: of the inverse scales around 127 / m, which puts the
 * largest weight m on the outermost value, the one that explains most. */
static float fit(const float *x, const float *w)
{
    float m = 0.0f, best = 0.0f, scale = 0.0f;
    for (int i = 0; i < 32; i++)
        if (fabsf(x[i]) > fabsf(m)) m = x[i];
    if (!(fabsf(m) >= 1e-15f)) return 0.0f;
    for (int k = 0; k < 16; k++) {
        /* First the other side, then -7 to 7 on the side of -127. */
        float inverse = k == 0 ? 1.0f / (m / 127.0f) : ((float)(k - 8) - 127.0f) / m;
        float xv = 0.0f, vv = 0.0f;
        for (int i = 0; i < 32; i++) {
            float v = iq_values4[nearest(x[i] * inverse)];
            xv += w[i] * x[i] * v;
            vv += w[i] * v * v;
        }
        if (!(vv > 0.0f && xv * xv > best * vv)) continue;
        scale = xv / vv;
        best = scale * xv;
    }
    return scale;
}
//@ end iq4-fit

static void weigh(float w[32], const float *x, const float *importance, float sigma2)
{
    for (int i = 0; i < 32; i++)
        w[i] = importance ? importance[i] * sqrtf(sigma2 + x[i] * x[i]) : x[i] * x[i];
}

/* Twice the mean square. */
static float sigma2_of(const float *x, int n)
{
    float sum = 0.0f;
    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    return 2.0f * sum / (float)n;
}

static void pack(uint8_t q[16], const float *x, float inverse)
{
    for (int j = 0; j < 16; j++)
        q[j] = (uint8_t)(nearest(x[j] * inverse) | nearest(x[j + 16] * inverse) << 4);
}

void quant_iq4_nl_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockIQ4_NL *b = blocks;
    float w[32];
    for (int64_t i = 0; i < n / 32; i++, x += 32) {
        weigh(w, x, importance ? importance + 32 * i : NULL, sigma2_of(x, 32));
        float d = fit(x, w);
        b[i].d = f32_to_f16(d);
        pack(b[i].q, x, d != 0.0f ? 1.0f / d : 0.0f);
    }
}

void quant_iq4_xs_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockIQ4_XS *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, x += 256) {
        float w[32], scale[8], most = 0.0f, sigma2 = sigma2_of(x, 256);
        for (int k = 0; k < 8; k++) {
            weigh(w, x + 32 * k, importance ? importance + 256 * i + 32 * k : NULL, sigma2);
            scale[k] = fit(x + 32 * k, w);
            if (fabsf(scale[k]) > fabsf(most)) most = scale[k];
        }
        /* The scale of largest magnitude becomes -32. */
        float d = -most / 32.0f, inverse = d != 0.0f ? 1.0f / d : 0.0f;
        *b = (BlockIQ4_XS){.d = f32_to_f16(d)};
        for (int k = 0; k < 8; k++) {
            float v = rintf(inverse * scale[k]);
            int s = v >= 31.0f ? 31 : v >= -32.0f ? (int)v : -32;
            float step = d * (float)s;
            b->scales_l[k / 2] |= (uint8_t)((s + 32) % 16 << 4 * (k % 2));
            b->scales_h |= (uint16_t)((s + 32) / 16 << 2 * k);
            pack(b->q + 16 * k, x + 32 * k, step != 0.0f ? 1.0f / step : 0.0f);
        }
    }
}
