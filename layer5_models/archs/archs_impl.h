/* archs_impl.h: the descriptors, one per file of this folder. */
#ifndef SIXFOLD_ARCHS_IMPL_H
#define SIXFOLD_ARCHS_IMPL_H

#include "arch.h"

extern const ArchDesc arch_llama;

#endif
