/* hf_vocab_impl.h: a vocabulary while it is collected. */
#ifndef SIXFOLD_HF_VOCAB_IMPL_H
#define SIXFOLD_HF_VOCAB_IMPL_H

#include "hf_impl.h"

enum { HF_NORMAL = 1, HF_UNKNOWN, HF_CONTROL, HF_USER, HF_UNUSED, HF_BYTE }; /* tokenizer.ggml.token_type */

typedef struct {
    HfModel *m;
    const char *kind;  /* tokenizer.ggml.model */
    const char *pre;   /* tokenizer.ggml.pre; NULL: none */
    int64_t n;         /* rows of the embedding: every id has a text */
    Str *texts;        /* of an id that nobody names: empty */
    float *scores;     /* if has_scores */
    int32_t *types;
    bool has_scores;
    Str *merges;       /* "left right", the most urgent first */
    int64_t n_merges;
    int add_space, add_bos, add_eos; /* 0, 1; -1: not known */
    int merge_spaces, lowercase, strip_accents; /* the same */
    Str charsmap;                    /* of a Unigram model; empty: none */
    int64_t bos, eos, unk, pad, sep, mask; /* -1: not known */
    int64_t frame[2];                /* the token before a text and after it, -1: none */
    int n_frame[2];                  /* how many */
} HfVocab;

Status hf_vocab_room(HfVocab *v, Err *err);
Status hf_vocab_set(HfVocab *v, int64_t id, Str text, int type, Err *err); /* checks the id */
bool hf_looks_special(Str text);

int64_t hf_vocab_find(const HfVocab *v, Str text); /* the id, or -1; by going through all */

/* hf_vocab_json.c: tokenizer.json, and what its models share: errors, a part of the pipeline by its type, texts
 * with ids, added tokens. */
Status hf_vocab_from_json(HfVocab *v, const char *pre, Err *err);
Status hf_vocab_damaged(const char *what, Err *err);
Status hf_vocab_no_form(const char *what, JsonView type, Err *err);
bool hf_has_type(JsonView part, const char *list, const char *type); /* the part, or one of its list */
Status hf_vocab_read(HfVocab *v, JsonView model, Err *err);
Status hf_vocab_added(HfVocab *v, Err *err);
int hf_vocab_mark_bytes(HfVocab *v); /* tokens "<0x0A>" get the type of bytes; how many of the 256 there are */

/* Its kinds of models: hf_vocab_bpe.c, hf_vocab_unigram.c, hf_vocab_pieces.c. hf_vocab_spm.c: tokenizer.model.
 * hf_vocab_pre.c: which of the known ways of cutting words tokenizer.json describes. */
Status hf_vocab_bpe(HfVocab *v, JsonView model, const char *pre, Err *err);
Status hf_vocab_unigram(HfVocab *v, JsonView model, Err *err);
Status hf_vocab_pieces(HfVocab *v, JsonView model, Err *err);
Status hf_vocab_from_lines(HfVocab *v, const char *text, size_t n, Err *err); /* vocab.txt */
Status hf_vocab_from_model(HfVocab *v, const uint8_t *data, size_t size, Err *err);
Status hf_pre_find(const HfModel *m, const char **name, Err *err);

#endif
