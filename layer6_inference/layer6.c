/* layer6.c: this layer's dispatch pointers and its part of the kernel table. Same form as layer2.c. */
#include "layer6_kernels.h"

#include "json_lines.h"

#define KERNEL_T(op, type, variant, needs, fn) type *op;
#include "kernels.def"
#undef KERNEL_T

static const KernelRow rows[] = {
#define KERNEL_T(op, type, variant, needs, fn) KERNEL_ROW(6, op, variant, needs, fn),
#include "kernels.def"
#undef KERNEL_T
};

void layer6_init(void)
{
    layer5_init();
    json_lines_init();
    kernels_register(rows, (int)(sizeof rows / sizeof *rows));
}
