/* embedding.h: a text as one vector, so that texts can be compared.
 *
 *   h_t = the model's hidden state of token t after the last norm     [n, d_model]
 *   none   every h_t         mean   their average         cls    h_0         last   h_(n-1)
 *   rank   a score: the classifier of a re-ranking model, on one of the h_t
 *
 * Which one is right was decided when the model was trained; files say it (pooling_type). An encoder's
 * first token has seen the whole text, a decoder's last one has.
 *
 * Interface:
 * - embedder_open makes room for texts of up to n_ctx tokens. POOLING_AUTO takes what the file says, else
 *   mean for encoders and last for decoders. POOLING_RANK needs a model with a classifier (E_UNSUPPORTED).
 * - embedder_run fills out [embedder_rows(e, n), embedder_width(e)]; nothing is added to the ids. Texts do not
 *   see each other. One thread at a time.
 * - Vectors come as they are; embedding_normalise scales one. */
#ifndef SIXFOLD_EMBEDDING_H
#define SIXFOLD_EMBEDDING_H

#include "kvcache.h"

typedef enum {
    POOLING_AUTO = -1, POOLING_NONE, POOLING_MEAN, POOLING_CLS, POOLING_LAST, POOLING_RANK
} Pooling;

/* "mean" and so on; false if there is no such name. NULL past the end of the list. */
bool embedding_pooling(const char *name, Pooling *out);
const char *embedding_pooling_name(Pooling p);

typedef struct {
    Pooling pooling;
    Session session;
    KvCache kv;
    float *rows;      /* [max_batch, d_model] */
    BatchItem *items; /* [max_batch] */
    Arena arena;
} Embedder;

/* Bytes of session, cache and rows; -1 if they overflow. */
int64_t embedder_plan(const Model *m, int64_t n_ctx, int64_t n_ubatch, DType type_k, DType type_v,
                      int n_threads);

/* An encoder sees a text whole: n_ubatch is raised to n_ctx for it. */
Status embedder_open(Embedder *e, const Model *m, Pool *pool, Pooling pooling, int64_t n_ctx,
                     int64_t n_ubatch, DType type_k, DType type_v, Err *err);
void embedder_close(Embedder *e);

/* Vectors of a text of n tokens, and floats in each. */
int64_t embedder_rows(const Embedder *e, int64_t n);
int64_t embedder_width(const Embedder *e);

/* n >= 1 (E_ARG otherwise). */
Status embedder_run(Embedder *e, const int32_t *ids, int64_t n, float *out, const volatile int *stop,
                    Err *err);

/* x /= its length: how = 2 Euclid's, 1 the sum of sizes, p > 2 the p-norm; 0: the largest becomes 32760;
 * -1: stays. A vector of zeros stays. */
void embedding_normalise(float *x, int64_t n, int64_t how);

/* Cosine of the angle between a and b; two vectors of zeros are alike, one is like nothing else. */
double embedding_cosine(const float *a, const float *b, int64_t n);

#endif
