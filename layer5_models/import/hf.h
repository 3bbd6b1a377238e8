/* hf.h: a Hugging Face directory becomes a GGUF file, or is used as if it were one.
 *
 *   config.json                            numbers              -> <arch>.* keys
 *   model.safetensors or
 *   pytorch_model.bin, or an index of many tensors              -> tensors, renamed and re-ordered
 *   tokenizer.json or tokenizer.model,
 *   tokenizer_config.json, *.jinja         vocabulary, template -> tokenizer.* keys
 *   generation_config.json                 how to sample        -> general.sampling.* keys
 *
 * A family is a table (hf_families.c): which class names it has in config.json, what its tensors are
 * called there and here, and what must happen to their rows.
 *
 * Interface: hf_open maps everything and checks containers; hf_convert writes the GGUF, streaming; hf_view
 * opens the same container without writing it (import_view) and takes the mapped weights over. A tensor that no row of the family's table wants is an error, as is a setting that the architecture here cannot
 * say: a wrong guess would spoil every answer. What is left out knowingly (vision parts, buffers) is
 * counted in notes. Nothing in the directory is executed. */
#ifndef SIXFOLD_HF_H
#define SIXFOLD_HF_H

#include "import_open.h"
#include "import_tensor.h"
#include "safetensors.h"

typedef struct HfFamily HfFamily;

typedef struct {
    MapFile file; /* not there: size 0 */
    JsonView root;
} HfJson;

typedef struct {
    Arena arena;
    const char *dir;
    HfJson config, generation, tokenizer, tokenizer_config;
    JsonView text;      /* of config: what describes the language model */
    SafeTensors weights;
    const HfFamily *family;
    int64_t d_model, n_layer, n_head, n_kv_head, d_head, d_ff, n_expert, n_vocab;
    int64_t d_rope, d_nope, d_value, kv_rank; /* of latent attention, 0: none */
    int64_t n_group;    /* of a scan with heads */
    int64_t n_skip;     /* rows of positions that no token has */
    bool gelu_erf;      /* its GELU is the exact one */
    JsonView rope, rope_swa; /* where rotary numbers stand; rope_swa: those of sliding layers */
    char *wrong;        /* in words, the first setting that is not of its kind; "": none */
    ImportNotes notes;
} HfModel;

typedef struct {
    int wish;         /* a type for the matrices, or -1: as they are */
    const char *name; /* general.name */
    const char *pre;  /* tokenizer.ggml.pre, or NULL: found out */
} HfParams;

Status hf_open(HfModel *m, const char *dir, MapMode mode, Err *err); /* mode: of the weights */
Status hf_convert(HfModel *m, const char *out, const HfParams *p, const ImportRun *run, Err *err);
/* See import_open; run may be NULL. */
Status hf_view(HfModel *m, Gguf *g, const HfParams *p, bool shapes_only, const ImportRun *run, Err *err);
void hf_close(HfModel *m); /* a zeroed one is fine */

#endif
