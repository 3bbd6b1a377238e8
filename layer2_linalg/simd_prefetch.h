/* simd_prefetch.h: asking memory for weights long before they are needed. */
#ifndef SIXFOLD_SIMD_PREFETCH_H
#define SIXFOLD_SIMD_PREFETCH_H

#include <stdint.h>

/* How far ahead of its use a weight is asked for, in bytes. First into L2: far enough to cover DRAM, and beyond the 4 KB
 * page at which hardware prefetchers stop. Then from L2 into L1. Asking once, for L1, 8 KB ahead, is 3 % faster from L3 and
 * 10 % slower from memory: L1 has too few lines on their way. Asking past the end of a matrix is harmless; asking memory
 * twice for a line is not (Q4_0 loses 6 %): n_bytes from p on are rarely whole lines of 64, and a line belongs to the call
 * in whose bytes it begins. So a last line that begins behind them becomes one that is here already.
 * n_bytes is a constant of the format: without the pragma a loop of three turns stays a loop (Q4_K: 5 %). */
enum { AHEAD_L2 = 16384, AHEAD_L1 = 4096 };

static inline __attribute__((always_inline, unused)) void
prefetch_ahead(const void *p, int64_t n_bytes)
{
    uintptr_t line = ((uintptr_t)p + 63) & ~(uintptr_t)63, end = (uintptr_t)p + (uintptr_t)n_bytes;
#pragma GCC unroll 8
    for (int64_t i = 0; i < n_bytes; i += 64, line += 64)
        if (i + 64 <= n_bytes || line < end) {
            __builtin_prefetch((const void *)(line + AHEAD_L2), 0, 2);
            __builtin_prefetch((const void *)(line + AHEAD_L1), 0, 3);
        }
}

/* f32 weights pass so slowly that a second request for a line costs more than it gains: one, straight into L1. */
enum { AHEAD_FLOATS = 8192 };

static inline __attribute__((always_inline, unused)) void
prefetch_floats(const float *p, int64_t n_bytes)
{
    uintptr_t at = (uintptr_t)p + AHEAD_FLOATS;
#pragma GCC unroll 8
    for (int64_t i = 0; i < n_bytes; i += 64)
        __builtin_prefetch((const void *)(at + (uintptr_t)i), 0, 3);
}

#endif
