/* requantise.h: a model file again, with its matrices in other types.
 *
 * quant_mix.h says which tensor gets which type; this does it: decode to f32, encode, write.
 *
 * Interface: the output appears under its name only when it is complete and on the disk. Rows are
 * converted in parallel, memory stays at a few megabytes per thread, and the bytes do not depend on
 * the number of threads. Works on any architecture. Numbers that are not finite, before or after, are
 * an error. */
#ifndef SIXFOLD_REQUANTISE_H
#define SIXFOLD_REQUANTISE_H

#include "imatrix.h"
#include "quant_mix.h"

typedef struct {
    QuantParams quant;      /* has_importance is set from imatrix */
    const Imatrix *imatrix; /* NULL for none */
    const char *imatrix_path; /* is noted in the file */
    bool quiet;
    const volatile int *stop;
} RequantiseParams;

typedef struct {
    int64_t n_tensors, n_changed, bytes_in, bytes_out;
    int64_t n_fallen;       /* got another type because of their shape */
    int64_t n_quantised;    /* changed although they were quantised already */
    int64_t n_unmet;        /* changed matrices of experts that no token of the importance matrix met */
} RequantiseStats;

Status requantise(const char *in, const char *out, const RequantiseParams *p, Pool *pool,
                  RequantiseStats *stats, Err *err);

/* What requantise would do: the types of all tensors of g, and the sums. Memory from a. An importance
 * matrix that is missing or does not fit is an error, as there. */
Status requantise_plan(QuantPlan *plan, RequantiseStats *stats, Arena *a, const Gguf *g,
                       const RequantiseParams *p, Err *err);

int64_t requantise_bytes(const QuantChoice *c); /* of its data in the output */

#endif
