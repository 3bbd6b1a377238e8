/* layer2.c: this layer's dispatch pointers and its part of the kernel table.
 *
 * kernels.def is read twice: once for the pointers (an op is declared once per variant, which C
 * allows) and once for the rows. layer2_kernels.h has already read it for the prototypes. */
#include "layer2_kernels.h"

#include <stdlib.h>
#include <string.h>

#define KERNEL_T(op, type, variant, needs, fn) type *op;
#include "kernels.def"
#undef KERNEL_T

static KernelRow rows[] = {
#define KERNEL_T(op, type, variant, needs, fn) KERNEL_ROW(2, op, variant, needs, fn),
#include "kernels.def"
#undef KERNEL_T
};

void matmul_blas_usable(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) rows[i].needs &= ~(uint32_t)NEEDS_LIBRARY;
}

void layer2_init(void)
{
    layer1_init();
    /* A library is opened before its row can be chosen, and only for someone who asks for it. */
    const char *picks = getenv("SIXFOLD_KERNELS");
    if (picks && strstr(picks, "blas")) matmul_blas_open();
    kernels_register(rows, (int)(sizeof rows / sizeof *rows));
}
