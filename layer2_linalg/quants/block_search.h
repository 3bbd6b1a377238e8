/* block_search.h: a block of weights as numbers, before a format packs them into its bits.
 *
 *   K formats     w_i = d * scale_g * code_i - dmin * min_g       g = i / group, the group of weight i
 *   blocks of 32  w_i = scale * code_i + least
 *
 * Interface: pure, safe to call concurrently, the same bits on every machine. importance may be NULL
 * (see quant_fn); what is no number >= 0 in it counts as little as allowed. If a weight is a NaN or an
 * infinity, or so large that no half can be its scale, the block decodes to NaN or infinities, and
 * nobody overlooks it. Weights too small for any half become zeros. */
#ifndef SIXFOLD_BLOCK_SEARCH_H
#define SIXFOLD_BLOCK_SEARCH_H

#include "search.h"

#include <stdint.h>

typedef struct {
    int group;              /* weights per group: 16 or 32 */
    int lo, hi;             /* codes */
    int scale_lo, scale_hi; /* scales of groups, in units of d */
    bool has_min;           /* mins of groups, 0 to scale_hi, in units of dmin */
} KShape;

typedef struct {
    uint16_t d, dmin; /* halves */
    int8_t scales[16], mins[16];
    int8_t codes[256];
} KNumbers;

void quant_k_search(KNumbers *out, const float *x, const float *importance, KShape shape);

/* Scale and minimum of a block of 32 with codes lo to hi: lo < 0, and least is 0; or lo = 0. Both are
 * values of a half. The codes are left to the caller: the nearest. */
QuantFit quant_fit_32(const float *x, const float *importance, int lo, int hi);

#endif
