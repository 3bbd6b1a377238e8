/* importance.h: runs a text through a model to make an importance matrix (see layer 5's imatrix.h).
 *
 * Interface: the text is cut into chunks of n_ctx tokens, each beginning with bos if the model wants
 * one and read by itself. The result is saved after every save_every chunks and at the end, also
 * when the run is stopped: then the status is E_CANCELLED and the chunks done are in the file. Chunks
 * that the collector has already (imatrix_collect_resume) are skipped. */
#ifndef SIXFOLD_IMPORTANCE_H
#define SIXFOLD_IMPORTANCE_H

#include "kvcache.h"

typedef struct {
    int64_t n_ctx, max_chunks; /* max_chunks -1: all */
    int64_t save_every;
    bool with_output;          /* the output matrix too */
    const char *path;
    bool quiet;
} ImportanceParams;

Status importance_run(ImatrixCollect *c, Session *s, KvCache *kv, const TokenList *tokens,
                      const ImportanceParams *p, const volatile int *stop, Err *err);

#endif
