/* layer7_kernels.h: prototypes of every kernel of this room, from kernels.def. Private: the rest of
 * the program calls the dispatch pointers of the public headers. */
#ifndef SIXFOLD_LAYER7_KERNELS_H
#define SIXFOLD_LAYER7_KERNELS_H

#include "layer6.h"
#include "kernel_rows.h"
#include "adamw.h"
#include "grad.h"
#include "transpose.h"

#define KERNEL_T(op, type, variant, needs, fn) extern type fn;
#include "kernels.def"
#undef KERNEL_T

#endif
