/* act_rest.h: the last activations of a row, filled up to one step of a vector dot product. */
#ifndef SIXFOLD_ACT_REST_H
#define SIXFOLD_ACT_REST_H

#include "quants.h"
#include "simd_blocks.h"

typedef struct { int8_t q[32 * STEP]; float scale[STEP], sum[STEP]; } ActRest;

/* Copies `left` blocks (fewer than STEP), the others are zero. Formats of blocks of 32 need no halves. */
SIMD_INLINE ActQ8 act_rest(ActRest *r, ActQ8 a, int64_t left)
{
    *r = (ActRest){{0}, {0}, {0}};
    for (int64_t i = 0; i < left; i++) {
        memcpy(r->q + 32 * i, a.q + 32 * i, 32);
        r->scale[i] = a.scale[i];
        r->sum[i] = a.sum[i];
    }
    return (ActQ8){.q = r->q, .scale = r->scale, .sum = r->sum};
}

#endif
