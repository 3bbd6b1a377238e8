/* hparams.h: the numbers that describe a model, read from metadata and checked by one table.
 *
 * The table in hparams.c gives each key its range, default and divisor; the same rows are printed by
 * documentation. A file that breaks a rule is refused with the key, the value and the allowed range.
 *
 * Interface: hparams_read fills h from "<arch>.*" keys. Strings are views into the Gguf. */
#ifndef SIXFOLD_HPARAMS_H
#define SIXFOLD_HPARAMS_H

#include "layer4.h"

enum { MAX_LAYERS = 512 };

typedef struct Hparams {
    Str arch;             /* general.architecture */
    int64_t n_ctx_train;  /* context_length */
    int64_t d_model;      /* embedding_length */
    int64_t n_layer;      /* block_count */
    int64_t d_ff;         /* feed_forward_length */
    int64_t n_head;       /* attention.head_count */
    int64_t n_kv_head;    /* attention.head_count_kv, default n_head */
    int64_t d_k;          /* attention.key_length, default d_model / n_head */
    int64_t d_v;          /* attention.value_length, default d_model / n_head */
    int64_t n_rot;        /* rope.dimension_count, default d_k */
    int64_t n_vocab;      /* vocab_size, default number of tokens; rows of the embedding decide */
    float norm_eps;       /* attention.layer_norm_rms_epsilon */
    float rope_base;      /* rope.freq_base, default 10000 */
    float rope_factor;    /* rope.scaling.factor (linear), default 1 */
} Hparams;

Status hparams_read(Hparams *h, const Gguf *g, Err *err);

/* One row of the table as text "llama.block_count  1..512  required", for documentation and
 * messages; NULL past the end. */
const char *hparams_rule(int i);

#endif
