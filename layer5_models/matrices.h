/* matrices.h: all matrices of an open model in one row of numbers, and what a token costs in them.
 *
 * Number 0 is the embedding, 1 the output matrix, then MODEL_MATRICES_PER_BLOCK places for each block, many of
 * them empty (data is NULL): no family has all. The last of a block are its routers, which are small and decide
 * much: they are never repacked. Views, owned by the model. */
#ifndef SIXFOLD_MATRICES_H
#define SIXFOLD_MATRICES_H

#include "model.h"

enum { MODEL_EMBD = 0, MODEL_OUTPUT = 1, MODEL_MATRICES_REPACKED = 22, MODEL_MATRICES_PER_BLOCK = 24 };

int64_t model_n_matrices(const Model *m);

/* To change it is for model_repack alone. */
Tensor *model_matrix(const Model *m, int64_t i);

/* Where matrix i lies in the model's file, even if it was repacked since: that tells which tensor of the file it
 * is, or which rows of one. */
const void *model_matrix_in_file(const Model *m, int64_t i);

/* True if the forward pass multiplies it as y = W x: not the embedding, which is looked up, nor the two of latent
 * attention that are multiplied either way round. */
bool model_matrix_is_product(const Model *m, int64_t i);

/* The output matrix is the embedding once more. */
bool model_is_tied(const Model *m, int64_t i);

/* What one token makes the machine do: bytes of weights to read, and multiply-adds, those of weights that
 * linear multiplies as integers apart from the others: one of bytes is one, one of 16 bits takes the place of
 * two. Of experts those that are used. Attention is left out:
 * its cost grows with the text. */
typedef struct {
    double bytes, int8_madds, float_madds;
} TokenWork;

TokenWork model_token_work(const Model *m);

#endif
