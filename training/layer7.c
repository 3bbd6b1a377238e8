/* layer7.c: this room's dispatch pointers and its part of the kernel table (see layer2.c). */
#include "layer7.h"

#include "layer7_kernels.h"

#define KERNEL_T(op, type, variant, needs, fn) type *op;
#include "kernels.def"
#undef KERNEL_T

static const KernelRow rows[] = {
#define KERNEL_T(op, type, variant, needs, fn) KERNEL_ROW(7, op, variant, needs, fn),
#include "kernels.def"
#undef KERNEL_T
};

void layer7_init(void)
{
    layer6_init();
    kernels_register(rows, (int)(sizeof rows / sizeof *rows));
}
