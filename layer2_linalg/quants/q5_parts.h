/* q5_parts.h: the codes of Q5_0 and Q5_1 as bytes, eight at a time in 64-bit words: a word of code bytes
 * holds 8 low and 8 high nibbles, and a byte of fifth bits is spread over a word by one multiplication. */
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

/* The 32 codes of one block. */
SIMD_INLINE void q5_codes(int8_t codes[32], const uint8_t low[16], const uint8_t *high)
{
    uint64_t w[2], out[4];
    memcpy(w, low, sizeof w);
    for (int k = 0; k < 4; k++) {
        out[k] = w[k % 2] >> 4 * (k / 2) & 0x0F0F0F0F0F0F0F0Fu;
        out[k] |= q5_fifth_bits(high[k]);
    }
    memcpy(codes, out, sizeof out);
}

#endif
