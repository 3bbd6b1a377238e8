/* simd_probe.h: every helper of simd.h applied once to given numbers. Private.
 *
 * simd.h can be included only where the compiler may use an instruction set, so no test can call its
 * helpers. This op calls all of them; its scalar twin says in plain C what each must give, and
 * test_simd.c compares the two. A new instruction set is checked by its row in kernels.def. */
#ifndef SIXFOLD_SIMD_PROBE_H
#define SIXFOLD_SIMD_PROBE_H

#include <stdint.h>

enum { PROBE_LANES = 16 };

typedef struct {
    /* Given. Arrays are worked on in pieces of one register; tail <= lanes. */
    float a[PROBE_LANES], b[PROBE_LANES], c[PROBE_LANES];
    float small[PROBE_LANES];            /* within +-2^20, for conversion to integers */
    int32_t i[PROBE_LANES];
    uint16_t h[PROBE_LANES];
    uint8_t u[4 * PROBE_LANES];          /* 0 to 127 */
    int8_t s[4 * PROBE_LANES], t[4 * PROBE_LANES]; /* t without -128 */
    int16_t v[2 * PROBE_LANES], w[2 * PROBE_LANES]; /* +-8192 */
    int tail;

    /* Results, lane by lane. */
    int lanes; /* floats per register */
    float fma[PROBE_LANES], max[PROBE_LANES], min[PROBE_LANES], root[PROBE_LANES];
    float abs[PROBE_LANES], select[PROBE_LANES], exp[PROBE_LANES];
    float round[PROBE_LANES], from_int[PROBE_LANES], wide_f16[PROBE_LANES], wide_bf16[PROBE_LANES];
    int32_t to_int[PROBE_LANES], dot_us[PROBE_LANES], dot_ss[PROBE_LANES], dot2[PROBE_LANES];
    uint16_t f16[PROBE_LANES], bf16[PROBE_LANES], low16[PROBE_LANES];

    /* Results of the first register: its lanes folded; its first `tail` lanes loaded or stored. */
    float sum, hmax;
    int32_t isum;
    float load_tail[PROBE_LANES], load_f16_tail[PROBE_LANES], load_bf16_tail[PROBE_LANES];
    float store_tail[PROBE_LANES];
    uint16_t store_f16_tail[PROBE_LANES], store_bf16_tail[PROBE_LANES];
    int32_t first[PROBE_LANES];
} SimdProbe;

typedef void simd_probe_fn(SimdProbe *p);
extern simd_probe_fn *simd_probe;

#endif
