/* q5_parts.h: the codes of Q4_1, Q5_0 and Q5_1 as bytes, eight at a time in 64-bit words: a word of code
 * bytes holds 8 low and 8 high nibbles, and a byte of fifth bits is spread over a word by one
 * multiplication. A code less 16 has the code's bits below bit 4, and bit 4's complement from there up. */
#ifndef SIXFOLD_Q5_PARTS_H
#define SIXFOLD_Q5_PARTS_H

#include "simd_blocks.h"

//@ begin q5-spread
/* Bit j of `bits` as 16 in byte j: a copy of them in each byte, of which
 * one is kept; adding 0x7F carries it to the top, and it moves down. */
SIMD_INLINE uint64_t q5_fifth_bits(uint8_t bits)
{
    uint64_t kept = bits * 0x0101010101010101u & 0x8040201008040201u;
    return (((kept & 0x7F7F7F7F7F7F7F7Fu) + 0x7F7F7F7F7F7F7F7Fu) | kept)
           >> 3 & 0x1010101010101010u;
}
//@ end q5-spread

/* Nibbles 8 k to 8 k + 7 of the 32 of a block. */
SIMD_INLINE uint64_t q4_word(const uint8_t low[16], int k)
{
    uint64_t w;
    memcpy(&w, low + 8 * (k % 2), sizeof w);
    return w >> 4 * (k / 2) & 0x0F0F0F0F0F0F0F0Fu;
}

/* The 32 codes of a block: 0 to 15; 0 to 31; -16 to 15. */
SIMD_INLINE void q4_codes(int8_t q[32], const uint8_t low[16])
{
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        uint64_t w = q4_word(low, k);
        memcpy(q + 8 * k, &w, sizeof w);
    }
}
SIMD_INLINE void q5_codes(int8_t q[32], const uint8_t low[16], const uint8_t high[4])
{
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        uint64_t w = q4_word(low, k) | q5_fifth_bits(high[k]);
        memcpy(q + 8 * k, &w, sizeof w);
    }
}
SIMD_INLINE void q5_codes_less_16(int8_t q[32], const uint8_t low[16], const uint8_t high[4])
{
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        uint64_t w = q4_word(low, k) | (q5_fifth_bits(high[k]) ^ 0x1010101010101010u) * 15;
        memcpy(q + 8 * k, &w, sizeof w);
    }
}

#endif
