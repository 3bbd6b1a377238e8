/* bpe_count.h: what bpe_train.c learns from: the different words of a text, and how often each pair of
 * neighbouring symbols stands in them. Private to the tokenizer's training.
 *
 * A word is a piece that the pre-tokenizer cuts, kept once with its number of occurrences. Its symbols
 * lie in one long array; joining two makes the word one shorter in place. Each pair knows its count
 * and the words in which it has been seen, so that a merge visits only those.
 *
 * Interface: zero-initialise; bpe_count_close frees. bpe_count_text may be called several times. */
#ifndef SIXFOLD_BPE_COUNT_H
#define SIXFOLD_BPE_COUNT_H

#include "layer6.h"

typedef struct {
    int64_t count;      /* occurrences in the text */
    uint32_t start, n;  /* symbols[start .. start + n - 1] */
} BpeWord;

typedef struct {
    int32_t left, right; /* symbols */
    int64_t count;       /* in the whole text */
    int64_t queued;      /* the count of its newest entry in bpe_train.c's heap */
    int32_t first;       /* of its list of places, -1 = none */
} BpePair;

typedef struct { int32_t word, next; } BpePlace;

typedef struct {
    Buf words;    /* BpeWord */
    Buf symbols;  /* int32_t */
    Buf pairs;    /* BpePair */
    Buf places;   /* BpePlace */
    int32_t *word_slots, *pair_slots; /* open addressing: index or -1 */
    int64_t n_word_slots, n_pair_slots;
} BpeCount;

/* Cuts text into pieces as the pre-tokenizer "gpt-2" does, leaving out the texts of specials. */
Status bpe_count_text(BpeCount *c, const char *text, size_t n, const char *const *specials,
                      int n_specials, Err *err);

/* Counts all pairs, once, after the text. */
Status bpe_count_pairs(BpeCount *c, Err *err);

/* Joins left and right everywhere into `joined`. touched gets the indices of pairs whose count rose. */
Status bpe_count_merge(BpeCount *c, int32_t pair, int32_t joined, Buf *touched, Err *err);

int64_t bpe_count_words(const BpeCount *c);
BpeWord *bpe_count_word(const BpeCount *c, int64_t i);
BpePair *bpe_count_pair(const BpeCount *c, int64_t i);
int64_t bpe_count_n_pairs(const BpeCount *c);
const int32_t *bpe_count_symbols(const BpeCount *c, const BpeWord *w);
void bpe_count_close(BpeCount *c);

#endif
