/* half.h: the two 16-bit floats, bit for bit.
 *
 *   f16  (IEEE binary16)  1 sign, 5 exponent (bias 15),  10 mantissa bits
 *   bf16 (bfloat16)       1 sign, 8 exponent (bias 127),  7 mantissa bits: the upper half of an f32
 *
 * Widening is exact. Narrowing rounds to nearest, ties to even; f16 overflows to infinity; NaN stays
 * NaN (f16: 0x7E00 with the sign kept; bf16: the upper bits with the quiet bit set).
 * All functions are pure and safe to call from any thread. Source: IEEE 754-2019, 3.4 and 4.3. */
#ifndef SIXFOLD_HALF_H
#define SIXFOLD_HALF_H

#include <stdint.h>

float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);
float bf16_to_f32(uint16_t h);
uint16_t f32_to_bf16(float f);

#endif
