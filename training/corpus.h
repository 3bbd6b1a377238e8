/* corpus.h: the text as the trainer sees it: one long row of token ids, cut into windows.
 *
 * A document becomes bos, its tokens, eos; documents follow one another. The row and the vocabulary
 * that made it are one GGUF file (tokenizer.* keys and an I16 tensor "tokens"), so that a run that is
 * resumed reads exactly what it read before, and a model file gets its vocabulary from there.
 *
 * Window w has the n_ctx tokens from shift + w n_ctx on as its targets; its inputs are the same, one
 * earlier, with bos in the first place, because that is how a text begins when the model runs. In each
 * epoch the windows come in another order and with another shift; both follow from the seed and the
 * epoch alone, so the batch of a step is known without having made the steps before. The last part of
 * the row is held out and never trained on.
 *
 * Interface: corpus_build writes the file, corpus_open maps it. Batches may be asked for in any order. */
#ifndef SIXFOLD_CORPUS_H
#define SIXFOLD_CORPUS_H

#include "layer6.h"

/* Texts that separate documents in a training text; WORLD_EOS is one of them. */
#define CORPUS_END_OF_TEXT "<|endoftext|>"

typedef struct {
    Model vocabulary;
    const uint16_t *tokens;
    int64_t n_tokens, n_train; /* the first n_train are for training, the rest is held out */
    int64_t n_ctx, n_windows;  /* of an epoch */
    uint64_t seed;
    uint64_t hash;             /* of the tokens */
    uint64_t text_hash;        /* of the text that they came from */
    int64_t epoch;             /* that `order` and `shift` belong to, -1 = none yet */
    int32_t *order;            /* [n_windows] */
    int64_t shift;
    Arena arena;
} Corpus;

/* Learns n_vocab tokens from the text (its first 16 MB), encodes it all and writes path. */
Status corpus_build(const char *path, const char *text, size_t n, int n_vocab, bool quiet, Err *err);

Status corpus_open(Corpus *c, const char *path, int64_t n_ctx, uint64_t seed, Err *err);
void corpus_close(Corpus *c); /* a zeroed one is fine */

uint64_t corpus_text_hash(const char *text, size_t n);

/* The i-th window of the run (i = step * batch + place in the batch): ids and targets [n_ctx]. */
void corpus_window(Corpus *c, int64_t i, int32_t *ids, int32_t *targets);

/* Windows that are held out, and one of them. */
int64_t corpus_held_out(const Corpus *c);
void corpus_held_window(const Corpus *c, int64_t i, int32_t *ids, int32_t *targets);

/* The first documents of the world with this seed, n_bytes of text or a little more. */
Status corpus_world_text(Buf *text, uint64_t seed, size_t n_bytes, bool quiet, Err *err);

/* A whole text file, checked: not empty, UTF-8, at most 1 GiB. */
Status corpus_read_text(Buf *text, const char *path, Err *err);

#endif
