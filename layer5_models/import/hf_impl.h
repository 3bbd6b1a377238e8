/* hf_impl.h: what the files of the Hugging Face import share. In reading order: hf_families.c (the table),
 * hf_config.c (numbers that all have), hf_special.c (those of one family), hf_encoder.c (of encoders), hf_rope.c
 * (rotary settings), hf_tensors.c (tensors), hf_shape.c (their rows), hf_vocab.c and its parts (tokenizers), hf.c
 * (all together), hf_lora.c (adapters). */
#ifndef SIXFOLD_HF_IMPL_H
#define SIXFOLD_HF_IMPL_H

#include "arch.h"
#include "hf.h"

/* What happens to a tensor on its way. */
typedef enum {
    HF_AS_IS,
    HF_TURN_Q, HF_TURN_K, /* rotary halves of each head become neighbours */
    HF_FLIP,              /* a matrix stored as [in, out] */
    HF_PLUS_ONE,          /* a gain stored as distance from 1 */
    HF_QKV,               /* heads of q, k, v by group become all q, all k, all v */
    HF_STACK,             /* one tensor per expert (or head) becomes one for all */
    HF_GATE, HF_UP,       /* first or second half of the rows of each matrix */
    HF_EVEN, HF_ODD,      /* every second row; matrices are stored as [in, out] */
    HF_PART_Q, HF_PART_K, HF_PART_V, /* one of HF_QKV; halves of heads become neighbours as with HF_TURN_Q */
    HF_SQUEEZE,           /* [1, n] is a vector */
    HF_COLUMN,            /* a vector is n rows of one number */
    HF_GROUPS,            /* a vector is a row for each group of a scan */
    HF_TAPS,              /* [n, 1, k] is [n, k] */
    HF_RATE,              /* x is stored, -exp(x) is meant; a vector becomes a column */
    HF_KEYS_UP, HF_VALUES_UP, /* latent attention: rows of each head for its key (turned) and for its value */
    HF_AFTER_PAD          /* positions are counted from the padding's id + 1 */
} HfHow;

/* Names without ".weight" and ".bias"; after '=' stand whole ones. %d is the layer, in `from` the second one the
 * expert. */
typedef struct {
    const char *to, *from;
    HfHow how;
} HfRow;

struct HfFamily {
    const char *arch;         /* name of the architecture here */
    const char *classes[6];   /* "architectures" in config.json */
    const HfRow *rows;        /* ends with a NULL row */
    const char *act;          /* silu or gelu */
};

bool hf_has_row(const HfFamily *f, HfHow how);

const HfFamily *hf_family_find(JsonView name);
Status hf_family_refuse(JsonView name, Err *err);
const HfFamily *hf_family_of_arch(Str arch); /* NULL: none is converted to that */

/* hf.c. A JSON file of a directory; one that is absent and not required has size 0. */
enum { HF_MAX_CONFIG = 16 << 20 };
Status hf_open_json(HfJson *j, const char *dir, const char *name, bool required, size_t most, Err *err);

/* hf_config.c. A number of config.json under one of several names, the default if it is none of them. */
int64_t hf_int(const HfModel *m, const char *const *names, int64_t otherwise);
double hf_real(const HfModel *m, const char *name, double otherwise);
bool hf_bool(const HfModel *m, const char *name, bool otherwise);
/* A setting that is there and of another kind: remembered, and refused by hf_check, since a default would be a guess. */
void hf_note_wrong(const HfModel *m, const char *name, JsonView v, const char *allowed);
Status hf_check(const HfModel *m, Err *err);
JsonView hf_value(const HfModel *m, const char *name);
bool hf_is(const HfModel *m, const char *arch); /* the family's architecture */
const ArchDesc *hf_arch(const HfModel *m);
Status hf_read_config(HfModel *m, Err *err);
/* "<arch>.key" */
Status hf_put_u32(GgufWriter *w, const HfModel *m, const char *key, int64_t v, Err *err);
Status hf_put_f32(GgufWriter *w, const HfModel *m, const char *key, double v, Err *err);
Status hf_put_str(GgufWriter *w, const HfModel *m, const char *key, const char *v, Err *err);
Status hf_put_bool(GgufWriter *w, const HfModel *m, const char *key, bool v, Err *err);
/* "<arch> with <what>": a setting that our file cannot say. */
Status hf_cannot(const HfModel *m, const char *what, Err *err);
Status hf_in_range(const char *what, int64_t v, int64_t hi, Err *err); /* 1..hi */
#define HF_INT(m, name, otherwise) hf_int(m, (const char *const[]){name, NULL}, otherwise)
Status hf_put_config(GgufWriter *w, HfModel *m, const HfParams *p, Err *err);

/* hf_special.c: what only one family has, and what it must not have; sizes that come from other numbers. */
Status hf_read_special(HfModel *m, Err *err);
Status hf_put_special(GgufWriter *w, const HfModel *m, Err *err);

/* hf_encoder.c: pooling, token types; modules of sentence-transformers. */
Status hf_put_encoder(GgufWriter *w, HfModel *m, Err *err);

/* hf_rope.c. Keys, and tensors of factors if the scaling has them: appended to t and s, at most 2. */
Status hf_put_rope(GgufWriter *w, HfModel *m, ImportTensor *t, ImportSource *s, int64_t *n, Err *err);

/* hf_tensors.c. Where checkpoints put the language model; a name with its numbers filled in, %d by %d. */
enum { HF_PREFIXES = 11, HF_NAME_BYTES = 192 };
extern const char *const hf_prefixes[HF_PREFIXES];
const char *hf_fill_name(char out[HF_NAME_BYTES], const char *prefix, const char *pattern, int layer, int second,
                         const char *suffix);
/* hf_shape.c. A tensor as matrices [n_in, n_rows, n]; a vector as n rows of one number. */
Status hf_source_of(const HfModel *m, const SafeTensor *t, HfHow how, ImportSource *s, int *n_dims, Err *err);
/* How rows of t move; *rows: of t, then of the tensor that is made of it. */
Status hf_row_order(const HfModel *m, const SafeTensor *t, HfHow how, int64_t *rows, ImportOrder *o, Err *err);
Status hf_bad_shape(const SafeTensor *t, const char *want, Err *err);

/* All tensors of the model, memory from its arena. */
Status hf_list_tensors(HfModel *m, int wish, ImportTensor **out, int64_t *n, int64_t extra, Err *err);

/* hf_vocab.c */
Status hf_put_vocabulary(GgufWriter *w, HfModel *m, const HfParams *p, Err *err);

#endif
