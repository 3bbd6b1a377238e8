/* arch_card_impl.h: what the files of the cards share. */
#ifndef SIXFOLD_ARCH_CARD_IMPL_H
#define SIXFOLD_ARCH_CARD_IMPL_H

#include "arch_card.h"

/* Tensors that files of a family have although its descriptor does not ask for them. */
enum { HAS_QKV_BIAS = 1, HAS_O_BIAS = 2, HAS_FFN_BIAS = 4, HAS_BIASES = 7, HAS_SINKS = 8, HAS_SELECT_BIAS = 16 };

/* A published model of a family. numbers: "key=value ..." without "<arch>."; 1e-5f is a float, true a bool, a
 * word a string. */
typedef struct {
    const char *arch, *file, *model, *paper, *numbers, *note;
    unsigned has;
} ArchExample;

const ArchExample *arch_example(const ArchDesc *a); /* NULL if there is none */

/* An example, read. */
typedef struct {
    const ArchDesc *a;
    const ArchExample *e;
    Buf bytes;
    Gguf g;
    Hparams h;
    ModelSpec m;
    BlockSpec s;
    BlockParts parts;
} ArchView;

/* One key of the example's numbers; false after the last. `at` moves on. */
typedef struct { const char *key, *value; int key_len, value_len; } ArchNumber;
bool arch_number_next(const char **at, ArchNumber *n);

/* omit: leave that key out (the i-th), -1 for none. Close it also after an error. */
Status arch_view_open(ArchView *v, const ArchDesc *a, int omit, Err *err);
void arch_view_close(ArchView *v);
BlockSpec arch_view_layer(const ArchView *v, int layer);

/* The i-th thing in which families differ: its name, NULL past the end, and how v answers it. */
enum { ARCH_ANSWER = 128 };
const char *arch_question(int i);
void arch_answer(char out[ARCH_ANSWER], int i, const ArchView *v);

#endif
