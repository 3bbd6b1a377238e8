/* repack.h: the matrices of an open model in another type, in memory: faster, smaller or exact.
 *
 * Interface: model_repack decodes every matrix that the forward pass multiplies (and the embedding)
 * and keeps it as `type` in the model's own memory; the file stays mapped for the rest. Matrices that
 * have the type already, or whose rows are no whole number of its blocks, stay as they are.
 * model_repack_bytes says what it will need. Not for a model that a session uses. */
#ifndef SIXFOLD_REPACK_H
#define SIXFOLD_REPACK_H

#include "model.h"

int64_t model_repack_bytes(const Model *m, DType type);
Status model_repack(Model *m, DType type, Pool *pool, bool quiet, Err *err);

#endif
