/* panel.c: scalar twins of the panel kernels (see panel.h). */
#include "layer2_kernels.h"

void panel_pack_scalar(float *out, int width, const float *rows, int64_t stride, int n_rows,
                       int64_t n_k)
{
    for (int64_t k = 0; k < n_k; k++)
        for (int r = 0; r < width; r++)
            out[k * width + r] = r < n_rows ? rows[r * stride + k] : 0.0f;
}

//@ begin panel-scalar
void panel_mul_scalar(float *y, int64_t y_stride, const float *panel,
                      const float *acts, int n_tok, int64_t n_k, bool add)
{
    for (int t = 0; t < n_tok; t++)
        for (int r = 0; r < PANEL_ROWS; r++) {
            /* 1. One output: weights of row r times token t. */
            float sum = 0.0f;
            for (int64_t k = 0; k < n_k; k++)
                sum += panel[k * PANEL_ROWS + r] * acts[k * n_tok + t];
            /* 2. Start or continue the result. */
            float *out = &y[t * y_stride + r];
            *out = add ? *out + sum : sum;
        }
}
//@ end panel-scalar
