/* requantise.h: a model file again, with its matrices in another type.
 *
 * Which tensors change: those with two or more dimensions whose name ends in ".weight", but not norms,
 * position tables, routers and convolutions. For Q4_0 the output matrix (or the embedding, if it
 * serves as output) becomes Q8_0, unless pure. A row that is no whole number of blocks becomes F16.
 *
 * Interface: the output appears under its name only when it is complete. Rows are converted in
 * parallel; memory stays at a few megabytes per thread. Works on any architecture. */
#ifndef SIXFOLD_REQUANTISE_H
#define SIXFOLD_REQUANTISE_H

#include "layer4.h"

typedef struct {
    DType type;          /* F32, F16, BF16, Q8_0 or Q4_0 */
    bool pure, quiet;
    const volatile int *stop;
} RequantiseParams;

typedef struct {
    int64_t n_tensors, n_changed, bytes_in, bytes_out;
} RequantiseStats;

Status requantise(const char *in, const char *out, const RequantiseParams *p, Pool *pool,
                  RequantiseStats *stats, Err *err);

/* The type that tensor t of g gets under p. */
DType requantise_type(const Gguf *g, const GgufTensor *t, const RequantiseParams *p);

#endif
