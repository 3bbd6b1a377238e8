/* llama2c.h: models of llama2.c, a trainer and runner in one C file each, become GGUF.
 *
 *   v0   7 x i32 | f32: all tensors, one kind after the other            no magic number
 *   v1   "ak42", 1, 7 x i32, flag, zeros to 256 | f32: norms, then matrices
 *   v2   the same with a group size | f32 norms | int8 matrices, each followed by its f32 scales
 *
 * Their rotary pairs are neighbours, as the GGUF architecture "llama" wants them, so nothing moves.
 *
 * Interface: llama2c_open maps a file and checks that its numbers describe exactly its size (v0 has no
 * magic, so that is how it is known). llama2c_convert writes the GGUF; the vocabulary comes from a
 * tokenizer.bin, whose count must fit. Source: github.com/karpathy/llama2.c, export.py and run.c. */
#ifndef SIXFOLD_LLAMA2C_H
#define SIXFOLD_LLAMA2C_H

#include "import_tensor.h"

enum {
    LLAMA2C_EMBD, LLAMA2C_ATTN_NORM, LLAMA2C_Q, LLAMA2C_K, LLAMA2C_V, LLAMA2C_O, LLAMA2C_FFN_NORM,
    LLAMA2C_W1, LLAMA2C_W2, LLAMA2C_W3, LLAMA2C_NORM, LLAMA2C_FREQS, LLAMA2C_OUTPUT, LLAMA2C_PARTS
};

typedef struct {
    MapFile file;
    int version;                 /* 0, 1, 2 */
    int64_t d_model, d_ff, n_layer, n_head, n_kv_head, n_vocab, n_ctx;
    bool tied;                   /* the embedding is the output matrix */
    int64_t group;               /* v2: numbers per scale */
    int64_t starts[LLAMA2C_PARTS]; /* byte of the file where a kind begins, 0: it has none */
} Llama2c;

Status llama2c_open(Llama2c *m, const char *path, Err *err);
Status llama2c_open_memory(Llama2c *m, const void *data, size_t size, Err *err); /* data must outlive m */
void llama2c_close(Llama2c *m); /* a zeroed one is fine */

/* wish: a type for the matrices, or -1: as they are (f32; int8 becomes f32, since its groups may go
 * across rows). name: general.name. */
Status llama2c_convert(const Llama2c *m, const char *tokenizer_path, const char *out, const char *name,
                       int wish, const ImportRun *run, Err *err);

/* The vocabulary of a tokenizer.bin as GGUF keys. */
Status llama2c_put_vocabulary(GgufWriter *w, const uint8_t *data, size_t size, int64_t n_vocab, Err *err);

#endif
