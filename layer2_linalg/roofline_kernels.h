/* roofline_kernels.h: the three loops that roofline.c times. Private. */
#ifndef SIXFOLD_ROOFLINE_KERNELS_H
#define SIXFOLD_ROOFLINE_KERNELS_H

#include <stdint.h>

/* Reads n bytes (a multiple of 4) once; returns a value that depends on all of them. */
typedef uint32_t roofline_read_fn(const void *p, int64_t n_bytes);

/* Runs `rounds` rounds of independent chains; returns the number of operations done, counting 2 per
 * multiply-add. *out receives a value that depends on every chain. */
typedef int64_t roofline_fma_fn(int64_t rounds, float *out);
typedef int64_t roofline_int8_fn(int64_t rounds, int32_t *out);

extern roofline_read_fn *roofline_read;
extern roofline_fma_fn *roofline_fma;
extern roofline_int8_fn *roofline_int8;

#endif
