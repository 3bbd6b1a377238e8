/* q4_k.c: Q4_K: 256 weights in 8 groups of 32, four bits each; each group has a scale and a minimum.
 *
 *   w_i = d * scale_{i/32} * code_i - dmin * min_{i/32}        scale and min 6 bits, code 4 bits
 *
 *   144 bytes: half d | half dmin | 12 bytes of scales and mins (k_parts.h)
 *              128 bytes, 4 runs of 32; of run r, byte l
 *                         7..4: code 64 r + 32 + l | 3..0: code 64 r + l     (4.5 bits per weight)
 *
 * As many bits per weight as Q4_0, spent better: 8 scales cost 12 bytes here, 16 there, and what is
 * saved pays for a minimum. With activations x = scale' * q a group gives
 *   d * scale * (scale' * sum code q) - dmin * min * ActQ8.sum,
 * a sum that Q5_K shares: it is in k_parts.h.
 * Source: GGUF block formats (ggml). */
#include "k_parts.h"
#include "block_search.h"
#include "layer2_kernels.h"

/* The 32 codes of group k. */
static void codes_of(int8_t codes[32], const void *block, int k)
{
    const BlockQ4_K *b = block;
    const uint8_t *run = b->q + 32 * (k / 2);
    for (int l = 0; l < 32; l++) codes[l] = (int8_t)(run[l] >> 4 * (k % 2) & 15);
}

//@ begin q4_k-quantise
void quant_q4_k_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    const KShape shape = {.group = 32, .hi = 15, .scale_hi = 63, .has_min = true};
    KNumbers k;
    BlockQ4_K *b = blocks;
    for (int64_t at = 0; at < n; at += 256, b++) {
        quant_k_search(&k, x + at, importance ? importance + at : NULL, shape);
        *b = (BlockQ4_K){.d = k.d, .dmin = k.dmin};
        k_pack_scales(b->scales, k.scales, k.mins);
        for (int i = 0; i < 256; i++)
            b->q[32 * (i / 64) + i % 32] |= (uint8_t)(k.codes[i] << 4 * (i / 32 % 2));
    }
}
//@ end q4_k-quantise

void dequant_q4_k_scalar(float *y, const void *blocks, int64_t n)
{
    k_dequant(y, blocks, sizeof(BlockQ4_K), codes_of, n);
}

void unpack_q4_k_scalar(int8_t *q, float *scale, float *offset, const void *blocks, int64_t n)
{
    k_unpack(q, scale, offset, blocks, sizeof(BlockQ4_K), codes_of, n);
}

float dot_q4_k_scalar(const void *blocks, ActQ8 a, int64_t n)
{
    return k_dot_row(blocks, sizeof(BlockQ4_K), codes_of, a, n);
}
