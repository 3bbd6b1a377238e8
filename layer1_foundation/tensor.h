/* tensor.h: a view of numbers: type, shape, strides, pointer. It owns nothing.
 *
 * ne[0] is the contiguous dimension (GGUF order: a matrix [n_in, n_out] has rows of n_in numbers).
 * nb[i] is the distance in bytes between neighbours along dimension i; for quantised types nb[0] is
 * the size of a block and only whole rows can be addressed. Missing dimensions are 1. */
#ifndef SIXFOLD_TENSOR_H
#define SIXFOLD_TENSOR_H

#include "dtype.h"

typedef struct Tensor {
    DType type;
    int64_t ne[4];    /* shape, ne[0] contiguous */
    int64_t nb[4];    /* strides in bytes */
    const void *data; /* element (0, 0, 0, 0) */
} Tensor;

/* Dense view of n0 x n1 x n2 x n3 elements at data. n0 must be whole blocks (CHECKed). */
Tensor tensor_view(DType type, const void *data, int64_t n0, int64_t n1, int64_t n2, int64_t n3);

/* Matrix view [n_in, n_out]. */
Tensor tensor_matrix(DType type, const void *data, int64_t n_in, int64_t n_out);

/* Vector view [n]. */
Tensor tensor_vector(DType type, const void *data, int64_t n);

/* Address of row (i1, i2, i3); indices are CHECKed. */
const void *tensor_row(const Tensor *t, int64_t i1, int64_t i2, int64_t i3);

/* Same data with dimensions a and b exchanged: only shape and strides move. Not for quantised
 * types when a or b is 0 (CHECKed). */
Tensor tensor_transpose(Tensor t, int a, int b);

/* One f32, f16 or bf16 element as f32. For tests, demos and printing; kernels use rows. */
float tensor_at(const Tensor *t, int64_t i0, int64_t i1, int64_t i2, int64_t i3);

int64_t tensor_elements(const Tensor *t);
int64_t tensor_bytes(const Tensor *t); /* of the dense form */
bool tensor_is_dense(const Tensor *t);

#endif
