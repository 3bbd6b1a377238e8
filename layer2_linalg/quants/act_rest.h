/* act_rest.h: the activations of one step of a vector dot product, and the last of a row, filled up to a step. */
#ifndef SIXFOLD_ACT_REST_H
#define SIXFOLD_ACT_REST_H

#include "quants.h"
#include "simd_blocks.h"

typedef struct { int8_t q[32 * STEP], split[32 * STEP + 128]; float scale[STEP], sum[STEP]; } ActRest;

/* The activations from block i on, a multiple of STEP; without halves, which formats of blocks of 32 do not need. */
SIMD_INLINE ActQ8 act_from(ActQ8 a, int64_t i)
{
    int64_t at = STEP % 4 == 0 ? 32 * i : act_q8_split_at(i);
    return (ActQ8){.q = a.q + 32 * i, .scale = a.scale + i, .sum = a.sum + i, .split = a.split + at};
}

/* Copies `left` blocks (fewer than STEP), the others are zero. */
SIMD_INLINE ActQ8 act_rest(ActRest *r, ActQ8 a, int64_t left)
{
    *r = (ActRest){{0}, {0}, {0}, {0}};
    for (int64_t i = 0; i < left; i++) {
        memcpy(r->q + 32 * i, a.q + 32 * i, 32);
        r->scale[i] = a.scale[i];
        r->sum[i] = a.sum[i];
    }
    ActQ8 rest = {.q = r->q, .scale = r->scale, .sum = r->sum, .split = r->split};
    act_q8_arrange(rest, 32 * left);
    return rest;
}

#endif
