/* act_rest.h: the last activations of a row, filled up to one step of a vector dot product. */
#ifndef SIXFOLD_ACT_REST_H
#define SIXFOLD_ACT_REST_H

#include "quants.h"
#include "simd_blocks.h"

typedef struct { int8_t q[32 * LANES]; float scale[LANES], sum[LANES]; } ActRest;

/* Copies `left` blocks (fewer than LANES), the others are zero. */
SIMD_INLINE ActQ8 act_rest(ActRest *r, ActQ8 a, int64_t left)
{
    *r = (ActRest){{0}, {0}, {0}};
    memcpy(r->q, a.q, (size_t)left * 32);
    memcpy(r->scale, a.scale, (size_t)left * sizeof *a.scale);
    memcpy(r->sum, a.sum, (size_t)left * sizeof *a.sum);
    return (ActQ8){r->q, r->scale, r->sum};
}

#endif
