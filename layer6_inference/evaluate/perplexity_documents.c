/* perplexity_documents.c: documents in a row, batches over them, bits for each. */
#include "perplexity_documents.h"
#include "perplexity.h"

#include <math.h>

typedef struct {
    PerplexityDocument *docs;
    const int32_t *ids;
    int64_t n_docs, n_vocab, n_batch;
    int n_seq;
    int64_t doc, pos;      /* what comes next */
    BatchItem *items;      /* [n_batch] */
    int64_t *owner;        /* [n_batch] document of each item */
    float *logits;         /* [n_batch, n_vocab] */
    double *nats;          /* [n_batch] -ln p of the token after each item */
    int64_t n;             /* items of this batch */
} Row;

/* Takes tokens from the row until the batch is full or as many documents are begun as there are
 * sequences. The eos is predicted and never fed. Document d lives in sequence d mod n_seq. */
static void collect(Row *r)
{
    int64_t first = r->doc;
    for (r->n = 0; r->n < r->n_batch && r->doc < r->n_docs && r->doc < first + r->n_seq; r->n++) {
        const PerplexityDocument *d = &r->docs[r->doc];
        r->items[r->n] = (BatchItem){.token = r->ids[d->first + r->pos], .seq = (int)(r->doc % r->n_seq),
                                     .pos = r->pos, .want_logits = true};
        r->owner[r->n] = r->doc;
        if (++r->pos == d->n - 1) r->doc++, r->pos = 0;
    }
}

static void score(void *ctx, int64_t begin, int64_t end, int thread)
{
    Row *r = ctx;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int32_t next = r->ids[r->docs[r->owner[i]].first + r->items[i].pos + 1];
        r->nats[i] = -log_probability(r->logits + i * r->n_vocab, r->n_vocab, next);
    }
}

static Status check(const Row *r, int64_t n_docs, Err *err)
{
    for (int64_t i = 0; i < n_docs; i++) {
        const PerplexityDocument *d = &r->docs[i];
        CHECK(d->n >= 2, "document %lld of %lld tokens", (long long)i, (long long)d->n);
        for (int64_t k = d->first; k < d->first + d->n; k++)
            if (r->ids[k] < 0 || r->ids[k] >= r->n_vocab)
                return fail(err, E_ARG, "token id %d is outside the vocabulary of %lld. HINT: ids are "
                            "counted from 0", r->ids[k], (long long)r->n_vocab);
    }
    return OK;
}

static Status run(Row *r, Session *s, KvCache *kv, PerplexityDocumentProgress *progress, void *ctx,
                  const volatile int *stop, Err *err)
{
    int64_t done = 0;
    for (int64_t i = 0; i < r->n_docs; i++) r->docs[i].bits = 0;
    while (r->doc < r->n_docs) {
        collect(r);
        TRY(model_forward(s, r->items, r->n, kvcache_source(kv), r->logits, stop, err));
        pool_for(s->pool, r->n, 8, score, r);
        for (int64_t i = 0; i < r->n; i++) r->docs[r->owner[i]].bits += r->nats[i] / log(2);
        done += r->n;
        if (progress) progress(ctx, done);
    }
    return OK;
}

Status perplexity_documents(PerplexityDocument *docs, int64_t n_docs, const int32_t *ids, Session *s,
                            KvCache *kv, int64_t n_batch, PerplexityDocumentProgress *progress, void *ctx,
                            const volatile int *stop, Err *err)
{
    CHECK(n_batch > 0, "a batch of %lld", (long long)n_batch);
    Row r = {.docs = docs, .ids = ids, .n_docs = n_docs, .n_vocab = s->model->hp.n_vocab,
             .n_batch = n_batch, .n_seq = kv->n_seq};
    TRY(check(&r, n_docs, err));
    Arena a = {0};
    r.items = ARENA_NEW(&a, BatchItem, n_batch);
    r.owner = ARENA_NEW(&a, int64_t, n_batch);
    r.nats = ARENA_NEW(&a, double, n_batch);
    r.logits = arena_alloc_dirty(&a, n_batch, (size_t)r.n_vocab * sizeof(float));
    Status status = r.items && r.owner && r.nats && r.logits
                        ? run(&r, s, kv, progress, ctx, stop, err)
                        : fail(err, E_MEMORY, "no memory for %lld rows of logits. HINT: a smaller -b",
                               (long long)n_batch);
    arena_close(&a);
    return status;
}
