/* arch.h: an architecture is data: which switches of the block are on, what its tensors are called, and
 * a function for what depends on the file's numbers.
 *
 * Interface: arch_find(name) is NULL for an unknown one; arch_refuse writes the error with the nearest
 * known name. A new architecture is one file with an ArchDesc and one line in arch.c's list. */
#ifndef SIXFOLD_ARCH_H
#define SIXFOLD_ARCH_H

#include "hparams.h"

/* What surrounds the blocks. */
typedef struct ModelSpec {
    float embd_scale;      /* of embeddings; 0 means 1 */
    float logit_scale;     /* of logits; 0 means 1 */
    float logit_cap;       /* c: logits become c tanh(l / c); 0 = off */
    int window_period;     /* p: layers with i mod p < p - 1 slide; 0 or 1: all of them (if any) */
    float rope_base_swa;   /* of sliding layers; 0: as the others */
    bool swa_unscaled;     /* sliding layers do without the file's RoPE scaling */
} ModelSpec;

enum {
    ARCH_POSITIONS = 1,        /* learned positions: position_embd.weight */
    ARCH_POSITIONS_OPTIONAL = 256, /* if the file has them */
    ARCH_EMBD_NORM = 2,        /* a norm right after the embedding: token_embd_norm */
    ARCH_TOKEN_TYPES = 4,      /* row 0 of token_types.weight is added to every token */
    ARCH_OUTPUT_TIED = 8,      /* the embedding is the output matrix, whatever the file has */
    ARCH_OUTPUT_REQUIRED = 16, /* output.weight must be there; otherwise tied if it is absent */
    ARCH_NO_HEAD = 32,         /* no output matrix at all: what comes out are hidden states */
    ARCH_NORM_PLAIN = 64,      /* LayerNorm whose offsets may be absent */
    ARCH_SHARED_ROUTED = 128,  /* the shared expert has a router of its own */
};

/* Names of norms inside a block, without ".weight"; NULL: the family has no such norm. */
typedef struct {
    const char *attn, *ffn;           /* before each half */
    const char *attn_post, *ffn_post; /* of the branches */
    const char *attn_out, *ffn_out;   /* of the sums */
    const char *attn_own;             /* if a file has it, attention reads it, and the FFN reads attn */
    bool ffn_optional;                /* a file that has it is sequential, one that lacks it parallel */
} ArchNorms;

typedef struct ArchDesc {
    const char *name;  /* value of general.architecture */
    const char *title; /* "Llama 1 to 3, Mistral" */
    const char *paper;
    BlockSpec block;   /* the switches that all models of the family share */
    ModelSpec model;
    ArchNorms norms;
    unsigned flags;
    /* What depends on numbers; g is there for keys that only this family has. NULL: nothing does. */
    Status (*adapt)(ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g, Err *err);
} ArchDesc;

#define NORMS_USUAL {.attn = "attn_norm", .ffn = "ffn_norm"}

const ArchDesc *arch_find(Str name);
int arch_count(void);
const ArchDesc *arch_at(int i);
Status arch_refuse(Str name, Err *err);

/* From numbers to the description of one layer: what every family has in common, then the family's
 * switches, then what the layer's number decides. Slopes and factors are filled in by the model. */
Status arch_describe(const ArchDesc *a, ModelSpec *m, BlockSpec *s, const Hparams *h, const Gguf *g,
                     Err *err);
BlockSpec arch_layer(const ModelSpec *m, const BlockSpec *s, const Hparams *h, int layer);

#endif
