/* transpose_simd.c: a square of VF x VF numbers is transposed in registers, by shuffling cards.
 *
 * A perfect shuffle of two halves of a pack moves card number b3 b2 b1 b0 to b2 b1 b0 b3: it rotates
 * the bits of the index. Number (row, lane) has the row's bits, then the lane's; after log2(VF)
 * shuffles rows and lanes have changed places. One shuffle of VF registers is VF zips.
 * Source: Stone 1971 (perfect shuffle). */
#include "layer7_kernels.h"
#include "simd.h"

/* to[2i], to[2i + 1] = the numbers of from[i] and from[i + VF/2], alternating. */
SIMD_INLINE void shuffle(vf *to, const vf *from)
{
#pragma GCC unroll 8
    for (int i = 0; i < VF / 2; i++) {
        to[2 * i] = vf_zip_lo(from[i], from[i + VF / 2]);
        to[2 * i + 1] = vf_zip_hi(from[i], from[i + VF / 2]);
    }
}

SIMD_INLINE void square(float *out, int64_t out_stride, const float *in, int64_t in_stride)
{
    vf a[VF], b[VF];
#pragma GCC unroll 16
    for (int y = 0; y < VF; y++) a[y] = vf_load(in + y * in_stride);
    shuffle(b, a);
    shuffle(a, b);
#if VF == 16
    shuffle(b, a);
    shuffle(a, b);
#elif VF == 8
    shuffle(b, a);
    memcpy(a, b, sizeof a);
#endif
#pragma GCC unroll 16
    for (int y = 0; y < VF; y++) vf_store(out + y * out_stride, a[y]);
}

void SIMD_FN(transpose)(float *out, int64_t out_stride, const float *in, int64_t in_stride,
                        int64_t n_rows, int64_t n_cols)
{
    int64_t whole_rows = n_rows / VF * VF, whole_cols = n_cols / VF * VF;
    /* 1. Square by square. */
    for (int64_t j = 0; j < whole_cols; j += VF)
        for (int64_t i = 0; i < whole_rows; i += VF)
            /* 2. Columns of the square become rows. */
            square(out + j * out_stride + i, out_stride, in + i * in_stride + j, in_stride);
    /* 3. What is left at the right and at the bottom. */
    for (int64_t j = 0; j < n_cols; j++)
        for (int64_t i = j < whole_cols ? whole_rows : 0; i < n_rows; i++)
            out[j * out_stride + i] = in[i * in_stride + j];
}
