/* q5_k.c: Q5_K: Q4_K with a fifth bit.
 *
 *   w_i = d * scale_{i/32} * code_i - dmin * min_{i/32}        scale and min 6 bits, code 5 bits
 *
 *   176 bytes: half d | half dmin | 12 bytes of scales and mins (k_parts.h)
 *              32 bytes, bit k of byte l = bit 4 of code 32 k + l
 *              128 bytes, bits 3..0 of the codes as in Q4_K                   (5.5 bits per weight)
 *
 * Everything but the codes is in k_parts.h. Source: GGUF block formats (ggml). */
#include "k_parts.h"
#include "block_search.h"
#include "layer2_kernels.h"

/* The 32 codes of group k. */
static void codes_of(int8_t codes[32], const void *block, int k)
{
    const BlockQ5_K *b = block;
    const uint8_t *run = b->q + 32 * (k / 2);
    for (int l = 0; l < 32; l++)
        codes[l] = (int8_t)((run[l] >> 4 * (k % 2) & 15) | (b->qh[l] >> k & 1) << 4);
}

void quant_q5_k_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    const KShape shape = {.group = 32, .hi = 31, .scale_hi = 63, .has_min = true};
    KNumbers k;
    BlockQ5_K *b = blocks;
    for (int64_t at = 0; at < n; at += 256, b++) {
        quant_k_search(&k, x + at, importance ? importance + at : NULL, shape);
        *b = (BlockQ5_K){.d = k.d, .dmin = k.dmin};
        k_pack_scales(b->scales, k.scales, k.mins);
        for (int i = 0; i < 256; i++) {
            b->q[32 * (i / 64) + i % 32] |= (uint8_t)((k.codes[i] & 15) << 4 * (i / 32 % 2));
            b->qh[i % 32] |= (uint8_t)(k.codes[i] >> 4 << i / 32);
        }
    }
}

void dequant_q5_k_scalar(float *y, const void *blocks, int64_t n)
{
    k_dequant(y, blocks, sizeof(BlockQ5_K), codes_of, n);
}

void unpack_q5_k_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    k_unpack(q, scale, offset, blocks, sizeof(BlockQ5_K), codes_of, n);
}

float dot_q5_k_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return k_dot_row(blocks, sizeof(BlockQ5_K), codes_of, a, n);
}
