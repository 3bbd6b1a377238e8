/* matmul_block.h: the part of a matrix product that one thread computes: C = A B with strides.
 * Private to the matmul ladder.
 *
 * Row i of C starts at c + i*ldc, and so on. scratch has matmul_block_bytes() bytes, 64-byte aligned:
 * room for one block of A and one of B, rearranged into panels. */
#ifndef SIXFOLD_MATMUL_BLOCK_H
#define SIXFOLD_MATMUL_BLOCK_H

#include <stdint.h>

/* The block sizes. A slice of B, KC x NR, stays in L1 as far as that goes (64 KB with AVX-512, half of
 * it with AVX2); the block of A, MC x KC, in L2; the block of B, KC x NC, in L3. A longer KC fetches C
 * less often. MC is a multiple of every variant's tile height, NC of every tile width. */
enum { MATMUL_MC = 84, MATMUL_KC = 512, MATMUL_NC = 2048 };

typedef void matmul_block_fn(void *scratch, float *c, int64_t ldc, const float *a, int64_t lda,
                             const float *b, int64_t ldb, int64_t m, int64_t n, int64_t k);
extern matmul_block_fn *matmul_block;

int64_t matmul_block_bytes(void);

#endif
