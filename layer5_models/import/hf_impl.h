/* hf_impl.h: what the files of the Hugging Face import share. In reading order: hf_families.c (the table),
 * hf_config.c (numbers), hf_rope.c (rotary settings), hf_tensors.c (tensors), hf_vocab.c and
 * its parts (tokenizers), hf.c (all together), hf_lora.c (adapters). */
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
    HF_SQUEEZE            /* [1, n] is a vector */
} HfHow;

/* Names without ".weight" and ".bias". %d is the layer, in `from` the second one the expert. */
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
JsonView hf_value(const HfModel *m, const char *name);
bool hf_is(const HfModel *m, const char *arch); /* the family's architecture */
Status hf_read_config(HfModel *m, Err *err);
Status hf_put_config(GgufWriter *w, HfModel *m, const HfParams *p, Err *err);

/* hf_rope.c. Keys, and tensors of factors if the scaling has them: appended to t and s, at most 2. */
Status hf_put_rope(GgufWriter *w, HfModel *m, ImportTensor *t, ImportSource *s, int64_t *n, Err *err);

/* hf_tensors.c. Where checkpoints put the language model; a name with its numbers filled in, %d by %d. */
enum { HF_PREFIXES = 7, HF_NAME_BYTES = 192 };
extern const char *const hf_prefixes[HF_PREFIXES];
const char *hf_fill_name(char out[HF_NAME_BYTES], const char *prefix, const char *pattern, int layer, int second,
                         const char *suffix);
/* How rows of t move; *rows: of t, then of the tensor that is made of it. */
Status hf_row_order(const HfModel *m, const SafeTensor *t, HfHow how, int64_t *rows, ImportOrder *o, Err *err);
Status hf_bad_shape(const SafeTensor *t, const char *want, Err *err);

/* All tensors of the model, memory from its arena. */
Status hf_list_tensors(HfModel *m, int wish, ImportTensor **out, int64_t *n, int64_t extra, Err *err);

/* hf_vocab.c */
Status hf_put_vocabulary(GgufWriter *w, HfModel *m, const HfParams *p, Err *err);

#endif
