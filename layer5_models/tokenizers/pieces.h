/* pieces.h: the words of a text as a pre-tokenizer cuts them, without a vocabulary: for those who are
 * about to learn one.
 *
 * Interface: a TokenizerCutter is for one thread. The ends of the pieces of text[0 .. n-1], n > 0, come
 * in increasing order and stay valid until the next call. */
#ifndef SIXFOLD_PIECES_H
#define SIXFOLD_PIECES_H

#include "layer4.h"

typedef struct TokenizerCutter TokenizerCutter;

/* pre as in tokenizer.ggml.pre: "gpt-2", ...; E_UNSUPPORTED for a name that is not known. */
Status tokenizer_cutter_open(TokenizerCutter **c, const char *pre, Err *err);
void tokenizer_cutter_close(TokenizerCutter *c); /* NULL is fine */

Status tokenizer_cut(TokenizerCutter *c, const char *text, size_t n, const uint32_t **ends,
                     int64_t *n_pieces, Err *err);

/* A byte as a character of byte-level BPE's alphabet, U+0021 .. U+0143: writes 1 or 2 bytes, returns
 * their number. */
int tokenizer_byte_char(unsigned char byte, char out[4]);

#endif
