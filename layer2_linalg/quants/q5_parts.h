/* q5_parts.h: the codes of Q5_0 and Q5_1, for vectors: nibbles, and 16 more where the fifth bit is set. */
#ifndef SIXFOLD_Q5_PARTS_H
#define SIXFOLD_Q5_PARTS_H

#include "simd_k.h"

//@ begin q5-codes
/* Two blocks as a pair of simd_k.h, 0 to 31: the nibbles of each, and
 * the fifth bits of each. */
SIMD_INLINE vb q5_codes(const uint8_t *q0, const uint8_t *q1,
                        const uint8_t *qh0, const uint8_t *qh1, int part)
{
    const uint8_t *qh = part < PARTS / 2 || PARTS == 1 ? qh0 : qh1;
    uint64_t bits = word_at(qh + (VF == 4 ? 2 * (part % 2) : 0), VF == 4 ? 2 : 4);
    if (PARTS == 1) bits |= word_at(qh1, 4) << 32;
    return vb_where(vb_nibbles(q0, q1, part), 16, bits);
}
//@ end q5-codes

#endif
