/* layer1.c: registers this layer's twins. Every layer has a file like this one: it calls the init of
 * the layer below (layer 1 has none) and then adds the rows of its kernels.def to the registry. */
#include "layer1.h"

#include "pool_run.h"

/* The dispatch pointer of each op. One called `pool` would be shadowed by every parameter of that
 * name, so it is called pool_run. */
#define SLOT_pool pool_run
#define SLOT_load load

static const KernelRow rows[] = {
#define KERNEL(op, variant, needs, fn)                                                             \
    {#op, #variant, (uint32_t)(needs), (KernelFn *)(fn), (KernelFn **)(void *)&SLOT_##op, 1},
#include "kernels.def"
#undef KERNEL
};

void layer1_init(void) { kernels_register(rows, (int)(sizeof rows / sizeof *rows)); }
