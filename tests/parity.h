/* parity.h: a model against its line of golden.jsonl: every row of logits, every greedy id, in as many sets
 * of kernels as this machine has, one token at a time and all at once. Include it after cmocka.h. */
#ifndef SIXFOLD_TESTS_PARITY_H
#define SIXFOLD_TESTS_PARITY_H

#include "model_bytes.h"
#include "golden.h"
#include "twins.h"

typedef struct {
    const char *kernels; /* for kernels_use */
    int n_threads;
    int64_t batch;       /* items per call and micro-batch */
} Way;

static MB_UNUSED float largest(const float *x, int64_t n)
{
    float m = 0;
    for (int64_t i = 0; i < n; i++) m = fabsf(x[i]) > m ? fabsf(x[i]) : m;
    return m;
}

static MB_UNUSED int64_t first_largest(const float *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* Feeds prompt and greedy ids in calls of way->batch; all rows to logits. */
static MB_UNUSED void feed(const Golden *g, const Model *m, const Way *way, float *logits)
{
    Pool *pool = NULL;
    Session s;
    Err err = {0};
    int64_t n = g->n_prompt + g->n_greedy;
    FlatKv kv = flat_kv(m, DT_F32, n, 1);
    MUST(pool_open(&pool, way->n_threads, false, &err), &err);
    MUST(session_open(&s, m, pool, way->batch, n, &err), &err);
    BatchItem items[2 * GOLDEN_MAX];
    for (int64_t i = 0; i < n; i++)
        items[i] = (BatchItem){.token = g->ids[i], .pos = i, .want_logits = true};
    for (int64_t i = 0; i < n; i += way->batch) {
        int64_t k = n - i < way->batch ? n - i : way->batch;
        MUST(model_forward(&s, items + i, k, flat_source(&kv), logits + i * g->n_vocab, NULL, &err),
             &err);
    }
    session_close(&s);
    pool_close(pool);
    mem_free(kv.memory);
}

static MB_UNUSED void compare(const Golden *g, const float *logits, float share, const char *how)
{
    int64_t n = g->n_prompt + g->n_greedy, v = g->n_vocab;
    float tol = share * largest(g->logits, n * v);
    for (int64_t i = 0; i < n * v; i++)
        if (!(fabsf(logits[i] - g->logits[i]) <= tol))
            FAILED("%s, %s: row %lld, id %lld: %.7g instead of %.7g, tolerance %.2g", g->model, how,
                   (long long)(i / v), (long long)(i % v), (double)logits[i], (double)g->logits[i],
                   (double)tol);
    for (int64_t i = 0; i < g->n_greedy; i++) {
        int64_t row = g->n_prompt - 1 + i;
        if (first_largest(logits + row * v, v) != g->ids[g->n_prompt + i])
            FAILED("%s, %s: greedy id %lld is %lld", g->model, how, (long long)i,
                   (long long)first_largest(logits + row * v, v));
    }
}

/* The sets that this machine has: plain C, each instruction set, each way of attention. */
static const char *const sets[] = {"naive", "scalar", "avx2", "avx512", "neon", "dotprod", "avxvnni",
                                   "attention:naive", "attention:cached", "attention:flash",
                                   "latent:expanded", "scan_channels:blocked", "scan_heads:chunked"};

enum { N_SETS = sizeof sets / sizeof *sets, N_BRIEF = 2 };

/* Skips where the files are absent. brief: the plain sets and whatever this machine chooses, two ways each. */
static MB_UNUSED void parity(const char *dir, const char *model, float share, bool brief)
{
    Golden g;
    Model m;
    Err err = {0};
    if (!golden_read(&g, dir, model)) {
        mem_free(g.logits);
        skip();
    }
    char path[192];
    snprintf(path, sizeof path, "%s/%s", dir, model);
    MUST(model_open(&m, path, MAP_AUTO, &err), &err);
    assert_int_equal(m.hp.n_vocab, g.n_vocab);
    int64_t n = g.n_prompt + g.n_greedy;
    assert_true(n == 40);
    float *logits = mem_alloc((size_t)(n * g.n_vocab) * sizeof *logits);
    assert_non_null(logits);
    int used = 0;
    int n_sets = brief ? N_BRIEF + 1 : N_SETS;
    for (int k = 0; k < n_sets; k++) {
        const char *set = brief && k == N_BRIEF ? NULL : sets[k];
        if (kernels_use(set, &err) != OK) continue; /* not on this machine */
        used++;
        for (int w = 0; w < 4; w++) {
            if (brief && (w == 1 || w == 2)) continue;
            Way way = {set ? set : "the best", 1 + w / 2, w % 2 ? n : 1};
            char how[96];
            snprintf(how, sizeof how, "%s, %d threads, %lld at a time", way.kernels, way.n_threads,
                     (long long)way.batch);
            feed(&g, &m, &way, logits);
            compare(&g, logits, share, how);
        }
        MUST(kernels_use(NULL, &err), &err);
    }
    assert_true(used >= (brief ? 3 : 5)); /* the plain ones are everywhere */
    mem_free(logits);
    mem_free(g.logits);
    model_close(&m);
}

#endif
