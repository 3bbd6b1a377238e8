/* embedded.h: the models that programs of this project carry, as GGUF files in memory.
 *
 * Interface: gguf_open_memory and model_open_memory read them in place. Each model is an object of its
 * own in one archive (libmodels.a), so a program holds only those that it names. They belong to no
 * layer: a program hands their bytes to the layers. */
#ifndef SIXFOLD_EMBEDDED_H
#define SIXFOLD_EMBEDDED_H

#include <stddef.h>

/* The trained one, which every verb opens if no -m is given (models/README.md). */
extern const unsigned char storyteller_model[];
extern const size_t storyteller_model_bytes;

/* The one whose weights are formulas (tools/mkwired.c), small enough to follow by hand in lesson 4. */
extern const unsigned char wired_model[];
extern const size_t wired_model_bytes;

#endif
