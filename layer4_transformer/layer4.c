/* layer4.c: this layer's dispatch pointers and its part of the kernel table (see layer2.c). */
#include "layer4.h"

#include "layer4_kernels.h"

#define KERNEL_T(op, type, variant, needs, fn) type *op;
#include "kernels.def"
#undef KERNEL_T

static const KernelRow rows[] = {
#define KERNEL_T(op, type, variant, needs, fn) KERNEL_ROW(4, op, variant, needs, fn),
#include "kernels.def"
#undef KERNEL_T
};

void layer4_init(void)
{
    layer3_init();
    kernels_register(rows, (int)(sizeof rows / sizeof *rows));
}
