/* panel_int16_pack_simd.c: panel_int16.c's rounding and packing with vectors. */
#include "panel_int16.h"
#include "simd_columns.h"

#include <float.h>

extern panel_int16_round_fn SIMD_FN(panel_int16_round);
extern panel_int16_pack_fn SIMD_FN(panel_int16_pack);

enum { K = PANEL_INT16_K, GROUP = PANEL_INT16_GROUP, GROUPS = PANEL_INT16_GROUPS };

/* A whole group; returns its scale. */
SIMD_INLINE float round_group(int16_t *q, const float *x)
{
    /* 1. The largest magnitude: NaN and infinity compare above all numbers, as integers. */
    vi most = vi_set1(0);
#pragma GCC unroll 4
    for (int j = 0; j < GROUP; j += VF) most = vi_max(most, vi_of_bits(vf_abs(vf_load(x + j))));
    int32_t bits = vi_hmax(most);
    if (bits >= 0x7F800000) bits = 0x7FC00000;
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    /* 2. Scale and its inverse. */
    float scale = largest / (float)PANEL_INT16_MOST;
    float inverse = scale >= FLT_MIN ? (float)PANEL_INT16_MOST / largest : 0.0f;
    if (scale < FLT_MIN) scale = 0.0f;
    /* 3. Codes. */
    vi ok = vi_set1(scale == scale ? -1 : 0);
#pragma GCC unroll 4
    for (int j = 0; j < GROUP; j += VF)
        vi_store_u16((uint16_t *)q + j, vi_from_vf(vf_load(x + j) * vf_set1(inverse)) & ok);
    return scale;
}

/* n < GROUP floats and zeros. */
static float round_rest(int16_t *q, const float *x, int64_t n)
{
    float rest[GROUP] = {0};
    memcpy(rest, x, (size_t)n * sizeof *rest);
    return round_group(q, rest);
}

void SIMD_FN(panel_int16_round)(TileInt16 out, const float *x, int64_t x_stride, int n_tok,
                                int64_t n_k)
{
    int64_t k = 0;
    for (; k + GROUP <= n_k; k += GROUP)
        for (int t = 0; t < n_tok; t++, out.q += GROUP)
            *out.scale++ = round_group(out.q, x + t * x_stride + k);
    for (int t = 0; k < n_k && t < n_tok; t++, out.q += GROUP)
        *out.scale++ = round_rest(out.q, x + t * x_stride + k, n_k - k);
}

void SIMD_FN(panel_int16_pack)(PanelInt16 out, RowsInt16 rows, int64_t n_k)
{
    for (int r = 0; r < PANEL_ROWS; r += VF) {
        /* 1. Two columns of a row become neighbours. */
        int16_t *to = out.q + 2 * r;
        for (int64_t k = 0; k < n_k; k += 8) {
            vi v[4];
            load_columns(v, rows.q + r * K + k, K * sizeof *rows.q);
#pragma GCC unroll 4
            for (int c = 0; c < 4; c++, to += 2 * PANEL_ROWS) vb_store(to, (vb)v[c]);
        }
        /* 2. The scale of each group. */
        vi v[GROUPS];
        load_columns(v, rows.scale + r * GROUPS, GROUPS * sizeof *rows.scale);
        for (int64_t g = 0; g * GROUP < n_k; g++)
            vf_store(out.scale + g * PANEL_ROWS + r, vf_of_bits(v[g]));
    }
}
