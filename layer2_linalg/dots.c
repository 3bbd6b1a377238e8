/* dots.c: scalar twins of dots_simd.c (see dots.h). */
#include "layer2_kernels.h"

//@ begin dots-scalar
#define DOTS(type, weight, to_f32)                                              \
    void dots_##type##_scalar(float *sums, const Dots *d, bool add)             \
    {                                                                           \
        for (int r = 0; r < d->n_rows; r++)                                     \
            for (int t = 0; t < d->n_tok; t++) {                                \
                const void *row = d->w + r * d->row_bytes;                      \
                const weight *w = row;                                          \
                const float *x = d->x + t * d->x_stride;                        \
                /* 1. Row r times token t. */                                   \
                float sum = 0.0f;                                               \
                for (int64_t k = 0; k < d->n; k++) sum += to_f32(w[k]) * x[k];  \
                /* 2. Start or continue the result. */                          \
                float *out = &sums[r * d->n_tok + t];                           \
                *out = add ? *out + sum : sum;                                  \
            }                                                                   \
    }
//@ end dots-scalar

DOTS(f32, float, )
DOTS(f16, uint16_t, f16_to_f32)
DOTS(bf16, uint16_t, bf16_to_f32)
