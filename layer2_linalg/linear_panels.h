/* linear_panels.h: the loop that all panels of integers share, and what each kind of them adds. Private.
 *
 * A kind rounds activations to integers once for all rows, unpacks PANEL_ROWS rows of a matrix into a
 * panel, a few hundred columns at a time, and multiplies a panel by a tile of up to PANEL_TOKENS tokens.
 * Everything else is linear_panels.c: who does which panel, in what order, and what is fetched ahead. */
#ifndef SIXFOLD_LINEAR_PANELS_H
#define SIXFOLD_LINEAR_PANELS_H

#include "linear_parts.h"
#include "panel.h"

/* Where the rounded activations of a call are. */
typedef struct { const LinearJob *job; char *at; } PanelActs;

/* Tokens [t, t + n_tok), a tile, and columns [k, k + n_k). */
typedef struct { int64_t t, k, n_k; int n_tok; } PanelPart;

/* Sums of a tile: PANEL_ROWS floats for each token, `stride` apart. */
typedef struct { const float *from; int64_t from_stride; float *to; int64_t to_stride; } PanelSums;

typedef struct {
    int64_t most_k;     /* columns of a panel; the last panel of a row may have fewer */
    int64_t own_bytes;  /* for what a thread unpacks and packs; a multiple of 64 */
    int64_t (*acts_bytes)(int64_t n_in, int64_t n_tok); /* a multiple of 64 */
    /* Rounds a tile: k is 0 and n_k is n_in. */
    void (*acts)(const PanelActs *a, const PanelPart *part);
    /* Before a thread's first panel. */
    void (*clear)(char *own);
    /* n_rows <= PANEL_ROWS rows from `row` on become the panel; what its other rows hold is harmless. */
    void (*unpack)(char *own, const Tensor *w, int64_t row, int n_rows, int64_t k, int64_t n_k);
    /* Adds the product of the panel and the tile; from and to may be the same. */
    void (*mul)(const PanelSums *sums, char *own, const Tensor *w, const PanelActs *a,
                const PanelPart *part);
} PanelKind;

int64_t linear_panels_scratch(const PanelKind *kind, int64_t max_in, int64_t max_tok, int n_threads);
void linear_panels(const PanelKind *kind, Pool *pool, const LinearJob *job);

#endif
