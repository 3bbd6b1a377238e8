/* generate.c: the generator, and the two ways to compute the next logits. */
#include "layer6_kernels.h"

#include <math.h>

/* Computes tokens [first, n), which belong at positions first .. n-1 of sequence 0, in pieces of the
 * micro-batch. Only the last one needs logits. */
static Status compute(Generator *g, int64_t first, Err *err)
{
    int64_t n = g->tokens.n, most = g->params.n_ubatch;
    while (first < n) {
        int64_t piece = n - first < most ? n - first : most;
        for (int64_t i = 0; i < piece; i++)
            g->items[i] = (BatchItem){.token = g->tokens.ids[first + i], .pos = first + i,
                                      .want_logits = first + i == n - 1};
        TRY(model_forward(&g->session, g->items, piece, kvcache_source(&g->kv), g->logits, g->stop,
                          err));
        first += piece;
        g->n_done = first; /* what is done need not be done again if the next piece is stopped */
    }
    return OK;
}

//@ begin generate-twins
/* The whole text again: the naive twin. */
Status generate_uncached(Generator *g, Err *err)
{
    return compute(g, 0, err);
}

/* Only what is new: keys and values of the rest are in the cache. */
Status generate_cached(Generator *g, Err *err)
{
    return compute(g, g->n_done, err);
}
//@ end generate-twins

int64_t generator_plan(const Model *m, const GeneratorParams *p, int n_threads)
{
    int64_t session = session_plan(m, p->n_ubatch, p->n_ctx, n_threads);
    int64_t kv = kvcache_plan(m, p->type_k, p->type_v, p->n_ctx, 1);
    int64_t total;
    if (session < 0 || kv < 0 || __builtin_add_overflow(session, kv, &total)) return -1;
    return total;
}

static Status forbid_ends(Generator *g, Err *err)
{
    const Tokenizer *t = g->model->tokenizer;
    for (int32_t id = 0; t && id < tokenizer_n_vocab(t); id++)
        if (tokenizer_is_eog(t, id)) TRY(tokens_push(&g->forbidden, id, err));
    return OK;
}

Status generator_open(Generator *g, const Model *m, Pool *pool, const GeneratorParams *p,
                      const volatile int *stop, Err *err)
{
    *g = (Generator){.model = m, .params = *p, .stop = stop};
    int32_t eos = m->tokenizer ? tokenizer_eos(m->tokenizer) : -1;
    if (generator_plan(m, p, pool_threads(pool)) < 0)
        return fail(err, E_MEMORY, "a context of %lld tokens is beyond all memory. HINT: lower it with -c",
                    (long long)p->n_ctx);
    Status s = session_open(&g->session, m, pool, p->n_ubatch, p->n_ctx, err);
    if (s == OK) s = kvcache_open(&g->kv, m, p->type_k, p->type_v, p->n_ctx, 1, err);
    /* An embedding may have more rows than the vocabulary has texts (padding): those are no words. */
    int64_t n_words = m->tokenizer ? tokenizer_n_vocab(m->tokenizer) : m->hp.n_vocab;
    if (s == OK) s = sampler_open(&g->sampler, &p->sampling, n_words, eos, err);
    if (s == OK) {
        g->logits = ARENA_NEW(&g->arena, float, m->hp.n_vocab);
        g->items = ARENA_NEW(&g->arena, BatchItem, p->n_ubatch);
        if (!g->logits || !g->items)
            s = fail(err, E_MEMORY, "no memory for %lld logits", (long long)m->hp.n_vocab);
    }
    if (s == OK && p->ignore_eos) s = forbid_ends(g, err);
    if (s != OK) generator_close(g);
    return s;
}

void generator_close(Generator *g)
{
    sampler_close(&g->sampler);
    kvcache_close(&g->kv);
    session_close(&g->session);
    tokens_close(&g->tokens);
    tokens_close(&g->forbidden);
    arena_close(&g->arena);
    *g = (Generator){0};
}

Status generator_prompt(Generator *g, const int32_t *ids, int64_t n, Err *err)
{
    if (g->tokens.n + n > g->params.n_ctx)
        return fail(err, E_LIMIT, "the prompt has %lld tokens, the context holds %lld. HINT: raise it "
                    "with -c %lld", (long long)(g->tokens.n + n), (long long)g->params.n_ctx,
                    (long long)(g->tokens.n + n));
    for (int64_t i = 0; i < n; i++) {
        TRY(tokens_push(&g->tokens, ids[i], err));
        TRY(sampler_accept(&g->sampler, ids[i], err));
    }
    int64_t start = clock_ns();
    TRY(generate(g, err));
    g->stats.prompt_ns += clock_ns() - start;
    g->stats.n_prompt += n;
    return OK;
}

Status generator_next(Generator *g, int32_t *id, bool *end, Err *err)
{
    int64_t start = clock_ns();
    /* 1. Compute what was appended last time. */
    bool pass = g->n_done < g->tokens.n;
    if (pass) TRY(generate(g, err));
    /* 2. Choose. */
    PROFILE_SPAN("sample", 0);
    for (int64_t i = 0; i < g->forbidden.n; i++) g->logits[g->forbidden.ids[i]] = -INFINITY;
    *id = sampler_sample(&g->sampler, g->logits);
    const Tokenizer *t = g->model->tokenizer;
    *end = t && tokenizer_is_eog(t, *id);
    int64_t took = clock_ns() - start;
    if (pass) {
        g->stats.eval_ns += took;
        g->stats.n_eval++;
    } else if (!g->stats.first_ns) {
        g->stats.first_ns = g->stats.prompt_ns + took;
    }
    if (*end) return OK;
    /* 3. Remember it; there must be room to compute it later. */
    if (g->tokens.n >= g->params.n_ctx)
        return fail(err, E_LIMIT, "the context of %lld tokens is full. HINT: raise it with -c",
                    (long long)g->params.n_ctx);
    TRY(tokens_push(&g->tokens, *id, err));
    return sampler_accept(&g->sampler, *id, err);
}

void generator_rewind(Generator *g, int64_t n)
{
    CHECK(n >= 0 && n <= g->tokens.n, "back to %lld of %lld tokens", (long long)n, (long long)g->tokens.n);
    g->tokens.n = n;
    if (g->n_done > n) g->n_done = kvcache_prefix(&g->kv, 0, n);
    if (g->sampler.history.n > n) g->sampler.history.n = n;
}
