/* layer5.c: this layer's dispatch pointers and its part of the kernel table (see layer2.c). */
#include "layer5.h"

#include "layer5_kernels.h"

#define KERNEL_T(op, type, variant, needs, fn) type *op;
#include "kernels.def"
#undef KERNEL_T

static const KernelRow rows[] = {
#define KERNEL_T(op, type, variant, needs, fn) KERNEL_ROW(5, op, variant, needs, fn),
#include "kernels.def"
#undef KERNEL_T
};

void layer5_init(void)
{
    layer4_init();
    kernels_register(rows, (int)(sizeof rows / sizeof *rows));
}
