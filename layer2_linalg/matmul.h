/* matmul.h: C = A B in f32, as a ladder from three loops to the speed of the machine.
 *
 *   c[i][j] = sum_k a[i][k] b[k][j]      A [m, k], B [k, n], C [m, n], all row-major and dense
 *
 * Variants, each a small step from the one before (op "matmul"):
 *   ijk -> ikj -> tiled -> packed -> avx2 | avx512 | neon (register-blocked) -> threaded;
 *   blas (OpenBLAS opened at run time) only on request, and usable only after matmul_blas_open().
 *
 * Interface: C is overwritten and overlaps neither A nor B. scratch has matmul_scratch_bytes() bytes,
 * 64-byte aligned; pool may be NULL (one thread). One call at a time per scratch. */
#ifndef SIXFOLD_MATMUL_H
#define SIXFOLD_MATMUL_H

#include "layer1.h"

typedef void matmul_fn(Pool *pool, void *scratch, float *c, const float *a, const float *b,
                       int64_t m, int64_t n, int64_t k);
extern matmul_fn *matmul;

int64_t matmul_scratch_bytes(int64_t m, int64_t n, int64_t k, int n_threads);

/* Opens libopenblas.so.0 and makes the variant "blas" usable; false if it is not installed. Called by
 * layer2_init if SIXFOLD_KERNELS names blas, otherwise by a bench or demo that wants to compare. */
bool matmul_blas_open(void);

#endif
