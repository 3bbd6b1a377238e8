/* kernels.h: the one table of twins.
 *
 * Every operation ("op") has several variants: the scalar twin that is the specification, and faster
 * ones. Each layer lists its own in its kernels.def, from slow to fast:
 *
 *     KERNEL(op, variant, needs, function)        needs: CPU_ANY, CPU_AVX2, ... (cpu.h)
 *
 * Interface:
 * - layerN_init() calls the inits below it and registers its rows with kernels_register(), which
 *   also chooses: the last row of an op whose needs this CPU meets, unless SIXFOLD_KERNELS says
 *   otherwise. The choice is stored in the op's typed function pointer (`slot`); hot code only ever
 *   calls that pointer.
 * - SIXFOLD_KERNELS is a comma-separated list, applied from left to right:
 *       scalar | avx2 | avx512 | neon ...   a variant name alone: each op takes that variant if it
 *                                           has one, else the last one that needs no more
 *       naive                               each op takes its first row: also no cache, no pool
 *       op:variant                          one op
 * - Registering is done once at start-up, by one thread; afterwards the table is read-only, except
 *   for kernels_use(), which tests, benches and demos call between computations.
 * Source of the idea: BLIS fills its table with reference kernels first, then overwrites. */
#ifndef SIXFOLD_KERNELS_H
#define SIXFOLD_KERNELS_H

#include "cpu.h"

typedef void KernelFn(void); /* any function: cast back to the op's own type before calling */

typedef struct {
    const char *op;      /* "softmax" */
    const char *variant; /* "avx2" */
    uint32_t needs;      /* CPU_ flags, all of which must be present */
    KernelFn *fn;
    KernelFn **slot;     /* the op's dispatch pointer; the same for all rows of an op */
    int layer;           /* 1 to 6 */
} KernelRow;

/* Adds rows (static storage; not copied; rows of one op stand together) and selects each op. Calling
 * it again with the same rows does nothing. */
void kernels_register(const KernelRow *rows, int n);

/* All rows so far, in order of registration. */
int kernels_count(void);
const KernelRow *kernels_row(int i);

/* The row of (op, variant), or NULL. */
const KernelRow *kernels_find(const char *op, const char *variant);

/* The row in use for an op, or NULL if there is no such op. */
const KernelRow *kernels_selected(const char *op);

/* True if this machine can run the row. */
bool kernels_usable(const KernelRow *row);

/* Applies one SIXFOLD_KERNELS-style list now, over the current choice. Fails with a hint if a word
 * names no op or variant, or needs what this CPU lacks. NULL restores the start-up choice. */
Status kernels_use(const char *list, Err *err);

/* To be called once after the last layerN_init: fails if SIXFOLD_KERNELS contains a word that no
 * registered row answers to. */
Status kernels_check_env(Err *err);

/* Helper for layerN init files: one row from a kernels.def line. */
#define KERNEL_ROW(n_layer, op_, variant_, needs_, fn_)                                            \
    {#op_, #variant_, (uint32_t)(needs_), (KernelFn *)(fn_), (KernelFn **)(void *)&op_, n_layer}

#endif
