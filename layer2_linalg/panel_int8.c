/* panel_int8.c: scalar twin of the product of bytes by panels (see panel_int8.h). */
#include "layer2_kernels.h"

//@ begin panel-int8-scalar
/* Row r times token t of a tile: the 32 columns of block b. */
static float add_block(float y, const PanelInt8 *w, TileInt8 a, int n_tok,
                       int64_t b, int r, int t)
{
    int64_t n_groups = 32 / w->group;
    float scale_a = a.scale[b * n_tok + t];
    const float *sum_a = a.sum + 3 * b * n_tok + t;
    for (int64_t g = b * n_groups; g < (b + 1) * n_groups; g++) {
        /* 1. Integers: exact. */
        int32_t s = 0;
        for (int64_t k = g * w->group; k < (g + 1) * w->group; k++)
            s += w->q[(k / 4 * PANEL_ROWS + r) * 4 + k % 4] *
                 (a.q[(b * n_tok + t) * 32 + k % 32] - 128);
        /* 2. An offset meets the sum of the activations. */
        int64_t part = w->group == 32 ? 0 : 1 + g % 2;
        if (w->offset)
            y += w->offset[g * PANEL_ROWS + r] * sum_a[part * n_tok];
        /* 3. Both scales. */
        y += w->scale[g * PANEL_ROWS + r] * (float)s * scale_a;
    }
    return y;
}
//@ end panel-int8-scalar

void panel_int8_mul_scalar(float *y, int64_t y_stride, const float *from, int64_t from_stride,
                           const PanelInt8 *w, TileInt8 a, int n_tok, int64_t n_k)
{
    for (int t = 0; t < n_tok; t++)
        for (int r = 0; r < PANEL_ROWS; r++) {
            float sum = from[t * from_stride + r];
            for (int64_t b = 0; b < n_k / 32; b++) sum = add_block(sum, w, a, n_tok, b, r, t);
            y[t * y_stride + r] = sum;
        }
}
