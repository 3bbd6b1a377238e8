/* layer5_kernels.h: prototypes of every kernel of this layer, from kernels.def. Private: the rest of
 * the program calls the dispatch pointers of the public headers. */
#ifndef SIXFOLD_LAYER5_KERNELS_H
#define SIXFOLD_LAYER5_KERNELS_H

#include "bpe_merge.h"
#include "import_tensor.h"
#include "kernel_rows.h"
#include "tokenize.h"

#define KERNEL_T(op, type, variant, needs, fn) extern type fn;
#include "kernels.def"
#undef KERNEL_T

#endif
