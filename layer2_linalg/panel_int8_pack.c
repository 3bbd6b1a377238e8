/* panel_int8_pack.c: scalar twins: activations and unpacked rows as panel_int8_mul wants them. */
#include "layer2_kernels.h"

void panel_int8_acts_scalar(TileInt8 out, const float *x, int64_t x_stride, int n_tok, int64_t n_k)
{
    for (int64_t b = 0; b < n_k / 32; b++)
        for (int t = 0; t < n_tok; t++) {
            /* 1. Codes and scale of 32 activations. */
            int8_t q[32];
            float half[2];
            ActQ8 a = {.q = q, .half = half};
            a.scale = &out.scale[b * n_tok + t], a.sum = &out.sum[(3 * b + 0) * n_tok + t];
            act_q8_scalar(a, x + t * x_stride + 32 * b, 32);
            /* 2. Unsigned codes; sums of both halves. */
            for (int j = 0; j < 32; j++) out.q[(b * n_tok + t) * 32 + j] = (uint8_t)(q[j] + 128);
            for (int h = 0; h < 2; h++) out.sum[(3 * b + 1 + h) * n_tok + t] = half[h];
        }
}

void panel_int8_pack_scalar(const PanelInt8 *out, const RowsInt8 *rows, int64_t n_k)
{
    for (int64_t g = 0; g < n_k / out->group; g++)
        for (int r = 0; r < PANEL_ROWS; r++) {
            /* 1. Four columns of a row become neighbours; codes are added up. */
            int32_t sum = 0;
            for (int64_t k = g * out->group; k < (g + 1) * out->group; k++) {
                int8_t q = rows->q[r * PANEL_INT8_K + k];
                out->q[(k / 4 * PANEL_ROWS + r) * 4 + k % 4] = q;
                sum += q;
            }
            /* 2. Where the integers start, and the floats of the group. */
            int64_t at = g * PANEL_ROWS + r;
            out->start[at] = PANEL_INT8_MAGIC_BITS - 128 * sum;
            out->scale[at] = rows->scale[r * PANEL_INT8_GROUPS + g];
            out->zero[at] = -PANEL_INT8_MAGIC * out->scale[at];
            if (out->offset) out->offset[at] = rows->offset[r * PANEL_INT8_GROUPS + g];
        }
}
