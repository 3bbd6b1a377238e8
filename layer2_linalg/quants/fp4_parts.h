/* fp4_parts.h: the numbers of MXFP4 and NVFP4: fp4.c says where they come from. */
#ifndef SIXFOLD_FP4_PARTS_H
#define SIXFOLD_FP4_PARTS_H

#include "quants.h"

#include <string.h>

/* Twice the sixteen values of E2M1, so that they are integers; 8 would be -0. */
static const int8_t fp4_twice[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static inline float fp4_float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Half of E8M0, 2^(e-127): 2^(e-128). A subnormal for e = 0 and 1. */
static inline float mxfp4_scale(uint8_t e)
{
    return fp4_float_of(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

/* Half of UE4M3, four bits of exponent and three of mantissa: (1 + m/8) 2^(e-7), or m 2^-9 for e = 0.
 * The sign bit does not count, and 0x7F, its NaN, is 0. */
static inline float nvfp4_scale(uint8_t u)
{
    uint32_t magnitude = u & 0x7F;
    if (magnitude == 0x7F) return 0.0f;
    if (magnitude < 8) return (float)magnitude * 0x1p-10f;
    return fp4_float_of((magnitude << 20) + ((127u - 8u) << 23));
}

#endif
