/* model.h: a file that has become a model, and the one forward pass.
 *
 * Interface:
 * - model_open maps the file, validates it, binds the weights and opens the tokenizer. Loading by mmap
 *   touches only the metadata. A Hugging Face directory is opened as the file that would be made of it
 *   (import_open.h).
 * - model_forward computes a batch of items, each a token of some sequence at some position, whose
 *   keys and values (or scan states) go to the memory that kv(seq, layer) returns. Rows of logits come out for the items
 *   that want them, in order. Prefill, decode, several sequences at once and perplexity are this call.
 * - A Session owns scratch memory and is used by one thread at a time; a Model is read-only and shared.
 * Items of one sequence must stand together in increasing, consecutive positions (CHECKed): what was
 * stored before pos stays, what was at or after it is overwritten. A state-space model can go back only to
 * where a call began: the last one that fed the sequence, or position 0; elsewhere E_LIMIT. A call that
 * fails or is stopped can always be repeated. */
#ifndef SIXFOLD_MODEL_H
#define SIXFOLD_MODEL_H

#include "import_open.h"
#include "tokenizer.h"
#include "weights.h"

typedef struct Model {
    Gguf gguf;
    Arena arena;
    const ArchDesc *arch;
    Hparams hp;
    ModelSpec around;     /* what surrounds the blocks */
    BlockSpec spec;       /* what all layers have in common */
    BlockSpec *layers;    /* [n_layer] each layer's own */
    Weights weights;
    const void **file_data; /* where each matrix (matrices.h) lies in the file, once they were repacked */
    Tokenizer *tokenizer; /* NULL if the file has none, or one that is not known: then no_tokenizer says so */
    Err no_tokenizer;
    ImportNotes imported; /* all zero for a file */
    int64_t load_ns;
} Model;

Status model_open(Model *m, const char *path, MapMode mode, Err *err);
/* The same; a directory whose tensors must be laid out anew uses run's pool and bar. */
Status model_open_run(Model *m, const char *path, MapMode mode, const ImportRun *run, Err *err);
Status model_open_memory(Model *m, const void *data, size_t size, Err *err);
/* The container and its tokenizer only: for files that hold a vocabulary, of any architecture. path
 * NULL: the bytes data[0 .. size-1]. */
Status model_open_vocabulary(Model *m, const char *path, const void *data, size_t size, MapMode mode,
                             Err *err);

void model_close(Model *m); /* a zeroed one is fine */

typedef struct {
    int32_t token;     /* checked against n_vocab: E_ARG */
    int32_t seq;       /* which sequence */
    int64_t pos;       /* checked against the view's n_ctx: E_LIMIT */
    bool want_logits;
} BatchItem;

/* The memory of sequence seq at layer: views that stay valid during the call. A scan's was cleared
 * (scan_clear) before its first use. */
typedef SeqState KvLookup(void *ctx, int seq, int layer);

typedef struct {
    KvLookup *lookup;
    void *ctx;
} KvSource;

typedef struct Session {
    const Model *model;
    Pool *pool;
    Arena arena;
    int64_t max_batch;  /* items computed at once (micro-batch); larger batches go in pieces */
    int64_t n_ctx;
    float *x, *norm;    /* [max_batch, d_model] */
    float *rope_table[2]; /* [max_batch, n_rot] each; the second for sliding layers that turn differently */
    bool hidden;        /* rows are hidden states, not logits */
    void *scratch;
    int64_t scratch_bytes;
    BlockTap *tap;
    void *tap_ctx;
    BlockWatcher watcher; /* of the inputs of all matrices, the output's included */
    LowRankSet adapters;  /* what this run adds to the model's matrices: session_adapt in lora.h */
    LowRank *embd_adapters; /* [n_embd_adapters] and to the rows of its embedding */
    int64_t n_embd_adapters;
    Arena adapter_arena;
} Session;

/* Bytes a session will need (scratch, not the KV cache): the plan, in checked arithmetic; -1 if it
 * overflows. */
int64_t session_plan(const Model *m, int64_t max_batch, int64_t n_ctx, int n_threads);

Status session_open(Session *s, const Model *m, Pool *pool, int64_t max_batch, int64_t n_ctx,
                    Err *err);
/* For hidden states after the last norm, which every model has; session_open refuses encoders, which have
 * no logits (E_UNSUPPORTED). */
Status session_open_hidden(Session *s, const Model *m, Pool *pool, int64_t max_batch, int64_t n_ctx,
                           Err *err);
void session_close(Session *s);

/* Floats in a row of what comes out: n_vocab, or d_model for hidden states. */
int64_t session_row(const Session *s);

/* logits [number of wanting items, session_row]. An encoder needs a sequence in one call, from position 0,
 * and in one micro-batch: E_LIMIT. stop, if not NULL, is looked at before each piece and
 * layer: when it becomes non-zero the result is E_CANCELLED. */
Status model_forward(Session *s, const BatchItem *items, int64_t n, KvSource kv, float *logits,
                     const volatile int *stop, Err *err);

#endif
