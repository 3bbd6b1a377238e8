/* layer6_kernels.h: prototypes of this layer's twins, from kernels.def. Private. */
#ifndef SIXFOLD_LAYER6_KERNELS_H
#define SIXFOLD_LAYER6_KERNELS_H

#include "layer6.h"
#include "kernel_rows.h"

#define KERNEL_T(op, type, variant, needs, fn) extern type fn;
#include "kernels.def"
#undef KERNEL_T

#endif
