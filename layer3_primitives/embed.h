/* embed.h: token ids to vectors: rows of a table, converted from whatever type it has.
 *
 * Interface: table [d, n_vocab]; ids are CHECKed against n_vocab (callers validate what comes from
 * outside). y [n, d]. */
#ifndef SIXFOLD_EMBED_H
#define SIXFOLD_EMBED_H

#include "layer2.h"

void embed_lookup(float *y, const Tensor *table, const int32_t *ids, int64_t n);

#endif
