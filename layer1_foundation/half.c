/* half.c: f16 and bf16 by their bit fields.
 *
 * An f16 with exponent e and mantissa m means (-1)^s * 2^(e-15) * (1 + m/1024), or for e = 0 the
 * subnormal (-1)^s * 2^-14 * m/1024. Everything here is integer work on the f32 pattern, so the
 * result does not depend on the rounding mode or on the compiler. Source: IEEE 754-2019, 3.4. */
#include "half.h"

#include "layer1.h"

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

//@ begin half-widen
float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h >> 15) << 31;
    uint32_t e = (h >> 10) & 31, m = h & 1023;

    /* Infinity or NaN: the largest exponent stays the largest. */
    if (e == 31) return float_of(sign | 0x7F800000u | m << 13);
    /* Normal: move the mantissa up, change the bias from 15 to 127. */
    if (e > 0) return float_of(sign | (e + 112) << 23 | m << 13);
    /* Zero or subnormal: m / 1024 * 2^-14, exact in f32. */
    float value = (float)m * 0x1p-24f;
    return float_of(sign | bits_of(value));
}
//@ end half-widen

//@ exercise 1.1 Round to the nearest half
EXERCISE uint16_t f32_to_f16(float f)
{
    uint32_t u = bits_of(f), sign = u >> 16 & 0x8000u, abs = u & 0x7FFFFFFFu;

    /* NaN keeps its sign; what is at least 65520 rounds to infinity. */
    if (abs > 0x7F800000u) return (uint16_t)(sign | 0x7E00u);
    if (abs >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u);

    /* Normal result: drop 13 bits with round-to-nearest-even, change the bias. A carry out of the
     * mantissa moves into the exponent, which is exactly right. */
    if (abs >= 0x38800000u) {
        uint32_t rounded = abs + 0xFFFu + (abs >> 13 & 1);
        return (uint16_t)(sign | (rounded - (112u << 23)) >> 13);
    }

    /* Subnormal result: shift the full mantissa until the exponent is 2^-24. */
    uint32_t e = abs >> 23;
    if (e < 102) return (uint16_t)sign; /* below half of the smallest subnormal */
    uint32_t m = (abs & 0x7FFFFFu) | 0x800000u, shift = 126 - e;
    uint32_t half = 1u << (shift - 1), odd = m >> shift & 1;
    return (uint16_t)(sign | (m + half - 1 + odd) >> shift);
}
//@ end exercise

float bf16_to_f32(uint16_t h) { return float_of((uint32_t)h << 16); }

uint16_t f32_to_bf16(float f)
{
    uint32_t u = bits_of(f);
    if ((u & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(u >> 16 | 64);
    return (uint16_t)((u + 0x7FFFu + (u >> 16 & 1)) >> 16);
}
