/* arch_card.h: a page about a family, written by its descriptor.
 *
 * An example's numbers (arch_example.c) become a file in memory, with metadata and no tensors; it is read and
 * described as any file is, and what comes out is drawn and compared with what comes out for Llama. So a card
 * says what the program does, not what somebody remembers of it.
 *
 * Interface: arch_card appends the page of one family, arch_card_index a table of all of them; both are
 * Markdown. `make cards` writes them to lessons/families. */
#ifndef SIXFOLD_ARCH_CARD_H
#define SIXFOLD_ARCH_CARD_H

#include "arch.h"

Status arch_card(Buf *out, const ArchDesc *a, Err *err);
Status arch_card_index(Buf *out, Err *err);

#endif
