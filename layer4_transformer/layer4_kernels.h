/* layer4_kernels.h: prototypes of every kernel of this layer, from kernels.def. Private: the rest of
 * the program calls the dispatch pointers of the public headers. */
#ifndef SIXFOLD_LAYER4_KERNELS_H
#define SIXFOLD_LAYER4_KERNELS_H

#include "attention.h"
#include "latent.h"
#include "moe.h"
#include "scan.h"
#include "kernel_rows.h"

#define KERNEL_T(op, type, variant, needs, fn) extern type fn;
#include "kernels.def"
#undef KERNEL_T

#endif
