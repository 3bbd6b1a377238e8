/* q4_1_simd.c: q4_1.c's decoding and unpacking; the same roundings, the same bits. */
#include "quants.h"
#include "simd_k.h"

extern dequant_fn SIMD_FN(dequant_q4_1);
extern unpack_fn SIMD_FN(unpack_q4_1);

void SIMD_FN(dequant_q4_1)(float *y, const void *blocks, int64_t n)
{
    const BlockQ4_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++, y += 32) {
        vf d = vf_f16(b[i].d), m = vf_f16(b[i].m);
        for (int j = 0; j < 16; j += VF) {
            vi codes = vi_load_u8(b[i].q + j);
            vf_store(y + j, d * vf_from_vi(codes & 15) + m);
            vf_store(y + j + 16, d * vf_from_vi(codes >> 4) + m);
        }
    }
}

/* The 64 codes of two blocks, or twice those of one. */
SIMD_INLINE void unpack_two(int8_t q[64], const BlockQ4_1 *b, bool two)
{
    for (int part = 0; part < PARTS; part++)
        vb_store(q + 4 * VF * part, vb_nibbles(b->q, b[two].q, part));
}

void SIMD_FN(unpack_q4_1)(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    const BlockQ4_1 *b = blocks;
    for (int64_t i = 0; i < n / 32; i++) {
        scale[i] = vf_f16(b[i].d)[0];
        offset[i] = vf_f16(b[i].m)[0];
    }
    for (; n >= 64; n -= 64, b += 2, q += 64) unpack_two(q, b, true);
    if (n > 0) {
        int8_t last[64];
        unpack_two(last, b, false);
        memcpy(q, last, 32);
    }
}
