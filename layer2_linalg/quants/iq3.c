/* iq3.c: IQ3_XXS and IQ3_S: four weights share one code, the number of a row of four magnitudes.
 *
 *   w_i = step_{i/32} * sign_i * row[i % 4]
 *
 *   IQ3_XXS  step = d * (2 s + 1) / 4, rows of 256 points          98 bytes (3.0625 bits per weight)
 *            half d
 *            64 bytes, byte j: row of weights 4 j to 4 j + 3
 *            8 words of 32 bits, word k: 31..28: s | 27..21, 20..14, 13..7, 6..0: signs of weights
 *                                32 k + 24.., + 16.., + 8.., + 0..; bit 7 of each is iq_even_signs
 *   IQ3_S    step = d * (2 s + 1), rows of 512 points              110 bytes (3.4375 bits per weight)
 *            half d
 *            64 bytes, bits 7..0 of the rows
 *            8 bytes, bit j of byte k: bit 8 of row 8 k + j
 *            32 bytes of signs, bit j of byte k: weight 8 k + j is negative
 *            4 bytes, byte j: 7..4: s of weights 64 j + 32.. | 3..0: s of weights 64 j..
 *
 * Source: GGUF block formats (ggml). */
#include "iq_grids.h"
#include "iq_parts.h"
#include "layer2_kernels.h"

//@ begin iq3_xxs-open
static void open_xxs(IqBlock *o, const void *block)
{
    const BlockIQ3_XXS *b = block;
    o->d = f16_to_f32(b->d) * 0.25f;
    for (int k = 0; k < 8; k++) {
        uint32_t word;
        memcpy(&word, b->q + 64 + 4 * k, sizeof word);
        o->scale[2 * k] = o->scale[2 * k + 1] = (int8_t)(2 * (word >> 28) + 1);
        for (int l = 0; l < 8; l++) {
            unsigned signs = iq_even_signs(word >> 7 * (l / 2) & 127);
            iq_signed_row(o->code + 32 * k + 4 * l,
                          iq_rows3_xxs[b->q[8 * k + l]],
                          signs >> 4 * (l % 2), 4);
        }
    }
}
//@ end iq3_xxs-open

static void open_s(IqBlock *o, const void *block)
{
    const BlockIQ3_S *b = block;
    o->d = f16_to_f32(b->d);
    for (int k = 0; k < 8; k++) {
        int s = b->scales[k / 2] >> 4 * (k % 2) & 15;
        o->scale[2 * k] = o->scale[2 * k + 1] = (int8_t)(2 * s + 1);
        for (int l = 0; l < 8; l++) {
            unsigned row = b->q[8 * k + l] | (b->qh[k] >> l & 1u) << 8;
            unsigned signs = b->signs[4 * k + l / 2];
            iq_signed_row(o->code + 32 * k + 4 * l, iq_rows3_s[row], signs >> 4 * (l % 2), 4);
        }
    }
}

IQ_SCALAR_TWINS(iq3_xxs, open_xxs, BlockIQ3_XXS, 32)
IQ_SCALAR_TWINS(iq3_s, open_s, BlockIQ3_S, 32)
