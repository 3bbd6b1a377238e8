/* iq1.c: IQ1_S and IQ1_M: eight weights share one code of 11 bits, a row of -1, 0 and 1.
 *
 *   w_i = d * (2 s + 1) * (row[i % 8] + delta)       delta = 1/8 or -1/8
 *       = d / 8 * (2 s + 1) * (8 row[i % 8] + 1 or - 1)
 *
 *   IQ1_S    s and delta for each 32 weights                       50 bytes (1.5625 bits per weight)
 *            half d
 *            32 bytes, bits 7..0 of the rows
 *            8 words of 16 bits, word k: 15: delta is negative | 14..12: s
 *                     bits 10 9 8 of rows 4 k + 3 (11..9), 4 k + 2, 4 k + 1, 4 k (2..0)
 *   IQ1_M    s for each 16 weights, delta for each 8               56 bytes (1.75 bits per weight)
 *            32 bytes, bits 7..0 of the rows
 *            16 bytes, byte t: 7: delta of row 2 t + 1 is negative | 6..4: its bits 10 9 8
 *                              3, 2..0: the same of row 2 t
 *            4 words of 16 bits, word m: 15..12: bits 4 m + 3 to 4 m of the half d
 *                     s of the 16 weights 4 m + 3 (11..9), 4 m + 2, 4 m + 1, 4 m (2..0)
 *
 * Source: GGUF block formats (ggml). */
#include "iq_grids.h"
#include "iq_parts.h"
#include "layer2_kernels.h"

/* 8 row + 1, or - 1: rows are stored as 0, 8, 16 for -1, 0, 1. */
static void row_and_delta(int8_t code[8], unsigned row, bool negative)
{
    for (int j = 0; j < 8; j++)
        code[j] = (int8_t)((int)(iq_rows1[row] >> 8 * j & 255) - 8 + (negative ? -1 : 1));
}

//@ begin iq1_s-open
static void open_s(IqBlock *o, const void *block)
{
    const BlockIQ1_S *b = block;
    o->d = f16_to_f32(b->d) * 0.125f;
    for (int k = 0; k < 8; k++) {
        unsigned h = b->qh[k];
        o->scale[2 * k] = o->scale[2 * k + 1] = (int8_t)(2 * (h >> 12 & 7) + 1);
        for (int l = 0; l < 4; l++) {
            unsigned row = b->q[4 * k + l] | (h >> 3 * l & 7) << 8;
            row_and_delta(o->code + 32 * k + 8 * l, row, h >> 15);
        }
    }
}
//@ end iq1_s-open

static void open_m(IqBlock *o, const void *block)
{
    const BlockIQ1_M *b = block;
    uint16_t word[4];
    memcpy(word, b->scales, sizeof word);
    unsigned half = 0;
    for (int m = 0; m < 4; m++) half |= (unsigned)(word[m] >> 12) << 4 * m;
    o->d = f16_to_f32((uint16_t)half) * 0.125f;
    for (int t = 0; t < 16; t++) {
        o->scale[t] = (int8_t)(2 * (word[t / 4] >> 3 * (t % 4) & 7) + 1);
        for (int l = 0; l < 2; l++) {
            unsigned h = b->qh[t] >> 4 * l & 15;
            row_and_delta(o->code + 16 * t + 8 * l, b->q[2 * t + l] | (h & 7) << 8, h >> 3);
        }
    }
}

IQ_SCALAR_TWINS(iq1_s, open_s, BlockIQ1_S, 32)
IQ_SCALAR_TWINS(iq1_m, open_m, BlockIQ1_M, 16)
