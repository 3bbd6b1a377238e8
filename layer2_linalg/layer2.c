/* layer2.c: this layer's dispatch pointers and its part of the kernel table.
 *
 * kernels.def is read twice: once for the pointers (an op is declared once per variant, which C
 * allows) and once for the rows. layer2_kernels.h has already read it for the prototypes. */
#include "layer2_kernels.h"

#define KERNEL_T(op, type, variant, needs, fn) type *op;
#include "kernels.def"
#undef KERNEL_T

static const KernelRow rows[] = {
#define KERNEL_T(op, type, variant, needs, fn) KERNEL_ROW(2, op, variant, needs, fn),
#include "kernels.def"
#undef KERNEL_T
};

void layer2_init(void)
{
    layer1_init();
    kernels_register(rows, (int)(sizeof rows / sizeof *rows));
}
