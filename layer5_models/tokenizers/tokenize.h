/* tokenize.h: what lies between two special tokens, as ids, for the families that cut words.
 *
 * Interface:
 * - Op "tokenize": plain takes every step for every word: patterns cut the whole text, one after the other,
 *   and each word is merged. quick gives the same ids and saves steps: plain English words are found
 *   without a pattern, a piece that was there before is copied, and where no symbol of the vocabulary
 *   can reach across a place, text is cut there before it is merged. WordPiece (wpm.c) has the same two ways.
 * - The ids are appended to the encoder's list. One encoder belongs to one thread. */
#ifndef SIXFOLD_TOKENIZE_H
#define SIXFOLD_TOKENIZE_H

#include "layer4.h"

typedef struct Encoder Encoder; /* tokenizer_impl.h */

typedef Status tokenize_fn(Encoder *e, const char *text, size_t n, Err *err);

extern tokenize_fn *tokenize;

#endif
