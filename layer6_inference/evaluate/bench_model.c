/* bench_model.c: the two tests of a model's speed. */
#include "bench_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* The prompt in one call, then tokens one by one. */
static Status run_once(Session *s, KvCache *kv, BatchItem *items, int64_t n_prompt, int64_t n_gen,
                       float *logits, const volatile int *stop, Err *err)
{
    if (n_prompt) return model_forward(s, items, n_prompt, kvcache_source(kv), logits, stop, err);
    for (int64_t i = 0; i < n_gen; i++)
        TRY(model_forward(s, &items[i], 1, kvcache_source(kv), logits, stop, err));
    return OK;
}

static Status measure(BenchResult *r, Session *s, KvCache *kv, BatchItem *items, float *logits,
                      int repeats, const volatile int *stop, Err *err)
{
    int64_t n = r->n_prompt + r->n_gen;
    for (int i = -1; i < repeats; i++) { /* round -1 warms caches and pages up */
        int64_t start = clock_ns();
        TRY(run_once(s, kv, items, r->n_prompt, r->n_gen, logits, stop, err));
        double seconds = (double)(clock_ns() - start) * 1e-9;
        if (i >= 0) r->samples_ts[r->n_samples++] = (double)n / seconds;
    }
    double sorted[BENCH_MAX_SAMPLES];
    memcpy(sorted, r->samples_ts, (size_t)r->n_samples * sizeof *sorted);
    qsort(sorted, (size_t)r->n_samples, sizeof *sorted, compare);
    int k = r->n_samples;
    r->min_ts = sorted[0];
    r->max_ts = sorted[k - 1];
    r->median_ts = (sorted[(k - 1) / 2] + sorted[k / 2]) / 2;
    return OK;
}

Status bench_model(BenchResult *r, Session *s, KvCache *kv, int64_t n_prompt, int64_t n_gen,
                   int repeats, const volatile int *stop, Err *err)
{
    CHECK((n_prompt > 0) != (n_gen > 0), "one test at a time: %lld, %lld", (long long)n_prompt,
          (long long)n_gen);
    CHECK(repeats > 0 && repeats <= BENCH_MAX_SAMPLES, "%d repeats", repeats);
    *r = (BenchResult){.n_prompt = n_prompt, .n_gen = n_gen, .n_threads = pool_threads(s->pool)};
    snprintf(r->name, sizeof r->name, "%s%lld", n_prompt ? "pp" : "tg",
             (long long)(n_prompt + n_gen));
    int64_t n = n_prompt + n_gen;
    Arena a = {0};
    BatchItem *items = ARENA_NEW(&a, BatchItem, n);
    float *logits = ARENA_NEW(&a, float, s->model->hp.n_vocab);
    Status st = items && logits ? OK : fail(err, E_MEMORY, "no memory for %lld items", (long long)n);
    Rng rng = rng_seed(1);
    for (int64_t i = 0; st == OK && i < n; i++)
        items[i] = (BatchItem){.token = (int32_t)rng_below(&rng, (uint64_t)s->model->hp.n_vocab),
                               .pos = i, .want_logits = n_gen > 0 || i == n - 1};
    if (st == OK) st = measure(r, s, kv, items, logits, repeats, stop, err);
    arena_close(&a);
    return st;
}
