/* act_q8.c: activations in 8 bits, so that a product with quantised weights is integer work.
 *
 *   scale = max|x| / 127     q_i = round(x_i / scale), ties to even     sum = scale * sum q_i
 *
 * per block of 32; half is the sum's share of each 16. Ties go to even because every vector unit rounds that way; the twins give the
 * same integers. A block that holds a NaN or an infinity gets the scale NaN, so that what is wrong
 * upstream shows in the result; a scale below the smallest normal number counts as zero. */
#include "layer2_kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Nearest integer, ties to even, for |x| < 2^22: 1.5 * 2^23 has no bits left for a fraction. */
static float round_even(float x)
{
    const float big = 12582912.0f;
    return (x + big) - big;
}

//@ begin act_q8
void act_q8_scalar(ActQ8 a, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n / 32; i++, x += 32, a.q += 32) {
        /* 1. The largest magnitude; NaN and infinity are remembered. */
        float largest = 0.0f;
        for (int j = 0; j < 32; j++)
            if (!(fabsf(x[j]) <= largest)) largest = fabsf(x[j]);
        for (int j = 0; j < 32; j++)
            if (!(fabsf(x[j]) <= FLT_MAX)) largest = NAN;
        /* 2. Scale and its inverse. */
        float scale = largest / 127.0f;
        float inverse = scale >= FLT_MIN ? 1.0f / scale : 0.0f;
        if (scale < FLT_MIN) scale = 0.0f;
        /* 3. Codes and their sums. */
        int32_t s[2] = {0, 0};
        for (int j = 0; j < 32; j++) {
            a.q[j] = scale == scale ? (int8_t)round_even(x[j] * inverse) : 0;
            s[j / 16] += a.q[j];
        }
        a.scale[i] = scale;
        a.sum[i] = scale * (float)(s[0] + s[1]);
        for (int h = 0; h < 2; h++) a.half[2 * i + h] = scale * (float)s[h];
    }
}
//@ end act_q8

static void turn(ActQ8 a, int64_t n)
{
    for (int64_t i = 0; i < n / 256; i++, a.q += 256, a.turned += 256)
        for (int g = 0; g < 16; g++)
            for (int k = 0; k < 4; k++) memcpy(a.turned + 64 * k + 4 * g, a.q + 16 * g + 4 * k, 4);
    for (int64_t i = 0; i < n / 256 * 8; i++) {
        a.pairs[2 * i] = a.scale[i];
        a.pairs[2 * i + 1] = a.sum[i];
    }
}

void act_q8_arrange(ActQ8 a, int64_t n)
{
    if (a.turned) turn(a, n);
    for (int64_t i = 0; a.split && i < n / 32; i++) {
        int8_t *to = a.split + act_q8_split_at(i);
        memcpy(to, a.q + 32 * i, 16);
        memcpy(to + 64, a.q + 32 * i + 16, 16);
    }
}
