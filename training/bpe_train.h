/* bpe_train.h: a byte-level BPE vocabulary learned from a text.
 *
 * Start with the 256 bytes. Count neighbouring pairs inside pre-token pieces, join the most frequent
 * pair (ties: the pair that comes first in byte order), count again, until the vocabulary is full.
 *
 * Interface: the result is what a GGUF file stores: token texts in the byte alphabet of byte-level BPE,
 * merges in order, special tokens last or first as documented in bpe_train.c. Deterministic: the same
 * text gives the same vocabulary whatever the number of threads. Source: Sennrich et al. 2016. */
#ifndef SIXFOLD_BPE_TRAIN_H
#define SIXFOLD_BPE_TRAIN_H

#include "layer6.h"

typedef struct {
    int n_tokens;          /* 256 bytes + specials + merges */
    Str *tokens;           /* [n_tokens] texts in the byte alphabet; specials verbatim */
    int32_t *types;        /* [n_tokens] TokenType */
    int n_merges;
    Str *merges;           /* [n_merges] "left right" */
    int32_t bos, eos;
    Arena arena;
} BpeVocab;

/* Learns n_tokens (specials included) from text; specials[0] is bos, specials[1] eos. Fails if the text
 * is not UTF-8, is empty, or has too few distinct pairs. Progress is shown unless quiet. */
Status bpe_train(BpeVocab *v, const char *text, size_t n, int n_tokens, const char *const *specials,
                 int n_specials, bool quiet, Err *err);
void bpe_vocab_close(BpeVocab *v);

/* Writes the tokenizer.* keys (model gpt2, pre "gpt-2", tokens, types, merges, special ids). */
Status bpe_vocab_put(const BpeVocab *v, GgufWriter *w, Err *err);

#endif
