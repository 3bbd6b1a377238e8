/* corpus.h: the text as the trainer sees it: one long row of token ids, cut into windows.
 *
 * A document becomes bos, its tokens, eos; documents follow one another. The row and the vocabulary
 * that made it are one GGUF file (tokenizer.* keys and an I16 tensor "tokens"), so that a run that is
 * resumed reads exactly what it read before, and a model file gets its vocabulary from there.
 *
 * A window is n_ctx inputs and, as targets, the same tokens one later. It starts where a document starts,
 * holds whole documents as far as they fit, and its rest is the head of one more: so every target is
 * seen with all that came before it in its document, as when the model runs. (Cutting the row every
 * n_ctx tokens is simpler, but then a third of all targets ask about stories whose beginning is out of
 * sight.) A document longer than a window is cut into pieces first. Which documents share a window
 * and their order follows from the seed, the order of the windows from seed and epoch: the batch of a step
 * is known without having made the steps before. A run may begin with short documents alone: looking up
 * is learned from them ten times sooner. The last documents are held out and never trained on.
 *
 * Interface: corpus_build writes the file, corpus_open maps it. Batches may be asked for in any order. */
#ifndef SIXFOLD_CORPUS_H
#define SIXFOLD_CORPUS_H

#include "layer6.h"

/* Texts that separate documents in a training text; WORLD_EOS is one of them. */
#define CORPUS_END_OF_TEXT "<|endoftext|>"

/* Part of a document that fits a window: bos (not counted), then tokens [from, from + n). */
typedef struct {
    int64_t from;
    int32_t n;
} Piece;

/* Windows: number w holds pieces first[w] to first[w + 1] - 1 and the head of a neighbour. */
typedef struct {
    Piece *pieces;      /* [n_pieces] */
    int32_t *first;     /* [n_windows + 1] */
    int64_t n_pieces, n_windows;
} Windows;

typedef struct {
    Model vocabulary;
    const uint16_t *tokens;
    int64_t n_tokens;
    int64_t n_ctx, n_windows; /* of an epoch */
    Windows lead, train, held; /* lead: short documents that come before all others, once */
    uint64_t seed;
    uint64_t hash;            /* of the tokens */
    uint64_t text_hash;       /* of the text that they came from */
    int64_t epoch;            /* that `order` belongs to, -1 = none yet */
    int32_t *order;           /* [n_windows] */
    Arena arena;
} Corpus;

/* Learns n_vocab tokens from the text (its first 16 MB), encodes it all and writes path. */
Status corpus_build(const char *path, const char *text, size_t n, int n_vocab, bool quiet, Err *err);

/* lead: tokens of short documents that the run begins with; 0: none. */
Status corpus_open(Corpus *c, const char *path, int64_t n_ctx, uint64_t seed, int64_t lead, Err *err);
void corpus_close(Corpus *c); /* a zeroed one is fine */

uint64_t corpus_text_hash(const char *text, size_t n);

/* The i-th window of the run (i = step * batch + place in the batch): ids and targets [n_ctx]. */
void corpus_window(Corpus *c, int64_t i, int32_t *ids, int32_t *targets);

/* Windows that are held out, and one of them. */
int64_t corpus_held_out(const Corpus *c);
void corpus_held_window(const Corpus *c, int64_t i, int32_t *ids, int32_t *targets);

/* The first documents of the world with this seed, n_bytes of text or a little more. *bits becomes
 * their mean information. */
Status corpus_world_text(Buf *text, double *bits, uint64_t seed, size_t n_bytes, bool quiet, Err *err);

/* Puts the pieces (which it reorders) into windows of n_ctx tokens; first has room for n_pieces + 1. */
void corpus_pack(Windows *w, int64_t n_ctx);

/* A whole text file, checked: not empty, UTF-8, at most 1 GiB. */
Status corpus_read_text(Buf *text, const char *path, Err *err);

#endif
