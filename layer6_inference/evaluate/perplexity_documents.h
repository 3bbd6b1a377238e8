/* perplexity_documents.h: how many bits a model needs for each of many documents.
 *
 *   bits(document) = - sum_i log2 p(token_i | bos, tokens before it)      i = 1 .. n, the last is eos
 *
 * Nothing but the bos is given for free, so the sum is the length of the document in the best code
 * that this model makes possible. If the source's own probability of the text is known, the
 * difference of the two means is what the model has still to learn, in bits per document.
 *
 * Interface: the documents' tokens stand in one row, each from its bos to its eos. They are computed side
 * by side, several sequences in a batch; a document may be longer than a batch, but not than the
 * context. Source: Shannon 1948; Kraft 1949. */
#ifndef SIXFOLD_PERPLEXITY_DOCUMENTS_H
#define SIXFOLD_PERPLEXITY_DOCUMENTS_H

#include "kvcache.h"

typedef struct {
    int64_t first, n; /* ids [first, first + n), bos and eos included; n >= 2 */
    double bits;      /* result */
} PerplexityDocument;

typedef void PerplexityDocumentProgress(void *ctx, int64_t n_tokens_done);

/* n_batch: tokens computed between two looks at the result; their logits are kept, [n_batch, n_vocab]. */
Status perplexity_documents(PerplexityDocument *docs, int64_t n_docs, const int32_t *ids, Session *s,
                            KvCache *kv, int64_t n_batch, PerplexityDocumentProgress *progress, void *ctx,
                            const volatile int *stop, Err *err);

#endif
