/* iq_grids.h: the codebooks of the IQ formats, one row of bytes per grid point.
 *
 * A code in a file is the number of a row: 8 weights at once (4 in the IQ3 formats), which are then
 * given signs and a scale. Byte j of a row, counted from the low end, is weight j.
 *
 *   iq_rows2_xxs, iq_rows2_xs, iq_rows2_s   8, 25 or 43
 *   iq_rows3_xxs                            4, 12, 20, 28, 36, 44, 52 or 62
 *   iq_rows3_s                              1, 3, 5, ... 15
 *   iq_rows1                                0, 8 or 16, for -1, 0 and 1
 *   iq_values4                              16 values, a code for each weight */
#ifndef SIXFOLD_IQ_GRIDS_H
#define SIXFOLD_IQ_GRIDS_H

#include <stdint.h>

extern const uint64_t iq_rows2_xxs[256], iq_rows2_xs[512], iq_rows2_s[1024], iq_rows1[2048];
extern const uint32_t iq_rows3_xxs[256], iq_rows3_s[512];
extern const int8_t iq_values4[16];

#endif
