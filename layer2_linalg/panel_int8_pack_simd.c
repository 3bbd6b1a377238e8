/* panel_int8_pack_simd.c: panel_int8_pack.c's twins with vectors.
 *
 * Packing is a transpose of 32-bit pieces (4 codes, or one float): simd_columns.h. */
#include "panel_int8.h"
#include "simd_columns.h"

#include <float.h>

extern panel_int8_acts_fn SIMD_FN(panel_int8_acts);
extern panel_int8_pack_fn SIMD_FN(panel_int8_pack);

/* ---------------------------------------------------------------- activations */

/* Codes of one block and its scale, as act_q8; the sums of its halves. */
SIMD_INLINE float quantise(uint8_t *codes, int32_t halves[2], const float *x)
{
    /* 1. Codes and scale: NaN and infinity compare above all numbers, as integers. */
    vi most = vi_set1(0);
    for (int j = 0; j < 32; j += VF) most = vi_max(most, vi_of_bits(vf_abs(vf_load(x + j))));
    int32_t bits = vi_hmax(most);
    if (bits >= 0x7F800000) bits = 0x7FC00000;
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    float scale = largest / 127.0f;
    float inverse = scale >= FLT_MIN ? 1.0f / scale : 0.0f;
    if (scale < FLT_MIN) scale = 0.0f;
    vi ok = vi_set1(scale == scale ? -1 : 0);
    /* 2. Unsigned codes; sums of both halves. The byte code + 128 is the code with its upper bit turned
     * over; as a signed number it can be narrowed. */
    for (int h = 0; h < 2; h++) {
        vi sum = vi_set1(0);
        for (int j = 16 * h; j < 16 * h + 16; j += VF) {
            vi q = vi_from_vf(vf_load(x + j) * vf_set1(inverse)) & ok;
            vi_store_i8((int8_t *)codes + j, (q ^ vi_set1(128)) << 24 >> 24);
            sum += q;
        }
        halves[h] = vi_sum(sum);
    }
    return scale;
}

void SIMD_FN(panel_int8_acts)(TileInt8 out, const float *x, int64_t x_stride, int n_tok, int64_t n_k)
{
    for (int64_t b = 0; b < n_k / 32; b++, out.sum += 3 * n_tok)
        for (int t = 0; t < n_tok; t++, out.q += 32) {
            int32_t halves[2];
            float scale = quantise(out.q, halves, x + t * x_stride + 32 * b);
            *out.scale++ = scale;
            out.sum[t] = scale * (float)(halves[0] + halves[1]);
            out.sum[t + n_tok] = scale * (float)halves[0];
            out.sum[t + 2 * n_tok] = scale * (float)halves[1];
        }
}

/* ---------------------------------------------------------------- panels */

/* Codes of VF rows from `row` on, and where their integers start. */
SIMD_INLINE void pack_codes(const PanelInt8 *out, const int8_t *q, int row, int64_t n_k)
{
    int8_t *to = out->q + 4 * row;
    int32_t *start = out->start + row;
    vi sum = vi_set1(0);
    for (int64_t k = 0; k < n_k; k += 16) {
        vi v[4];
        load_columns(v, q + row * PANEL_INT8_K + k, PANEL_INT8_K);
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++, to += 4 * PANEL_ROWS) {
            vb_store(to, (vb)v[c]);
            sum = vi_dot4_us(sum, vb_set1(1), (vb)v[c]);
        }
        if ((k + 16) % out->group) continue;
        vb_store(start, (vb)(vi_set1(PANEL_INT8_MAGIC_BITS) - (sum << 7)));
        start += PANEL_ROWS;
        sum = vi_set1(0);
    }
}

/* One float per group and row; zero, if it is there, gets -PANEL_INT8_MAGIC times as much. */
SIMD_INLINE void pack_floats(float *to, float *zero, const float *from, int row, int64_t n_groups)
{
    for (int64_t g = 0; g < n_groups; g += 4) {
        vi v[4];
        load_columns(v, from + row * PANEL_INT8_GROUPS + g, PANEL_INT8_GROUPS * sizeof *from);
        for (int c = 0; c < 4 && g + c < n_groups; c++) {
            int64_t at = (g + c) * PANEL_ROWS + row;
            vf_store(to + at, vf_of_bits(v[c]));
            if (zero) vf_store(zero + at, vf_of_bits(v[c]) * vf_set1(-PANEL_INT8_MAGIC));
        }
    }
}

void SIMD_FN(panel_int8_pack)(const PanelInt8 *out, const RowsInt8 *rows, int64_t n_k)
{
    int64_t n_groups = n_k / out->group;
    for (int r = 0; r < PANEL_ROWS; r += VF) {
        /* 1. Four columns of a row become neighbours; codes are added up. */
        pack_codes(out, rows->q, r, n_k);
        /* 2. The floats of each group. */
        pack_floats(out->scale, out->zero, rows->scale, r, n_groups);
        if (out->offset) pack_floats(out->offset, NULL, rows->offset, r, n_groups);
    }
}
