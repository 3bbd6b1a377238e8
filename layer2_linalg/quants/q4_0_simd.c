/* q4_0_simd.c: q4_0.c's decoding and unpacking; the same multiplications, the same bits. */
#include "quants.h"
#include "simd_blocks.h"

extern dequant_fn SIMD_FN(dequant_q4_0);
extern unpack_fn SIMD_FN(unpack_q4_0);

void SIMD_FN(dequant_q4_0)(float *y, const void *blocks, int64_t n)
{
    const BlockQ4_0 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        vf d = vf_f16(b[i].d);
        for (int j = 0; j < 16; j += VF) {
            vi codes = vi_load_u8(b[i].q + j);
            vf_store(y + j, d * vf_from_vi((codes & 15) - 8));
            vf_store(y + j + 16, d * vf_from_vi((codes >> 4) - 8));
        }
    }
}

/* Codes and scales of STEP blocks. */
SIMD_INLINE void unpack_step(int8_t *q, float *scale, const BlockQ4_0 *b)
{
    vq d = vq_load_f16(b, sizeof *b);
    memcpy(scale, &d, sizeof d);
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, b += STEP / 2, q += 16 * STEP) {
        vb codes = vb_load_nibbles(b);
        vb lo = (codes & vb_set1(15)) - vb_set1(8);
        vb hi = ((vb)((vi)codes >> 4) & vb_set1(15)) - vb_set1(8);
        vb_store(q, vb_join_first(lo, hi));
        vb_store(q + 4 * VF, vb_join_last(lo, hi));
    }
}

void SIMD_FN(unpack_q4_0)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    (void)offset;
    const BlockQ4_0 *b = blocks;
    int64_t left = n / 32;
    for (; left >= STEP; left -= STEP, b += STEP, q += 32 * STEP, scale += STEP)
        unpack_step(q, scale, b);
    /* The last blocks, filled up with zeros. */
    if (left > 0) {
        BlockQ4_0 rest[STEP] = {{0}};
        int8_t codes[32 * STEP];
        float d[STEP];
        memcpy(rest, b, (size_t)left * sizeof *b);
        unpack_step(codes, d, rest);
        memcpy(q, codes, (size_t)left * 32);
        memcpy(scale, d, (size_t)left * sizeof *d);
    }
}
