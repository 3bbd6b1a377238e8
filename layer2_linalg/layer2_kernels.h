/* layer2_kernels.h: prototypes of every kernel of this layer, from kernels.def. Private: the rest of
 * the program calls the dispatch pointers of the public headers. */
#ifndef SIXFOLD_LAYER2_KERNELS_H
#define SIXFOLD_LAYER2_KERNELS_H

#include "layer2.h"
#include "dots.h"
#include "kernel_rows.h"
#include "linear_parts.h"
#include "matmul_block.h"
#include "panel.h"
#include "panel_int16.h"
#include "panel_int8.h"
#include "roofline_kernels.h"
#include "simd_probe.h"

/* No CPU has this: the row that needs it is unusable until matmul_blas_usable() has cleared it. */
#define NEEDS_LIBRARY (1 << 30)
void matmul_blas_usable(void);

#define KERNEL_T(op, type, variant, needs, fn) extern type fn;
#include "kernels.def"
#undef KERNEL_T

#endif
