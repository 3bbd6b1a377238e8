/* q4_0_simd.c: q4_0.c's decoding, VF weights at a time; the same multiplications, the same bits. */
#include "quants.h"
#include "simd_blocks.h"

extern dequant_fn SIMD_FN(dequant_q4_0);

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
