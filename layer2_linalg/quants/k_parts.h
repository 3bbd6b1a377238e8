/* k_parts.h: what the K formats share: 8 groups of 32 codes, integer dot products, 6-bit scales. */
#ifndef SIXFOLD_K_PARTS_H
#define SIXFOLD_K_PARTS_H

#include "quants.h"

/* Weight codes are -64 to 63, so n <= 32 products stay far below 2^31. */
static inline int32_t k_dot(const int8_t *codes, const int8_t *q, int n)
{
    int32_t s = 0;
    for (int j = 0; j < n; j++) s += codes[j] * q[j];
    return s;
}

/* Q4_K and Q5_K: scale and minimum of group k, 6 bits each, in 12 bytes:
 *
 *   s[j]    j = 0..3   7 6: bits 5..4 of scale 4+j  | 5..0: scale j
 *   s[4+j]             7 6: bits 5..4 of min 4+j    | 5..0: min j
 *   s[8+j]             7..4: bits 3..0 of min 4+j   | 3..0: bits 3..0 of scale 4+j */
typedef struct { int scale, min; } KScale;

//@ begin k-scale
static inline KScale k_scale(const uint8_t s[12], int k)
{
    if (k < 4) return (KScale){s[k] & 63, s[k + 4] & 63};
    return (KScale){(s[k + 4] & 15) | s[k - 4] >> 6 << 4,
                    s[k + 4] >> 4 | s[k] >> 6 << 4};
}
//@ end k-scale

#endif
