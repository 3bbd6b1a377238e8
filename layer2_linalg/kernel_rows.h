/* kernel_rows.h: how a layer's kernels.def becomes prototypes, dispatch pointers and table rows.
 *
 * A kernels.def is a list of these, slow to fast, all rows of one op together:
 *
 *     KERNEL(op, variant, needs, function)           one row; the function's type is op_fn
 *     KERNEL_T(op, type, variant, needs, function)   one row of another type, e.g. dequant_fn
 *     TWINS(op)       TWINS_T(op, type)              op_scalar, then op_simd.c's op_avx2, op_avx512
 *                                                    or op_neon
 *     TWINS_DOT4(op)  TWINS_DOT4_T(op, type)         the same for a *_dot4_simd.c file: also
 *                                                    op_avxvnni or op_dotprod
 *
 * All of them end in KERNEL_T, so a reader of the list defines that one macro, includes the list and
 * undefines it again. layer2_kernels.h (prototypes) and layer2.c (pointers, rows) show how. */
#ifndef SIXFOLD_KERNEL_ROWS_H
#define SIXFOLD_KERNEL_ROWS_H

#include "kernels.h"

#define KERNEL(op, variant, needs, fn) KERNEL_T(op, op##_fn, variant, needs, fn)
#define TWINS(op) TWINS_T(op, op##_fn)
#define TWINS_DOT4(op) TWINS_DOT4_T(op, op##_fn)

#if defined(__x86_64__)

#define TWINS_T(op, type)                                                                          \
    KERNEL_T(op, type, scalar, CPU_ANY, op##_scalar)                                               \
    KERNEL_T(op, type, avx2, CPU_AVX2, op##_avx2)                                                  \
    KERNEL_T(op, type, avx512, CPU_AVX512, op##_avx512)
#define TWINS_DOT4_T(op, type)                                                                     \
    KERNEL_T(op, type, scalar, CPU_ANY, op##_scalar)                                               \
    KERNEL_T(op, type, avx2, CPU_AVX2, op##_avx2)                                                  \
    KERNEL_T(op, type, avxvnni, CPU_AVX2 | CPU_AVXVNNI, op##_avxvnni)                              \
    KERNEL_T(op, type, avx512, CPU_AVX512, op##_avx512)

#elif defined(__aarch64__)

#define TWINS_T(op, type)                                                                          \
    KERNEL_T(op, type, scalar, CPU_ANY, op##_scalar)                                               \
    KERNEL_T(op, type, neon, CPU_NEON, op##_neon)
#define TWINS_DOT4_T(op, type)                                                                     \
    KERNEL_T(op, type, scalar, CPU_ANY, op##_scalar)                                               \
    KERNEL_T(op, type, neon, CPU_NEON, op##_neon)                                                  \
    KERNEL_T(op, type, dotprod, CPU_NEON | CPU_DOTPROD, op##_dotprod)

#else

#define TWINS_T(op, type) KERNEL_T(op, type, scalar, CPU_ANY, op##_scalar)
#define TWINS_DOT4_T(op, type) TWINS_T(op, type)

#endif

#endif
