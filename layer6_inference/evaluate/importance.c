/* importance.c: chunk after chunk through the forward pass, with an observer. */
#include "importance.h"

static Status run_chunk(Session *s, KvCache *kv, const int32_t *ids, BatchItem *items, float *logits,
                        const ImportanceParams *p, const volatile int *stop, Err *err)
{
    const Tokenizer *t = s->model->tokenizer;
    for (int64_t i = 0; i < p->n_ctx; i++)
        items[i] = (BatchItem){.token = ids[i], .pos = i, .want_logits = p->with_output};
    if (t && tokenizer_add_bos(t)) items[0].token = tokenizer_bos(t);
    return model_forward(s, items, p->n_ctx, kvcache_source(kv), logits, stop, err);
}

static Status run_chunks(ImatrixCollect *c, Session *s, KvCache *kv, const TokenList *tokens,
                         BatchItem *items, float *logits, const ImportanceParams *p, int64_t n_chunks,
                         const volatile int *stop, Err *err)
{
    Progress bar;
    progress_start(&bar, "imatrix", n_chunks, "chunks", 1, p->quiet);
    for (int64_t i = c->sums.n_chunks; i < n_chunks; i++) {
        TRY(run_chunk(s, kv, tokens->ids + i * p->n_ctx, items, logits, p, stop, err));
        TRY(imatrix_collect_chunk(c, err));
        progress_update(&bar, i + 1);
        if ((i + 1) % p->save_every == 0) TRY(imatrix_save(&c->sums, p->path, err));
    }
    progress_end(&bar);
    return OK;
}

Status importance_run(ImatrixCollect *c, Session *s, KvCache *kv, const TokenList *tokens,
                      const ImportanceParams *p, const volatile int *stop, Err *err)
{
    int64_t n_chunks = tokens->n / p->n_ctx;
    if (p->max_chunks >= 0 && n_chunks > p->max_chunks) n_chunks = p->max_chunks;
    if (n_chunks < 1)
        return fail(err, E_ARG, "the text has %lld tokens, one chunk needs %lld. HINT: a longer text or a "
                    "smaller -c", (long long)tokens->n, (long long)p->n_ctx);
    Arena a = {0};
    int64_t n_logits = p->with_output ? p->n_ctx * s->model->hp.n_vocab : 1;
    BatchItem *items = ARENA_NEW(&a, BatchItem, p->n_ctx);
    float *logits = arena_alloc_dirty(&a, n_logits, sizeof *logits);
    Status st = items && logits ? OK : fail(err, E_MEMORY, "no memory for a chunk of %lld tokens",
                                            (long long)p->n_ctx);
    s->watcher = imatrix_collect_watcher(c);
    if (st == OK) st = run_chunks(c, s, kv, tokens, items, logits, p, n_chunks, stop, err);
    s->watcher = (BlockWatcher){0};
    arena_close(&a);
    if ((st != OK && st != E_CANCELLED) || c->sums.n_chunks == 0) return st;
    Err late;
    Status saved = imatrix_save(&c->sums, p->path, &late);
    return saved == OK ? st : fail(err, saved, "%s", late.text);
}
