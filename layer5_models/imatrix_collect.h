/* imatrix_collect.h: an observer of the forward pass that adds up squares.
 *
 * Matrices of experts have a row of sums and a count for each expert: only the tokens that chose it count.
 *
 * Interface: imatrix_collect_open makes an empty matrix with an entry for each weight of the blocks (and
 * the output, if asked); put its watcher into a Session, run a chunk of text, and call
 * imatrix_collect_chunk: only then the chunk counts. Squares of a chunk are added in double precision
 * and then, once, to the sums: stopping after a chunk and going on later gives the same bits. */
#ifndef SIXFOLD_IMATRIX_COLLECT_H
#define SIXFOLD_IMATRIX_COLLECT_H

#include "imatrix.h"
#include "model.h"

typedef struct ImatrixWatched ImatrixWatched;

typedef struct {
    Imatrix sums;
    Arena arena;
    ImatrixWatched *watched; /* [sums.n], by the address of the weights */
} ImatrixCollect;

Status imatrix_collect_open(ImatrixCollect *c, const Model *m, bool with_output, const char *dataset,
                            int64_t chunk_size, Err *err);
void imatrix_collect_close(ImatrixCollect *c);

/* What it will take: 12 bytes for each input, and models of many experts have many. */
int64_t imatrix_collect_bytes(const Model *m, bool with_output);
BlockWatcher imatrix_collect_watcher(ImatrixCollect *c);
Status imatrix_collect_chunk(ImatrixCollect *c, Err *err); /* E_FORMAT if a square is not finite */

/* Goes on from an earlier run, which must be of the same model and chunk size. */
Status imatrix_collect_resume(ImatrixCollect *c, const Imatrix *before, Err *err);

#endif
