/* iq2.c: IQ2_XXS, IQ2_XS and IQ2_S: eight weights share one code, the number of a row of eight
 * magnitudes, each 8, 25 or 43.
 *
 *   w_i = d * (2 s + 1) / 8 * sign_i * row[i % 8]
 *
 *   IQ2_XXS  256 points, s for each 32 weights                     66 bytes (2.0625 bits per weight)
 *            half d
 *            8 times 8 bytes: bytes 0 to 3: rows of weights 32 k.., + 8.., + 16.., + 24..
 *                             32 bits: 31..28: s | 27..21, 20..14, 13..7, 6..0: their signs, the
 *                             first row's lowest; bit 7 of each is iq_even_signs
 *   IQ2_XS   512 points, s for each 16 weights                     74 bytes (2.3125 bits per weight)
 *            half d
 *            32 words of 16 bits: 15..9: signs | 8..0: row
 *            8 bytes, byte k: 7..4: s of weights 32 k + 16.. | 3..0: s of weights 32 k..
 *   IQ2_S    1024 points, s for each 16 weights                    82 bytes (2.5625 bits per weight)
 *            half d
 *            32 bytes, bits 7..0 of the rows
 *            32 bytes of signs, bit j of byte k: weight 8 k + j is negative
 *            8 bytes, byte k: bits 9 8 of rows 4 k + 3 (7 6), 4 k + 2, 4 k + 1, 4 k (1 0)
 *            8 bytes of s, as IQ2_XS
 *
 * Source: GGUF block formats (ggml). */
#include "iq_grids.h"
#include "iq_parts.h"
#include "layer2_kernels.h"

//@ begin iq2_xxs-open
static void open_xxs(IqBlock *o, const void *block)
{
    const BlockIQ2_XXS *b = block;
    o->d = f16_to_f32(b->d) * 0.125f;
    for (int k = 0; k < 8; k++) {
        uint32_t rows, word;
        memcpy(&rows, b->q + 4 * k, sizeof rows);
        memcpy(&word, b->q + 4 * k + 2, sizeof word);
        o->scale[2 * k] = o->scale[2 * k + 1] = (int8_t)(2 * (word >> 28) + 1);
        for (int l = 0; l < 4; l++)
            iq_signed_row(o->code + 32 * k + 8 * l,
                          iq_rows2_xxs[rows >> 8 * l & 255],
                          iq_even_signs(word >> 7 * l & 127), 8);
    }
}
//@ end iq2_xxs-open

/* Two scales of four bits: 2 s + 1. */
static void two_scales(int8_t scale[2], int byte)
{
    scale[0] = (int8_t)(2 * (byte & 15) + 1);
    scale[1] = (int8_t)(2 * (byte >> 4) + 1);
}

static void open_xs(IqBlock *o, const void *block)
{
    const BlockIQ2_XS *b = block;
    o->d = f16_to_f32(b->d) * 0.125f;
    for (int k = 0; k < 8; k++) two_scales(o->scale + 2 * k, b->scales[k]);
    for (int g = 0; g < 32; g++) {
        unsigned q = b->q[g];
        iq_signed_row(o->code + 8 * g, iq_rows2_xs[q & 511], iq_even_signs(q >> 9), 8);
    }
}

static void open_s(IqBlock *o, const void *block)
{
    const BlockIQ2_S *b = block;
    const uint8_t *signs = b->q + 32;
    o->d = f16_to_f32(b->d) * 0.125f;
    for (int k = 0; k < 8; k++) two_scales(o->scale + 2 * k, b->scales[k]);
    for (int g = 0; g < 32; g++) {
        unsigned high = b->qh[g / 4] >> 2 * (g % 4) & 3;
        iq_signed_row(o->code + 8 * g, iq_rows2_s[b->q[g] | high << 8], signs[g], 8);
    }
}

IQ_SCALAR_TWINS(iq2_xxs, open_xxs, BlockIQ2_XXS, 32)
IQ_SCALAR_TWINS(iq2_xs, open_xs, BlockIQ2_XS, 16)
IQ_SCALAR_TWINS(iq2_s, open_s, BlockIQ2_S, 16)
