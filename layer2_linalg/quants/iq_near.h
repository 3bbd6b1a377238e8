/* iq_near.h: which grid points lie near a wish: what quantisers of the IQ formats look up.
 *
 * A wish is one level for each weight of a group, numbered as digits of one number, the first weight's
 * lowest: 3^8 = 6561 cells for rows of 8, 8^4 = 4096 for rows of 4. If the wish is a grid point, that is
 * the only candidate. Otherwise candidates are all points at the few smallest distances (squared, in
 * levels); which of them fits best is for the caller to weigh. Private to the IQ quantisers.
 *
 * Interface: iq_near_of(kind) builds the lists of one codebook on first use (tens of milliseconds at
 * most); any number of threads may call it. */
#ifndef SIXFOLD_IQ_NEAR_H
#define SIXFOLD_IQ_NEAR_H

#include <stdint.h>

typedef enum { IQ_2_XXS, IQ_2_XS, IQ_2_S, IQ_3_XXS, IQ_3_S, IQ_1, IQ_N_KINDS } IqKind;

typedef struct {
    int n, n_levels, n_points;
    const uint32_t *first; /* candidates of cell c: point[first[c]] to point[first[c + 1] - 1] */
    const uint16_t *point; /* by distance, then by number */
    const uint8_t *level;  /* [n_points, n] */
} IqNear;

IqNear iq_near_of(IqKind kind);

#endif
