/* imatrix.h: importance matrices: how strongly each input of each matrix is driven by real text.
 *
 *   importance[i] = 1/N sum_t x_t[i]^2        x_t [n_in]: what the matrix is multiplied with at token t
 *
 * An error in column i of a matrix is multiplied by x[i], so a quantiser that knows the mean square of
 * x[i] can spend its precision where it counts.
 *
 * Files: a GGUF with general.type "imatrix", keys imatrix.datasets, imatrix.chunk_count and
 * imatrix.chunk_size, and per matrix NAME two f32 tensors: NAME.in_sum2 [n_in, n_mat] and NAME.counts
 * [1, n_mat]. The older .dat form is read too: per matrix name, calls, and values as mean times calls.
 *
 * Interface: imatrix_open reads either form, wholly checked; imatrix_save writes the GGUF form, which
 * appears under its name only when complete. Entries are kept sorted by name. Every sum is finite and
 * not negative. An open one is read-only and may be shared. */
#ifndef SIXFOLD_IMATRIX_H
#define SIXFOLD_IMATRIX_H

#include "layer4.h"

typedef struct {
    const char *name;     /* of the matrix, e.g. "blk.0.attn_q.weight" */
    int64_t n, n_count;   /* sums; counts: 1, or one per expert. n is a multiple of n_count */
    float *sum2;          /* [n] */
    float *count;         /* [n_count] tokens that were added up */
} ImatrixEntry;

typedef struct Imatrix {
    Arena arena;
    ImatrixEntry *entries; /* [n] by name */
    int64_t n;
    int64_t n_chunks, chunk_size; /* pieces of text so far, tokens in each; 0 if unknown */
    const char *dataset;          /* the last text's name; "" if unknown */
} Imatrix;

Status imatrix_open(Imatrix *m, const char *path, Err *err);
Status imatrix_open_memory(Imatrix *m, const void *data, size_t size, Err *err); /* 8-byte aligned */
Status imatrix_save(const Imatrix *m, const char *path, Err *err);
void imatrix_close(Imatrix *m);

/* The entry of a matrix, or NULL. */
const ImatrixEntry *imatrix_find(const Imatrix *m, Str name);

/* Means [e->n], all above zero. An expert that no token met gets ones: it is quantised evenly. An input that
 * was always zero counts as the least of the others, for a block of such inputs must become something. */
void imatrix_means(const ImatrixEntry *e, float *mean);

/* How many of an entry's matrices no token met: experts that were never chosen. */
int64_t imatrix_n_unmet(const ImatrixEntry *e);

#endif
