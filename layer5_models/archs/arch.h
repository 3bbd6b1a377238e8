/* arch.h: an architecture is data: how its numbers become a BlockSpec, and what its tensors are called.
 *
 * Interface: arch_find(name) is NULL for an unknown one; arch_refuse writes the error with the nearest
 * known name. A new architecture is one file with an ArchDesc and one line in arch.c's list. */
#ifndef SIXFOLD_ARCH_H
#define SIXFOLD_ARCH_H

#include "hparams.h"

typedef struct ArchDesc {
    const char *name;  /* value of general.architecture */
    const char *title; /* "Llama 1 to 3, Mistral" */
    const char *paper;
    /* Fills the spec from the numbers; g is there for keys that only this architecture has. */
    Status (*spec)(BlockSpec *s, const Hparams *h, const Gguf *g, Err *err);
} ArchDesc;

const ArchDesc *arch_find(Str name);
int arch_count(void);
const ArchDesc *arch_at(int i);
Status arch_refuse(Str name, Err *err);

#endif
